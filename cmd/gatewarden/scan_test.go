package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
)

func TestTitlesDoNothing(t *testing.T) {
	got := titles([]report.Scope{{Title: "a\n::error::b"}, {Scope: access.ProjectScope("c")}})
	if want := `a :\u003aerror::b, prj.c`; got != want {
		t.Errorf("titles: %q, want %q", got, want)
	}
}

// TestScanVerdict: what could not be read or judged is never clean.
func TestScanVerdict(t *testing.T) {
	read := func(s access.Status) map[access.Kind]report.Read {
		return map[access.Kind]report.Read{access.KindProject: {Status: s}}
	}
	scope := func(id string, s access.Status) report.Scope {
		return report.Scope{Scope: access.ProjectScope(id), Title: "shop-" + id, Reads: read(s)}
	}
	high := report.Finding{Finding: access.Finding{Severity: access.High, State: access.FindingOpen, Unknown: "denied now"}}
	may := high
	may.MayBeNew = true
	partly := report.Scope{Reads: map[access.Kind]report.Read{"a": {Status: access.StatusComplete}, "b": {Status: access.StatusUnread}}}
	unknown := []report.Unknown{{Rule: "a/b", Count: 2}}
	for _, c := range []struct {
		name         string
		r            report.Report
		failOn       string
		strict       bool
		code         int
		says, warned string
	}{
		{"orgs without any scope", report.Report{Orgs: []report.Org{{ID: "1"}}}, "low", false, exitUnreadable, "nothing could be read of any org or project", ""},
		{"everything denied", report.Report{Scopes: []report.Scope{scope("a", access.StatusDenied), scope("b", access.StatusDenied)}}, "none", false, exitUnreadable, "nothing could be read of shop-a, shop-b", ""},
		{"a scope without reads", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete), {Scope: access.ProjectScope("b")}}}, "low", false, exitUnreadable, "nothing could be read of prj.b", ""},
		{"one kind failed", report.Report{Scopes: []report.Scope{{Reads: map[access.Kind]report.Read{"a": {Status: access.StatusComplete}, "b": {Status: access.StatusFailed}}}}}, "low", false, exitUnreadable, "1 kind could not be read", ""},
		{"all of it", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}}, "low", true, exitOK, "", ""},
		{"a rule could not tell", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Unknown: unknown}, "low", false, exitOK, "", "2 answers are unknown, not clean"},
		{"likewise, strictly", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Unknown: unknown}, "none", true, exitUnreadable, "rules could not tell", ""},
		{"a finding that cannot be judged now stands", report.Report{Scopes: []report.Scope{scope("a", access.StatusDenied)}, Findings: []report.Finding{high}}, "high", false, exitViolation, "severity high or worse", "nothing could be read of shop-a"},
		{"one is found, and something is not read", report.Report{Scopes: []report.Scope{partly}, Findings: []report.Finding{high}}, "high", false, exitViolation, "severity high or worse", "1 kind could not be read: what depends on that is unknown, not clean; with --strict that is exit code 3"},
		{"likewise, strictly", report.Report{Scopes: []report.Scope{partly}, Findings: []report.Finding{high}}, "high", true, exitUnreadable, "1 kind could not be read: what depends on that is unknown, not clean; and there are findings of severity high", ""},
		{"one is found, and a rule could not tell, strictly", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Findings: []report.Finding{high}, Unknown: unknown}, "high", true, exitUnreadable, "rules could not tell, and --strict asks for it; and there are findings", ""},
		{"of the baseline some were not judged", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Compared: &report.Compared{Unjudged: 2}}, "low", false, exitOK, "", "2 findings of the baseline could not be judged again: nothing says that they are fixed"},
		{"some may be new", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Findings: []report.Finding{may}, Compared: &report.Compared{Untold: 1}}, "low", false, exitOK, "", "1 finding may be new: the baseline could not read"},
		{"some may be new, strictly", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Findings: []report.Finding{may}, Compared: &report.Compared{Untold: 1}}, "low", true, exitViolation, "may be new: the baseline could not read", ""},
		{"some may be new, and are below", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Findings: []report.Finding{may}, Compared: &report.Compared{Untold: 1}}, "critical", true, exitOK, "", ""},
		{"and is below", report.Report{Scopes: []report.Scope{scope("a", access.StatusComplete)}, Findings: []report.Finding{high}}, "critical", false, exitOK, "", ""},
	} {
		var stderr strings.Builder
		err := (&scanFlags{failOn: c.failOn, strict: c.strict}).verdict(c.r, &stderr)
		var coded coded
		code := exitOK
		if errors.As(err, &coded) {
			code = coded.code
		}
		if code != c.code || err != nil && !strings.Contains(err.Error(), c.says) || !strings.Contains(stderr.String(), c.warned) || c.warned == "" && stderr.Len() > 0 {
			t.Errorf("%s: code %d, want %d; %v; said %q", c.name, code, c.code, err, stderr.String())
		}
	}
}
