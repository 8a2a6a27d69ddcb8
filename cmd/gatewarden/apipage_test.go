package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/config"
)

// TestAPIPage: what docs/api.md shows of the configuration loads, and its commands are there
// with their flags.
func TestAPIPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	block, _, _ := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/api.md shows no configuration")
	}
	block = strings.Replace(block, "9f86d081…", strings.Repeat("0f", 32), 1)
	conf := "atlas: {orgs: [{id: 64f000000000000000000001, read: {public_key: {env: A}, private_key: {env: B}}}]}\nprincipals: [{id: alice}]\n" + block
	f, err := config.Load("docs/api.md", []byte(conf))
	if err != nil || len(f.Warnings) > 0 {
		t.Errorf("%v, %v", err, f)
	}
	shown := regexp.MustCompile(`(?m)gatewarden ([a-z]+(?: (?:new|list|start|end|whoami))?)\b([^\n#]*)`).FindAllStringSubmatch(string(text), -1)
	if len(shown) < 15 {
		t.Fatalf("docs/api.md shows %d commands", len(shown))
	}
	root := commands(io.Discard, io.Discard)
	for _, c := range shown {
		cmd, args, err := root.Find(strings.Fields(c[1]))
		if err != nil || cmd == root || len(args) > 0 && cmd.HasSubCommands() && cmd.Name() != "freeze" && cmd.Name() != "expect" {
			t.Errorf("gatewarden %s is no command", c[1])
			continue
		}
		line, _, _ := strings.Cut(c[2], "gatewarden")
		for _, flag := range regexp.MustCompile(`--([a-z]+)`).FindAllStringSubmatch(line, -1) {
			if cmd.Flags().Lookup(flag[1]) == nil {
				t.Errorf("gatewarden %s has no --%s", c[1], flag[1])
			}
		}
	}
}
