// Command chaos breaks everything at once and then counts.
//
//	go run ./scripts/chaos [-seed N] [-changes N] [-for D] [-keep DIR]
//
// It runs three NATS servers and three daemons as processes on loopback, with the deployed
// permissions, before a simulated Atlas that answers badly. People change access at random, and vote on
// what they are asked. Meanwhile daemons and servers are killed with SIGKILL, stopped and continued,
// at instants that depend on the seed; never more than one server for longer than moments. Then all trouble
// ends, the run drains, and an oracle that shares nothing with the engine compares what is stored with what
// the simulator knows: see check.go for what must hold.
//
// The last thing printed is a summary in JSON. Exit 1 when anything is broken, 2 for a wrong call, 3 when
// the run could not be made.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const daemons = 3

func main() {
	if len(os.Args) == 3 && os.Args[1] == nodeCommand {
		os.Exit(runNode(os.Args[2]))
	}
	o := options{}
	flag.Uint64Var(&o.seed, "seed", 1, "of everything that is random")
	flag.IntVar(&o.changes, "changes", 300, "how many changes people make")
	flag.DurationVar(&o.span, "for", 30*time.Second, "over how long a time")
	flag.StringVar(&o.keep, "keep", "", "an empty `folder` that keeps stores and logs")
	flag.Parse()
	if flag.NArg() > 0 || o.changes < 1 || o.span < time.Second {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	s, err := run(ctx, o)
	stop()
	out, jsonErr := json.MarshalIndent(s, "", "  ")
	if err := errors.Join(err, jsonErr); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(3)
	}
	fmt.Println(string(out))
	if len(s.Broken) > 0 {
		os.Exit(1)
	}
}

type options struct {
	seed    uint64
	changes int
	span    time.Duration
	keep    string
}

// summary is what is printed last.
type summary struct {
	Seed    uint64         `json:"seed"`
	Changes int            `json:"changes"`
	For     string         `json:"for"`
	Drained string         `json:"drained"` // how long it took from the end of all trouble
	People  map[string]int `json:"people"`  // what they did
	Trouble map[string]int `json:"trouble"` // what was done to processes
	Starts  map[string]int `json:"starts"`  // of processes; more than killed: it ended by itself
	Effects struct {
		People  int `json:"people"`
		Ours    int `json:"ours"`
		Without int `json:"requestsWithout"` // requests of ours that changed nothing: reported, no fault
	} `json:"effects"`
	Actions  map[string]int `json:"actions"` // by state
	Commands map[string]int `json:"commands"`
	Findings int            `json:"openFindings"`
	Audit    string         `json:"audit"`
	Stored   map[string]int `json:"stored"` // messages by stream
	Broken   []string       `json:"broken"`
}

// scene is everything that runs.
type scene struct {
	options
	dir     string
	town    *town
	cluster *cluster
	daemons []*process
	admin   []string // addresses of the daemons' admin listeners
	voter   *voter
	trouble *trouble
}

func run(ctx context.Context, o options) (sum summary, err error) {
	sc := &scene{options: o, dir: o.keep}
	if sc.dir == "" {
		if sc.dir, err = os.MkdirTemp("", "chaos-"); err != nil {
			return sum, err
		}
		defer os.RemoveAll(sc.dir)
	}
	if sc.dir, err = filepath.Abs(sc.dir); err != nil {
		return sum, err
	}
	defer func() { sc.stop() }()
	if err := sc.set(ctx); err != nil {
		return sum, err
	}
	voting, home := context.WithCancel(ctx)
	var people sync.WaitGroup
	people.Go(func() { sc.voter.vote(voting) })
	began := time.Now()
	err = sc.play(ctx)
	played := time.Since(began)
	var drained time.Duration
	var unsettled string
	if err == nil {
		drained, unsettled = sc.drain(ctx) // what is asked now is answered, too
	}
	home()
	people.Wait()
	if err != nil {
		return sum, err
	}
	sum = sc.summary()
	sum.For, sum.Drained = played.Round(time.Millisecond).String(), drained.Round(time.Millisecond).String()
	if unsettled != "" {
		sum.Broken = append(sum.Broken, "not settled after "+drained.Round(time.Second).String()+": "+unsettled)
	}
	return sum, sc.check(ctx, &sum)
}

// set starts everything, undisturbed, and lets it see Atlas once: what is wrong later came about
// while it was watched.
func (sc *scene) set(ctx context.Context) (err error) {
	say("seed %d: starting", sc.seed)
	if sc.town, err = newTown(sc.seed); err != nil {
		return err
	}
	if sc.cluster, err = startCluster(ctx, sc.dir); err != nil {
		return err
	}
	if err := sc.startDaemons(ctx); err != nil {
		return err
	}
	if sc.voter, err = newVoter(sc); err != nil {
		return err
	}
	sc.trouble = newTrouble(sc)
	return sc.until(ctx, time.Minute, func() string {
		judged, err := sc.cluster.judged(ctx)
		if err != nil || judged < len(sc.town.projects) {
			return fmt.Sprintf("%d of %d projects are judged (%v)", judged, len(sc.town.projects), err)
		}
		return ""
	})
}

// until waits for what must come: while it does not, what is missing is said.
func (sc *scene) until(ctx context.Context, patience time.Duration, missing func() string) error {
	for end := time.Now().Add(patience); ; {
		what := missing()
		switch {
		case what == "":
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(end):
			return fmt.Errorf("%s after %s", what, patience)
		}
		pause(ctx, 200*time.Millisecond)
	}
}

// play is the time of changes and trouble.
func (sc *scene) play(ctx context.Context) error {
	say("%d changes in %s, with trouble", sc.changes, sc.span)
	sc.town.misbehave(true)
	ctx, cancel := context.WithCancel(ctx)
	var busy sync.WaitGroup
	busy.Go(func() { sc.trouble.make(ctx) })
	every := sc.span / time.Duration(sc.changes)
	for n, next := 0, time.Now(); n < sc.changes && ctx.Err() == nil; n++ {
		sc.town.change()
		next = next.Add(every)
		pause(ctx, time.Until(next))
	}
	err := ctx.Err()
	cancel()
	busy.Wait()
	sc.town.misbehave(false)
	if err != nil {
		return err
	}
	return sc.trouble.end(context.WithoutCancel(ctx))
}

const patience = 5 * time.Minute // locks of dead daemons last over a minute

// drain waits until what is held for open is what is wrong in Atlas, and nothing is left to do, for a while.
func (sc *scene) drain(ctx context.Context) (took time.Duration, unsettled string) {
	say("all trouble has ended: draining")
	began, calm := time.Now(), 0
	said := time.Now()
	for unsettled = "not looked at"; time.Since(began) < patience && calm < 5 && ctx.Err() == nil; pause(ctx, time.Second) {
		if unsettled = sc.unsettled(ctx); unsettled == "" {
			calm++
			continue
		}
		if calm = 0; time.Since(said) > 20*time.Second {
			said = time.Now()
			say("not yet: %s", unsettled)
		}
	}
	return time.Since(began), unsettled
}

func (sc *scene) stop() {
	for _, d := range sc.daemons {
		d.stop()
	}
	if sc.cluster != nil {
		sc.cluster.stop()
	}
	if sc.town != nil {
		sc.town.close()
	}
}

func (sc *scene) summary() summary {
	s := summary{Seed: sc.seed, Changes: sc.changes, People: sc.town.deeds, Trouble: sc.trouble.made, Starts: map[string]int{}, Broken: []string{}}
	for _, p := range append(sc.cluster.nodes[:], sc.daemons...) {
		s.Starts[p.name] = p.started()
	}
	return s
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
