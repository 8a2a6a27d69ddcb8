package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated part of docs/writing-rules.md anew")

const (
	writingRules = "../../docs/writing-rules.md"
	generated    = "<!-- What follows is written by gatewarden rules vars -o markdown; a test keeps it current. -->\n\n"
)

// TestWritingRulesIsCurrent: what docs/writing-rules.md ends with is what rules vars writes.
func TestWritingRulesIsCurrent(t *testing.T) {
	text, err := os.ReadFile(writingRules)
	if err != nil {
		t.Fatal(err)
	}
	begin, end, ok := strings.Cut(string(text), generated)
	if !ok {
		t.Fatal("docs/writing-rules.md does not say where the generated part begins")
	}
	want := output(t, "rules", "vars", "-o", "markdown")
	if *update {
		if err := os.WriteFile(writingRules, []byte(begin+generated+want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if end != want {
		t.Error("docs/writing-rules.md is not what rules vars tells: go test ./cmd/gatewarden -run TestWritingRulesIsCurrent -update")
	}
}

// TestWritingRulesExample: the rule of docs/writing-rules.md loads, the mistake that is shown
// is told of as shown, and the remedies and commands that the page names are there.
func TestWritingRulesExample(t *testing.T) {
	text, err := os.ReadFile(writingRules)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	rule, rest, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/writing-rules.md shows no rule")
	}
	_, mistake, _ := strings.Cut(rest, "```\n")
	mistake, _, _ = strings.Cut(mistake, "```")
	t.Chdir(t.TempDir())
	write(t, map[string]string{"my-rules/owner.yaml": rule})
	if got := output(t, "rules", "test", "my-rules"); !strings.HasPrefix(got, "ok: 1 rule, 3 tests") {
		t.Error(got)
	}
	write(t, map[string]string{"my-rules/owner.yaml": strings.Replace(rule, "!user.labels", "!user.label", 1)})
	var out, errs bytes.Buffer
	if code := run([]string{"rules", "test", "my-rules"}, &out, &errs); code == exitOK || errs.String() != mistake {
		t.Errorf("exit code %d, said %q, the page says %q", code, errs.String(), mistake)
	}
	for _, id := range regexp.MustCompile("rules show ([a-z/-]+)").FindAllStringSubmatch(string(text), -1) {
		output(t, "rules", "show", id[1])
	}
}

// TestVars: what a kind has is told; a misspelt kind is refused.
func TestVars(t *testing.T) {
	for arg, want := range map[string]string{
		"":                "  glob(pattern, text)  Whether the text matches the pattern",
		"ip_access_entry": "  entry.comment          string",
		"database_user":   "  user.roles[…].roleName        string",
	} {
		if got := output(t, append([]string{"rules", "vars"}, strings.Fields(arg)...)...); !strings.Contains(got, want) {
			t.Errorf("rules vars %s: %q is not in:\n%s", arg, want, got)
		}
	}
	var one struct {
		Kind   string
		Fields []struct{ Name, Type string }
	}
	if err := json.Unmarshal([]byte(output(t, "rules", "vars", "cluster", "-o", "json")), &one); err != nil || one.Kind != "cluster" || len(one.Fields) == 0 {
		t.Errorf("%+v, %v", one, err)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"rules", "vars", "clusters"}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), `there is no kind "clusters": did you mean "cluster"?`) {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// TestPageIsAsWideAsItMayBe: no line of text is wider than the terminal, and what stands
// behind a name that is too long is beneath it.
func TestPageIsAsWideAsItMayBe(t *testing.T) {
	for _, width := range []int{60, 80, 140} {
		var out strings.Builder
		p := &page{to: &out, width: width}
		p.head("a head")
		p.row("short", "bool", strings.Repeat("word ", 60))
		p.row(strings.Repeat("n", 55), "", "its meaning")
		if err := p.write(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(line)) - 1; n > width {
				t.Errorf("%d wide in %d: %s", n, width, line)
			}
		}
		if !strings.Contains(out.String(), "\n      its meaning\n") {
			t.Error(out.String())
		}
	}
}

// output is what a command prints that succeeds.
func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := run(args, &out, &errs); code != exitOK {
		t.Fatalf("%v: exit code %d:\n%s", args, code, errs.String())
	}
	return out.String()
}

// TestRulesShow: a rule is shown as text and for programs; of an id that is not there, those
// that are near are named.
func TestRulesShow(t *testing.T) {
	if got := output(t, "rules", "show", "network/entry-too-broad"); !strings.HasPrefix(got, "# builtin/network.yaml:") || !strings.Contains(got, "min_prefix_v4: 24\n") {
		t.Error(got)
	}
	var one struct {
		ID, Why, Ceiling, Text string
		Params                 map[string]any
		Reads                  []string
		BuiltIn                bool
	}
	if err := json.Unmarshal([]byte(output(t, "rules", "show", "network/entry-too-broad", "-o", "json")), &one); err != nil {
		t.Fatal(err)
	}
	if one.ID != "network/entry-too-broad" || one.Why == "" || one.Ceiling != "ask" || one.Params["min_prefix_v4"] != 24.0 || len(one.Reads) != 1 || !one.BuiltIn || one.Text == "" {
		t.Errorf("%+v", one)
	}
	for id, want := range map[string]string{
		"network/open-to-wrold":  `there is no rule "network/open-to-wrold": did you mean "network/open-to-world"?;`,
		"open-to-world":          `did you mean "network/open-to-world" or "network/transient-open-to-world"?;`,
		"dbuser/entry-too-broad": `did you mean "network/entry-too-broad"?;`,
		"xyzzy":                  `there is no rule "xyzzy"; gatewarden rules list names them all`,
	} {
		for _, command := range []string{"show", "policy"} {
			var out, errs bytes.Buffer
			if code := run([]string{"rules", command, id}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), want) {
				t.Errorf("rules %s %s: exit code %d: %s", command, id, code, errs.String())
			}
		}
	}
}
