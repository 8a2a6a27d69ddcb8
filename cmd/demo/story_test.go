package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// TestNDJSON pins the wire form of a step and of the end.
func TestNDJSON(t *testing.T) {
	var out bytes.Buffer
	s := &story{out: &out}
	for _, line := range []any{
		result{Step: "unscoped", Expected: "a", Seen: "b → c & <d>", OK: true, DetectionMS: millis(1034 * time.Millisecond), ContainedMS: millis(1067900 * time.Microsecond), title: "x"},
		result{Step: "transient", DetectionMS: millis(time.Microsecond), ContainedMS: millis(0)},
		ending{Summary: "2 of 2", OK: true},
	} {
		if err := s.print(line); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"step":"unscoped","expected":"a","seen":"b → c & <d>","ok":true,"detection_ms":1034,"containment_ms":1067}
{"step":"transient","expected":"","seen":"","ok":false,"detection_ms":0,"containment_ms":null}
{"summary":"2 of 2","ok":true}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStepsAreTold: names are unique, and every step says what it expects.
func TestStepsAreTold(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range steps() {
		if seen[s.name] || s.name == "" || s.title == "" || s.expected == "" || s.play == nil {
			t.Errorf("step %+v is not complete, or is there twice", s.name)
		}
		seen[s.name] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d steps, want the story's 8", len(seen))
	}
}

func event(rule string, from, to access.FindingState, at time.Time) access.FindingEvent {
	ref := access.Ref{Scope: access.ProjectScope("64f000000000000000000001"), Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	return access.FindingEvent{At: at, From: from, To: to, Finding: access.Finding{ID: access.FindingID(rule, ref, ""), Rule: rule, Ref: ref, State: to, Episode: 1, Severity: access.Critical, Message: "open"}}
}

// TestFacts: a fact that comes twice counts once; only the opening of an episode opens.
func TestFacts(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	told := 0
	f := newFacts(func(fact) { told++ })
	opened := event(ruleOpen, "", access.FindingOpen, at)
	for _, v := range []any{opened, opened, event(ruleOpen, access.FindingOpen, access.FindingOpen, at.Add(1)), "noise", access.Decision{At: at, Type: "decision"}} {
		f.observe(v)
	}
	if told != 3 || f.count() != 3 {
		t.Errorf("%d facts told, %d kept, want 3", told, f.count())
	}
	list, _ := f.since(0)
	for i, want := range []bool{true, false, false} {
		if got := list[i].opened(ruleOpen, world); got != want {
			t.Errorf("fact %d opened = %v, want %v", i, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := f.await(ctx, 1, func(x fact) bool { return x.opened(ruleOpen, world) }); ok {
		t.Error("a fact from before was taken for a later one")
	}
	if n, ok := f.await(ctx, 0, func(x fact) bool { return x.opened(ruleOpen, world) }); !ok || n.finding.Finding.Rule != ruleOpen {
		t.Error("the fact was not found")
	}
}

// TestChecksBite: an act whose project is not as it was, or whose wait ends in nothing,
// does not hold.
func TestChecksBite(t *testing.T) {
	atlas, err := buildAtlas(options{seed: 1}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &story{set: &set{atlas: atlas}, screen: newScreen(&bytes.Buffer{}, time.Now()), facts: newFacts(func(fact) {}), opening: atlas.Snapshot()}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := &act{story: s, ctx: ctx, before: atlas.Snapshot()}
	if a.asWas(prod, nil); len(a.wrong) > 0 {
		t.Errorf("nothing happened, and yet: %q", a.wrong)
	}
	a.does(person("rajesh@example.com", "198.51.100.23"), "adds it", request{"POST", a.path(prod, "accessList"), `[{"cidrBlock": "0.0.0.0/0"}]`})
	a.asWas(prod, nil)
	a.detect(ruleOpen, world)
	a.does(person("rajesh@example.com", ""), "errs", request{"POST", a.path(prod, "accessList"), `[{"cidrBlock": "x"}]`})
	if len(a.wrong) != 3 || !strings.Contains(a.wrong[0], "0.0.0.0/0") || !strings.Contains(a.wrong[1], "no finding") || !strings.Contains(a.wrong[2], "could not do it") {
		t.Errorf("wrong = %q", a.wrong)
	}
}

// TestMachineActs: CI's write goes over HTTP with its own token, and Atlas records it as its.
func TestMachineActs(t *testing.T) {
	atlas, err := buildAtlas(options{seed: 1}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	served, err := listen(t.Context(), options{listen: "127.0.0.1:0"}, atlas)
	if err != nil {
		t.Fatal(err)
	}
	s := &set{atlas: atlas, served: served}
	ci := account(atlas.Snapshot().Orgs[0], "terraform-ci")
	post := request{"POST", "/groups/" + atlas.ProjectID(prod) + "/accessList", `[{"cidrBlock": "8.8.8.8/32"}]`}
	if err := pipeline(ci).do(t.Context(), s, post); err != nil {
		t.Error(err)
	}
	if made := atlas.Mutations(); len(made) != 1 || made[0].Credential != ci.ClientID {
		t.Errorf("Atlas recorded %+v", made)
	}
	err = pipeline(sim.ServiceAccount{Name: "nobody", ClientID: ci.ClientID, Secret: "wrong"}).do(t.Context(), s, post)
	if err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong secret: %v", err)
	}
	if err := served.close(); err != nil {
		t.Error(err)
	}
}

// TestScreen: outside a terminal there is no colour, and no line is wider than it should be.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, time.Now())
	s.width = 72
	name := func(access.Scope) string { return "ecommerce-prod" }
	at := time.Now()
	for _, f := range []fact{
		{finding: ptr(event(ruleOpen, "", access.FindingOpen, at))},
		{finding: ptr(event(ruleOpen, access.FindingOpen, access.FindingResolved, at))},
		{finding: ptr(event(ruleOpen, access.FindingOpen, access.FindingOpen, at))},
	} {
		s.fact(f, name)
	}
	for _, st := range []access.ActionState{access.ActionProposed, access.ActionRunning, access.ActionVerifying, access.ActionVerified, access.ActionTold, access.ActionRefused} {
		s.fact(fact{decision: &access.Decision{Action: access.Action{State: st, Why: "because of a-name-with-hyphens that is long enough to need a second line", Guard: "settle"}}}, name)
	}
	s.title(1, "A title")
	s.outcome(result{title: "t", ended: "reverted", OK: true, detected: time.Second}, nil)
	s.outcome(result{title: "t"}, []string{"it did not"})
	s.summary([]result{
		{title: "An application becomes administrator", ended: "unknown, then reverted", OK: true, detected: time.Second, shut: time.Second, contained: time.Minute},
		{title: "Short", ended: "did not hold"},
	}, ending{Summary: "1 of 2 steps held"})
	text := out.String()
	if strings.Contains(text, "\x1b") {
		t.Errorf("colour outside a terminal: %q", text)
	}
	for line := range strings.Lines(text) {
		if w := lipgloss.Width(strings.TrimSuffix(line, "\n")); w > s.width {
			t.Errorf("%d columns: %q", w, line)
		}
	}
	for _, want := range []string{"saw", "CRITICAL network/open-to-world", "closed", "waits", "acts", "verified", "told", "refused", "✓ held", "✗ failed", "a-name-with-hyphens", "60.00 s", "1 of 2", "An application be…"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not show %q:\n%s", want, text)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// TestInterrupted: a signal in the middle of the story ends it without hiding why.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("a signal"))
	s := &story{set: &set{}, screen: newScreen(&bytes.Buffer{}, time.Now()), facts: newFacts(func(fact) {})}
	atlas, err := buildAtlas(options{seed: 1}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.set.atlas, s.opening = atlas, atlas.Snapshot()
	if err := s.step(ctx, 1, step{name: "one", play: func(*act) {}}); !errors.Is(err, errInterrupted) || !strings.Contains(err.Error(), "step one: interrupted: a signal") {
		t.Errorf("step = %v", err)
	}
}
