package remediate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestRespond(t *testing.T) {
	p := Policy{Responses: []access.Response{
		{Rules: []string{"network/open-to-world"}, Environments: []string{"prod"}, Do: access.ModeRevert},
		{Rules: []string{"dbuser/*"}, Severities: []access.Severity{access.Critical, access.High}, Do: access.ModeTicket},
		{Owners: []string{"payments"}, Do: access.ModeApprove},
		{Environments: []string{"dev"}, Do: access.ModeObserve},
	}}
	for _, c := range []struct {
		rule, env, owner string
		sev              access.Severity
		want             access.Mode
	}{
		{"network/open-to-world", "prod", "", access.Critical, access.ModeRevert},
		{"network/open-to-world", "dev", "", access.Critical, access.ModeObserve},
		{"network/open-to-world", "", "", access.Critical, access.ModeNotify},
		{"network/open-to-world-2", "prod", "", access.Critical, access.ModeNotify},
		{"dbuser/unscoped", "prod", "", access.High, access.ModeTicket},
		{"dbuser/unscoped", "prod", "", access.Low, access.ModeNotify},
		{"dbuser/unscoped", "dev", "payments", access.Low, access.ModeApprove},
		{"dbuser/unscoped", "dev", "", access.Critical, access.ModeTicket},
		{"other", "staging", "", access.Info, access.ModeNotify},
	} {
		f := access.Finding{Rule: c.rule, Environment: c.env, Owner: c.owner, Severity: c.sev}
		if got := Respond(p, f).Do; got != c.want {
			t.Errorf("%s in %q, %s of %q: got %q, want %q", c.rule, c.env, c.sev, c.owner, got, c.want)
		}
	}
	if got := Respond(Policy{}, access.Finding{}).Do; got != access.ModeNotify {
		t.Errorf("no configuration: %q", got)
	}
}

func TestReady(t *testing.T) {
	p := Policy{Settle: Settle{0, 90 * time.Second}}
	cause, opened := t0, t0.Add(20*time.Second)
	for _, c := range []struct {
		name string
		f    access.Finding
		p    Policy
		want time.Time
	}{
		{"critical", access.Finding{Severity: access.Critical, CauseAt: cause, OpenedAt: opened}, p, time.Time{}},
		{"other", access.Finding{Severity: access.High, CauseAt: cause, OpenedAt: opened}, p, cause.Add(90 * time.Second)},
		{"cause unknown", access.Finding{Severity: access.High, OpenedAt: opened}, p, opened.Add(90 * time.Second)},
		{"grace", access.Finding{Severity: access.High, CauseAt: cause, OpenedAt: opened}, Policy{Settle: p.Settle, Responses: []access.Response{{Do: access.ModeRevert, Grace: time.Hour}}}, opened.Add(time.Hour)},
	} {
		if got := ready(c.p, c.f); !got.Equal(c.want) {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestGuard(t *testing.T) {
	never := func(p ...string) func(*Case, *access.Plan) {
		return func(c *Case, _ *access.Plan) { c.Policy.NeverTouch = p }
	}
	status := func(s access.Status) func(*Case, *access.Plan) {
		return func(c *Case, _ *access.Plan) {
			col := c.Fresh[access.KindIPAccessEntry]
			col.Status = s
			c.Fresh[access.KindIPAccessEntry] = col
		}
	}
	told, refused := access.ActionTold, access.ActionRefused
	for _, c := range []struct {
		name  string
		set   func(c *Case, p *access.Plan)
		guard string
		end   access.ActionState
	}{
		{"nothing in the way", func(*Case, *access.Plan) {}, "", ""},
		{"no environment", func(c *Case, _ *access.Plan) { c.Finding.Environment = "" }, GuardEnvironment, told},
		{"inherited", func(c *Case, _ *access.Plan) { c.Finding.Origin = access.OriginInherited }, GuardInherited, told},
		{"announced", func(c *Case, _ *access.Plan) { c.Finding.Expected = "cutover" }, GuardExpectation, told},
		{"origin of a later version", func(c *Case, _ *access.Plan) { c.Finding.Origin = "imported" }, GuardInherited, told},
		{"rule tells", func(c *Case, _ *access.Plan) { c.Finding.Ceiling = access.CeilingTell }, GuardCeiling, told},
		{"rule asks", func(c *Case, _ *access.Plan) { c.Finding.Ceiling = asks }, GuardCeiling, told},
		{"configuration changed its mind", func(c *Case, _ *access.Plan) { c.Policy.Responses = nil }, GuardCeiling, told},
		{"no cause", func(c *Case, _ *access.Plan) { c.Finding.CauseAt = time.Time{} }, GuardCeiling, told},
		{"a day old", func(c *Case, _ *access.Plan) { c.Finding.CauseAt = t0.Add(-maxAge) }, "", ""},
		{"over a day old", func(c *Case, _ *access.Plan) { c.Finding.CauseAt = t0.Add(-maxAge - 1) }, GuardCeiling, told},
		{"dry run", func(c *Case, _ *access.Plan) { c.Policy.DryRun = true }, GuardDryRun, refused},
		{"no credentials", func(c *Case, _ *access.Plan) { c.CanWrite = false }, GuardCredentials, refused},
		{"skew at the bound", func(c *Case, _ *access.Plan) { c.Skew = -maxSkew }, "", ""},
		{"skew", func(c *Case, _ *access.Plan) { c.Skew = -maxSkew - 1 }, GuardSkew, ""},
		{"nothing read", func(c *Case, _ *access.Plan) { c.Fresh = nil }, GuardUnknown, ""},
		{"denied", status(access.StatusDenied), GuardUnknown, ""},
		{"failed", status(access.StatusFailed), GuardUnknown, ""},
		{"unread", status(access.StatusUnread), GuardUnknown, ""},
		{"what is written is unsupported", status(access.StatusUnsupported), GuardUnknown, ""},
		{"suspect", status(access.StatusSuspect), GuardSuspect, ""},
		{"another kind is unsupported", func(c *Case, _ *access.Plan) {
			c.Fresh[access.KindStreamWorkspace] = access.Collection{Status: access.StatusUnsupported}
		}, "", ""},
		{"unknown", func(c *Case, _ *access.Plan) { c.Verdict.Answer = access.AnswerUnknown }, GuardUnknown, ""},
		{"not covered", func(c *Case, _ *access.Plan) { c.Verdict.Answer = access.AnswerNotCovered }, GuardUnknown, ""},
		{"pass", func(c *Case, _ *access.Plan) { c.Verdict.Answer = access.AnswerPass }, GuardUnknown, ""},
		{"not settled", func(c *Case, _ *access.Plan) { c.Policy.Settle.Critical = time.Hour }, GuardSettle, ""},
		{"never touch by name", never("0.0.0.0/0"), GuardNeverTouch, refused},
		{"never touch by kind", never("ip_access_entry/*"), GuardNeverTouch, refused},
		{"never touch by scope", never(string(scope)), GuardNeverTouch, refused},
		{"never touch something else", never("203.0.113.0/28", "org.*"), "", ""},
		{"own address", func(c *Case, _ *access.Plan) { c.Policy.Own.Addresses = []string{"8.8.8.8"} }, GuardOwnAccess, told},
		{"own credential", func(c *Case, p *access.Plan) {
			c.Policy.Own.Credentials = []string{"gatewarden"}
			p.Operations = []access.Operation{{Type: access.QuarantineUser, Ref: access.Ref{Kind: access.KindDatabaseUser, Name: "admin/gatewarden"}}}
		}, GuardOwnAccess, told},
		{"never touch a username", func(c *Case, p *access.Plan) {
			c.Policy.NeverTouch = []string{"gate*"}
			p.Operations = []access.Operation{{Type: access.QuarantineUser, Ref: access.Ref{Kind: access.KindDatabaseUser, Name: "admin/gatewarden"}}}
		}, GuardNeverTouch, refused},
		{"last way in", func(c *Case, _ *access.Plan) {
			c.Fresh[access.KindIPAccessEntry] = access.NewCollection(scope, access.KindIPAccessEntry, list(world0))
		}, GuardLastWayIn, told},
		{"plan asks", func(_ *Case, p *access.Plan) { p.Ceiling = asks }, GuardCeiling, told},
		{"plan of nothing", func(_ *Case, p *access.Plan) { p.Operations = nil }, GuardCeiling, told},
		{"verdict asks", func(c *Case, _ *access.Plan) { c.Verdict.Ceiling = asks }, GuardCeiling, told},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := kase(entryFinding(world0), list(world0, "203.0.113.0/28")...)
			p := MakePlan(k)
			c.set(&k, &p)
			r := Guard(k, p)
			if r.Guard != c.guard || r.End != c.end || r.OK() != (c.guard == "") || !r.OK() && r.Why == "" {
				t.Errorf("got %+v", r)
			}
		})
	}
	if r := Guard(Case{}, access.Plan{}); r.OK() {
		t.Error("the zero case is let through")
	}
}

// TestUnheardCauses: what was added since the finding was judged is judged first. A cause
// that is not there as read now was taken away by our own write: nobody will ever judge it
// to be there, and an action that waited for that would wait for ever.
func TestUnheardCauses(t *testing.T) {
	for _, c := range []struct {
		name           string
		found, now, is []string // causes of the finding and of the verdict of now, and the entries that are there
		guard, why     string
	}{
		{"as it was", []string{"0.0.0.0/1", "128.0.0.0/1"}, []string{"0.0.0.0/1", "128.0.0.0/1"}, []string{"0.0.0.0/1", "128.0.0.0/1"}, "", ""},
		{"one was added", []string{"0.0.0.0/1", "128.0.0.0/1"}, []string{"0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2"}, []string{"0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2"}, GuardUnknown, "64.0.0.0/2 was added"},
		{"one that our own write took away", []string{"128.0.0.0/1"}, []string{"0.0.0.0/1", "128.0.0.0/1"}, []string{"128.0.0.0/1"}, "", ""},
		{"one taken away, one added", []string{"128.0.0.0/1"}, []string{"0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2"}, []string{"128.0.0.0/1", "64.0.0.0/2"}, GuardUnknown, "64.0.0.0/2 was added"},
	} {
		k := kase(unionFinding(c.found...), list(append(c.is, "203.0.113.0/28")...)...)
		k.Verdict.Evidence.Causes = unionFinding(c.now...).Evidence.Causes
		if r := known(k); r.Guard != c.guard || !strings.HasPrefix(r.Why, c.why) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestReserve(t *testing.T) {
	at := func(id string, ago time.Duration) Reservation { return Reservation{ID: id, At: t0.Add(-ago)} }
	two := Ledger{V: 1, Actions: []Reservation{at("a", 50*time.Minute), at("b", 5*time.Minute)}}
	for _, c := range []struct {
		name  string
		l     Ledger
		id    string
		limit int
		want  []Reservation
		free  time.Time
		ok    bool
	}{
		{"empty", Ledger{}, "a", 1, []Reservation{at("a", 0)}, time.Time{}, true},
		{"cap of nothing", Ledger{}, "a", 0, nil, t0.Add(time.Hour), false},
		{"full", two, "c", 2, two.Actions, t0.Add(10 * time.Minute), false},
		{"in it already", two, "b", 2, two.Actions, time.Time{}, true},
		{"in it for long", two, "a", 2, []Reservation{at("a", 0), at("b", 5*time.Minute)}, time.Time{}, true},
		{"an hour is over", Ledger{Actions: []Reservation{at("a", time.Hour), at("b", time.Minute)}}, "c", 2, []Reservation{at("b", time.Minute), at("c", 0)}, time.Time{}, true},
	} {
		next, free, ok := reserve(c.l, c.id, c.limit, t0)
		if d := cmp.Diff(c.want, next.Actions); d != "" || !free.Equal(c.free) || ok != c.ok {
			t.Errorf("%s: %t, free at %s\n%s", c.name, ok, free, d)
		}
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	first, second := NewMetrics(reg), NewMetrics(reg)
	w, f := open(t)
	w.policy.DryRun = true
	s := w.stage()
	s.Metrics = first
	if err := s.Act(t.Context(), access.Act{Scope: scope, Finding: f.ID}); err != nil {
		t.Fatal(err)
	}
	if n := testutil.ToFloat64(second.refusals.WithLabelValues(GuardDryRun)); n != 1 {
		t.Errorf("%v refusals by dry run", n)
	}
	if n := testutil.ToFloat64(second.actions.WithLabelValues("refused")); n != 1 {
		t.Errorf("%v refused actions", n)
	}
}
