package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/config"
)

// TestAuditDocs: the commands that docs/audit.md shows can be called so, and its configuration loads.
func TestAuditDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile("(?m)^gatewarden (.*)$|`gatewarden ([a-z][^`]*)`").FindAllStringSubmatch(string(text), -1)
	if len(lines) < 10 {
		t.Errorf("it shows %d commands", len(lines))
	}
	for _, l := range lines {
		args := strings.Fields(l[1] + l[2])
		c, rest, err := commands(io.Discard, io.Discard).Find(args)
		if err == nil {
			err = c.ParseFlags(rest)
		}
		if err == nil {
			err = c.ValidateArgs(c.Flags().Args())
		}
		if err != nil {
			t.Errorf("gatewarden %s: %v", strings.Join(args, " "), err)
		}
	}
	yaml := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(text))
	const org = "atlas: {orgs: [{id: 64f000000000000000000001, read: {public_key: {env: A}, private_key: {env: B}}}]}\n"
	if _, err := config.Load("docs.yaml", []byte(org+yaml[1])); err != nil {
		t.Error(err)
	}
}
