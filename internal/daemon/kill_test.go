package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

var (
	kills    = flag.Int("kills", 12, "at how many instants the kill run kills the daemon")
	killKeep = flag.String("keep", "", "an empty folder that keeps the store and the log of the kill run")
)

// TestKill runs the real daemon in a process of its own, against a simulated Atlas behind
// a real socket in which people change access at random, and kills it with SIGKILL again
// and again on one store, each time with something in flight: in the watcher, in the
// rules, before, while and after the executor writes, and at random times. Then all
// settles, and what is left in store and Atlas is checked: see killcheck_test.go.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killDirEnv); dir != "" {
		runKillChild(t, dir)
		return
	}
	t.Logf("seed %d, %d kills", *seed, *kills)
	r := newKillRun(t)
	r.firstSight()
	people, home := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	busy.Add(1)
	go r.town.live(people, &busy)
	began := time.Now()
	for _, place := range r.places() {
		r.killAt(place)
	}
	killing := time.Since(began)
	home()
	busy.Wait()
	r.settle()
	r.table(killing, time.Since(began)-killing)
	r.check()
	if len(r.town.wrong) > 0 {
		t.Errorf("Atlas refused what people did:\n%s", strings.Join(r.town.wrong, "\n"))
	}
}

// killRun is the parent's side of a run.
type killRun struct {
	t    *testing.T
	dir  string
	rnd  *rand.Rand
	town *killTown

	counted  map[string]int            // instants by place
	points   map[string]map[string]int // and by point
	missed   map[string]int            // points that were not reached in time
	starts   []time.Duration           // from exec to ready
	starting int                       // killed while starting

	judged []string // the lines of all children, in order

	mu   sync.Mutex
	hook *killHook
}

// killHook stalls a write of the child's inside the simulator.
type killHook struct {
	answered bool // after the effect and before the answer; else before it is handled
	lost     bool // the request is never handled
	late     time.Duration
	reached  chan sim.Request
	released chan struct{}
}

func newKillRun(t *testing.T) *killRun {
	t.Helper()
	projects := 8
	if *kills > 40 {
		projects = 16 // the lock of a scope outlives its holder: there must be others to go on with
	}
	town, err := newKillTown(projects, *seed)
	if err != nil {
		t.Fatal(err)
	}
	r := &killRun{t: t, dir: t.TempDir(), rnd: rand.New(rand.NewPCG(*seed, 3)), town: town, counted: map[string]int{}, points: map[string]map[string]int{}, missed: map[string]int{}}
	if *killKeep != "" {
		r.dir = *killKeep
	}
	town.atlas.OnRequest(func(q sim.Request) { r.stall(q, false) })
	town.atlas.OnAnswered(func(q sim.Request) { r.stall(q, true) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: town.atlas, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the simulator: %v", err)
		}
		<-served
	})
	conf := strings.NewReplacer("ADDRESS", listener.Addr().String(), "ORG", town.atlas.OrgID("ExampleCorp"), "STORE", filepath.Join(r.dir, "store")).Replace(killConfig)
	if err := os.WriteFile(filepath.Join(r.dir, "config.yaml"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// stall holds a write up until the child is dead.
func (r *killRun) stall(q sim.Request, answered bool) {
	if !q.Mutating || answered && q.Status >= 300 {
		return
	}
	r.mu.Lock()
	h := r.hook
	if h == nil || h.answered != answered {
		r.mu.Unlock()
		return
	}
	r.hook = nil
	r.mu.Unlock()
	h.reached <- q
	<-h.released
	if h.lost {
		panic(http.ErrAbortHandler)
	}
	<-time.After(h.late)
}

// The places of instants.
const (
	inWatcher   = "watcher"
	inRules     = "rules"
	beforeWrite = "executor, before the write"
	duringWrite = "executor, during the write"
	afterWrite  = "executor, after the write"
	inAudit     = "audit"
	atRandom    = "at random"
)

func killPlaces() []string {
	return []string{inWatcher, inRules, beforeWrite, duringWrite, afterWrite, inAudit, atRandom}
}

// places is the order of the run: 14 of a hundred in each place, the rest at random.
func (r *killRun) places() []string {
	var out []string
	for _, place := range killPlaces() {
		for range (*kills*14 + 50) / 100 {
			out = append(out, place)
		}
	}
	out = out[:min(len(out), *kills)]
	for len(out) < *kills {
		out = append(out, atRandom)
	}
	r.rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// route is a way to an instant of the place: the child's points in order, or a hook.
func (r *killRun) route(place string) (route string, h *killHook) {
	steps := []string{"before-cas", "after-cas", "after-publish-1", "before-clear", "after-clear"}
	of := func(bucket string) string { return bucket + ":" + steps[r.rnd.IntN(len(steps))] }
	hooked := func(answered, lost bool) *killHook {
		return &killHook{answered, lost, time.Duration(r.rnd.IntN(3000)) * time.Millisecond, make(chan sim.Request, 1), make(chan struct{})}
	}
	switch n := r.rnd.IntN(10); place {
	case inWatcher:
		return r.some([]string{of("gw_watch"), of("gw_inventory"), of("gw_inventory"), "gw_inventory:after-publish-2"}[n%4], "gw_inventory:after-clear>poll:before-ack", n), nil
	case inRules:
		return r.some([]string{of("gw_findings"), of("gw_findings"), "gw_findings:after-publish-2"}[n%3], "gw_findings:after-clear>eval:before-ack", n), nil
	case beforeWrite:
		if n < 5 {
			return "", hooked(false, true)
		}
		return []string{"write:before", "gw_control:after-cas>" + of("gw_actions")}[n%2], nil
	case duringWrite:
		return "", hooked(n < 5, false)
	case afterWrite:
		return []string{"write:answered", "write:answered>" + of("gw_actions"), "write:answered>" + of("gw_actions"), "write:answered>gw_actions:after-clear>" + of("gw_actions"), "write:answered>action:before-ack"}[n%5], nil
	case inAudit:
		return r.some("audit:"+[]string{"before-append", "after-append", "before-checkpoint", "after-checkpoint"}[n%4], "audit:after-append>audit:before-checkpoint", n), nil
	}
	return fmt.Sprintf("+%dms>*", 500+r.rnd.IntN(3000)), nil
}

// some is one of two points: the first one the first, second or third time.
func (r *killRun) some(point, otherwise string, n int) string {
	if n == 9 {
		return otherwise
	}
	return strings.Repeat(point+">", r.rnd.IntN(3)) + point
}

const killPatience = 12 * time.Second // for an instant that does not come

// killAt kills one child in the place: until an instant is reached, others are tried.
func (r *killRun) killAt(place string) {
	for range 8 {
		route, h := r.route(place)
		c := r.start(route)
		if r.rnd.IntN(10) == 0 { // and sometimes it does not even get up; that is not counted
			r.await(c.ready, time.Duration(r.rnd.IntN(400))*time.Millisecond)
			c.kill()
			r.starting++
			continue
		}
		point, ok := r.reach(c, h)
		c.kill()
		if h != nil {
			r.mu.Lock()
			r.hook = nil
			r.mu.Unlock()
			close(h.released)
		}
		if !ok {
			r.missed[route]++
			continue
		}
		r.counted[place]++
		if r.points[place] == nil {
			r.points[place] = map[string]int{}
		}
		r.points[place][point]++
		return
	}
	r.t.Errorf("%s: no instant was reached", place)
}

// reach waits until the child, or the simulator, stands at the instant.
func (r *killRun) reach(c *killedChild, h *killHook) (point string, ok bool) {
	if !r.await(c.ready, 30*time.Second) {
		r.t.Fatalf("the daemon did not start (seed %d); its last words:\n%s", *seed, r.lastWords())
	}
	r.starts = append(r.starts, time.Since(c.began))
	var stalled chan sim.Request
	if h != nil {
		stalled = h.reached
		r.mu.Lock()
		r.hook = h
		r.mu.Unlock()
	}
	select {
	case point = <-c.at:
		return point, true
	case <-stalled:
		switch {
		case h.answered:
			return "Atlas: made, not answered", true
		case h.lost:
			return "Atlas: received, then lost", true
		}
		return "Atlas: received, made after the death", true
	case <-c.done:
		r.t.Fatalf("the daemon ended by itself (seed %d); its last words:\n%s", *seed, r.lastWords())
	case <-time.After(killPatience):
	}
	return "", false
}

func (r *killRun) await(ch <-chan struct{}, patience time.Duration) bool {
	select {
	case <-ch:
		return true
	case <-time.After(patience):
		return false
	}
}

func (r *killRun) lastWords() string {
	text, err := os.ReadFile(filepath.Join(r.dir, "child.out"))
	if err != nil {
		return err.Error()
	}
	log, err := os.ReadFile(filepath.Join(r.dir, "child.log"))
	if err != nil {
		return string(text)
	}
	lines := strings.Split(string(log), "\n")
	return string(text) + strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// killedChild is one life of the daemon.
type killedChild struct {
	r      *killRun
	cmd    *exec.Cmd
	orders io.WriteCloser // its end is the child's end
	began  time.Time
	ready  chan struct{}
	at     chan string
	states chan killState
	done   chan struct{} // its reports ended
}

func (r *killRun) start(route string) *killedChild {
	r.t.Helper()
	reports, theirs, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := os.OpenFile(filepath.Join(r.dir, "child.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), killDirEnv+"="+r.dir, killAtEnv+"="+route)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = out, out, []*os.File{theirs}
	c := &killedChild{r: r, cmd: cmd, began: time.Now(), ready: make(chan struct{}), at: make(chan string, 1), states: make(chan killState, 1000), done: make(chan struct{})}
	if c.orders, err = cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	theirs.Close()
	out.Close()
	go c.listen(reports)
	return c
}

func (c *killedChild) listen(reports *os.File) {
	defer close(c.done)
	defer reports.Close()
	lines := bufio.NewScanner(reports)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch what, rest, _ := strings.Cut(lines.Text(), " "); what {
		case "ready":
			close(c.ready)
		case "at":
			c.at <- rest
		case "judged":
			c.r.judged = append(c.r.judged, rest) // one child at a time, and done is awaited
		case "state":
			var s killState
			if err := json.Unmarshal([]byte(rest), &s); err != nil {
				c.r.t.Errorf("report %q: %v", rest, err)
			}
			c.states <- s
		}
	}
}

// kill ends the child as nothing can prevent it, and waits until it is gone.
func (c *killedChild) kill() {
	c.r.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.r.t.Fatalf("kill the child: %v", err)
	}
	c.bury()
}

// bury waits for the end of the child; what it exits with is for those who asked it to.
func (c *killedChild) bury() error {
	<-c.done
	return c.cmd.Wait()
}

// table prints where the daemon was killed.
func (r *killRun) table(killing, settling time.Duration) {
	var b strings.Builder
	total := 0
	for _, place := range killPlaces() {
		total += r.counted[place]
		fmt.Fprintf(&b, "%-28s %3d  ", place, r.counted[place])
		for _, p := range sortedKeys(r.points[place]) {
			fmt.Fprintf(&b, " %s×%d", p, r.points[place][p])
		}
		b.WriteByte('\n')
	}
	slices.Sort(r.starts)
	fmt.Fprintf(&b, "%-28s %3d   and %d while starting, %d instants waited for in vain %v\n", "in all", total, r.starting, len(r.missed), r.missed)
	fmt.Fprintf(&b, "started again %d times: median %s, longest %s; killing %s, settling %s\n", len(r.starts)+r.starting,
		r.starts[len(r.starts)/2].Round(time.Millisecond), r.starts[len(r.starts)-1].Round(time.Millisecond), killing.Round(time.Second), settling.Round(time.Second))
	fmt.Fprintf(&b, "people did: %v", r.town.deeds)
	r.t.Logf("seed %d\n%s", *seed, b.String())
}
