package notify

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

const scope = access.Scope("prj.64f000000000000000000001")

var at = time.Date(2026, 11, 22, 2, 13, 0, 0, time.UTC)

func finding() access.Finding {
	ref := access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	return access.Finding{
		ID: access.FindingID("network/open-to-world", ref, ""), Rule: "network/open-to-world", Ref: ref, State: access.FindingOpen, Episode: 1,
		Severity: access.Critical, Message: "open to the world", Environment: "prod", Actor: access.Actor{Type: access.ActorHuman, Name: "alice@example.com", Address: "198.51.100.7"},
	}
}

func TestSinks(t *testing.T) {
	routes := []Route{
		{Environments: []string{"prod"}, Severity: access.High, To: []string{"slack", "log"}},
		{Environments: []string{"dev*"}, To: []string{"log"}},
		{Severity: access.Critical, To: []string{"pager"}},
	}
	for _, c := range []struct {
		environment string
		severity    access.Severity
		want        []string
	}{
		{"prod", access.Critical, []string{"log", "pager", "slack"}},
		{"prod", access.High, []string{"log", "slack"}},
		{"prod", access.Medium, nil},
		{"dev-eu", access.Info, []string{"log"}},
		{"", access.Critical, []string{"pager"}},
	} {
		got := Sinks(routes, access.Finding{Environment: c.environment, Severity: c.severity})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.environment, c.severity, diff)
		}
	}
}

func TestRender(t *testing.T) {
	f := finding()
	op := access.Operation{Type: access.DeleteAccessEntry, Ref: f.Ref}
	verified := access.Action{State: access.ActionVerified, Plan: access.Plan{Operations: []access.Operation{op}},
		Outcome: access.Outcome{ExposedFrom: at, ExposedUntil: at.Add(3 * time.Second), Logins: access.Logins{Quality: access.QualityComplete}}}
	resolved := f
	resolved.State = access.FindingResolved
	unknown := f
	unknown.Environment, unknown.Unknown, unknown.UnknownSince = "", "the access list cannot be read", at
	for name, c := range map[string]struct {
		f    access.Finding
		a    access.Action
		want []string
	}{
		"put right": {resolved, verified, []string{"put right and verified", "delete access list entry 0.0.0.0/0", "human alice@example.com from 198.51.100.7", "(3 s), logins in it: none seen in a complete window"}},
		"refused":   {f, access.Action{State: access.ActionRefused, Guard: "dry_run", Why: "dry run is on"}, []string{"not touched (dry_run)", "why: dry run is on"}},
		"unknown":   {unknown, access.Action{}, []string{"unknown:", "cannot be judged since 2026-11-22T02:13:00Z", "judged as production"}},
	} {
		m := Render(c.f, c.a)
		text := m.Title + "\n" + strings.Join(m.Lines, "\n")
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, text)
			}
		}
	}
	if got := logins(access.Logins{Why: "not on this tier"}); got != "unknown (not on this tier)" {
		t.Errorf("unread logins are said as %q", got)
	}
}

// memory is Documents in memory.
type memory[T any] struct {
	mu   sync.Mutex
	docs map[string]T
	rev  map[string]uint64
}

func (m *memory[T]) Get(_ context.Context, key string) (T, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[key], m.rev[key], nil
}

func (m *memory[T]) Update(_ context.Context, key string, compute func(T, uint64) (*T, []access.Out, error)) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, _, err := compute(m.docs[key], m.rev[key])
	if err == nil && next != nil {
		m.docs[key] = *next
		m.rev[key]++
	}
	return m.rev[key], err
}

func store[T any]() *memory[T] { return &memory[T]{docs: map[string]T{}, rev: map[string]uint64{}} }

type sink struct {
	said []string
	err  error
}

func (*sink) Name() string { return "test" }

func (s *sink) Deliver(_ context.Context, m Message) error {
	s.said = append(s.said, m.Title)
	return s.err
}

func sender(t *testing.T) (*Sender, *sink, *memory[access.Findings], *time.Time) {
	t.Helper()
	f, out, now := finding(), &sink{}, at
	findings := store[access.Findings]()
	findings.docs[string(scope)] = access.Findings{Findings: map[string]access.Finding{f.ID: f}}
	return &Sender{Sink: out, Findings: findings, Actions: store[access.Action](), Deliveries: store[Delivery](), Now: func() time.Time { return now }}, out, findings, &now
}

func TestDeliveredOncePerRendering(t *testing.T) {
	s, out, findings, _ := sender(t)
	f := finding()
	notice := access.Notice{Scope: scope, Finding: f.ID}
	for range 3 {
		if err := s.Send(t.Context(), notice); err != nil {
			t.Fatal(err)
		}
	}
	f.State = access.FindingResolved
	findings.docs[string(scope)].Findings[f.ID] = f
	for range 2 {
		if err := s.Send(t.Context(), notice); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.said) != 2 {
		t.Errorf("said %d times, want once per state: %q", len(out.said), out.said)
	}
}

// TestOpenedAndDecidedIsOneMessage: a finding is told with what is decided about it; a
// decision that does not come holds nothing up.
func TestOpenedAndDecidedIsOneMessage(t *testing.T) {
	for _, c := range []struct {
		name    string
		decided time.Duration // after it opened; 0: never
		want    []string
	}{
		{"in a moment", 300 * time.Millisecond, []string{"[CRITICAL] not touched (dry-run): open to the world"}},
		{"late", 10 * time.Second, []string{"[CRITICAL] open: open to the world", "[CRITICAL] not touched (dry-run): open to the world"}},
		{"never", 0, []string{"[CRITICAL] open: open to the world"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, out, findings, _ := sender(t)
				s.Now = time.Now
				actions := &slow{store[access.Action](), time.Now().Add(c.decided)}
				f := finding()
				f.OpenedAt = time.Now()
				findings.docs[string(scope)].Findings[f.ID] = f
				if c.decided > 0 {
					actions.docs[access.ActionID(f.ID, 1)] = access.Action{State: access.ActionRefused, Guard: "dry-run", Why: "told only"}
				}
				s.Actions = actions
				for range 2 { // for the finding, and for the decision
					if err := s.Send(t.Context(), access.Notice{Scope: scope, Finding: f.ID}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(20 * time.Second)
				}
				if diff := cmp.Diff(c.want, out.said); diff != "" {
					t.Errorf("said (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// slow are actions that are there from a time on.
type slow struct {
	*memory[access.Action]
	from time.Time
}

func (s *slow) Get(ctx context.Context, key string) (access.Action, uint64, error) {
	if time.Now().Before(s.from) {
		return access.Action{}, 0, nil
	}
	return s.memory.Get(ctx, key)
}

// TestStepsOfAnActionAreOneMessage: what reads the same is told once.
func TestStepsOfAnActionAreOneMessage(t *testing.T) {
	s, out, _, _ := sender(t)
	actions := store[access.Action]()
	s.Actions = actions
	for _, state := range []access.ActionState{access.ActionRunning, access.ActionVerifying, access.ActionVerified} {
		actions.docs[access.ActionID(finding().ID, 1)] = access.Action{State: state}
		if err := s.Send(t.Context(), access.Notice{Scope: scope, Finding: finding().ID}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"[CRITICAL] being put right: open to the world", "[CRITICAL] put right and verified: open to the world"}
	if diff := cmp.Diff(want, out.said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

func TestSinkDownIsTriedAgain(t *testing.T) {
	s, out, _, _ := sender(t)
	out.err = errors.New("down")
	notice := access.Notice{Scope: scope, Finding: finding().ID}
	if err := s.Send(t.Context(), notice); err == nil {
		t.Fatal("a failed delivery was taken for one")
	}
	out.err = nil
	if err := s.Send(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	if len(out.said) != 2 {
		t.Errorf("tried %d times, want 2", len(out.said))
	}
}

// TestDeadClaim: a process that died between claim and delivery delays the message by
// the lease and does not swallow it.
func TestDeadClaim(t *testing.T) {
	s, out, _, now := sender(t)
	m, _, err := s.render(t.Context(), access.Notice{Scope: scope, Finding: finding().ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.claim(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	notice := access.Notice{Scope: scope, Finding: finding().ID}
	if err := s.Send(t.Context(), notice); !errors.Is(err, access.ErrTemporary) {
		t.Errorf("while claimed: %v, want a temporary error", err)
	}
	*now = now.Add(2 * claimLease)
	if err := s.Send(t.Context(), notice); err != nil || len(out.said) != 1 {
		t.Errorf("after the lease: %v, said %q", err, out.said)
	}
}

func TestRouterNamesSinkAndSubject(t *testing.T) {
	var got []access.Out
	r := Router{
		Routes:  func() []Route { return []Route{{To: []string{"log"}}} },
		Publish: func(_ context.Context, outs ...access.Out) error { got = append(got, outs...); return nil },
	}
	f := finding()
	if err := r.Finding(t.Context(), access.FindingEvent{Finding: f}); err != nil {
		t.Fatal(err)
	}
	if err := r.Decision(t.Context(), access.Decision{Action: access.Action{ID: "x", Finding: f.ID, Ref: f.Ref}}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d notices, want 2", len(got))
	}
	for _, o := range got {
		if diff := cmp.Diff([]string{"log", f.ID}, o.Keys); diff != "" || o.Topic != access.TopicNotify {
			t.Errorf("%s %s", o.Topic, diff)
		}
	}
}
