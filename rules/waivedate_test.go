package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// waivable is the violation that the waivers of these tests are for: a critical one.
func waivable() access.Verdict {
	return access.Verdict{Rule: ruleOpenToWorld, Severity: access.Critical, Ref: access.Ref{Scope: prj, Kind: access.KindIPAccessEntry, Name: wideOpen}}
}

// engineOf is an engine of no rules with these waivers in its configuration.
func engineOf(filed []access.Waiver) *Engine {
	p := testPolicy()
	p.Waivers = filed
	return &Engine{policy: newPolicy(p)}
}

// aWaiver is any waiver of it, granted within so many hours of t0.
func aWaiver(t *rapid.T, id string, from, to int) access.Waiver {
	w := waiverOf(t0.Add(time.Duration(rapid.IntRange(from*4, to*4).Draw(t, "granted"))*15*time.Minute), time.Duration(rapid.IntRange(1, 200).Draw(t, "length"))*15*time.Minute)
	w.ID, w.Renewals = id, rapid.IntRange(0, 2).Draw(t, "renewals")
	w.Rule = rapid.SampledFrom([]string{ruleOpenToWorld, "network/*"}).Draw(t, "rule")
	w.Name = rapid.SampledFrom([]string{wideOpen, "0.*", ""}).Draw(t, "name")
	return w
}

// TestNoWaiverOutlastsItsCap: whatever waivers there are, in the file or in the store, and
// whenever they were read: one in force was granted by then, and not longer ago than the
// severity allows, and was not dated ahead when it was read.
func TestNoWaiverOutlastsItsCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		read := t0.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "read")) * time.Hour)
		var filed, stored []access.Waiver
		for i := range rapid.IntRange(1, 6).Draw(t, "waivers") {
			if w := aWaiver(t, fmt.Sprint("w", i), -30, 130); rapid.Bool().Draw(t, "stored") {
				stored = append(stored, w)
			} else {
				filed = append(filed, w)
			}
		}
		for range 8 {
			now := read.Add(time.Duration(rapid.IntRange(0, 60*60).Draw(t, "minute")) * time.Minute)
			in := waivedWorld(now, Dated(stored, now)...)
			e := engineOf(Dated(filed, read))
			w, ok, why := e.Waiver(in, waivable(), "w0")
			if !ok && why == "" {
				t.Fatal("nothing says why none holds")
			}
			limit := w.Granted.Add(access.WaiverCap(access.Critical))
			if ok && (w.Granted.After(now) || !now.Before(limit) || !now.Before(w.Until) || w.Until.After(limit)) {
				t.Fatalf("at %s one holds that was granted at %s until %s", now, w.Granted, w.Until)
			}
			if ok && w.Granted.After(read.Add(datedBy)) && len(stored) == 0 {
				t.Fatalf("one holds that was dated to %s when it was read at %s", w.Granted, read)
			}
		}
	})
}

// TestOneWritingNeverOutlastsTheCap: a file written once, however its waivers are dated and
// however often it is read again, lets a violation stand from then on for no longer than one
// waiver may, but for what clocks may differ.
func TestOneWritingNeverOutlastsTheCap(t *testing.T) {
	const step = 30 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		var file []access.Waiver
		for i := range rapid.IntRange(1, 6).Draw(t, "waivers") {
			file = append(file, aWaiver(t, fmt.Sprint("w", i), -30, 130))
		}
		stored := rapid.Bool().Draw(t, "stored")
		in, e, held := waivedWorld(t0), engineOf(nil), time.Duration(0)
		for in.Now.Before(t0.Add(180 * time.Hour)) {
			if again := rapid.IntRange(0, 19).Draw(t, "reads again") == 0; !stored && (again || in.Now.Equal(t0)) {
				e = engineOf(Dated(file, in.Now))
			}
			if stored {
				in.Waivers = Dated(file, in.Now)
			}
			if _, ok, _ := e.Waiver(in, waivable(), ""); ok {
				held += step
			}
			in.Now = in.Now.Add(step)
		}
		if held > access.WaiverCap(access.Critical)+datedBy+step {
			t.Fatalf("waived for %s", held)
		}
	})
}

// TestWaiversOfAWeek: five waivers of a day each, written on Monday, let it stand for one.
func TestWaiversOfAWeek(t *testing.T) {
	var week []access.Waiver
	for day := range 5 {
		w := waiverOf(t0.Add(time.Duration(day)*24*time.Hour), 24*time.Hour)
		w.ID = fmt.Sprint("day", day)
		week = append(week, w)
	}
	renewal := week[1]
	renewal.Granted, renewal.Until = t0.Add(20*time.Hour), t0.Add(44*time.Hour)
	short := waiverOf(t0.Add(3*time.Hour), 2*time.Hour)
	short.ID = "day9"
	for _, c := range []struct {
		name   string
		file   []access.Waiver
		read   time.Duration
		now    time.Duration
		want   string // the waiver; empty: none
		counts int
		why    string
	}{
		{"on Monday", week, time.Hour, time.Hour, "", 0, "waiver day1 was dated ahead"},
		{"on Tuesday, not read again", week, time.Hour, 25 * time.Hour, "", 0, "dated ahead"},
		{"on Tuesday, read again", week, 25 * time.Hour, 25 * time.Hour, "", 0, "waiver day2 was dated ahead"},
		{"on Friday, read again", week, 97 * time.Hour, 97 * time.Hour, "day4", 4, ""},
		{"Monday's alone", week[:1], time.Hour, time.Hour, "day0", 0, ""},
		{"one dated ahead by what clocks differ", week[1:2], 23 * time.Hour, 25 * time.Hour, "day1", 0, ""},
		{"one dated ahead by more", week[1:2], 22*time.Hour + 59*time.Minute, 25 * time.Hour, "", 0, "dated ahead"},
		{"beside one dated ahead", []access.Waiver{week[0], short}, time.Hour, 4 * time.Hour, "", 0, "day9 was dated ahead"},
		{"beside one dated ahead that ended", []access.Waiver{week[0], short}, time.Hour, 5 * time.Hour, "day0", 0, ""},
		{"a renewal before the end", []access.Waiver{week[0], renewal}, 21 * time.Hour, 43 * time.Hour, "day1", 1, ""},
		{"and its own end", []access.Waiver{week[0], renewal}, 21 * time.Hour, 44 * time.Hour, "", 0, "ended"},
	} {
		e := engineOf(Dated(c.file, t0.Add(c.read)))
		w, ok, why := e.Waiver(waivedWorld(t0.Add(c.now)), waivable(), c.file[0].ID)
		if ok != (c.want != "") || w.ID != c.want && ok || w.Renewals != c.counts || !strings.Contains(why, c.why) && !ok {
			t.Errorf("%s: %t by %q, renewed %d times: %s", c.name, ok, w.ID, w.Renewals, why)
		}
	}
}

// TestRenewalIsCounted: one that takes the place of the former in the file, too.
func TestRenewalIsCounted(t *testing.T) {
	e := mustLoad(t, testPolicy())
	var doc access.Findings
	for n := range 4 {
		now := t0.Add(time.Duration(n) * 20 * time.Hour)
		for _, at := range []time.Time{now, now.Add(time.Hour)} {
			in := waivedWorld(at, waiverOf(now, 24*time.Hour))
			in.Standing, in.Open = doc.Standing, doc.Findings
			doc, _ = e.Advance(doc, in, e.Evaluate(in))
			if f := theOne(t, doc, ruleOpenToWorld); f.State != access.FindingWaived || f.Waiver.Renewals != n || !f.Waiver.Granted.Equal(now) {
				t.Errorf("%s by %+v, want renewed %d times", f.State, f.Waiver, n)
			}
		}
	}
}

// TestWaiverOfAKey: of several findings of one resource a waiver lets those stand whose key
// it names, and without a key all of them; of one with a digest that one alone.
func TestWaiverOfAKey(t *testing.T) {
	a, b := waivable(), waivable()
	a.Key, b.Key = "read@shop", "read@crm"
	e, in := mustLoad(t, testPolicy()), waivedWorld(t0.Add(time.Hour))
	for _, c := range []struct {
		name        string
		key, digest string
		wantA       bool
		wantB       bool
		wantKeyless bool
	}{
		{"no key", "", "", true, true, true},
		{"a key", "read@shop", "", true, false, false},
		{"a pattern", "read@*", "", true, true, false},
		{"another key", "write@*", "", false, false, false},
		{"no key, and the digest of one", "", e.digest(&in, nil, a), true, false, false},
		{"a key, and its digest", "read@shop", e.digest(&in, nil, a), true, false, false},
		{"a key, and the digest of another", "read@crm", e.digest(&in, nil, a), false, false, false},
	} {
		w := waiverOf(t0, 20*time.Hour)
		w.Key, w.Digest = c.key, c.digest
		in.Waivers = []access.Waiver{w}
		_, gotA, _ := e.Waiver(in, a, "")
		_, gotB, _ := e.Waiver(in, b, "")
		_, gotKeyless, _ := e.Waiver(in, waivable(), "")
		if gotA != c.wantA || gotB != c.wantB || gotKeyless != c.wantKeyless {
			t.Errorf("%s: it holds for %t, %t and %t", c.name, gotA, gotB, gotKeyless)
		}
	}
}
