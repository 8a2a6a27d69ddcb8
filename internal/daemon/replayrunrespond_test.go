package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
)

// TestWould: what is said of an episode is what the executor's guards say, dry run and
// missing credentials left out of account.
func TestWould(t *testing.T) {
	f, err := config.Load("config.yaml", []byte(strings.NewReplacer("ORG", hookOrg, "STORE", t.TempDir()).Replace(read(t, "testdata/config.yaml"))))
	if err != nil {
		t.Fatal(err)
	}
	s, err := build(f)
	if err != nil {
		t.Fatal(err)
	}
	s.policy.DryRun = true
	s.policy.NeverTouch = []string{"16.0.0.0/4"}
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	project := access.ProjectScope("00000000000000000000000b")
	finding := func(edit func(*access.Finding)) access.Finding {
		out := access.Finding{
			Rule: "network/open-to-world", Ref: access.Ref{Scope: project, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}, State: access.FindingOpen, Episode: 1,
			Severity: access.Critical, Environment: "prod", Origin: access.OriginNew, Ceiling: access.CeilingAuto, Remedy: remediate.RemedyDeleteEntries,
			CauseAt: now.Add(-10 * time.Second), OpenedAt: now,
		}
		if edit != nil {
			edit(&out)
		}
		return out
	}
	list := func(names ...string) map[access.Kind]access.Collection {
		var states []access.State
		for _, n := range names {
			states = append(states, access.IPAccessEntry{Entry: n})
		}
		return map[access.Kind]access.Collection{access.KindIPAccessEntry: access.NewCollection(project, access.KindIPAccessEntry, states)}
	}
	full := list("0.0.0.0/0", "8.8.8.0/28")
	odd := list("0.0.0.0/0", "8.8.8.0/28")
	c := odd[access.KindIPAccessEntry]
	c.Odd = []string{"9.9.9.9/32"}
	odd[access.KindIPAccessEntry] = c
	for name, c := range map[string]struct {
		finding     func(*access.Finding)
		collections map[access.Kind]access.Collection
		do          access.Mode
		outcome     scan.Outcome
		guard, why  string
		again       time.Duration
	}{
		"reverts":             {nil, full, access.ModeRevert, scan.WouldRevert, "", "delete", 0},
		"inherited":           {func(f *access.Finding) { f.Origin = access.OriginInherited }, full, access.ModeRevert, scan.WouldTell, "inherited", "before", 0},
		"ceiling":             {func(f *access.Finding) { f.Ceiling = access.CeilingAsk }, full, access.ModeRevert, scan.WouldTell, "ceiling", "asked", 0},
		"long ago":            {func(f *access.Finding) { f.CauseAt = now.Add(-25 * time.Hour) }, full, access.ModeRevert, scan.WouldTell, "ceiling", "a day ago", 0},
		"no environment":      {func(f *access.Finding) { f.Environment = "" }, full, access.ModeNotify, scan.WouldTell, "", "", 0},
		"of dev":              {func(f *access.Finding) { f.Environment = "dev" }, full, access.ModeNotify, scan.WouldTell, "", "", 0},
		"settles":             {func(f *access.Finding) { f.Severity = access.High }, full, access.ModeRevert, scan.WouldWait, "settle", "12:01:20", 80 * time.Second},
		"last way in":         {nil, list("0.0.0.0/0"), access.ModeRevert, scan.WouldTell, "last_way_in", "", 0},
		"not readable":        {nil, odd, access.ModeRevert, scan.WouldWait, "unknown", "decoded", time.Hour},
		"over by itself":      {func(f *access.Finding) { f.Evidence.Ended = now }, full, access.ModeRevert, scan.WouldTell, "", "by itself", 0},
		"resolved":            {func(f *access.Finding) { f.State = access.FindingResolved }, full, access.ModeRevert, scan.WouldNothing, "", "over before", 0},
		"waived":              {func(f *access.Finding) { f.State = access.FindingWaived }, full, access.ModeRevert, scan.WouldNothing, "", "waived", 0},
		"nothing to do by it": {func(f *access.Finding) { f.Remedy = remediate.RemedyNone }, full, access.ModeRevert, scan.WouldTell, "ceiling", "nothing to write", 0},
	} {
		m := scan.Moment{Finding: finding(c.finding), Collections: c.collections, Now: now, Judge: func(got map[access.Kind]access.Collection) access.Verdict {
			if _, there := got[access.KindIPAccessEntry].Find("0.0.0.0/0"); there {
				return access.Verdict{Answer: access.AnswerViolation, Ceiling: access.CeilingAuto}
			}
			return access.Verdict{Answer: access.AnswerPass}
		}}
		w, again := responder(s.policy, s.engine)(m)
		if w.Do != c.do || w.Outcome != c.outcome || w.Guard != c.guard || !strings.Contains(w.Why, c.why) {
			t.Errorf("%s: %+v", name, w)
		}
		if c.again == 0 != again.IsZero() || !again.IsZero() && again.Sub(now) != c.again {
			t.Errorf("%s: again at %s", name, again)
		}
		if (w.Outcome == scan.WouldRevert) != (len(w.Operations) == 1 && w.At.Equal(now)) && w.Guard != "last_way_in" {
			t.Errorf("%s: operations %v at %s", name, w.Operations, w.At)
		}
	}
}

// TestOwnerless: where a response would revert for certain owners and the finding has none,
// it is said why nothing is reverted.
func TestOwnerless(t *testing.T) {
	revert := access.Response{Rules: []string{"dbuser/*"}, Owners: []string{"team-a", "team-b"}, Do: access.ModeRevert}
	for name, c := range map[string]struct {
		responses []access.Response
		owner     string
		says      bool
	}{
		"no owner":            {[]access.Response{revert}, "", true},
		"another rule first":  {[]access.Response{{Rules: []string{"network/*"}, Do: access.ModeNotify}, revert}, "", true},
		"another owner":       {[]access.Response{revert}, "team-c", false},
		"told before that":    {[]access.Response{{Do: access.ModeNotify}, revert}, "", false},
		"of other rules only": {[]access.Response{{Rules: []string{"network/*"}, Owners: []string{"team-a"}, Do: access.ModeRevert}}, "", false},
		"of no owners":        {[]access.Response{{Rules: []string{"network/*"}, Do: access.ModeRevert}}, "", false},
		"told to owners":      {[]access.Response{{Owners: []string{"team-a"}, Do: access.ModeNotify}}, "", false},
	} {
		f := access.Finding{Rule: "dbuser/unscoped", Ref: access.Ref{Kind: access.KindDatabaseUser, Name: "admin/app"}, State: access.FindingOpen, Owner: c.owner}
		w, _ := responder(remediate.Policy{Responses: c.responses}, nil)(scan.Moment{Finding: f})
		want := ""
		if c.says {
			want = "it would be reverted for the owners team-a, team-b only, and it has none: no declared identity matches admin/app"
		}
		if w.Outcome != scan.WouldTell || w.Why != want {
			t.Errorf("%s: %+v", name, w)
		}
	}
}
