package remediate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// wroteAll is an action that made these writes a minute after the change, and read them back.
func wroteAll(ops ...access.Operation) access.Action {
	return access.Action{ID: "f-1", Rule: "network/open-to-world", State: access.ActionVerified, Ref: access.Ref{Scope: scope},
		Plan:    access.Plan{Operations: ops, Inverse: []access.Operation{{Type: access.CreateAccessEntry}}, Reversible: "yes"},
		Outcome: access.Outcome{ExposedFrom: t0.Add(-time.Minute), ExposedUntil: t0, Verified: t0}}
}

func TestLooks(t *testing.T) {
	entry, user := wroteAll(deletionOf(world0).Operations...), wroteAll(quarantineOf("admin/a").Operations...)
	member := wroteAll(access.Operation{Type: access.RemoveMemberRole, Ref: access.Ref{Scope: scope, Kind: access.KindProjectMember, Name: "bob@example.com"}})
	unverified := wroteAll(deletionOf(world0).Operations...)
	unverified.Outcome.Verified = time.Time{}
	for _, c := range []struct {
		name  string
		a     access.Action
		after time.Duration // since it was verified
		want  time.Duration // 0: never
	}{
		{"at once", entry, 0, time.Minute},
		{"before the first", entry, 59 * time.Second, time.Minute},
		{"at the first", entry, time.Minute, 5 * time.Minute},
		{"then", user, 5 * time.Minute, 15 * time.Minute},
		{"late", entry, 16 * time.Minute, 30 * time.Minute},
		{"at the last", entry, 30 * time.Minute, 0},
		{"after all of them", entry, time.Hour, 0},
		{"not verified", unverified, 0, 0},
		{"nothing that logins tell of", member, 0, 0},
		{"wrote nothing", wroteAll(), 0, 0},
	} {
		got := NextLook(c.a, t0.Add(c.after))
		if c.want == 0 && !got.IsZero() || c.want > 0 && !got.Equal(t0.Add(c.want)) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// TestAftermath: what is harm, and what is not enough to say so.
func TestAftermath(t *testing.T) {
	entry := wroteAll(deletionOf(world0).Operations...)
	survey := func(q access.Quality, failed int, span time.Duration, slots map[string]int) Survey {
		return Survey{Logins: access.Logins{Quality: q, Failed: failed, Why: "403"}, Span: span, Slots: slots}
	}
	complete, partial := access.QualityComplete, access.QualityPartial
	const four, half = 4 * time.Hour, 30 * time.Minute
	steady := map[string]int{"shop_app_user": 8, "nightly": 7}
	for _, c := range []struct {
		name          string
		a             access.Action
		before, after Survey
		want          string // empty: no harm
	}{
		{"calm", entry, survey(complete, 0, four, steady), survey(complete, 0, half, map[string]int{"shop_app_user": 1}), ""},
		{"five failures", entry, survey(complete, 0, four, nil), survey(complete, 5, half, nil), ""},
		{"six failures", entry, survey(complete, 0, four, nil), survey(complete, 6, half, nil), "6 logins failed in the 30 min since, and 0 in the 4 h before it; to take it back: gatewarden undo f-1"},
		{"six within a minute", entry, survey(complete, 0, four, nil), survey(complete, 6, time.Minute, nil), "6 logins failed in the 1 min since"},
		{"as often as ever", entry, survey(complete, 48, four, nil), survey(complete, 6, half, nil), ""},
		{"twice as often", entry, survey(complete, 48, four, nil), survey(complete, 12, half, nil), ""},
		{"more than twice as often", entry, survey(complete, 48, four, nil), survey(complete, 13, half, nil), "13 logins failed"},
		{"before is not known", entry, survey("", 0, four, nil), survey(complete, 6, half, nil), "how many did before is not known: 403"},
		{"after is partly known", entry, survey(complete, 0, four, nil), survey(partial, 6, half, nil), "6 logins failed"},
		{"a window of nothing before", entry, survey(complete, 0, 0, nil), survey(complete, 6, half, nil), "6 logins failed"},
		{"somebody is missing", entry, survey(complete, 0, four, steady), survey(complete, 0, half, map[string]int{"nightly": 1}), "shop_app_user, who logged in every half hour for 4 h before, did not in the 30 min since"},
		{"somebody is not seen yet", entry, survey(complete, 0, four, steady), survey(complete, 0, half-1, nil), ""},
		{"somebody may be missing", entry, survey(complete, 0, four, steady), survey(partial, 0, half, nil), ""},
		{"somebody may have been there", entry, survey(partial, 0, four, steady), survey(complete, 0, half, nil), ""},
		{"somebody who comes now and then", entry, survey(complete, 0, four, map[string]int{"nightly": 7}), survey(complete, 0, half, nil), ""},
		{"both", entry, survey(complete, 0, four, steady), survey(complete, 6, half, nil), "6 logins failed in the 30 min since, and 0 in the 4 h before it; shop_app_user, who"},
		{"a quarantine is meant to be felt", wroteAll(quarantineOf("admin/shop_app_user").Operations...), survey(complete, 0, four, steady), survey(complete, 0, half, nil), ""},
		{"a quarantine at which logins fail", wroteAll(quarantineOf("admin/shop_app_user").Operations...), survey(complete, 0, four, steady), survey(complete, 6, half, nil), "6 logins failed"},
	} {
		stop, harm := Aftermath(c.a, c.before, c.after, t0.Add(half))
		if harm != (c.want != "") || !strings.Contains(stop.Why, c.want) {
			t.Errorf("%s: %t: %s", c.name, harm, stop.Why)
		}
		if harm && (stop.Rule != c.a.Rule || stop.Action != c.a.ID || !stop.At.Equal(t0.Add(half))) || !harm && stop != (access.Stop{}) {
			t.Errorf("%s: %+v", c.name, stop)
		}
	}
	entry.Plan.Inverse, entry.Plan.Reversible = nil, "no: it opens every cluster"
	if stop, _ := Aftermath(entry, Survey{}, survey(complete, 6, half, nil), t0); !strings.Contains(stop.Why, "it cannot be taken back by us: no: it opens every cluster") {
		t.Error(stop.Why)
	}
}

// TestSurvey: whose logins count after which write.
func TestSurvey(t *testing.T) {
	at := func(min int, user string, ok bool) access.Login {
		l := login(user, "203.0.113.3")
		l.At, l.OK = t0.Add(time.Duration(min)*time.Minute), ok
		return l
	}
	lines := []access.Login{at(0, "a", true), at(29, "a", true), at(30, "a", true), at(90, "a", false), at(10, "b", true), at(10, "c", false)}
	count := func(a access.Action) (n int, slots map[string]int) {
		s := NewSurvey(a, t0)
		for _, l := range lines {
			if s.Match(l) {
				n++
			}
		}
		got := s.Counted(access.Logins{}, t0.Add(2*time.Hour))
		if got.Span != 2*time.Hour {
			t.Errorf("%s", got.Span)
		}
		return n, got.Slots
	}
	n, slots := count(wroteAll(deletionOf(world0).Operations...))
	if d := cmp.Diff(map[string]int{"a": 2, "b": 1}, slots); n != 6 || d != "" {
		t.Errorf("everybody's: %d\n%s", n, d)
	}
	n, slots = count(wroteAll(quarantineOf("admin/a").Operations...))
	if d := cmp.Diff(map[string]int{"a": 2}, slots); n != 4 || d != "" {
		t.Errorf("one user's: %d\n%s", n, d)
	}
}

// TestHarm: the application that came through the entry for which somebody had deleted its
// own is missed, the clients that came by the violation are not.
func TestHarm(t *testing.T) {
	w, f := open(t)
	cause := f.CauseAt
	for m := -240; m < 0; m += 10 {
		l := login("shop_app_user", "198.51.100.9")
		l.At = cause.Add(time.Duration(m) * time.Minute)
		w.logins = append(w.logins, l)
	}
	for m := range 10 {
		l := login("stranger", "192.0.2.66")
		l.At = cause.Add(time.Duration(m) * time.Minute)
		w.logins = append(w.logins, l)
	}
	a := w.settle(f)
	if a.State != access.ActionVerified {
		t.Fatal(a.Why)
	}
	s := w.stage()
	for _, l := range looks() {
		w.now = a.Outcome.Verified.Add(l)
		stop, harm := s.Harm(t.Context(), a)
		if harm != (l == aftermathLasts) || strings.Contains(stop.Why, "stranger") {
			t.Errorf("after %s: %t %s", l, harm, stop.Why)
		}
	}
	l := login("shop_app_user", "203.0.113.3")
	l.At = a.Outcome.Verified.Add(20 * time.Minute)
	w.logins = append(w.logins, l)
	if stop, harm := s.Harm(t.Context(), a); harm {
		t.Errorf("it is there: %s", stop.Why)
	}
	s.Counter = nil
	if _, harm := s.Harm(t.Context(), a); harm {
		t.Error("nothing is counted, and yet there is harm")
	}
}
