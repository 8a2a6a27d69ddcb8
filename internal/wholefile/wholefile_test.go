package wholefile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		out = append(out, e.Name())
	}
	return out
}

func text(s string) func(*os.File) error {
	return func(f *os.File) error { _, err := f.WriteString(s); return err }
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "report.json")
	if err := os.WriteFile(name, []byte("former"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no more")
	for _, c := range []struct {
		how   string
		write func(*os.File) error
		err   error
		want  string
		mode  os.FileMode
	}{
		{"cut", func(f *os.File) error { return errors.Join(text("ha")(f), broken) }, broken, "former", 0o644},
		{"closed by the writer", func(f *os.File) error { return f.Close() }, os.ErrClosed, "former", 0o644},
		{"unseen until it is whole", func(f *os.File) error {
			if src, err := os.ReadFile(name); string(src) != "former" {
				t.Errorf("while it is written: %q, %v", src, err)
			}
			return text("new")(f)
		}, nil, "new", 0o600},
	} {
		if err := Write(name, c.write); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.how, err, c.err)
		}
		src, err := os.ReadFile(name)
		if err != nil || string(src) != c.want {
			t.Errorf("%s: %q, %v", c.how, src, err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != c.mode {
			t.Errorf("%s: mode %v, %v", c.how, info.Mode(), err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"report.json"}) {
			t.Errorf("%s: it leaves %v behind", c.how, got)
		}
	}
	if err := Write(filepath.Join(dir, "no", "folder"), text("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.MkdirAll(filepath.Join(sub, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(sub, "taken"), text("x")); err == nil || !slices.Equal(names(t, sub), []string{"taken"}) {
		t.Errorf("over a folder: %v, and there are %v", err, names(t, sub))
	}
}

// TestWriteThroughWhatIsNoFile: pipes and devices are written to, never replaced; a link is
// followed.
func TestWriteThroughWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		read, err := os.ReadFile(pipe)
		if err != nil {
			read = []byte(err.Error())
		}
		got <- string(read)
	}()
	if err := Write(pipe, text("report")); err != nil {
		t.Error(err)
	}
	if at, err := os.Lstat(pipe); err != nil || at.Mode()&os.ModeNamedPipe == 0 {
		t.Fatalf("the pipe is no pipe now: %v", err)
	}
	if read := <-got; read != "report" {
		t.Errorf("the reader of the pipe got %q", read)
	}

	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, text("new")); err != nil {
		t.Error(err)
	}
	if read, err := os.ReadFile(target); string(read) != "new" || err != nil {
		t.Errorf("behind the link is %q (%v)", read, err)
	}
	if to, err := os.Readlink(link); to != target || err != nil {
		t.Errorf("the link leads to %q (%v) now", to, err)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, text("new")); err == nil {
		t.Error("a link to nothing was written")
	}
	if err := Write(dir, text("new")); err == nil {
		t.Error("a folder was written")
	}
	if diff := cmp.Diff([]string{"link", "pipe"}, names(t, dir)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
