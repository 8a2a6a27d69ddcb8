package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

// govPolicyText is how much of a policy's text a finding carries.
const govPolicyText = 1500

// govPrevention is what Atlas could forbid by itself and does not.
type govPrevention struct {
	missing []string // rules of which the policies of the org forbid nothing, or not all
	doubt   []string // rules of which that cannot be told, with the policies that nobody can read
}

// govPrevention asks about the rules of params.rules, for the whole org.
func (s *subject) govPrevention() govPrevention {
	out := govPrevention{missing: []string{}, doubt: []string{}}
	wanted, _ := s.rule.Params["rules"].([]string)
	for _, id := range wanted {
		switch c := s.w.govCoverage(id); c.Answer {
		case prevent.Open, prevent.Partly:
			out.missing = append(out.missing, id)
		case prevent.Unknown:
			out.doubt = append(out.doubt, fmt.Sprintf("%s (%s)", id, cmpOr(strings.Join(c.Unread, ", "), "no change could be asked about")))
		}
	}
	return out
}

// govCoverage is what the policies of the org do about a rule, asked once.
func (w *world) govCoverage(rule string) prevent.Coverage {
	m := &w.memo.governance
	if c, ok := m.coverage[rule]; ok {
		return c
	}
	if m.coverage == nil {
		m.coverage = map[string]prevent.Coverage{}
	}
	policies := access.States[access.ResourcePolicy](w.in.Collections[access.KindResourcePolicy])
	m.coverage[rule] = w.engine.asked.of(govTextsOf(w.in.Scope, rule, policies), func() prevent.Coverage { return govCovered(policies, rule, w.govGiven(rule)) })
	return m.coverage[rule]
}

// govAsked remembers what resource policies cover, by their texts: an org is judged whenever
// a project of it tells something new, its policies change once in a while, and to parse and
// ask them is most of what the judgement costs. What else the answer rests on is the engine's.
type govAsked struct {
	mu      sync.Mutex
	answers map[string]prevent.Coverage
}

// govAskedMost is how much is remembered: some rules for each of a few dozen orgs.
const govAskedMost = 512

func (a *govAsked) of(key string, ask func() prevent.Coverage) prevent.Coverage {
	a.mu.Lock()
	c, ok := a.answers[key]
	a.mu.Unlock()
	if ok {
		return c
	}
	c = ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answers == nil || len(a.answers) >= govAskedMost {
		a.answers = map[string]prevent.Coverage{}
	}
	a.answers[key] = c
	return c
}

// govTextsOf is the same for a rule about an org with the same policies.
func govTextsOf(org access.Scope, rule string, policies []access.ResourcePolicy) string {
	parts := []string{string(org), rule}
	for _, p := range policies {
		parts = append(parts, strconv.Itoa(len(p.Policies)), p.Title)
		parts = append(parts, p.Policies...)
	}
	return access.Hash(parts...)
}

// govCovered spares the questions where there is nobody to ask.
func govCovered(existing []access.ResourcePolicy, rule string, g prevent.Given) prevent.Coverage {
	if len(existing) > 0 {
		return prevent.Covers(existing, rule, g)
	}
	if _, ok := prevent.Policy(rule, g); !ok {
		return prevent.Coverage{Answer: prevent.Without}
	}
	return prevent.Coverage{Answer: prevent.Open}
}

// govGiven is what the policy of a rule for the whole org rests on. The entries that
// stand are left out: what is there already stays, whatever a policy says.
func (w *world) govGiven(rule string) prevent.Given {
	g := prevent.Given{
		Org: w.in.Scope.ID(), Developer: w.Ranges.Developer, Providers: w.Ranges.Providers, Peers: w.Ranges.Peers, Networks: slices.Clone(w.Ranges.Shared),
	}
	for _, n := range w.Networks {
		for _, purpose := range slices.Sorted(maps.Keys(n.Purposes)) {
			g.Networks = append(g.Networks, n.Purposes[purpose]...)
			if strings.EqualFold(purpose, "vpn") {
				g.VPN = append(g.VPN, n.Purposes[purpose]...)
			}
		}
	}
	if r := w.engine.find(rule); r != nil {
		g.Params = r.Params
	}
	return g
}

// govReady is a policy ready to be sent, for the first of the missing rules.
func (s *subject) govReady() string {
	missing := s.govPrevention().missing
	if len(missing) == 0 {
		return ""
	}
	text, ok := prevent.Policy(missing[0], s.w.govGiven(missing[0]))
	if !ok {
		return ""
	}
	all := strings.Join(text.Policies, "\n")
	if len(all) <= govPolicyText {
		return all
	}
	return strings.ToValidUTF8(all[:govPolicyText], "") + " …"
}
