// Package notify says things to people: it decides which sinks hear of a finding or
// an action (routes), renders what to say, and delivers it once per rendering.
//
// # Flow
//
// [Router] turns each published finding transition and each decision into notices,
// one subject a sink and finding. A notice carries ids only. [Sender] loads the
// finding and its action as they stand when it sends, renders them ([Render], pure),
// claims the delivery by compare-and-set and hands the message to the [Sink].
//
// [Poster] does the same for boards, where a message is edited in place: it gathers findings in
// groups, of which each has one [Card], and keeps within what people and boards bear.
//
// # What may repeat or come late
//
// Notices may repeat, arrive late or be coalesced: what is said is always the newest
// state, and a rendering that was delivered is not delivered again. A process that
// dies between the claim and the sink's answer leaves a claim; the next attempt sees
// it older than its lease and delivers again, so a person may, rarely, read a line
// twice and never misses one. A sink that is down delays its own messages and nothing
// else: no stage waits for it.
package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Sink is one place where messages go. Deliver may be called again with the same
// message; Key says which earlier message of the sink it replaces, if the sink can.
type Sink interface {
	Name() string
	Deliver(ctx context.Context, m Message) error
}

// Route sends findings to sinks. Empty lists match everything; Severity is the
// mildest that still goes. Every matching route counts.
type Route struct {
	Environments []string
	Severity     access.Severity
	To           []string
}

// Sinks lists the sinks, sorted and unique, that hear of the finding.
func Sinks(routes []Route, f access.Finding) []string {
	var out []string
	for _, r := range routes {
		if r.matches(f) {
			out = append(out, r.To...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r Route) matches(f access.Finding) bool {
	order := access.Severities()
	if r.Severity != "" && slices.Index(order, f.Severity) > slices.Index(order, r.Severity) {
		return false
	}
	return len(r.Environments) == 0 || slices.ContainsFunc(r.Environments, func(p string) bool { return access.Match(p, f.Environment) })
}

// Documents is how this stage stores what it delivered.
type Documents[T any] interface {
	Get(ctx context.Context, key string) (T, uint64, error)
	Update(ctx context.Context, key string, compute func(cur T, rev uint64) (*T, []access.Out, error)) (uint64, error)
}

// Router fans transitions out to the sinks of the routes.
type Router struct {
	Routes  func() []Route // swapped on reload
	Publish func(ctx context.Context, outs ...access.Out) error
}

// Finding handles one published transition of a finding.
func (r Router) Finding(ctx context.Context, e access.FindingEvent) error {
	return r.send(ctx, e.Finding, access.ActionID(e.Finding.ID, e.Finding.Episode), e.Finding.ID)
}

// Decision handles one published decision about an action.
func (r Router) Decision(ctx context.Context, d access.Decision) error {
	switch {
	case tells(d):
		return r.fact(ctx, d)
	case d.Command != nil:
		return r.touched(ctx, *d.Command)
	case d.Action.Finding == "":
		return nil // about no finding
	}
	f := access.Finding{ID: d.Action.Finding, Episode: d.Action.Episode, Ref: d.Action.Ref, Severity: d.Action.Severity, Environment: d.Action.Environment}
	if d.Action.Purpose != "" {
		return r.send(ctx, f, d.Action.ID, d.Action.ID)
	}
	return r.send(ctx, f, d.Action.ID, f.ID)
}

func (r Router) send(ctx context.Context, f access.Finding, action, subject string) error {
	var outs []access.Out
	for _, sink := range Sinks(r.Routes(), f) {
		n := access.Notice{Scope: f.Ref.Scope, Finding: f.ID, Action: action}
		if _, _, channel := strings.Cut(sink, ":"); channel {
			n.Action, n.Episode = "", f.Episode // a card tells of all that is done about an episode
			outs = append(outs, addressed(n, sink, access.ActionID(f.ID, f.Episode)))
			continue
		}
		outs = append(outs, addressed(n, sink, subject))
	}
	if len(outs) == 0 {
		return nil
	}
	return r.Publish(ctx, outs...)
}

// addressed is the message that carries a notice to a target of a route: a sink, or a sink and one of its
// channels. Of each channel one notice a subject waits.
func addressed(n access.Notice, target, subject string) access.Out {
	sink, to, channel := strings.Cut(target, ":")
	if channel {
		n.To, subject = to, access.Hash(target, subject)
	}
	return access.NewOut(access.TopicNotify, n.Scope, n, sink, subject)
}

// Delivery is what is stored of one subject at one sink.
type Delivery struct {
	V       int       `json:"v"`
	Digest  string    `json:"digest"`           // of the rendering that was claimed
	Claimed time.Time `json:"claimed,omitzero"` // when; zero once delivered
}

// claimLease is how long a claim keeps others from delivering the same rendering: a
// sink that has not answered by then is asked again.
const claimLease = time.Minute

// Sender delivers notices to one sink.
type Sender struct {
	Sink     Sink
	Findings interface {
		Get(ctx context.Context, key string) (access.Findings, uint64, error)
	}
	Actions interface {
		Get(ctx context.Context, key string) (access.Action, uint64, error)
	}
	Deliveries Documents[Delivery]
	Now        func() time.Time
	Delivered  func(sink string, err error) // counts; may be nil
}

// What is decided about a finding that opens follows in a moment, and is told with it. A
// decision that takes longer is told by itself: nobody waits for it.
const (
	decidedIn  = 2 * time.Second // after the finding opened
	askedAgain = 50 * time.Millisecond
)

// decided renders a notice once it is decided what is done about the finding, or that is
// late.
func (s Sender) decided(ctx context.Context, n access.Notice) (Message, bool, error) {
	for tries := decidedIn / askedAgain; ; tries-- {
		m, ok, err := s.render(ctx, n)
		fresh := m.Finding.State == access.FindingOpen && m.Action.State == "" && s.Now().Sub(m.Finding.OpenedAt) < decidedIn
		if err != nil || !ok || !fresh || tries == 0 {
			return m, ok, err
		}
		select {
		case <-ctx.Done():
			return m, false, ctx.Err()
		case <-time.After(askedAgain):
		}
	}
}

// Send handles one notice. An error means: try again later.
func (s Sender) Send(ctx context.Context, n access.Notice) error {
	m, ok, err := s.decided(ctx, n)
	if err != nil || !ok {
		return err
	}
	claimed, err := s.claim(ctx, m)
	if err != nil || !claimed {
		return err
	}
	err = s.Sink.Deliver(ctx, m)
	if s.Delivered != nil {
		s.Delivered(s.Sink.Name(), err)
	}
	if err != nil {
		return s.release(ctx, m, fmt.Errorf("deliver %s to %s: %w", m.Subject, s.Sink.Name(), err))
	}
	return s.settle(ctx, m, Delivery{V: access.Version, Digest: m.Digest()})
}

func (s Sender) render(ctx context.Context, n access.Notice) (Message, bool, error) {
	if n.Says != "" {
		return worded(n), true, nil
	}
	doc, _, err := s.Findings.Get(ctx, string(n.Scope))
	if err != nil {
		return Message{}, false, fmt.Errorf("load findings of %s: %w", n.Scope, err)
	}
	f, ok := doc.Findings[n.Finding]
	if n.Action != "" && n.Action != access.ActionID(f.ID, f.Episode) {
		if a, _, err := s.Actions.Get(ctx, n.Action); err != nil || a.Purpose != "" {
			f.Severity = cmp.Or(a.Severity, f.Severity)
			return followed(f, a), err == nil, err
		}
	}
	if !ok {
		return Message{}, false, nil // resolved and forgotten: nothing left to say
	}
	a, _, err := s.Actions.Get(ctx, access.ActionID(f.ID, f.Episode))
	if err != nil {
		return Message{}, false, fmt.Errorf("load the action of %s: %w", f.ID, err)
	}
	return Render(f, a), true, nil
}

func (s Sender) key(m Message) string { return m.Subject + "." + s.Sink.Name() }

// claim reports whether this rendering is ours to deliver.
func (s Sender) claim(ctx context.Context, m Message) (claimed bool, err error) {
	now := s.Now()
	var held time.Time
	_, err = s.Deliveries.Update(ctx, s.key(m), func(cur Delivery, _ uint64) (*Delivery, []access.Out, error) {
		claimed, held = false, time.Time{}
		if cur.Digest == m.Digest() {
			if cur.Claimed.IsZero() {
				return nil, nil, nil
			}
			if now.Sub(cur.Claimed) < claimLease {
				held = cur.Claimed
				return nil, nil, nil
			}
		}
		claimed = true
		return &Delivery{V: access.Version, Digest: m.Digest(), Claimed: now}, nil, nil
	})
	if err == nil && !held.IsZero() {
		err = fmt.Errorf("deliver %s to %s: claimed by another %s ago: %w", m.Subject, s.Sink.Name(), access.Lasts(now.Sub(held)), access.ErrTemporary)
	}
	return claimed, err
}

func (s Sender) release(ctx context.Context, m Message, cause error) error {
	if err := s.settle(ctx, m, Delivery{V: access.Version}); err != nil {
		return fmt.Errorf("%w (and the claim stays for %s: %v)", cause, access.Lasts(claimLease), err)
	}
	return cause
}

func (s Sender) settle(ctx context.Context, m Message, d Delivery) error {
	_, err := s.Deliveries.Update(ctx, s.key(m), func(cur Delivery, _ uint64) (*Delivery, []access.Out, error) {
		if cur.Digest != m.Digest() {
			return nil, nil, nil // a newer rendering took over
		}
		return &d, nil, nil
	})
	return err
}

// Message is what a sink is to say. It carries no secret: nothing that Atlas lets one
// read is one.
type Message struct {
	Subject  string // finding id: what earlier messages of the same subject were about
	Severity access.Severity
	Title    string // one line
	Lines    []string
	Finding  access.Finding
	Action   access.Action
}

// Digest tells two renderings apart: by what people read, and not by the steps of an action
// between which they could see no difference.
func (m Message) Digest() string {
	raw, err := json.Marshal([]any{m.Title, m.Lines})
	if err != nil {
		panic("notify: a message does not encode: " + err.Error())
	}
	return access.Hash(string(raw))
}
