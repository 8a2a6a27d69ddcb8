package remediate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// letStand is a world in which the finding stands by a waiver that bob and alice gave.
func letStand(t tester) (*world, access.Finding, string) {
	w, f := keptByTwo(t)
	w.keeps(f, "bob", 4*time.Hour)
	w.keeps(f, "alice", 4*time.Hour)
	doc := w.standing()
	if len(doc.Waivers) != 1 {
		t.Fatalf("%+v", doc)
	}
	w.change(f, func(f *access.Finding) { f.State = access.FindingWaived })
	return w, f, doc.Waivers[0].ID
}

func (w *world) unwaive(by, id string) access.CommandRecord {
	return w.say(access.VerbUnwaive, by, func(c *access.Command) { c.Reason, c.Waiver = "it was enough", &access.Waiver{ID: id} })
}

// TestUnwaive holds who ends a waiver before its time, and that it is then over, and kept.
func TestUnwaive(t *testing.T) {
	for name, c := range map[string]struct {
		by     string
		change func(w *world, f access.Finding) // before it is asked; nil: nothing
		id     string                           // of the waiver; empty: its own
		ok     bool
		why    string
	}{
		"one who decides":               {by: "bob", ok: true, why: "the waiver of network/open-to-world of 0.0.0.0/0 ended at 2026-11-20T12:30:00Z, by bob: what it let stand is judged again"},
		"an operator":                   {by: "olga", ok: true, why: "by olga"},
		"who made the change":           {by: "rajesh", ok: true, why: "by rajesh"},
		"who does not decide":           {by: "carol", why: "carol is not among those who decide about it"},
		"who gave it, and left":         {by: "bob", change: func(w *world, _ access.Finding) { w.leave("bob") }, ok: true, why: "by bob"},
		"who is none of ours":           {by: "mallory", why: "no principal"},
		"of what is found no more":      {by: "olga", change: func(w *world, f access.Finding) { delete(w.findings.Findings, f.ID) }, ok: true, why: "by olga"},
		"of that, who decided about it": {by: "rajesh", change: func(w *world, f access.Finding) { delete(w.findings.Findings, f.ID) }, why: "not among those"},
		"one that is not there":         {by: "olga", id: "conf-7", why: "no command gave a waiver conf-7 in prj.64f000000000000000000001; one of the configuration ends when it is taken out of the file"},
		"of another project": {by: "olga", why: "no command gave", change: func(w *world, _ access.Finding) {
			_, err := w.waivers.Update(context.Background(), access.WaiversKey, func(doc access.Waivers, _ uint64) (*access.Waivers, []access.Out, error) {
				doc.Waivers[0].Project = "64f000000000000000000002"
				return &doc, nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
		"one that has ended": {by: "olga", change: func(w *world, _ access.Finding) { w.now = w.now.Add(5 * time.Hour) }, ok: true, why: "ended at 2026-11-20T16:00:00Z"},
		"one that was ended": {by: "olga", change: func(w *world, _ access.Finding) {
			w.now = w.now.Add(-time.Minute)
			w.unwaive("alice", w.standing().Waivers[0].ID)
			w.now = w.now.Add(time.Minute)
		}, ok: true, why: "ended at 2026-11-20T12:29:00Z, by alice"},
		"where no more may be stored": {by: "olga", ok: true, why: "by olga", change: func(w *world, _ access.Finding) {
			_, err := w.waivers.Update(context.Background(), access.WaiversKey, func(doc access.Waivers, _ uint64) (*access.Waivers, []access.Out, error) {
				for range maxStanding {
					doc.Acknowledgements = append(doc.Acknowledgements, access.Acknowledgement{At: w.now})
				}
				return &doc, nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w, f, id := letStand(t)
			w.now = w.now.Add(30 * time.Minute)
			if c.change != nil {
				c.change(w, f)
			}
			if c.id != "" {
				id = c.id
			}
			judged := len(w.waivers.outs)
			r := w.unwaive(c.by, id)
			if r.Accepted != c.ok || !strings.Contains(r.Why, c.why) {
				t.Errorf("%v: %s", r.Accepted, r.Why)
			}
			doc := w.standing()
			ended := len(doc.Waivers) == 1 && !w.now.Before(doc.Waivers[0].Until)
			if len(doc.Waivers) != 1 || ended != c.ok || doc.Waivers[0].Owner != "bob" {
				t.Errorf("it stands %+v", doc.Waivers)
			}
			if did := strings.Contains(c.why, "by "+c.by); did != (len(w.waivers.outs) == judged+1) || did != (doc.Waivers[0].EndedBy == c.by) {
				t.Errorf("judged anew %d times; ended by %q", len(w.waivers.outs)-judged, doc.Waivers[0].EndedBy)
			}
		})
	}
}

// TestUnwaiveWhatWasTakenBack: the short waiver that an undo leaves can be ended, too.
func TestUnwaiveWhatWasTakenBack(t *testing.T) {
	w, f := finished(t)
	w.back(f, access.VerbUndo, "alice")
	if u := w.after(w.action(f).ID + "-undo"); u.State != access.ActionVerified {
		t.Fatalf("it is %s: %s", u.State, u.Why)
	}
	w.now = w.now.Add(time.Hour)
	if r := w.unwaive("bob", w.standing().Waivers[0].ID); !r.Accepted || !w.standing().Waivers[0].Until.Equal(w.now) {
		t.Errorf("%v: %s", r.Accepted, r.Why)
	}
}

// TestUnwaiveDiesAnywhere: whatever dies, it is ended once and answered the same.
func TestUnwaiveDiesAnywhere(t *testing.T) {
	private, _ := keyOf("slack")
	for at := 1; ; at++ {
		w, _, id := letStand(t)
		c := w.command(access.VerbUnwaive, "bob", func(c *access.Command) { c.Reason, c.Waiver = "it was enough", &access.Waiver{ID: id} })
		raw, err := access.Seal(c, private)
		if err != nil {
			t.Fatal(err)
		}
		w.steps, w.dieAt = 0, at
		died := ""
		for range 3 {
			if d := w.dies(func() {
				if err := w.stage().Command(t.Context(), scope, raw, t0); err != nil {
					t.Errorf("step %d: %v", at, err)
				}
			}); d != "" {
				died = d
			}
			w.leave("bob") // who may no more when it is done again
			w.now = w.now.Add(time.Minute)
		}
		want, until := "ended at 2026-11-20T12:00:00Z, by bob", t0
		if strings.HasSuffix(died, "waivers before") { // nothing was stored when it died
			want, until = "ended at 2026-11-20T12:01:00Z, by bob", t0.Add(time.Minute)
		}
		if r := w.record(c.ID); !r.Accepted || !strings.Contains(r.Why, want) || !w.standing().Waivers[0].Until.Equal(until) {
			t.Errorf("died %s: told %s; it stands %+v", died, r.Why, w.standing().Waivers)
		}
		if died == "" {
			if at < 4 {
				t.Errorf("only %d steps", at)
			}
			return
		}
	}
}

// TestIncidentEnded holds that whoever may open an incident ends one, also their own; that it is
// over then, and told of as at any end; and that no rest is saved by it.
func TestIncidentEnded(t *testing.T) {
	w, f := asking(t)
	w.policy.Responses[0].Do = access.ModeRevert
	open := func(by, name string) access.CommandRecord {
		return w.say(access.VerbIncident, by, func(c *access.Command) { c.Incident, c.For, c.Reason = name, 10*time.Hour, "sev 1" })
	}
	end := func(by, name string) access.CommandRecord {
		return w.say(access.VerbEndIncident, by, func(c *access.Command) { c.Incident, c.Reason = name, "it is up again" })
	}
	open("olga", "INC-1")
	w.now = t0.Add(time.Hour)
	w.change(f, func(f *access.Finding) { f.CauseAt, f.OpenedAt = w.now, w.now })
	if a := w.run(f); a.State != access.ActionAwaiting || a.Guard != GuardIncident {
		t.Fatalf("in it: it is %s by %q", a.State, a.Guard)
	}
	w.now = t0.Add(2 * time.Hour)
	const told = "incident INC-1 ended at 2026-11-20T14:00:00Z, by olga: what came about in it and still stands is listed, to keep or to take back"
	for _, c := range []struct {
		by, name string
		ok       bool
		why      string
	}{
		{"bob", "INC-1", false, "not among guards.operators"},
		{"olga", "INC-2", false, "there is no incident INC-2 in prj."},
		{"olga", "INC-1", true, told},
		{"omar", "INC-1", true, told}, // it was over
	} {
		if r := end(c.by, c.name); r.Accepted != c.ok || !strings.Contains(r.Why, c.why) {
			t.Errorf("%s: %v: %s", c.by, r.Accepted, r.Why)
		}
	}
	w.now = w.now.Add(time.Second)
	for range 2 {
		if err := w.stage().EndIncidents(t.Context(), scope, meanwhile{w.findings.Findings[f.ID]}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.controls.outs); n != 1 || !strings.Contains(string(w.controls.outs[0].Body), "1 findings came about in it and still stand; network/open-to-world 0.0.0.0/0") {
		t.Errorf("told %d times", n)
	}
	if r := open("olga", "INC-3"); r.Accepted || !strings.Contains(r.Why, "which lasted 2 h until 2026-11-20T14:00:00Z, and cannot go on with it by another one before 2026-11-20T16:00:00Z") {
		t.Errorf("right after: %v: %s", r.Accepted, r.Why)
	}
	if r := open("omar", "INC-4"); !r.Accepted {
		t.Errorf("another: %s", r.Why)
	}
	w.now = w.now.Add(time.Hour)
	if r := end("omar", "INC-4"); !r.Accepted || strings.Contains(r.Why, "still on") {
		t.Errorf("%v: %s", r.Accepted, r.Why)
	}
}

// TestIncidentEndedUnderOthers: that another one is on, here or in the org, is said.
func TestIncidentEndedUnderOthers(t *testing.T) {
	w, _ := asking(t)
	for _, in := range []access.Scope{scope, access.OrgScope(orgID)} {
		w.say(access.VerbIncident, "olga", func(c *access.Command) {
			c.Scope, c.Incident, c.For, c.Reason = in, "INC of "+string(in), time.Hour, "sev 1"
		})
	}
	w.now = w.now.Add(time.Minute)
	if r := w.say(access.VerbEndIncident, "omar", func(c *access.Command) { c.Incident, c.Reason = "INC of "+string(scope), "over" }); !r.Accepted || !strings.Contains(r.Why, "; incident INC of org.64f0000000000000000000aa is still on") {
		t.Errorf("%v: %s", r.Accepted, r.Why)
	}
}
