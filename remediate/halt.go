package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	longestIncident = 24 * time.Hour // from now on, however often it is extended
	incidentsKept   = 90 * 24 * time.Hour
)

// control does the commands that hold for a scope: freeze and unfreeze, and incidents and their
// end. Anybody declared may freeze; all else takes an operator.
func (s *Stage) control(ctx context.Context, p Policy, c access.Command) (answer, error) {
	if c.Verb != access.VerbFreeze && !slices.Contains(p.People.members(p.People.Operators), c.By) {
		return declined("%s is not among guards.operators, who may do that", c.By), nil
	}
	above, err := s.above(ctx, p, c.Scope)
	if err != nil {
		return answer{}, err
	}
	var said answer
	_, err = s.Controls.Update(ctx, controlKey(c.Scope), func(cur access.Control, _ uint64) (*access.Control, []access.Out, error) {
		if cur.V > access.Version {
			return nil, nil, fmt.Errorf("what holds in %s was written by a newer program: %w", c.Scope, access.ErrTemporary)
		}
		next, changed, words := ruled(cur, above, c, s.now())
		if said = words; !changed {
			return nil, nil, nil
		}
		next.V = access.Version
		return &next, nil, nil
	})
	if err != nil {
		return answer{}, fmt.Errorf("store what holds in %s: %w", c.Scope, err)
	}
	return said, nil
}

// ruled is what holds after a command; above is what holds in the org of a project. It is pure,
// and the same command changes nothing twice.
func ruled(cur, above access.Control, c access.Command, now time.Time) (access.Control, bool, answer) {
	switch c.Verb {
	case access.VerbFreeze:
		if cur.Freeze.On {
			return cur, false, accepted("frozen already, by %s at %s", cur.Freeze.By, access.Stamp(cur.Freeze.At))
		}
		cur.Freeze = access.Freeze{On: true, By: c.By, Reason: c.Reason, At: c.At}
		where := "this project"
		if c.Scope.IsOrg() {
			where = "this organization"
		}
		return cur, true, accepted("frozen: nothing is written in %s until somebody unfreezes it", where)
	case access.VerbUnfreeze:
		if !cur.Freeze.On && len(cur.Stopped) == 0 {
			return cur, false, accepted("it is not frozen")
		}
		if c.At.Before(cur.Freeze.At) {
			return cur, false, declined("it was frozen again at %s, after this was asked: ask again", access.Stamp(cur.Freeze.At))
		}
		cur.Freeze, cur.Stopped = access.Freeze{}, nil
		return cur, true, accepted("unfrozen: what waited goes on, judged anew; rules that were stopped write again")
	}
	if c.Verb == access.VerbEndIncident {
		return ended(cur, above, c, now)
	}
	return incident(cur, above, c, now)
}

// ended ends an incident before its time. That is stricter, so whoever may open one may do it,
// its opener too. What came about in it is listed as at any end.
func ended(cur, above access.Control, c access.Command, now time.Time) (access.Control, bool, answer) {
	i := slices.IndexFunc(cur.Incidents, func(x access.Incident) bool { return x.Name == c.Incident })
	if i < 0 {
		return cur, false, declined("there is no incident %s in %s", c.Incident, c.Scope)
	}
	running := cur.Incidents[i].Running(now)
	if running {
		cur.Incidents = slices.Clone(cur.Incidents)
		cur.Incidents[i].Until, cur.Incidents[i].EndedBy = now, c.By
	}
	said := fmt.Sprintf("incident %s ended at %s", c.Incident, access.Stamp(cur.Incidents[i].Until))
	if by := cur.Incidents[i].EndedBy; by != "" {
		said += ", by " + by
	}
	said += ": what came about in it and still stands is listed, to keep or to take back"
	if other, on := together(cur, above).Incident(now); on {
		said += "; incident " + other.Name + " is still on"
	}
	return cur, running, accepted("%s", said)
}

// incident opens an incident, or extends one: which its opener cannot.
func incident(cur, above access.Control, c access.Command, now time.Time) (access.Control, bool, answer) {
	until := c.At.Add(c.For)
	no := prolongs(together(cur, above).Incidents, c, now)
	i := slices.IndexFunc(cur.Incidents, func(x access.Incident) bool { return x.Name == c.Incident })
	switch {
	case c.For > longestIncident:
		return cur, false, declined("an incident lasts %s at most; somebody else than its opener can extend it", access.Lasts(longestIncident))
	case i < 0 && no != "":
		return cur, false, declined("%s", no)
	case i < 0:
		cur.Incidents = slices.DeleteFunc(slices.Clone(cur.Incidents), func(x access.Incident) bool { return x.Listed && now.Sub(x.Until) > incidentsKept })
		cur.Incidents = append(cur.Incidents, access.Incident{Name: c.Incident, By: c.By, Reason: c.Reason, From: c.At, Until: until})
		return cur, true, accepted("incident %s is on until %s: nothing is reverted without being asked", c.Incident, access.Stamp(until))
	case cur.Incidents[i].By == c.By && cur.Incidents[i].From.Equal(c.At):
		return cur, false, accepted("incident %s is on until %s", c.Incident, access.Stamp(cur.Incidents[i].Until))
	case !cur.Incidents[i].Running(now):
		return cur, false, declined("incident %s ended at %s: open another one, by another name", c.Incident, access.Stamp(cur.Incidents[i].Until))
	case cur.Incidents[i].By == c.By:
		return cur, false, declined("%s opened incident %s and cannot extend it: somebody else must", c.By, c.Incident)
	case !until.After(cur.Incidents[i].Until):
		return cur, false, accepted("incident %s is on until %s anyway", c.Incident, access.Stamp(cur.Incidents[i].Until))
	}
	cur.Incidents = slices.Clone(cur.Incidents)
	cur.Incidents[i].Until = until
	cur.Incidents[i].Extended = append(slices.Clone(cur.Incidents[i].Extended), c.By)
	return cur, true, accepted("incident %s is extended until %s", c.Incident, access.Stamp(until))
}

// prolongs is why a new incident would go on with another one of the same opener: one that runs,
// or one that ended less ago than it had lasted. Empty: it would not.
func prolongs(all []access.Incident, c access.Command, now time.Time) string {
	var last access.Incident // of those that ended, the one that is rested from longest
	for _, x := range all {
		switch {
		case x.By != c.By:
		case x.Running(now) && c.At.Add(c.For).After(x.Until):
			return fmt.Sprintf("%s opened incident %s, which is still on, and cannot extend it by another one: somebody else must", c.By, x.Name)
		case !now.Before(x.Until) && rested(x).After(rested(last)):
			last = x
		}
	}
	if last.Name == "" || !now.Before(rested(last)) {
		return ""
	}
	return fmt.Sprintf("%s opened incident %s, which lasted %s until %s, and cannot go on with it by another one before %s: somebody else can open one now",
		c.By, last.Name, access.Lasts(last.Until.Sub(last.From)), access.Stamp(last.Until), access.Stamp(rested(last)))
}

// rested is from when on the opener of an incident that has ended may open another one: it has
// been over for as long as it had lasted.
func rested(i access.Incident) time.Time { return i.Until.Add(i.Until.Sub(i.From)) }

// Meanwhile is what came about in a scope and, of an org, in its projects.
type Meanwhile interface {
	Findings(ctx context.Context) ([]access.Finding, error)
	Changes(ctx context.Context, from, until time.Time) ([]access.Change, error)
}

// EndIncidents tells, once for each incident of the scope that has ended, of every change
// that was seen in it, and of every finding that came about in it and still stands: each is
// to be kept or taken back.
func (s *Stage) EndIncidents(ctx context.Context, scope access.Scope, in Meanwhile) error {
	cur, _, err := s.Controls.Get(ctx, controlKey(scope))
	if err != nil {
		return fmt.Errorf("read the incidents of %s: %w", scope, err)
	}
	for _, i := range cur.Incidents {
		if i.Listed || s.now().Before(i.Until) {
			continue
		}
		all, err := in.Findings(ctx)
		if err != nil {
			return err
		}
		changes, err := in.Changes(ctx, i.From, i.Until)
		if err != nil {
			return err
		}
		if err := s.listed(ctx, scope, i, During(i, all), changes); err != nil {
			return err
		}
	}
	return nil
}

// During are the findings that came about in an incident and still stand.
func During(i access.Incident, all []access.Finding) (out []access.Finding) {
	for _, f := range all {
		at := f.CauseAt
		if at.IsZero() {
			at = f.OpenedAt
		}
		if f.Open() && !at.Before(i.From) && at.Before(i.Until) {
			out = append(out, f)
		}
	}
	return out
}

func (s *Stage) listed(ctx context.Context, scope access.Scope, i access.Incident, left []access.Finding, changes []access.Change) error {
	message := leftBehind(scope, i, left, changes)
	fact := access.Decision{V: access.Version, Type: access.FactControl, At: s.now(), Action: access.Action{Ref: access.Ref{Scope: scope}}, Message: message}
	s.Logger.Warn("an incident has ended", zap.String("incident", i.Name), zap.String("scope", string(scope)), zap.String("left", message))
	_, err := s.Controls.Update(ctx, controlKey(scope), func(cur access.Control, _ uint64) (*access.Control, []access.Out, error) {
		at := slices.IndexFunc(cur.Incidents, func(x access.Incident) bool { return x.Name == i.Name && !x.Listed && x.Until.Equal(i.Until) })
		if at < 0 {
			return nil, nil, nil
		}
		cur.Incidents = slices.Clone(cur.Incidents)
		cur.Incidents[at].Listed = true
		return &cur, []access.Out{access.NewOut(access.TopicDecision, scope, fact, fact.Type)}, nil
	})
	if err != nil {
		return fmt.Errorf("tell of the end of incident %s: %w", i.Name, err)
	}
	return nil
}

// maxListed bounds what one message lists of each.
const maxListed = 50

// leftBehind is what an incident left, for people.
func leftBehind(scope access.Scope, i access.Incident, left []access.Finding, changes []access.Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "incident %s of %s has ended; %d findings came about in it and still stand", i.Name, scope, len(left))
	for n, f := range left {
		if n == maxListed {
			fmt.Fprintf(&b, "; and %d more", len(left)-n)
			break
		}
		fmt.Fprintf(&b, "; %s %s (finding %s): keep it (waive) or take it back (decide)", f.Rule, f.Ref.Name, short(f.ID))
	}
	fmt.Fprintf(&b, "; %d changes were seen in it", len(changes))
	for n, c := range changes {
		if n == maxListed {
			fmt.Fprintf(&b, "; and %d more", len(changes)-n)
			break
		}
		fmt.Fprintf(&b, "; %s %s %s %s by %s", access.Stamp(c.Occurred), c.Op, c.Ref.Kind, c.Ref.Name, orNothing(c.Actor.Name))
	}
	return b.String()
}
