package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"

	"github.com/gatewarden/gatewarden/internal/access"
)

// FuzzLoad checks that no file makes Load panic, that a refusal says where, and that
// an accepted file means the same when it is written anew, and satisfies the schema.
func FuzzLoad(f *testing.F) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "files.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	for _, name := range append(examples(f), filepath.Join("testdata", "example.yaml"), filepath.Join("testdata", "complete.yaml")) {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	schema := compiled(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := Load("x.yaml", src)
		var problems Problems
		if err != nil {
			if !errors.As(err, &problems) || len(problems) == 0 || problems[0].Line < 1 || problems[0].Message == "" {
				t.Errorf("the error is %#v, want problems with a line and a message", err)
			}
			return
		}
		if err := schema.Validate(parsed(t, src)); err != nil {
			t.Errorf("Load accepts what the schema does not: %v", err)
		}
		again, err := Load("x.yaml", rewritten(t, src))
		if err != nil {
			t.Fatalf("written anew it is refused: %v", err)
		}
		if diff := cmp.Diff(got, again, byExports, cmpopts.IgnoreFields(Problem{}, "Line", "Column"),
			cmpopts.IgnoreFields(access.Waiver{}, "Source"), cmpopts.IgnoreFields(access.Expectation{}, "Source"),
			cmpopts.SortSlices(func(a, b Problem) bool { return a.Path+a.Message < b.Path+b.Message })); diff != "" {
			t.Errorf("written anew it means something else:\n%s", diff)
		}
	})
}

// rewritten is the same document in the encoder's own style, without comments.
func rewritten(t *testing.T, src []byte) []byte {
	var doc yaml.Node
	if err := yaml.Load(src, &doc); err != nil {
		t.Fatal(err)
	}
	bare(&doc)
	out, err := yaml.Dump(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// bare takes comments and style off, which mean nothing.
func bare(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment, n.Anchor = "", "", "", ""
	if n.Kind != yaml.ScalarNode {
		n.Style = 0
	}
	for _, c := range n.Content {
		bare(c)
	}
}
