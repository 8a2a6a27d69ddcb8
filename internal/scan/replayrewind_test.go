package scan

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// then tells a collection in short: its status, and each resource with what its record says.
func then(c access.Collection) string {
	out := []string{string(c.Status)}
	for _, r := range c.Resources {
		s := fmt.Sprintf("%s first=%s", r.Name(), clock(r.FirstSeen))
		if r.Baseline {
			s += " baseline"
		}
		if !r.ChangedAt.IsZero() {
			s += " changed=" + clock(r.ChangedAt)
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func clock(t time.Time) string { return t.Sub(t0).String() }

// TestRewind: what stood at a time is what the records and the changes since allow one to
// say, and no more.
func TestRewind(t *testing.T) {
	e := mustLoad(t, testPolicy())
	const since = 10 * time.Hour
	at := func(l *live, d time.Duration) { l.now = t0.Add(d) }
	list := func(l *live, names ...string) { l.read(prod, access.KindIPAccessEntry, entries(names...)...) }
	status := func(l *live, s access.Status) {
		c := l.inv[string(prod)+".ip_access_entry"]
		c.Status, c.StatusSince, c.Reason = s, l.now, "said so"
		l.store(string(prod)+".ip_access_entry", c)
	}
	for name, c := range map[string]struct {
		story func(l *live)
		want  string // at since
		marks int
	}{
		"nothing happened": {func(l *live) { list(l, "8.8.8.8/32") }, "complete; 8.8.8.8/32 first=0s baseline", 0},
		"created before, changed before": {func(l *live) {
			list(l)
			at(l, 2*time.Hour)
			list(l, "8.8.8.8/32")
		}, "complete; 8.8.8.8/32 first=2h0m0s changed=1h59m57s", 0},
		"created since": {func(l *live) {
			list(l)
			at(l, 11*time.Hour)
			list(l, "8.8.8.8/32")
		}, "complete", 0},
		"there at first sight, deleted since": {func(l *live) {
			list(l, "8.8.8.8/32")
			at(l, 11*time.Hour)
			list(l)
		}, "complete; 8.8.8.8/32 first=0s baseline", 0},
		"created before, deleted and created again since": {func(l *live) {
			list(l)
			at(l, time.Hour)
			list(l, "8.8.8.8/32")
			at(l, 11*time.Hour)
			list(l)
			at(l, 12*time.Hour)
			list(l, "8.8.8.8/32")
		}, "complete; 8.8.8.8/32 first=0s baseline", 0},
		"created before, updated since": {func(l *live) {
			list(l)
			at(l, time.Hour)
			list(l, "8.8.8.8/32")
			at(l, 11*time.Hour)
			l.read(prod, access.KindIPAccessEntry, access.IPAccessEntry{Entry: "8.8.8.8/32", Comment: "x"})
		}, "complete; 8.8.8.8/32 first=1h0m0s changed=1h0m0s", 0},
		"first seen since": {func(l *live) {
			at(l, 11*time.Hour)
			list(l, "8.8.8.8/32")
			at(l, 12*time.Hour)
			list(l)
		}, "", 1},
		"denied since": {func(l *live) {
			list(l, "8.8.8.8/32")
			at(l, 11*time.Hour)
			status(l, access.StatusDenied)
		}, "complete; 8.8.8.8/32 first=0s baseline", 1},
		"denied before": {func(l *live) {
			list(l, "8.8.8.8/32")
			at(l, time.Hour)
			status(l, access.StatusDenied)
		}, "denied; 8.8.8.8/32 first=0s baseline", 0},
		"gone since": {func(l *live) {
			list(l, "8.8.8.8/32")
			at(l, 11*time.Hour)
			list(l)
			c := l.inv[string(prod)+".ip_access_entry"]
			c.FirstRead, c.StatusSince, c.Reason = time.Time{}, l.now, "the project does not exist any more"
			l.store(string(prod)+".ip_access_entry", c)
		}, "complete; 8.8.8.8/32 first=0s baseline", 1},
		"a gap since": {func(l *live) {
			list(l)
			at(l, 11*time.Hour)
			l.gap = true
			list(l, "8.8.8.8/32")
		}, "complete", 1},
	} {
		l := newLive(t, e)
		c.story(l)
		at(l, 20*time.Hour)
		r, err := openHistory(l.history(t0))
		if err != nil {
			t.Fatal(err)
		}
		p, err := rewind(r, t0.Add(since))
		r.close()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if col, there := p.scopes[prod][access.KindIPAccessEntry]; there {
			got = then(col)
		}
		if name == "gone since" { // since when it was watched is not kept
			c.want = strings.Replace(c.want, "first=0s", "first="+clock(time.Time{}), 1)
		}
		if got != c.want || len(p.marks) != c.marks {
			t.Errorf("%s: %q with %d marks; want %q with %d", name, got, len(p.marks), c.want, c.marks)
		}
	}
}

// TestStandingIsInherited: what stood when the replay began is not taken for new, whatever
// its record says, and is put right by nobody.
func TestStandingIsInherited(t *testing.T) {
	l := newLive(t, mustLoad(t, testPolicy()).Only("network/open-to-world")).settle()
	l.now = t0.Add(time.Hour)
	l.read(prod, access.KindIPAccessEntry, entries(world0)...)
	l.judge(prod)
	l.now = t0.Add(3 * time.Hour)
	l.read(prod, access.KindIPAccessEntry)
	l.judge(prod)
	r := l.replay(t0.Add(2*time.Hour), ReplayOptions{Respond: func(m Moment) (Would, time.Time) {
		return Would{Outcome: WouldTell, Why: string("origin " + m.Finding.Origin)}, time.Time{}
	}})
	if len(r.Findings) != 1 || !r.Findings[0].Standing || r.Findings[0].Origin != access.OriginInherited || r.Findings[0].Would.Why != "origin " || !r.Findings[0].ClosedAt.Equal(l.now) {
		t.Errorf("%+v", r.Findings)
	}
	if r.Opened() != 0 || len(r.ByRule) != 1 || r.ByRule[0].Standing != 1 || r.ByRule[0].Closed != 1 {
		t.Errorf("%+v", r.ByRule)
	}
}

// TestWaitsAndCaps: what must settle is asked again when it has, unless it was over before;
// of what would be done within one hour no more than the caps allow.
func TestWaitsAndCaps(t *testing.T) {
	l := newLive(t, mustLoad(t, testPolicy()).Only("network/open-to-world")).settle()
	respond := func(m Moment) (Would, time.Time) {
		if at := m.Finding.OpenedAt.Add(30 * time.Minute); m.Now.Before(at) {
			return Would{Outcome: WouldWait, Guard: "settle"}, at
		}
		return Would{Outcome: WouldRevert, At: m.Now}, time.Time{}
	}
	for i, names := range [][]string{{world0}, {}, {world0}, {world0, "::/0"}, {"::/0"}} {
		l.now = t0.Add(time.Hour + time.Duration(i)*20*time.Minute)
		l.read(prod, access.KindIPAccessEntry, entries(names...)...)
		l.judge(prod)
	}
	l.now = t0.Add(10 * time.Hour)
	for limit, want := range map[int]string{9: "nothing revert revert", 1: "nothing revert wait"} {
		r := l.replay(t0, ReplayOptions{Respond: respond, Caps: Caps{Project: limit, Org: 9}})
		var got []string
		for _, f := range r.Findings {
			got = append(got, string(f.Would.Outcome))
		}
		if strings.Join(got, " ") != want || r.Caps.ProjectHour != min(limit, 2) || r.Caps.Stopped != 2-min(limit, 2) {
			t.Errorf("with a cap of %d: %v, %+v", limit, got, r.Caps)
		}
		if w := r.Findings[1].Would; !w.At.Equal(t0.Add(time.Hour + 70*time.Minute)) {
			t.Errorf("put right at %s", w.At.Sub(t0))
		}
	}
}

// TestRunningComesBack: what a daemon judges by can be built again from a history, with
// every parameter of the type that it had.
func TestRunningComesBack(t *testing.T) {
	own := rules.Source{Name: "own.yaml", Text: []byte(ownRule)}
	policy := testPolicy()
	policy.Overrides = map[string]rules.Override{"mine/wide": {Severity: access.Low, Params: map[string]any{"most": int64(7), "share": 2.0, "names": []any{"a"}, "age": "2h"}}}
	e := mustLoad(t, policy, own)
	name := filepath.Join(t.TempDir(), "history")
	err := SaveHistory(name, func(to io.Writer) error {
		w, err := NewHistoryWriter(to, History{Since: t0, At: t0.Add(time.Hour), Running: Running{Hash: e.Hash(), Policy: policy, Rules: []rules.Source{own}}})
		if err != nil {
			return err
		}
		return w.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := ReadHistory(name)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.Running.Engine(); err != nil || again.Hash() != e.Hash() {
		t.Errorf("%v, or another hash", err)
	}
	if _, same := policy.Overrides["mine/wide"].Params["share"].(float64); !same {
		t.Error("the policy was changed by being written")
	}
	cut := filepath.Join(t.TempDir(), "cut")
	err = SaveHistory(cut, func(to io.Writer) error {
		_, err := NewHistoryWriter(to, History{Since: t0, At: t0.Add(time.Hour)})
		return err
	})
	if _, there := os.Stat(cut); err == nil || there == nil {
		t.Errorf("a cut history is kept: %v", err)
	}
}

const ownRule = `id: mine/wide
title: Wide entry
why: what one address does not need, one address should not have.
severity: medium
kind: ip_access_entry
on: state
params: {most: 1000, share: 0.5, names: [x], age: 1h}
when: exposure.v4 > params.most && params.share > 0.1
message: "'The entry ' + entry.entry + ' is wide.'"
remedy: none
ceiling: tell
controls: [CC6.6]
references: [https://www.mongodb.com/docs/atlas/security/ip-access-list/]
tests:
  - {name: wide, given: {environment: prod, ip_access_entry: [4.0.0.0/8]}, want: {4.0.0.0/8: violation}}
  - {name: wider, given: {environment: dev, ip_access_entry: [0.0.0.0/0]}, want: {0.0.0.0/0: violation}}
  - {name: a subnet, given: {environment: prod, ip_access_entry: [203.0.113.0/28]}, want: {203.0.113.0/28: pass}}
  - {name: narrow, given: {environment: prod, ip_access_entry: [203.0.113.10/32]}, want: {203.0.113.10/32: pass}}
  - {name: unreadable, given: {environment: prod, ip_access_entry: [4.0.0.0/8], status: {ip_access_entry: denied}}, want: {4.0.0.0/8: unknown}}
`
