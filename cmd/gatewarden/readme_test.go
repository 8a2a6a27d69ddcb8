package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/config"
)

// TestReadmeConfiguration: what the README shows is a configuration, without warnings.
func TestReadmeConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	block, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the README shows no configuration")
	}
	f, err := config.Load("README.md", []byte(block))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Warnings) > 0 || !f.DryRun {
		t.Errorf("warnings %v, dry run %v", f.Warnings, f.DryRun)
	}
}
