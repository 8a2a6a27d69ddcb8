package api

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Command is what became of a command.
type Command struct {
	ID     string         `json:"id"`
	State  CommandState   `json:"state"`
	Why    string         `json:"why,omitempty"`    // what was done, or why it was refused and what to do next
	Action string         `json:"action,omitempty"` // that it moved or began
	At     time.Time      `json:"at,omitzero"`      // when it was decided
	Asked  access.Command `json:"asked"`
}

// CommandState is where a command stands.
type CommandState string

// The states of a command.
const (
	CommandPending  CommandState = "pending"
	CommandAccepted CommandState = "accepted"
	CommandRefused  CommandState = "refused"
)

func told(r access.CommandRecord) Command {
	state := CommandRefused
	if r.Accepted {
		state = CommandAccepted
	}
	return Command{ID: r.Command.ID, State: state, Why: r.Why, Action: r.Action, At: r.At, Asked: r.Command}
}

// roleFor is who may give a command at all.
func roleFor(v access.Verb) Role {
	switch v {
	case access.VerbVote, access.VerbUndo, access.VerbRelease, access.VerbWaive, access.VerbSnooze, access.VerbAcknowledge, access.VerbExpect, access.VerbUnwaive:
		return RoleApprover
	}
	return RoleAdmin
}

// submit is POST /api/v1/commands.
func (s *Server) submit(r *http.Request, who identity) (answer, error) {
	key, wrong := idempotencyKey(r.Header)
	if wrong != nil {
		return answer{}, wrong
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return answer{}, err
	}
	req, wrong := decode(raw)
	if wrong != nil {
		return answer{}, wrong
	}
	id := rand.Text()
	if key != "" {
		id = access.Hash("command", who.principal, key) // of this principal: nobody meets another's key
	}
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	c, done, err := s.given(r.Context(), v, req, id, key != "")
	if err != nil || done != nil {
		return s.decided(done, err)
	}
	record, err := s.Backend.Submit(r.Context(), c)
	if errors.Is(err, access.ErrTemporary) {
		s.Logger.Info("a command is not decided yet", zap.String("command", c.ID), zap.String("verb", string(c.Verb)), zap.String("by", c.By), zap.String("how", c.How), zap.Error(err))
		return answer{status: http.StatusAccepted, location: prefix + "/commands/" + c.ID, retry: time.Second, body: Command{ID: c.ID, State: CommandPending, Why: "it is not decided yet: ask again where Location says", Asked: c}}, nil
	}
	if err != nil {
		return answer{}, err
	}
	if !v.asks(record.Command, req) {
		return answer{}, otherAsk()
	}
	out := told(record)
	return s.decided(&out, nil)
}

// given is the command of a request. One that was given before is answered as it was, or
// goes out again as it was, to the byte, so that it is the same one to whoever decides.
func (s *Server) given(ctx context.Context, v *view, req Request, id string, repeats bool) (access.Command, *Command, error) {
	if repeats {
		record, known, err := s.Backend.Command(ctx, id)
		switch {
		case err != nil:
			return access.Command{}, nil, err
		case known && !v.asks(record.Command, req):
			return access.Command{}, nil, otherAsk()
		case known:
			out := told(record)
			return access.Command{}, &out, nil
		}
	}
	c, waiting := s.pending.get(id, s.Now())
	if !waiting {
		fresh, err := s.command(ctx, v, req, id)
		if err != nil {
			return access.Command{}, nil, err
		}
		c = s.pending.first(fresh, s.Now())
	}
	if !v.asks(c, req) {
		return access.Command{}, nil, otherAsk()
	}
	return c, nil, nil
}

// decided is the answer of a command that was decided.
func (s *Server) decided(c *Command, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	if c.State == CommandRefused {
		p := problem(http.StatusConflict, "refused", "The command was refused", "", "%s", c.Why)
		p.Command = c
		return answer{}, p
	}
	return answer{body: *c, location: prefix + "/commands/" + c.ID}, nil
}

func idempotencyKey(h http.Header) (string, *Problem) {
	values := h.Values("Idempotency-Key")
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1 || !regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`).MatchString(values[0]):
		return "", invalid("send one of 16 to 64 letters, digits, - and _, such as a ULID or UUID", "the Idempotency-Key is none")
	}
	return values[0], nil
}

func otherAsk() *Problem {
	return problem(http.StatusUnprocessableEntity, "key-used", "The Idempotency-Key was used for another request", "use a new key for a new request", "the same Idempotency-Key came with another request before")
}

// pending are commands on their way, by id.
type pending struct {
	mu       sync.Mutex
	commands map[string]access.Command
}

const maxPending = 10_000

// first is the command of this id that came first, which may be this one.
func (p *pending) first(c access.Command, now time.Time) access.Command {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.commands) >= maxPending {
		maps.DeleteFunc(p.commands, func(_ string, old access.Command) bool { return !now.Before(old.Until) })
	}
	if p.commands == nil || len(p.commands) >= maxPending {
		p.commands = map[string]access.Command{} // a repetition then goes out with a new date, and the store tells them apart
	}
	if old, ok := p.commands[c.ID]; ok && now.Before(old.Until) {
		return old
	}
	p.commands[c.ID] = c
	return c
}

// get is a command on its way that is not void yet.
func (p *pending) get(id string, now time.Time) (access.Command, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.commands[id]
	return c, ok && now.Before(c.Until)
}

// asks reports whether a command is what a request asks for. What the server filled in does
// not count, so that it stays the same while findings and plans change.
func (v *view) asks(c access.Command, r Request) bool {
	place := v.place(c.Scope)
	named := func(name string) bool { return name == "" || name == c.Scope.ID() || name == place.Title }
	same := c.Verb == r.Verb && c.PlanHash == r.PlanHash && c.Vote == r.Vote && c.Reason == r.Reason && c.Ticket == r.Ticket && c.Incident == r.Incident &&
		strings.HasPrefix(r.Action+r.Finding, c.Finding) && named(r.Org) && named(r.Project)
	if r.For != "" {
		d, wrong := span(r.For)
		same = same && wrong == nil && c.For == d
	}
	if w := c.Waiver; w != nil {
		same = same && w.Until.Equal(r.Until) && (r.Waiver == "" || w.ID == r.Waiver)
	}
	if e := c.Expect; e != nil {
		return same && e.Until.Equal(r.Until) && (r.From.IsZero() || e.From.Equal(r.From)) && e.Actor == r.Actor && e.Rule == r.Rule && e.Kind == r.Kind && e.Name == r.Name
	}
	return same && c.Rule == r.Rule
}

// commandState is GET /api/v1/commands/{id}.
func (s *Server) commandState(r *http.Request, who identity) (answer, error) {
	id := r.PathValue("id")
	record, known, err := s.Backend.Command(r.Context(), id)
	if err != nil {
		return answer{}, err
	}
	out := told(record)
	if !known {
		c, waiting := s.pending.get(id, s.Now())
		if !waiting {
			return answer{}, missing("command", id)
		}
		out = Command{ID: id, State: CommandPending, Why: "it is not decided yet", Asked: c}
	}
	v, err := s.view(r.Context(), who)
	if err != nil {
		return answer{}, err
	}
	if err := v.load(r.Context()); err != nil {
		return answer{}, err
	}
	if out.Asked.By != who.principal && !who.sees(thing{v.place(out.Asked.Scope), v.findings[out.Asked.Finding].Owner}) {
		return answer{}, missing("command", id)
	}
	return answer{body: out}, nil
}
