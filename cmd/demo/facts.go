package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fact is one fact that the daemon published, and when it came to us. Either is nil.
type fact struct {
	at       time.Time
	finding  *access.FindingEvent
	decision *access.Decision
}

// ref is what the fact is about.
func (f fact) ref() access.Ref {
	if f.finding != nil {
		return f.finding.Finding.Ref
	}
	return f.decision.Action.Ref
}

// opened reports whether a finding of this rule and name opened, or was opened and over at
// once.
func (f fact) opened(rule, name string) bool {
	e := f.finding
	return e != nil && e.Finding.Rule == rule && e.Finding.Ref.Name == name &&
		(e.From == "" || e.From == access.FindingResolved) && (e.To == access.FindingOpen || !e.Finding.Evidence.Ended.IsZero())
}

// ended reports whether the fact is the end of this action.
func (f fact) ended(action string) bool {
	return f.decision != nil && f.decision.Action.ID == action && f.decision.Action.State.Done()
}

// facts keeps what the daemon publishes, each fact once, and lets others wait for more.
type facts struct {
	mu   sync.Mutex
	list []fact
	seen map[string]bool
	more chan struct{} // closed when something comes
	told func(fact)    // called for every new fact, in order
}

func newFacts(told func(fact)) *facts {
	return &facts{seen: map[string]bool{}, more: make(chan struct{}), told: told}
}

// observe is daemon.Options.Observe.
func (f *facts) observe(v any) {
	n := fact{at: time.Now()}
	var id string
	switch v := v.(type) {
	case access.FindingEvent:
		n.finding, id = &v, fmt.Sprint("finding ", v.Finding.ID, v.Finding.Episode, v.From, v.To, v.At.UnixNano())
	case access.Decision:
		n.decision, id = &v, fmt.Sprint("decision ", v.Action.ID, v.Type, v.Action.State, v.At.UnixNano())
	default:
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[id] {
		return
	}
	f.seen[id] = true
	f.list = append(f.list, n)
	close(f.more)
	f.more = make(chan struct{})
	f.told(n)
}

// count is the number of facts so far: where later ones begin.
func (f *facts) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.list)
}

// since returns the facts from there on, and a channel that closes when one comes.
func (f *facts) since(from int) ([]fact, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list[from:len(f.list):len(f.list)], f.more
}

// await waits for the first fact from there on that matches. ctx bounds it.
func (f *facts) await(ctx context.Context, from int, match func(fact) bool) (fact, bool) {
	for {
		list, more := f.since(from)
		for _, n := range list {
			if match(n) {
				return n, true
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fact{}, false
		}
	}
}

// look is how often a condition that nothing announces is looked at.
const look = 20 * time.Millisecond

// until waits for a condition that nothing announces. ctx bounds it.
func until(ctx context.Context, holds func() bool) bool {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return holds()
		}
	}
	return true
}
