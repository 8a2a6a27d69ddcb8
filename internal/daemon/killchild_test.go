package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// What the parent of a kill run tells its child.
const (
	killDirEnv = "GW_KILL_DIR" // the folder of the run; set: this process is the child
	killAtEnv  = "GW_KILL_AT"  // points in order, parted by ">"; at the last one the child stalls and waits for its end
	killLease  = 20 * time.Second
)

// killChild is the real daemon in a process of its own. It tells its parent on file 3
// where it stands, one line each:
//
//	ready                   it runs
//	at POINT                it has stalled at the last point that it was told
//	judged SCOPE REV SEQ    a findings document, and the last change that it took in
//	state JSON              how things stand, every second, once asked by "report"
//
// It stops when it reads "stop", and dies when its parent is gone.
type killChild struct {
	daemon *Daemon
	stop   context.CancelFunc

	write sync.Mutex
	out   *os.File

	mu    sync.Mutex
	whole []string // the route as told
	route []string // what is left of it
	since time.Time
	next  http.RoundTripper
}

func runKillChild(t *testing.T, dir string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &killChild{stop: cancel, out: os.NewFile(3, "reports"), since: time.Now(), next: http.DefaultTransport}
	if at := os.Getenv(killAtEnv); at != "" {
		c.whole = strings.Split(at, ">")
		c.route = c.whole
	}
	orders := make(chan string, 8)
	go c.obey(os.Stdin, orders)
	name := filepath.Join(dir, "config.yaml")
	f, err := loadFive(name, read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	log := zap.NewProductionConfig()
	log.OutputPaths, log.Sampling = []string{filepath.Join(dir, "child.log")}, nil
	logger, err := log.Build()
	if err != nil {
		t.Fatal(err)
	}
	if c.daemon, err = Start(ctx, Options{File: f, Version: "test", NoListen: true, Probe: c.probe, Transport: c, Lease: killLease, Logger: logger}); err != nil {
		t.Fatal(err)
	}
	c.say("ready")
	go c.daemon.findings.Watch(ctx, func(scope string, doc access.Findings, rev uint64) {
		c.say("judged %s %d %d", scope, rev, doc.Judged.ChangeSeq)
	})
	go c.report(ctx, orders)
	if err := c.daemon.Wait(); err != nil {
		t.Error(err)
	}
}

// obey reads the parent's orders. Their end is the parent's.
func (c *killChild) obey(in io.Reader, orders chan<- string) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if lines.Text() == "stop" {
			c.stop()
			continue
		}
		orders <- lines.Text()
	}
	os.Exit(3)
}

func (c *killChild) say(format string, args ...any) {
	c.write.Lock()
	defer c.write.Unlock()
	if _, err := fmt.Fprintf(c.out, format+"\n", args...); err != nil {
		os.Exit(3)
	}
}

// probe follows the route and stalls at its end: whoever reaches any point after that
// stalls as well, so that the parent's kill finds things as they were.
func (c *killChild) probe(point string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if point == "write:before" && len(c.route) > 0 && strings.HasPrefix(c.whole[0], "gw_control:") {
		c.route = c.whole // it is to be before the write: begin again
	}
	if len(c.route) == 0 || !c.reached(point) {
		return
	}
	if c.route = c.route[1:]; len(c.route) > 0 {
		return
	}
	c.say("at %s", point)
	select {}
}

// reached reports whether the point is the next one of the route. "+1.5s" is any point so
// long after the start, "*" any with something in flight.
func (c *killChild) reached(point string) bool {
	next := c.route[0]
	if after, err := time.ParseDuration(next); err == nil {
		return time.Since(c.since) >= after
	}
	return next == point || next == "*" && !strings.HasSuffix(point, ":after-ack")
}

// RoundTrip makes points of writes to Atlas: directly before one is sent, and with its
// answer in hand.
func (c *killChild) RoundTrip(r *http.Request) (*http.Response, error) {
	write := r.Method != http.MethodGet && strings.HasPrefix(r.URL.Path, "/api/atlas/v2/")
	if write {
		c.probe("write:before")
	}
	answer, err := c.next.RoundTrip(r)
	if write && err == nil && answer.StatusCode < 300 {
		c.probe("write:answered")
	}
	return answer, err
}

// killState is how things stand in the child.
type killState struct {
	Judged int           // scopes
	Open   []killSubject // open findings
	Undone int           // actions that are not done, and open findings without one
}

// killSubject is what a finding is about.
type killSubject struct{ Rule, Scope, Name string }

func (c *killChild) report(ctx context.Context, orders <-chan string) {
	for range orders {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			s, err := killStateOf(ctx, c.daemon)
			if ctx.Err() != nil {
				return
			}
			text, err2 := json.Marshal(s)
			if err == nil && err2 == nil {
				c.say("state %s", text)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

func killStateOf(ctx context.Context, d *Daemon) (killState, error) {
	var s killState
	findings, err := d.AllFindings(ctx)
	if err != nil {
		return s, err
	}
	actions, err := d.AllActions(ctx)
	if err != nil {
		return s, err
	}
	scopes, err := d.findings.Keys(ctx)
	if err != nil {
		return s, err
	}
	for _, scope := range scopes {
		if strings.HasPrefix(scope, "prj.") {
			s.Judged++
		}
	}
	has := map[string]bool{}
	for _, a := range actions {
		has[a.ID] = true
		if !a.State.Done() {
			s.Undone++
		}
	}
	for _, f := range findings {
		if f.Open() && !has[access.ActionID(f.ID, f.Episode)] {
			s.Undone++
		}
		if f.Open() && f.Rule != "network/transient-open-to-world" {
			s.Open = append(s.Open, killSubject{f.Rule, string(f.Ref.Scope), f.Ref.Name})
		}
	}
	return s, nil
}
