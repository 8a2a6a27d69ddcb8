package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// trouble kills, stops and continues processes.
type trouble struct {
	sc   *scene
	rnd  *rand.Rand
	made map[string]int
}

func newTrouble(sc *scene) *trouble {
	return &trouble{sc: sc, rnd: rand.New(rand.NewPCG(sc.seed, 7)), made: map[string]int{}}
}

// make makes trouble until ctx ends: to daemons and to servers, each at times of their own. Which and
// when depends on the seed alone.
func (t *trouble) make(ctx context.Context) {
	var both sync.WaitGroup
	one, other := rand.New(rand.NewPCG(t.sc.seed, 8)), rand.New(rand.NewPCG(t.sc.seed, 9))
	var mu sync.Mutex
	count := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		t.made[what]++
	}
	both.Go(func() {
		for ctx.Err() == nil {
			pause(ctx, between(one, 300*time.Millisecond, 3*time.Second))
			t.daemon(ctx, one, count)
		}
	})
	both.Go(func() {
		for ctx.Err() == nil {
			pause(ctx, between(other, 2*time.Second, 6*time.Second))
			t.server(ctx, other, count)
		}
	})
	both.Wait()
}

func between(rnd *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rnd.Int64N(int64(most-least)))
}

// daemon troubles one daemon. One that is stopped sometimes stays so beyond what its messages are kept
// for it, and then goes on as if nothing had been.
func (t *trouble) daemon(ctx context.Context, rnd *rand.Rand, count func(string)) {
	if ctx.Err() != nil {
		return
	}
	d := t.sc.daemons[rnd.IntN(len(t.sc.daemons))]
	switch n := rnd.IntN(10); {
	case n < 6:
		count("daemon killed")
		d.down()
		pause(ctx, between(rnd, 0, 1500*time.Millisecond))
		d.up()
	case n < 9:
		count("daemon stopped for a moment")
		t.freeze(ctx, d, between(rnd, 100*time.Millisecond, 3*time.Second))
	default:
		count("daemon stopped for long")
		t.freeze(ctx, d, between(rnd, 11*time.Second, 14*time.Second))
	}
}

func (t *trouble) freeze(ctx context.Context, p *process, d time.Duration) {
	p.signal(syscall.SIGSTOP)
	pause(ctx, d)
	p.signal(syscall.SIGCONT)
}

// server troubles one server, and the next only when all have caught up; now and then a second one
// for a moment, which takes the quorum.
func (t *trouble) server(ctx context.Context, rnd *rand.Rand, count func(string)) {
	if t.sc.cluster.well() < nodes || ctx.Err() != nil {
		return
	}
	i := rnd.IntN(nodes)
	n, other := t.sc.cluster.nodes[i], t.sc.cluster.nodes[(i+1)%nodes]
	switch k := rnd.IntN(10); {
	case k < 5:
		count("server killed")
		n.down()
		pause(ctx, between(rnd, 200*time.Millisecond, 3*time.Second))
		n.up()
	case k < 8:
		count("server stopped")
		t.freeze(ctx, n, between(rnd, 200*time.Millisecond, 5*time.Second))
	default:
		count("quorum lost for a moment")
		n.down()
		t.freeze(ctx, other, between(rnd, 200*time.Millisecond, 2*time.Second))
		n.up()
	}
}

// end lets every process run and waits until all are well.
func (t *trouble) end(ctx context.Context) error {
	all := append(t.sc.cluster.nodes[:], t.sc.daemons...)
	for _, p := range all {
		p.up()
		p.signal(syscall.SIGCONT)
	}
	return t.sc.until(ctx, 5*time.Minute, func() string {
		for _, p := range all {
			if no := p.ails(); no != "" {
				return fmt.Sprintf("%s is not well: %s; its log ends with:\n%s\n", p.name, no, p.tail())
			}
		}
		return ""
	})
}
