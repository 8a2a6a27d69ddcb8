// Package importtest holds one test: which of our packages may import which others.
// The table is the architecture; a change to it is a change of design.
package importtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gatewarden/gatewarden/"

// may lists, for each package, the packages of ours that its non-test files may
// import beside internal/access, which every package may. A path ending in /...
// stands for the packages below it.
var may = map[string][]string{
	"internal/access":            {},
	"internal/access/accesstest": {},
	"internal/reach":             {},
	"internal/atlas":             {},
	"internal/atlas/sim":         {"internal/reach", "internal/atlas/sim/apispec"},
	"internal/atlas/sim/apispec": {},
	"internal/stream":            {},
	"internal/stream/natsd":      {},
	"internal/stream/streamtest": {},
	"internal/browsertest":       {},
	"internal/importtest":        {},
	"watcher":                    {"internal/reach"},
	"rules":                      {"internal/reach", "rules/prevent"},
	"rules/...":                  {"internal/reach"},
	"remediate":                  {"internal/reach"},
	"notify":                     {"internal/reach"},
	"notify/...":                 {"notify"},
	"config":                     {"internal/reach"},
	"internal/scan":              {"internal/reach", "internal/report", "internal/wholefile", "rules"},
	"internal/wholefile":         {},
	"internal/report":            {"internal/reach"},
	"internal/audit":             {"internal/reach"},
	"internal/api":               {"internal/reach"},
	"internal/daemon": {
		"internal/reach", "internal/atlas", "internal/stream", "internal/stream/natsd", "watcher", "rules", "rules/prevent", "remediate",
		"notify", "notify/...", "config", "internal/scan", "internal/report", "internal/audit", "internal/api",
	},
	"scripts/mutants":     {},
	"scripts/accept":      {},
	"scripts/conformance": {"internal/atlas/sim"},
	"scripts/chaos":       {"internal/atlas/sim", "internal/stream"},
	"cmd/gatewarden":      {"internal/daemon", "config", "rules", "internal/api", "internal/report", "internal/wholefile"}, // rules: for the types of what it lists
	"cmd/demo":            {"internal/daemon", "config", "internal/atlas/sim", "internal/api", "notify/slack/slackfake"},
}

// noAccess are the packages that may not even import internal/access.
var noAccess = []string{"internal/access", "internal/stream/natsd"}

// fakes may import nothing of ours, and the daemon imports none of them.
func fake(pkg string) bool {
	return strings.HasSuffix(pkg, "fake") && strings.HasPrefix(pkg, "notify/")
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 2 {
		t.Fatalf("go list found %d packages of ours", len(pkgs))
	}
	for _, p := range pkgs {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if ours && !allowed(t, from, to) {
				t.Errorf("%s imports %s: the table in this file does not allow it", from, to)
			}
		}
	}
}

// TestTable proves that the check can fail.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"watcher", "internal/access", true},
		{"watcher", "internal/reach", true},
		{"watcher", "rules", false},
		{"rules", "internal/stream", false},
		{"internal/access", "internal/reach", false},
		{"internal/stream/natsd", "internal/access", false},
		{"internal/atlas/sim", "internal/atlas", false},
		{"internal/daemon", "internal/atlas/sim", false},
		{"internal/daemon", "notify/slack/slackfake", false},
		{"internal/daemon", "notify/slack", true},
		{"cmd/gatewarden", "internal/stream", false},
		{"notify/slack", "notify/jira", false},
		{"notify/slack/slackfake", "internal/access", false},
	} {
		if got := allowed(t, c.from, c.to); got != c.want {
			t.Errorf("allowed(%s, %s) = %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func allowed(t *testing.T, from, to string) bool {
	if fake(from) || (fake(to) && from != "cmd/demo") {
		return false
	}
	if to == "internal/access" {
		return !slices.Contains(noAccess, from)
	}
	row, ok := may[from]
	for dir, r := range may {
		if below, found := strings.CutSuffix(dir, "/..."); !ok && found && strings.HasPrefix(from, below+"/") {
			row, ok = r, true
		}
	}
	if !ok {
		t.Errorf("%s is not in the table: add it, with what it may import", from)
	}
	return slices.ContainsFunc(row, func(r string) bool {
		below, all := strings.CutSuffix(r, "...")
		return r == to || (all && strings.HasPrefix(to, below))
	})
}

func list(t *testing.T) []listed {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
