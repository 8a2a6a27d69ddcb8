package remediate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

func recordKey(id string) string { return "cmd." + access.Hash(id) }

// RecordKey is where the record of a command is kept.
func RecordKey(id string) string { return recordKey(id) }

// Command does what a signed command asks for, once, or says why not. raw is the envelope as
// it was published for the scope, and published is when the store took it: a command that
// came in time is not void because we were late. Whatever is wrong with a command is
// recorded, told and audited; an error means that it must be looked at again.
func (s *Stage) Command(ctx context.Context, scope access.Scope, raw []byte, published time.Time) error {
	p := s.Policy()
	c, err := access.Unseal(raw, scope, orgOf(p, scope), p.People.Keys, published)
	if err != nil {
		return s.forged(ctx, scope, raw, err)
	}
	r := access.CommandRecord{V: access.Version, Command: c, Key: access.EnvelopeKey(raw), Digest: access.Hash(string(raw)), At: s.now()}
	before, rev, err := s.Records.Get(ctx, recordKey(c.ID))
	switch {
	case err != nil:
		return fmt.Errorf("look whether command %s was done: %w", c.ID, err)
	case rev != 0 && before.Digest == r.Digest:
		return nil
	case rev != 0:
		return s.forged(ctx, scope, raw, fmt.Errorf("command %s was given before, with other words", c.ID))
	}
	said, err := s.obey(ctx, p, c, raw)
	if err != nil {
		return fmt.Errorf("do what command %s asks (%s): %w", c.ID, c.Verb, err)
	}
	r.Accepted, r.Why, r.Action = said.ok, said.why, said.action
	return s.recorded(ctx, r, said.outs...)
}

func orgOf(p Policy, scope access.Scope) string {
	if scope.IsOrg() {
		return scope.ID()
	}
	if p.Org == nil {
		return ""
	}
	return p.Org(scope)
}

// obey is the one table of what verbs do. Each may be called again for the same command.
func (s *Stage) obey(ctx context.Context, p Policy, c access.Command, raw []byte) (answer, error) {
	if c.Verb == access.VerbRefused { // by whom need be nobody whom the configuration knows
		return declined("by the gateway: %s", c.Reason), nil
	}
	if !p.People.known(c.By) {
		return declined("%s is no principal of the configuration: declare them under principals", c.By), nil
	}
	if no, err := s.inChat(ctx, p, c); err != nil || no != "" {
		return declined("%s", no), err
	}
	switch c.Verb {
	case access.VerbVote:
		return s.vote(ctx, p, c, raw)
	case access.VerbUndo, access.VerbRelease:
		return s.takeBack(ctx, p, c, raw)
	case access.VerbAcknowledge, access.VerbWaive, access.VerbExpect:
		return s.stand(ctx, p, c, raw)
	case access.VerbSnooze:
		return s.snooze(ctx, p, c)
	case access.VerbUnwaive:
		return s.unwaive(ctx, p, c)
	case access.VerbFreeze, access.VerbUnfreeze, access.VerbIncident, access.VerbEndIncident:
		return s.control(ctx, p, c)
	case access.VerbAdopt:
		return s.adopt(ctx, p, c, raw)
	}
	return declined("%s is not a verb that this version knows", c.Verb), nil
}

// forged records a command that is not believed. Its bytes are named by their hash: nothing
// in them can be trusted.
func (s *Stage) forged(ctx context.Context, scope access.Scope, raw []byte, why error) error {
	s.Logger.Warn("command refused", zap.String("scope", string(scope)), zap.String("why", cut(why.Error(), 500)))
	if scope.Validate() != nil {
		return nil // no gateway writes there, and no record can be told of there
	}
	digest := access.Hash(string(raw))
	r := access.CommandRecord{
		V: access.Version, Command: access.Command{V: access.Version, ID: "refused-" + digest, Scope: scope}, Key: cut(access.EnvelopeKey(raw), 64), Digest: digest, At: s.now(),
		Why: "not believed: " + cut(why.Error(), 500),
	}
	return s.recorded(ctx, r)
}

// cut shortens what a stranger wrote: it is stored, and told.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// recorded stores what became of a command, with the fact that tells of it. The first
// record stands.
func (s *Stage) recorded(ctx context.Context, r access.CommandRecord, outs ...access.Out) error {
	fact := access.Decision{V: access.Version, Type: access.FactControl, At: r.At, Message: worded(r), Command: &r}
	outs = append(outs, access.NewOut(access.TopicDecision, r.Command.Scope, fact, fact.Type))
	stored := false
	_, err := s.Records.Update(ctx, recordKey(r.Command.ID), func(_ access.CommandRecord, rev uint64) (*access.CommandRecord, []access.Out, error) {
		if stored = rev == 0; !stored {
			return nil, nil, nil
		}
		return &r, outs, nil
	})
	if err != nil {
		return fmt.Errorf("record what became of command %s: %w", r.Command.ID, err)
	}
	if stored {
		s.Metrics.command(r)
		s.Logger.Info("command", zap.String("id", r.Command.ID), zap.String("verb", string(r.Command.Verb)), zap.String("by", r.Command.By),
			zap.String("scope", string(r.Command.Scope)), zap.Bool("accepted", r.Accepted), zap.String("why", r.Why))
	}
	return nil
}

func worded(r access.CommandRecord) string {
	what := "done"
	if !r.Accepted {
		what = "refused"
	}
	return fmt.Sprintf("%s by %s: %s: %s", orNothing(string(r.Command.Verb)), orNothing(r.Command.By), what, r.Why)
}

// vote casts a vote on the action of an episode, or on one that follows it.
func (s *Stage) vote(ctx context.Context, p Policy, c access.Command, raw []byte) (answer, error) {
	f, err := s.subject(ctx, c)
	if err != nil {
		return answer{}, err
	}
	id := access.ActionID(c.Finding, c.Episode)
	if c.Action != "" {
		if !follows(c.Action, id) {
			return declined("action %s does not belong to episode %d of finding %s", c.Action, c.Episode, c.Finding), nil
		}
		id = c.Action
	}
	said := answer{}
	b := ballot(c, raw)
	_, err = s.Actions.Update(ctx, id, func(cur access.Action, rev uint64) (*access.Action, []access.Out, error) {
		switch {
		case rev == 0:
			said = declined("there is no action %s: nothing is to be decided", id)
		case cur.V > access.Version:
			return nil, nil, fmt.Errorf("action %s was written by a newer program: %w", id, access.ErrTemporary)
		case cur.Ref.Scope != c.Scope:
			said = declined("action %s is not of %s", id, c.Scope)
		default:
			next, changed, words := cast(p, cur, subjectOf(f, cur), b, c, s.now())
			if said = words; changed {
				return &next, s.voted(next), nil
			}
		}
		return nil, nil, nil
	})
	if err != nil {
		return answer{}, fmt.Errorf("count the vote of %s on %s: %w", c.By, id, err)
	}
	said.action = id
	return said, nil
}

func ballot(c access.Command, raw []byte) access.Ballot {
	return access.Ballot{By: c.By, Vote: c.Vote, Via: c.Via, Key: access.EnvelopeKey(raw), Command: c.ID, At: c.At, Reason: c.Reason, Signed: raw}
}

// voted are the fact of a vote and, once it is decided, the job of carrying it out.
func (s *Stage) voted(a access.Action) []access.Out {
	fact := access.Decision{V: access.Version, Type: factDecision, At: s.now(), Action: a, Message: message(a)}
	outs := []access.Out{access.NewOut(access.TopicDecision, a.Ref.Scope, fact, fact.Type)}
	if a.State == access.ActionApproved {
		outs = append(outs, act(a, "approved"))
	}
	return outs
}

// act is the job of looking at an action.
func act(a access.Action, why string) access.Out {
	job := access.Act{Scope: a.Ref.Scope, Finding: a.Finding, Why: why}
	key := a.Finding
	if a.Purpose != "" {
		job.Action, key = a.ID, a.ID
	}
	return access.NewOut(access.TopicAction, a.Ref.Scope, job, key)
}

// subject is the finding that a command is about; the zero one if it is kept no more.
func (s *Stage) subject(ctx context.Context, c access.Command) (access.Finding, error) {
	f, _, err := s.finding(ctx, c.Scope, c.Finding)
	return f, err
}

// subjectOf is the finding of an action as far as its actor counts: as known by now, or as
// known when people were asked.
func subjectOf(f access.Finding, a access.Action) access.Finding {
	if f.ID != a.Finding || f.Episode != a.Episode {
		f = access.Finding{ID: a.Finding, Rule: a.Rule, Ref: a.Ref, Episode: a.Episode, Severity: a.Severity, Environment: a.Environment}
	}
	if f.Actor.Type == access.ActorUnknown {
		f.Actor = a.Actor
	}
	return f
}

// deciders are those who may decide about a finding: its response's approvers, and the
// operators.
func deciders(p Policy, f access.Finding) []string {
	r := Respond(p, f)
	return p.People.members(slices.Concat(r.Approvers, r.Escalate, p.People.Operators))
}

// snooze keeps an action from being reminded of.
func (s *Stage) snooze(ctx context.Context, p Policy, c access.Command) (answer, error) {
	const longest = 7 * 24 * time.Hour
	f, err := s.subject(ctx, c)
	if err != nil {
		return answer{}, err
	}
	switch {
	case f.ID == "" || f.Episode != c.Episode:
		return declined("episode %d of finding %s is over", c.Episode, c.Finding), nil
	case !slices.Contains(deciders(p, f), c.By):
		return declined("%s is not among those who decide about it", c.By), nil
	case c.For > longest:
		return declined("it can be snoozed for %s at most", access.Lasts(longest)), nil
	}
	var said answer
	_, err = s.Actions.Update(ctx, access.ActionID(c.Finding, c.Episode), func(cur access.Action, rev uint64) (*access.Action, []access.Out, error) {
		if rev == 0 {
			said = declined("there is nothing to be reminded of")
			return nil, nil, nil
		}
		said = accepted("nobody is reminded until %s; nothing else waits for it", access.Stamp(c.At.Add(c.For)))
		if cur.Snoozed.Equal(c.At.Add(c.For)) {
			return nil, nil, nil
		}
		cur.Snoozed = c.At.Add(c.For)
		return &cur, nil, nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("snooze finding %s: %w", c.Finding, err)
	}
	return said, err
}
