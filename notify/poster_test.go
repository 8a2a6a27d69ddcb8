package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func pins(w *posterWorld) (all []string) {
	for _, p := range w.board.sorted() {
		c := p.card()
		open := 0
		for _, n := range c.Counts {
			open += n.Open
		}
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s: %d of %d open %s", p.channel, open, c.Total, c.Digest)))
	}
	return all
}

func wantPins(t *testing.T, w *posterWorld, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, pins(w)); diff != "" {
		t.Errorf("cards (-want +got):\n%s", diff)
	}
}

// TestOneCardIsEditedAsItsFindingChanges, and what is critical does not wait.
func TestOneCardIsEditedAsItsFindingChanges(t *testing.T) {
	w := newPosterWorld(false)
	s := w.found("0.0.0.0/0", openToWorld, access.Critical, 1)
	s.Authors = []string{"alice"}
	w.set(s)
	w.after(t, time.Second)
	wantPins(t, w, "ops: 1 of 1 open")
	w.route(s.Finding) // once more, with nothing new
	w.after(t, 10*time.Second)
	w.resolve(s.Finding.ID)
	w.after(t, 10*time.Second)
	wantPins(t, w, "ops: 0 of 1 open")
	p := w.board.sorted()[0]
	if len(p.cards) != 2 || p.cards[0].Rev != 1 || !p.cards[0].First() || p.cards[1].Rev != 2 || p.cards[1].First() || len(p.lines) != 2 {
		t.Errorf("%d renderings, lines %q", len(p.cards), p.lines)
	}
	if diff := cmp.Diff([]string{"alice " + s.Finding.ID}, w.board.directs); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	for at := range w.board.pins {
		g, ok, err := w.poster.Store.At(t.Context(), at)
		if err != nil || !ok || g.At != at || g.Rev != 2 || !g.Claimed.IsZero() {
			t.Errorf("the group of the card: %v %v %+v", ok, err, g)
		}
	}
}

// TestStepsThatNobodySeesAreNoEdit, and a question is stored with what it offers.
func TestStepsThatNobodySeesAreNoEdit(t *testing.T) {
	w := newPosterWorld(false)
	s := w.found("a", "r/one", access.Critical, 1)
	s.Question = Question{Action: "a-1", Plan: "plan", Need: 1, May: []string{"bob"}}
	w.set(s)
	w.after(t, time.Second)
	w.change(s.Finding.ID, func(s *Story) { s.Action.Attempts, s.Action.Wake = 3, w.now })
	w.after(t, time.Second)
	if p := w.board.sorted()[0]; len(p.cards) != 1 {
		t.Errorf("%d renderings", len(p.cards))
	}
	for _, g := range w.groups.docs {
		want := []Offered{{Scope: s.Finding.Ref.Scope, Finding: s.Finding.ID, Episode: 1, Action: "a-1", Plan: "plan"}}
		if diff := cmp.Diff(want, g.Votes); diff != "" {
			t.Error(diff)
		}
	}
}

// TestAQuestionIsToldWithItsFinding: what is critical waits a moment for what is done about it.
func TestAQuestionIsToldWithItsFinding(t *testing.T) {
	w := newPosterWorld(false)
	s := w.found("a", "r/one", access.Critical, 1)
	s.Action = access.Action{}
	w.set(s)
	w.after(t, 300*time.Millisecond)
	wantPins(t, w)
	w.change(s.Finding.ID, func(s *Story) { s.Action.State = access.ActionAwaiting })
	w.after(t, 10*time.Millisecond)
	wantPins(t, w, "ops: 1 of 1 open")
	other := w.found("b", "r/two", access.Critical, 1)
	other.Action = access.Action{}
	w.set(other)
	w.after(t, 3*time.Second)
	wantPins(t, w, "ops: 1 of 1 open", "ops: 1 of 1 open")
}

func TestFindingsOfOneCauseAreOneCard(t *testing.T) {
	w := newPosterWorld(false)
	for i := range 40 {
		w.set(w.found(fmt.Sprint(i), "r/one", access.High, i))
	}
	w.after(t, 9*time.Second)
	wantPins(t, w)
	w.after(t, 20*time.Second)
	wantPins(t, w, "ops: 40 of 40 open")
	c := w.board.sorted()[0].card()
	if len(c.Stories) != Shown || len(w.board.sorted()[0].lines) != 0 {
		t.Errorf("%d are shown, said %q", len(c.Stories), w.board.sorted()[0].lines)
	}
	w.after(t, 20*time.Second)
	w.set(w.found("late", "r/one", access.High, 1)) // within a minute of the last
	w.after(t, 2*time.Minute)
	wantPins(t, w, "ops: 41 of 41 open")
	w.set(w.found("next", "r/one", access.High, 1)) // not within it
	w.after(t, 30*time.Second)
	wantPins(t, w, "ops: 41 of 41 open", "ops: 1 of 1 open")
	for i := range 40 {
		w.resolve(access.Hash(fmt.Sprint(i)))
	}
	w.resolve(access.Hash("late"))
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 0 of 41 open", "ops: 1 of 1 open")
	if diff := cmp.Diff([]string{"over 41: All 41 are over."}, w.board.sorted()[0].lines); diff != "" {
		t.Error(diff)
	}
}

func TestTooManyAtOnceAreADigest(t *testing.T) {
	w := newPosterWorld(false)
	for i := range 50 {
		w.set(w.found(fmt.Sprint(i), fmt.Sprint("r/", i), access.High, i))
	}
	w.after(t, 5*time.Minute)
	got := pins(w)
	slices.Sort(got)
	want := append(slices.Repeat([]string{"ops: 1 of 1 open"}, 20), "ops: 30 of 30 open too many at once for a card each")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cards (-want +got):\n%s", diff)
	}
}

// TestHandledWhileTheBoardWasDown: what is over gets no card of its own, and what stands gets one.
func TestHandledWhileTheBoardWasDown(t *testing.T) {
	w := newPosterWorld(false)
	w.board.down = fmt.Errorf("token_revoked: %w", ErrNoBoard)
	for i := range 5 {
		w.set(w.found(fmt.Sprint(i), fmt.Sprint("r/", i), access.Critical, i))
		w.after(t, 2*time.Minute)
	}
	for i := range 4 {
		w.resolve(access.Hash(fmt.Sprint(i)))
	}
	w.after(t, time.Hour)
	wantPins(t, w)
	w.board.down = nil
	w.after(t, 2*time.Minute)
	wantPins(t, w, "ops: 1 of 1 open", "ops: 0 of 4 open handled while Slack was unreachable")
}

func TestAClosedChannelHasAFallback(t *testing.T) {
	w := newPosterWorld(false)
	w.policy.Fallback = "lobby"
	w.board.closed["ops"] = true
	s := w.found("a", "r/one", access.Critical, 1)
	w.set(s)
	w.after(t, time.Minute)
	w.resolve(s.Finding.ID)
	w.after(t, time.Minute)
	wantPins(t, w, "lobby: 0 of 1 open")
	w.board.closed["ops"] = false
	w.set(w.found("b", "r/two", access.Critical, 1))
	w.after(t, time.Minute)
	wantPins(t, w, "lobby: 0 of 1 open", "ops: 1 of 1 open")
	w.board.closed["ops"], w.board.closed["lobby"] = true, true
	w.set(w.found("c", "r/three", access.Critical, 1))
	w.after(t, time.Hour)
	w.board.closed["lobby"] = false
	w.after(t, 2*time.Minute)
	wantPins(t, w, "lobby: 0 of 1 open", "ops: 1 of 1 open", "lobby: 1 of 1 open")
}

func TestADeletedCardIsPostedAnew(t *testing.T) {
	w := newPosterWorld(false)
	s := w.found("a", "r/one", access.Critical, 1)
	w.set(s)
	w.after(t, time.Minute)
	clear(w.board.pins)
	w.change(s.Finding.ID, func(s *Story) { s.Finding.State = access.FindingAcknowledged })
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 1 of 1 open")
	for _, g := range w.groups.docs {
		if len(g.Former) != 1 || g.At.ID != "2" {
			t.Errorf("at %v, formerly %v", g.At, g.Former)
		}
	}
	clear(w.board.pins) // and where only its thread is written to
	w.poster.Lines = func(Story) []Line { return []Line{{Key: "more", Text: "more"}} }
	w.route(s.Finding)
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 1 of 1 open")
}

// TestNarrowerEntriesWaitForOpenToWorld: counted, and told once it is over if they still stand.
func TestNarrowerEntriesWaitForOpenToWorld(t *testing.T) {
	w := newPosterWorld(false)
	world := w.found("0.0.0.0/0", openToWorld, access.Critical, 1)
	w.set(world)
	w.after(t, time.Second)
	for i := range 4 {
		w.set(w.found(fmt.Sprint(i), "network/entry-too-broad", access.High, 1))
	}
	w.set(w.found("elsewhere", "network/provider-range", access.High, 2))
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 1 of 1 open", "ops: 1 of 1 open")
	if held := w.board.sorted()[0].card().Stories[0].Held; held != 4 {
		t.Errorf("its card counts %d", held)
	}
	w.resolve(access.Hash("0"))
	w.change(access.Hash("1"), func(s *Story) { s.Finding.Severity = access.Critical })
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 1 of 1 open", "ops: 1 of 1 open", "ops: 1 of 1 open")
	w.resolve(world.Finding.ID)
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 0 of 1 open", "ops: 1 of 1 open", "ops: 1 of 1 open", "ops: 2 of 2 open")
	for _, h := range w.held.docs {
		if h.By.Finding != "" || len(h.Members) != 0 {
			t.Errorf("still held: %+v", h)
		}
	}
}

// TestWhatIsLetStandHoldsNothingBack: a waiver, or that it is known, is no end, and no reason to keep
// what else is wrong from anybody.
func TestWhatIsLetStandHoldsNothingBack(t *testing.T) {
	for _, state := range []access.FindingState{access.FindingWaived, access.FindingAcknowledged} {
		w := newPosterWorld(false)
		world := w.found("0.0.0.0/0", openToWorld, access.Critical, 1)
		w.set(world)
		w.after(t, time.Second)
		w.set(w.found("a", "network/entry-too-broad", access.High, 1))
		w.after(t, time.Minute)
		wantPins(t, w, "ops: 1 of 1 open")
		w.change(world.Finding.ID, func(s *Story) { s.Finding.State = state })
		w.after(t, time.Minute)
		w.set(w.found("b", "network/entry-too-broad", access.High, 1))
		w.after(t, time.Minute)
		if n := len(w.board.sorted()); n != 2 {
			t.Errorf("%s: %d cards, want its own and that of those that waited", state, n)
		}
	}
}

// TestAnEndThatNobodyToldOfLetsGo: the next one of the scope notices.
func TestAnEndThatNobodyToldOfLetsGo(t *testing.T) {
	w := newPosterWorld(false)
	world := w.found("0.0.0.0/0", openToWorld, access.Critical, 1)
	w.set(world)
	w.after(t, time.Second)
	w.set(w.found("a", "network/entry-too-broad", access.High, 1))
	w.after(t, time.Minute)
	delete(w.findings, access.ActionID(world.Finding.ID, 1))
	w.set(w.found("b", "network/entry-too-broad", access.High, 1))
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 1 of 1 open", "ops: 2 of 2 open")
}

func TestFactsAreToldInTheirOwnWords(t *testing.T) {
	w := newPosterWorld(false)
	n := access.Notice{Scope: scope, Says: "freeze by carol: done", To: "ops"}
	for _, later := range []time.Duration{time.Minute, 2 * time.Hour, time.Minute} {
		if err := w.poster.Handle(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		w.after(t, later)
	}
	said := "ops: 0 of 0 open freeze by carol: done"
	wantPins(t, w, said, said)
}

// TestWhatIsAskedForShowsOnTheCard, in the channels that have one.
func TestWhatIsAskedForShowsOnTheCard(t *testing.T) {
	w := newPosterWorld(false)
	s := w.found("a", "r/one", access.Critical, 1)
	w.set(s)
	w.after(t, time.Minute)
	s.Keep.By = []string{"bob"}
	w.findings[access.ActionID(s.Finding.ID, 1)] = s
	r := Router{Routes: func() []Route { return []Route{{To: []string{"log", "slack:ops", "slack:other"}}} }, Publish: w.publish}
	asked := &access.CommandRecord{Accepted: true, Command: access.Command{Verb: access.VerbWaive, Scope: s.Finding.Ref.Scope, Finding: s.Finding.ID, Episode: 1}}
	refused := &access.CommandRecord{Command: asked.Command}
	for _, c := range []*access.CommandRecord{refused, asked} {
		if err := r.Decision(t.Context(), access.Decision{Type: access.FactControl, Command: c}); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.queue) != 2 {
		t.Errorf("%d notices", len(w.queue))
	}
	w.after(t, time.Minute)
	wantPins(t, w, "ops: 1 of 1 open")
	if c := w.board.sorted()[0].card(); len(c.Stories[0].Keep.By) != 1 || c.Rev != 2 {
		t.Errorf("%+v", c)
	}
}

// TestALimitIsWaitedFor: the rendering that was refused is not counted as one, and others are not tried meanwhile.
func TestALimitIsWaitedFor(t *testing.T) {
	w := newPosterWorld(false)
	w.poster.Lines = nil
	s := w.found("a", "r/one", access.Critical, 1)
	w.set(s)
	w.after(t, 2*time.Second)
	for range 50 {
		w.board.edits = append(w.board.edits, w.now)
	}
	w.after(t, 10*time.Second)
	for i := range 30 {
		w.change(s.Finding.ID, func(s *Story) { s.Finding.Message = fmt.Sprint(i) })
		w.after(t, time.Second)
	}
	if w.board.limited != 1 {
		t.Errorf("refused %d times", w.board.limited)
	}
	w.after(t, time.Minute)
	p := w.board.sorted()[0]
	if c := p.card(); len(p.cards) != 2 || c.Rev != 2 || c.Stories[0].Finding.Message != "29" {
		t.Errorf("%d renderings, the last %d", len(p.cards), c.Rev)
	}
}

func TestLaterIsBounded(t *testing.T) {
	for delay, want := range map[time.Duration]time.Duration{-time.Hour: soon, time.Second: time.Second, 10 * time.Hour: longest} {
		if got := (Later{Delay: delay}).RetryAfter(); got != want {
			t.Errorf("%s: %s", delay, got)
		}
	}
	if l := (Later{Why: "it waits", Err: ErrNoBoard}); l.Planned() || !errors.Is(l, ErrNoBoard) || !strings.HasPrefix(l.Error(), "it waits: ") {
		t.Errorf("%v", l)
	}
}
