package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Options make an [Atlas].
type Options struct {
	World World
	// Seed decides every id, token and fault.
	Seed uint64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Atlas is the simulated service. All methods may be called at any time from any
// goroutine.
type Atlas struct {
	seed       uint64
	clock      func() time.Time
	routes     []route
	eventTypes eventTypes

	standard map[string]int // limits by name

	mu       sync.Mutex
	offset   time.Duration
	counters map[string]uint64
	orgs     []*org

	federations []*federation

	projects map[string]*project
	clients  map[string]*principal // by client id
	keys     map[string]*principal // by public key
	due      deadlines

	uses map[string]map[string]bool // of digest nonces, see repeated

	tokens       map[string]*token
	tokensIssued int
	buckets      map[bucketKey]*bucket
	sets         map[string]bucketSet

	visibility time.Duration
	lateRate   float64
	lateBy     time.Duration
	disorder   bool

	faults     []*struckFault
	denied     map[string]bool
	lostWrites bool
	onRequest  func(Request)
	onAnswered func(Request)
	webhooks   outbox
	requests   []*Request
	effects    []Effect
}

type org struct {
	id, name   string
	projects   []*project
	principals []*principal
	feed       feed
	limits     map[string]int

	orgSettings
	orgFederation
	orgPeople
}

type project struct {
	org        *org
	id, name   string
	created    time.Time
	tags       []Tag
	clusters   []*cluster
	flex       []*flexCluster
	federated  []*FederatedDatabase
	workspaces []*StreamWorkspace
	access     []*entry
	users      []*DatabaseUser
	roles      []*CustomRole
	logins     []Login
	feed       feed
	limits     map[string]int // set by name, over the standard ones

	projectSettings
	projectPeople
	projectNetwork
	projectDatabaseAuth
	projectAlert
	projectTarget
	projectBackup
}

// New builds an Atlas from a world. The error names the part of the world that cannot
// be built.
func New(o Options) (*Atlas, error) {
	clock := o.Now
	if clock == nil {
		clock = time.Now
	}
	a := &Atlas{
		seed: o.Seed, clock: clock, routes: routes(), eventTypes: newEventTypes(),
		counters: map[string]uint64{}, projects: map[string]*project{},
		clients: map[string]*principal{}, keys: map[string]*principal{},
		tokens: map[string]*token{}, buckets: map[bucketKey]*bucket{},
		sets: bucketSets(), standard: standardLimits(), denied: map[string]bool{},
	}
	for _, w := range o.World.Orgs {
		if err := a.addOrg(w); err != nil {
			return nil, fmt.Errorf("building organisation %q: %w", w.Name, err)
		}
	}
	for i, w := range o.World.Federations {
		if err := a.addFederation(i, w); err != nil {
			return nil, fmt.Errorf("building a federation: %w", err)
		}
	}
	return a, nil
}

func (a *Atlas) now() time.Time { return a.clock().Add(a.offset).UTC() }

// Advance shifts the clock forward (or back) by d.
func (a *Atlas) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offset += d
}

// SetClockOffset sets how far the clock runs ahead of the one it was made with.
func (a *Atlas) SetClockOffset(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offset = d
}

// SetLostUpdates makes overlapping access-list POSTs to one project lose entries, as
// the real service may: a POST that began before another one ended overwrites it. Off
// at first.
func (a *Atlas) SetLostUpdates(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lostWrites = on
}

// ProjectID returns the id of the first project of that name, or "".
func (a *Atlas) ProjectID(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.orgs {
		for _, p := range o.projects {
			if p.name == name {
				return p.id
			}
		}
	}
	return ""
}

// OrgID returns the id of the organisation of that name, or "".
func (a *Atlas) OrgID(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.orgs {
		if o.name == name {
			return o.id
		}
	}
	return ""
}

func (a *Atlas) org(id string) *org {
	i := slices.IndexFunc(a.orgs, func(o *org) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return a.orgs[i]
}

// nextID numbers things of one kind as they come to be.
func (a *Atlas) nextID(kind string) string {
	a.counters[kind]++
	return a.derive(kind, fmt.Sprint(a.counters[kind]))[:24]
}

// derive makes 64 hexadecimal digits that depend on the seed and the parts alone.
func (a *Atlas) derive(parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d", a.seed)
	for _, p := range parts {
		fmt.Fprintf(h, "\x00%s", p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
