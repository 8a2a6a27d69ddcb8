package report

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// scopeRead is the project a of org o, or o itself, with reads.
func scopeRead(s access.Scope, reads map[access.Kind]access.Status) Scope {
	out := Scope{Scope: s, OrgID: "o", Reads: map[access.Kind]Read{}, Judged: map[string]Judged{"network/open-to-world": {Pass: 1}}}
	for k, status := range reads {
		out.Reads[k] = Read{Status: status}
	}
	return out
}

// TestBaselineIncomplete: what one of the two scans did not read is neither new nor gone.
func TestBaselineIncomplete(t *testing.T) {
	rules := []Rule{{ID: "network/open-to-world", Kinds: []access.Kind{access.KindIPAccessEntry, access.KindProject, access.KindTeamMember}}}
	all := func(list, team access.Status) []Scope {
		return []Scope{
			scopeRead(access.OrgScope("o"), map[access.Kind]access.Status{access.KindTeamMember: team}),
			scopeRead(access.ProjectScope("a"), map[access.Kind]access.Status{access.KindIPAccessEntry: list, access.KindCluster: access.StatusDenied}),
		}
	}
	whole := all(access.StatusComplete, access.StatusComplete)
	for _, c := range []struct {
		name      string
		then, now []Scope
		was, is   []Finding
		why       string
		want      Compared
		may       bool
	}{
		{"the list was put off then", all(access.StatusUnread, access.StatusComplete), whole, nil, []Finding{finding("x", access.High)}, "could not be read in the baseline", Compared{Untold: 1}, true},
		{"what its org holds was denied then", all(access.StatusComplete, access.StatusDenied), whole, nil, []Finding{finding("x", access.High)}, "could not be read in the baseline", Compared{Untold: 1}, true},
		{"another kind was denied then", whole, whole, nil, []Finding{finding("x", access.High)}, "not in the baseline", Compared{New: 1}, false},
		{"the project was not there then", whole[:1], whole, nil, []Finding{finding("x", access.High)}, "not in the baseline", Compared{New: 1}, false},
		{"it stood there all the same", all(access.StatusUnread, access.StatusComplete), whole, []Finding{finding("x", access.High)}, []Finding{finding("x", access.High)}, "", Compared{Known: 1}, false},
		{"the list is put off now", whole, all(access.StatusUnread, access.StatusComplete), []Finding{finding("x", access.High)}, nil, "", Compared{Unjudged: 1}, false},
		{"what its org holds is denied now", whole, all(access.StatusComplete, access.StatusDenied), []Finding{finding("x", access.High)}, nil, "", Compared{Unjudged: 1}, false},
		{"it is gone", whole, whole, []Finding{finding("x", access.High)}, nil, "", Compared{Gone: 1}, false},
	} {
		got := Report{Scopes: c.now, Findings: c.is, Rules: rules}.Baseline(Report{Scopes: c.then, Findings: c.was})
		if *got.Compared != c.want || got.FailOn(access.Low) != (c.want.New > 0) || got.MayFailOn(access.High) != c.may || got.MayFailOn(access.Critical) {
			t.Errorf("%s: %+v, fails %v, may %v", c.name, *got.Compared, got.FailOn(access.Low), got.MayFailOn(access.High))
		}
		shown := got.Keep(Filter{OnlyNew: true})
		if len(c.is) > 0 && (got.Findings[0].NewWhy != c.why || got.Findings[0].MayBeNew != c.may || (len(shown.Findings) > 0) != (c.why != "")) {
			t.Errorf("%s: %q, may be new %v, %d shown", c.name, got.Findings[0].NewWhy, got.Findings[0].MayBeNew, len(shown.Findings))
		}
		for _, format := range []string{"table", "html"} {
			out := written(t, format, shown, Options{Width: 300})
			if strings.Contains(out, "may be new: could not be read in the baseline") != c.may || !strings.Contains(out, got.Compared.String()) {
				t.Errorf("%s: %s says otherwise", c.name, format)
			}
		}
	}
}

func TestShares(t *testing.T) {
	one, other := Report{Scopes: []Scope{{Scope: access.OrgScope("1")}, {Scope: access.ProjectScope("a")}}}, Report{Scopes: []Scope{{Scope: access.OrgScope("2")}}}
	if one.Shares(other) || other.Shares(one) || !one.Shares(Report{Scopes: one.Scopes[1:]}) || one.Shares(Report{}) {
		t.Error("it is not told which reports have a scope in common")
	}
}
