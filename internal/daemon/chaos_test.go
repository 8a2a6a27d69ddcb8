package daemon

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// chaos is a stage on which everybody changes everything while Atlas answers badly. What
// is tried depends on the seed alone, never on what the daemon does, so that a run of
// fewer changes is the beginning of a longer one.
type chaos struct {
	*stage
	seed   uint64
	rnd    *rand.Rand
	deeds  []deed
	spells []spell

	seen struct { // what the daemon published, in order
		sync.Mutex
		findings  []access.FindingEvent
		decisions []access.Decision
	}
}

// deed is one thing that somebody tried.
type deed struct {
	n       int
	at      time.Time
	who     string
	project string
	what    string // method, path and body
	status  int
}

// spell is a time in which Atlas refused an operation to everybody.
type spell struct {
	operation string
	from, to  time.Time
}

func newChaos(t *testing.T, dir string, seed uint64) *chaos {
	t.Helper()
	s := newStage(t, dir, read(t, "testdata/chaos/world.yaml"), read(t, "testdata/chaos/config.yaml"))
	w, err := sim.ParseWorld("world.yaml", []byte(read(t, "testdata/chaos/world.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	org := s.atlas.OrgID("ExampleCorp")
	if s.atlas, err = sim.New(sim.Options{World: w, Seed: seed}); err != nil {
		t.Fatal(err)
	}
	s.conf = strings.ReplaceAll(s.conf, org, s.atlas.OrgID("ExampleCorp"))
	return &chaos{stage: s, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1))}
}

func (c *chaos) start() {
	c.t.Helper()
	f, err := c.load()
	if err != nil {
		c.t.Fatal(err)
	}
	logger := zap.NewNop()
	if *verbose {
		logger = zaptest.NewLogger(c.t)
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	d, err := Start(ctx, Options{File: f, Load: c.load, Version: "test", Transport: c.transport(), NoListen: true, Logger: logger, Observe: c.note})
	if err != nil {
		c.t.Fatal(err)
	}
	c.daemon, c.cancel = d, cancel
}

func (c *chaos) note(fact any) {
	c.seen.Lock()
	defer c.seen.Unlock()
	switch f := fact.(type) {
	case access.FindingEvent:
		c.seen.findings = append(c.seen.findings, f)
	case access.Decision:
		c.seen.decisions = append(c.seen.decisions, f)
	}
}

// everyRoute strikes one request in five.
func everyRoute() []sim.Fault {
	const each = 0.023 // nine kinds a route
	return []sim.Fault{
		{Route: "*", Kind: sim.Fault429, Rate: each, RetryAfter: 3},
		{Route: "*", Kind: sim.Fault500, Rate: each},
		{Route: "*", Kind: sim.Fault503, Rate: each},
		{Route: "*", Kind: sim.FaultTimeout, Rate: each},
		{Route: "*", Kind: sim.FaultCut, Rate: each},
		{Route: "*", Kind: sim.FaultDenied, Rate: each},
		{Route: "*", Methods: "GET", Kind: sim.FaultEmpty200, Rate: 2 * each},
		{Route: "*", Methods: "GET", Kind: sim.FaultShortPage, Rate: each},
		{Route: "*", Methods: "POST,PATCH,DELETE", Kind: sim.FaultApplied500, Rate: 2 * each},
		{Route: "*", Methods: "POST,PATCH,DELETE", Kind: sim.FaultAppliedTimeout, Rate: 2 * each},
		{Route: "token", Kind: sim.Fault500, Rate: 0.05},
		{Route: "token", Kind: sim.Fault429, Rate: 0.05},
		{Route: "token", Kind: sim.FaultDenied, Rate: 0.05},
		{Route: "token", Kind: sim.FaultTimeout, Rate: 0.05},
	}
}

// play makes so many changes, with trouble of all kinds, and then lets it settle.
func (c *chaos) play(changes int) {
	c.t.Helper()
	c.start()
	time.Sleep(3 * time.Minute) // first sight, undisturbed: what is a baseline is then known
	c.atlas.SetFaults(everyRoute()...)
	c.atlas.SetDisorder(true)
	c.atlas.SetLate(0.05, 4*time.Minute)
	for n := 1; n <= changes; n++ {
		c.trouble(n)
		c.change(n)
		c.pause()
	}
	c.settle()
}

// pause is 0 to 90 s, and often next to nothing.
func (c *chaos) pause() {
	if c.rnd.IntN(4) == 0 {
		time.Sleep(time.Duration(c.rnd.IntN(3000)) * time.Millisecond)
		return
	}
	time.Sleep(time.Duration(c.rnd.IntN(90_000)) * time.Millisecond)
}

// trouble is what happens beside changes.
func (c *chaos) trouble(n int) {
	c.atlas.SetVisibility([]time.Duration{0, 0, time.Second, 5 * time.Second, 20 * time.Second, 60 * time.Second}[c.rnd.IntN(6)])
	now := time.Now()
	for i, s := range c.spells {
		if s.to.IsZero() && !now.Before(s.from.Add(time.Duration(1+(n+i)%15)*time.Minute)) {
			c.endSpell(i)
		}
	}
	switch x := c.rnd.IntN(100); {
	case x < 4:
		c.beginSpell(n)
	case x < 14:
		c.garbage(n)
	case x < 16:
		c.stop()
		c.start()
	case x < 17:
		c.stop()
		for range c.rnd.IntN(6) {
			time.Sleep(time.Duration(c.rnd.IntN(60)) * time.Second)
			c.change(n)
		}
		c.start()
	}
}

func (c *chaos) beginSpell(n int) {
	op := pick(c.rnd, "listGroupAccessListEntries", "listGroupDatabaseUsers", "listGroupCustomDbRoleRoles", "listGroupClusters", "listGroupDataFederation", "listGroupEvents", "deleteGroupAccessListEntry")
	for _, s := range c.spells {
		if s.operation == op && s.to.IsZero() {
			return
		}
	}
	c.atlas.Deny(op, true)
	c.spells = append(c.spells, spell{operation: op, from: time.Now()})
	c.log(n, "Atlas", "", "denies "+op, 0)
}

func (c *chaos) endSpell(i int) {
	s := &c.spells[i]
	s.to = time.Now()
	c.atlas.Deny(s.operation, false)
	c.log(0, "Atlas", "", "allows "+s.operation, 0)
}

// garbage is what a feed may hold and nobody can use.
func (c *chaos) garbage(n int) {
	p := c.project()
	id := c.atlas.ProjectID(p)
	now := time.Now().UTC().Format(time.RFC3339)
	raw := []map[string]any{
		{"id": fmt.Sprintf("%024x", n), "created": now, "eventTypeName": "SOMETHING_NEW", "surprise": []any{1, "two", nil}},
		{"created": now, "eventTypeName": "NETWORK_PERMISSION_ENTRY_ADDED"},
		{"id": fmt.Sprintf("%024x", n), "eventTypeName": "MONGODB_USER_UPDATED", "dbUserUsername": "nobody"},
		{"id": fmt.Sprintf("%024x", n), "created": "yesterday", "eventTypeName": "MONGODB_ROLE_UPDATED"},
		{"id": fmt.Sprintf("%024x", 7), "created": now, "eventTypeName": "MONGODB_USER_DELETED", "dbUserUsername": ""},
		{"id": fmt.Sprintf("%024x", n), "created": now, "eventTypeName": "NETWORK_PERMISSION_ENTRY_REMOVED", "whitelistEntry": "not an address"},
		{"id": 17, "created": 17, "eventTypeName": 17},
		{},
	}[c.rnd.IntN(8)]
	c.atlas.InjectEvent(c.rnd.IntN(4) == 0, id, raw)
	c.log(n, "garbage", p, fmt.Sprint(raw), 0)
}

// settle ends all trouble and lets the daemon find out everything: every kind is swept,
// late events come, dates that passed are judged.
func (c *chaos) settle() {
	c.atlas.SetFaults()
	c.atlas.SetVisibility(0)
	c.atlas.SetLate(0, 0)
	for i, s := range c.spells {
		if s.to.IsZero() {
			c.endSpell(i)
		}
	}
	if c.daemon == nil {
		c.start()
	}
	time.Sleep(90 * time.Minute)
	synctest.Wait()
}

func (c *chaos) log(n int, who, project, what string, status int) {
	c.deeds = append(c.deeds, deed{n: n, at: time.Now(), who: who, project: project, what: what, status: status})
}

func (c *chaos) project() string {
	return pick(c.rnd, "shop-prod", "shop-prod", "pay-prod", "shop-dev", "sandbox")
}

func pick[T any](rnd *rand.Rand, from ...T) T { return from[rnd.IntN(len(from))] }
