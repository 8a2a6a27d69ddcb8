package remediate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	maxAdopted = 20             // findings of one adoption
	adoptFor   = 24 * time.Hour // that the second person has
)

// Adoptable is one inherited finding with what would be done about it.
type Adoptable struct {
	Action   string      `json:"action"`
	Finding  string      `json:"finding"`
	Episode  int         `json:"episode"`
	Name     string      `json:"name"`
	Plan     access.Plan `json:"plan"`
	PlanHash string      `json:"planHash"`
	Left     string      `json:"left,omitempty"` // why nothing is done about it
}

// Adoptables lists what an adoption of a rule in a scope would do, by reading Atlas now, and
// the hash of that list, to which whoever asks for the adoption agrees.
func (s *Stage) Adoptables(ctx context.Context, scope access.Scope, rule string) (list []Adoptable, hash string, err error) {
	doc, _, err := s.Findings.Get(ctx, string(scope))
	if err != nil {
		return nil, "", fmt.Errorf("load findings of %s: %w", scope, err)
	}
	for _, f := range doc.Findings {
		if f.Rule != rule || f.State != access.FindingOpen || f.Origin == access.OriginNew {
			continue
		}
		x, err := s.adoptable(ctx, f)
		if err != nil {
			return nil, "", err
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b Adoptable) int { return strings.Compare(a.Action, b.Action) })
	parts := []string{"adopt", string(scope), rule}
	for _, x := range list {
		if x.Left == "" {
			parts = append(parts, x.Action, x.PlanHash)
		}
	}
	return list, access.Hash(parts...), nil
}

func (s *Stage) adoptable(ctx context.Context, f access.Finding) (Adoptable, error) {
	x := Adoptable{Action: access.ActionID(f.ID, f.Episode), Finding: f.ID, Episode: f.Episode, Name: f.Ref.Name}
	a, rev, err := s.Actions.Get(ctx, x.Action)
	if err != nil {
		return x, fmt.Errorf("load action %s: %w", x.Action, err)
	}
	p := s.Policy()
	r := Respond(p, f)
	if rev == 0 {
		a = newAction(f, r, s.now())
	}
	l := s.look(ctx, f, access.Action{})
	c, err := s.situation(ctx, p, f, l)
	if err != nil {
		return x, err
	}
	x.Left = func() string {
		switch {
		case rev != 0 && !adoptableFrom(a.State):
			return fmt.Sprintf("its action is %s", a.State)
		case r.Do != access.ModeApprove && r.Do != access.ModeRevert:
			return "the response asks for nothing to be written"
		case f.Environment == "" && !f.Ref.Scope.IsOrg():
			return "the project matches no environment, and such a project is never written to"
		case !f.Ceiling.Allows(access.CeilingAsk):
			return "the rule allows only to tell of it"
		}
		if no := known(c); !no.OK() {
			return no.Why
		}
		x.Plan = s.plan(ctx, c)
		if len(x.Plan.Operations) == 0 || !x.Plan.Ceiling.Allows(access.CeilingAsk) {
			return x.Plan.Why
		}
		return harmless(c, x.Plan).Why
	}()
	if x.Left == "" {
		x.PlanHash = hashOf(&a, x.Plan)
	}
	return x, nil
}

// adoptableFrom reports whether something may be begun anew where an action stands so.
func adoptableFrom(s access.ActionState) bool {
	return s == access.ActionTold || s == access.ActionRefused || s == access.ActionExpired || s == access.ActionStale
}

// adopt takes inherited findings on, once two people have agreed to the same list. Each
// becomes an action that both have approved, bound to its plan, and goes through all guards.
func (s *Stage) adopt(ctx context.Context, p Policy, c access.Command, raw []byte) (answer, error) {
	if !slices.Contains(p.People.members(p.People.Operators), c.By) {
		return declined("%s is not among guards.operators, who may adopt what was there before", c.By), nil
	}
	list, hash, err := s.Adoptables(ctx, c.Scope, c.Rule)
	if err != nil {
		return answer{}, err
	}
	todo := slices.DeleteFunc(list, func(x Adoptable) bool { return x.Left != "" })
	votes, plans, said, err := s.agree(ctx, c, hash, todo, raw)
	if err != nil || !said.ok {
		return said, err
	}
	for _, x := range todo {
		if plans[x.Action] != x.PlanHash {
			continue // not in the list that both saw
		}
		if err := s.adopted(ctx, p, c.Scope, x, votes); err != nil {
			return answer{}, err
		}
	}
	return said, nil
}

func approving(c access.Command, raw []byte) access.Ballot {
	b := ballot(c, raw)
	b.Vote = access.VoteApprove
	return b
}

// agree notes who agreed. plans are what is to be done, once two have.
func (s *Stage) agree(ctx context.Context, c access.Command, hash string, todo []Adoptable, raw []byte) (votes []access.Ballot, plans map[string]string, said answer, err error) {
	_, err = s.Controls.Update(ctx, controlKey(c.Scope), func(cur access.Control, _ uint64) (*access.Control, []access.Out, error) {
		next, changed, by, words := agreement(cur, c, hash, todo, raw, s.now())
		votes, plans, said = by.Votes, by.Plans, words
		if !changed {
			return nil, nil, nil
		}
		next.V = access.Version
		return &next, nil, nil
	})
	if err != nil {
		err = fmt.Errorf("note who adopts %s in %s: %w", c.Rule, c.Scope, err)
	}
	return votes, plans, said, err
}

// agreement is what holds after one person more has agreed to a list; agreed is the adoption
// once there are two.
func agreement(cur access.Control, c access.Command, hash string, todo []Adoptable, raw []byte, now time.Time) (next access.Control, changed bool, agreed access.Adoption, said answer) {
	i := slices.IndexFunc(cur.Adoptions, func(a access.Adoption) bool { return a.Rule == c.Rule && a.Hash == c.PlanHash })
	if i >= 0 && len(cur.Adoptions[i].Votes) > 1 && slices.ContainsFunc(cur.Adoptions[i].Votes, func(b access.Ballot) bool { return b.Command == c.ID }) {
		return cur, false, cur.Adoptions[i], accepted("adopted: %s", findings(len(cur.Adoptions[i].Plans))) // given again after a stop half way
	}
	switch {
	case c.PlanHash != hash:
		return cur, false, access.Adoption{}, declined("the list has changed since it was shown: look at it again, its id is %s now", short(hash))
	case len(todo) == 0:
		return cur, false, access.Adoption{}, declined("nothing of it can be put right")
	case len(todo) > maxAdopted:
		return cur, false, access.Adoption{}, declined("%d findings are more than the %d that are adopted at a time: put some of them right first, or name one project", len(todo), maxAdopted)
	}
	cur.Adoptions = slices.DeleteFunc(slices.Clone(cur.Adoptions), func(a access.Adoption) bool { return now.Sub(a.At) > adoptFor })
	i = slices.IndexFunc(cur.Adoptions, func(a access.Adoption) bool { return a.Rule == c.Rule && a.Hash == c.PlanHash })
	b := approving(c, raw)
	if i >= 0 && len(cur.Adoptions[i].Votes) > 1 { // it was done, and what came of it can be adopted anew: by two, again
		cur.Adoptions = slices.Delete(cur.Adoptions, i, i+1)
		i = -1
	}
	if i < 0 {
		x := access.Adoption{Rule: c.Rule, Hash: hash, Votes: []access.Ballot{b}, At: now, Plans: map[string]string{}}
		for _, t := range todo {
			x.Plans[t.Action] = t.PlanHash
		}
		cur.Adoptions = append(cur.Adoptions, x)
		return cur, true, access.Adoption{}, accepted("noted: %s to be adopted once another operator asks for the same list, by %s", findings(len(todo)), access.Stamp(now.Add(adoptFor)))
	}
	if cur.Adoptions[i].Votes[0].By == c.By {
		return cur, false, access.Adoption{}, accepted("noted before: another operator must ask for the same list")
	}
	cur.Adoptions[i].Votes = append(slices.Clone(cur.Adoptions[i].Votes), b)
	return cur, true, cur.Adoptions[i], accepted("adopted: %s; each is put right as soon as nothing else stands in its way", findings(len(todo)))
}

// adopted makes an action of one adopted finding, approved by both.
func (s *Stage) adopted(ctx context.Context, p Policy, scope access.Scope, x Adoptable, votes []access.Ballot) error {
	f, ok, err := s.finding(ctx, scope, x.Finding)
	if err != nil || !ok || f.Episode != x.Episode {
		return err
	}
	_, err = s.Actions.Update(ctx, x.Action, func(cur access.Action, rev uint64) (*access.Action, []access.Out, error) {
		if slices.ContainsFunc(cur.Votes, func(b access.Ballot) bool { return b.Command == votes[1].Command }) {
			return nil, nil, nil
		}
		if rev != 0 && !adoptableFrom(cur.State) {
			return nil, nil, nil // somebody denied it meanwhile, say
		}
		if rev == 0 {
			cur = newAction(f, Respond(p, f), s.now())
		}
		question := asked(Respond(p, f), s.now())
		question.Approvers, question.Quorum = p.People.Operators, 2
		cur.Do, cur.Plan, cur.PlanHash, cur.Ask, cur.Votes, cur.Actor = access.ModeApprove, x.Plan, x.PlanHash, question, votes, f.Actor
		cur = stepped(cur, access.ActionApproved, "adopted by "+agreed(cur), s.now())
		return &cur, s.voted(cur), nil
	})
	if err != nil {
		return fmt.Errorf("adopt finding %s: %w", x.Finding, err)
	}
	return nil
}

// findings counts them.
func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}
