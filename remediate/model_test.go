package remediate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

// model is what the tests know of an action by themselves: who voted for which plan while
// it was asked about, and who denied it. By it each request to Atlas is judged.
type model struct {
	*world
	t      *rapid.T
	f      access.Finding
	quorum int
	yes    map[string]map[string][]string // by plan hash: who approved it, in time, and by which gateways
	denied bool                           // while it could be denied
	frozen bool
	bad    string // the first request that had no right to be made
}

// TestModel holds that no sequence of votes, timers, changes of state and configuration, and
// deaths of the process makes a write without what it needs: consent of as many people as it
// takes, each of whom may answer now, on the plan that is carried out, and no denial.
func TestModel(t *testing.T) {
	for range 5 { // few of the sequences come to a write
		rapid.Check(t, sequence)
	}
}

func sequence(t *rapid.T) {
	w, f := asking(t)
	m := &model{world: w, t: t, f: f, quorum: rapid.IntRange(1, 2).Draw(t, "quorum"), yes: map[string]map[string][]string{}}
	w.policy.Responses[0].Quorum = m.quorum
	if rapid.Bool().Draw(t, "escalates") {
		w.policy.Responses[0].OnDeadline, w.policy.Responses[0].Escalate = access.LateEscalate, []string{"carol"}
	}
	w.watch = m.request
	w.run(f)
	t.Repeat(map[string]func(*rapid.T){
		"act": m.acts, "act again": m.acts, "vote": m.votes, "vote too": m.votes, "vote more": m.votes, // most of what happens
		"time": func(t *rapid.T) {
			w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Minute, 10 * time.Minute, time.Hour}).Draw(t, "span"))
		},
		"change":   func(*rapid.T) { m.changes() },
		"freeze":   m.freezes,
		"unfreeze": func(*rapid.T) { m.frozen = false; w.say(access.VerbUnfreeze, "olga", reasoned) },
		"people":   m.people,
		"keys":     m.keys,
		"fault":    func(t *rapid.T) { m.faults(rapid.IntRange(0, 3).Draw(t, "there") == 0) },
		"waive":    func(t *rapid.T) { m.state(rapid.IntRange(0, 20).Draw(t, "waived") == 0) },
		"":         m.check,
	})
}

// request is asked of each write before its effect, by what people really said.
func (m *model) request(_ string, op access.Operation) {
	a, _, _ := m.actions.get(access.ActionID(m.f.ID, 1))
	have := 0
	for who, vias := range m.yes[a.PlanHash] {
		if !slices.Contains(vias, "slack") && len(m.policy.People.Keys) < 2 {
			continue // its key is believed no more
		}
		if slices.Contains(m.policy.People.Groups["oncall"], who) || who == "carol" && a.Ask.Escalated {
			have++
		}
	}
	switch {
	case m.bad != "":
	case m.denied:
		m.bad = "a write after a denial"
	case m.frozen:
		m.bad = "a write while frozen"
	case have < m.quorum:
		m.bad = fmt.Sprintf("a write with %d of %d votes on its plan: %v", have, m.quorum, m.yes)
	case op.Before.State != access.State(m.entries[world0]):
		m.bad = "a write on what is not any more as it was voted on"
	}
}

func (m *model) check(t *rapid.T) {
	if m.bad != "" {
		t.Fatalf("%s\n%v", m.bad, m.log)
	}
	if n := m.count("effect"); n > 1+m.count("let") {
		t.Fatalf("%d effects\n%v", n, m.log)
	}
}

// acts lets the process look at the finding, and perhaps die at it.
func (m *model) acts(t *rapid.T) {
	if wake := m.action(m.f).Wake; wake.After(m.now) && wake.Sub(m.now) < 2*time.Minute {
		m.now = wake
	}
	m.steps, m.dieAt = 0, rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4, 5, 6, 8, 10}).Draw(t, "dies at")
	died, _ := m.act(m.f)
	m.dieAt = 0
	if died == "" {
		return
	}
	select {
	case <-m.held: // the lock of a dead process ends by itself
	default:
	}
}

// votes has somebody say something, rightly or not, with the process dying perhaps.
func (m *model) votes(t *rapid.T) {
	a := m.action(m.f)
	if a.PlanHash == "" {
		return
	}
	by := rapid.SampledFrom([]string{"alice", "bob", "rajesh", "alice", "bob", "carol", "olga", "mallory"}).Draw(t, "by")
	via := rapid.SampledFrom([]string{"slack", "api"}).Draw(t, "via")
	vote := rapid.SampledFrom([]access.Vote{access.VoteApprove, access.VoteApprove, access.VoteApprove, access.VoteApprove, access.VoteApprove, access.VoteApprove, access.VoteDeny}).Draw(t, "vote")
	stale := rapid.IntRange(0, 4).Draw(t, "plan") == 0
	c := m.command(access.VerbVote, by, func(c *access.Command) {
		m.about(m.f, vote)(c)
		c.Via = via
		if stale {
			c.PlanHash = "another"
		}
	})
	private, _ := keyOf(via)
	raw, err := access.Seal(c, private)
	if err != nil {
		t.Fatal(err)
	}
	published := m.now
	m.steps, m.dieAt = 0, rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4}).Draw(t, "dies at")
	m.dies(func() { _ = m.stage().Command(m.t.Context(), scope, raw, published) })
	m.dieAt = 0
	if err := m.stage().Command(m.t.Context(), scope, raw, published); err != nil { // it comes again
		t.Fatal(err)
	}
	m.hears(a, c, stale)
}

// hears notes what was said, if whoever said it may say it.
func (m *model) hears(before access.Action, c access.Command, stale bool) {
	may := slices.Contains(m.policy.People.Groups["oncall"], c.By) || c.By == "carol" && before.Ask.Escalated
	believed := c.Via == "slack" || len(m.policy.People.Keys) > 1
	if !may || !believed {
		return
	}
	switch before.State {
	case access.ActionProposed, access.ActionAwaiting, access.ActionApproved:
		if c.Vote == access.VoteDeny && c.By != "rajesh" { // who made the change
			m.denied = true
		}
	}
	if c.Vote == access.VoteApprove && !stale && before.State == access.ActionAwaiting && m.now.Before(before.Ask.Deadline) &&
		!slices.Contains(m.yes[before.PlanHash][c.By], c.Via) {
		m.yes[before.PlanHash] = noted(m.yes[before.PlanHash], c.By, c.Via)
	}
}

func noted(votes map[string][]string, by, via string) map[string][]string {
	if votes == nil {
		votes = map[string][]string{}
	}
	votes[by] = append(votes[by], via) // a vote whose key was believed no more may be cast anew by another
	return votes
}

// changes has somebody change what the plan is about.
func (m *model) changes() {
	m.log = append(m.log, "let "+world0)
	m.entries[world0] = access.IPAccessEntry{Entry: world0, Comment: m.now.String()}
}

func (m *model) freezes(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "frozen") == 0 {
		m.frozen = true
		m.say(access.VerbFreeze, "carol", reasoned)
	}
}

// people changes who may answer.
func (m *model) people(t *rapid.T) {
	m.policy.People.Groups["oncall"] = rapid.SampledFrom([][]string{{"alice", "bob", "rajesh"}, {"alice", "bob", "rajesh"}, {"alice"}, {"bob", "rajesh"}}).Draw(t, "oncall")
}

// keys changes by which gateways people are believed.
func (m *model) keys(t *rapid.T) {
	_, slack := keyOf("slack")
	_, api := keyOf("api")
	m.policy.People.Keys = rapid.SampledFrom([][]access.GatewayKey{{slack, api}, {slack}}).Draw(t, "keys")
}

func (m *model) faults(there bool) {
	m.fault = nil
	if there {
		m.fault = denied
	}
}

func (m *model) state(waived bool) {
	if m.action(m.f).State == access.ActionVerified {
		return
	}
	m.change(m.f, func(f *access.Finding) {
		f.State = access.FindingOpen
		if waived {
			f.State = access.FindingWaived
		}
	})
}
