package daemon

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server/ats"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"golang.org/x/tools/txtar"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

var (
	update  = flag.Bool("update", false, "rewrite the want sections of the world tests")
	every   = flag.Int("every", 1, "play every n-th world test only, for the race detector and the inner loop")
	verbose = flag.Bool("logs", false, "print the daemon's log")
)

func TestMain(m *testing.M) {
	ats.Register() // the server's access-time goroutine must start outside every bubble
	for k, v := range map[string]string{
		"GW_TEST_READ_ID": "mdb_sa_id_64f000000000000000000a01", "GW_TEST_READ_SECRET": "test-read-secret",
		"GW_TEST_WRITE_ID": "mdb_sa_id_64f000000000000000000a02", "GW_TEST_WRITE_SECRET": "test-write-secret",
	} {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestWorlds plays every story of testdata/worlds against the whole daemon, with a real
// JetStream and a simulated Atlas, under fake time. A story is a txtar file: prose, then
//
//	-- world.yaml --    what Atlas holds at the start (default: testdata/world.yaml)
//	-- config.yaml --   the configuration (default: testdata/config.yaml)
//	-- steps --         at DURATION VERB …, see [stage.step]
//	-- want --          findings, effects of ours on Atlas, and messages, at the end
//
// {name} in a request is the id of the project of that name, {+72h} and {-1h} are dates
// by the story's clock at the time of the step. -update rewrites the want sections: read them.
func TestWorlds(t *testing.T) {
	files, err := filepath.Glob("testdata/worlds/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no worlds: %v", err)
	}
	t.Logf("playing every %d. of %d stories", *every, len(files))
	for i, file := range files {
		if i%*every != 0 {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/worlds/"), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playFile(t, file)
		})
	}
}

func playFile(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{"world.yaml": read(t, "testdata/world.yaml"), "config.yaml": read(t, "testdata/config.yaml")}
	for _, f := range archive.Files {
		parts[f.Name] = string(f.Data)
	}
	var got string
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { got = play(t, dir, parts) })
	if *update {
		for i := range archive.Files {
			if archive.Files[i].Name == "want" {
				archive.Files[i].Data = []byte(got)
			}
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(parts["want"], got); diff != "" {
		t.Errorf("the story ends differently (-want +got):\n%s", diff)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// play runs a story to its end and tells how it ended.
func play(t *testing.T, dir string, parts map[string]string) string {
	s := newStage(t, dir, parts["world.yaml"], parts["config.yaml"])
	lines := bufio.NewScanner(strings.NewReader(parts["steps"]))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := s.step(line); err != nil {
			t.Fatalf("step %d: %s: %v", n, line, err)
		}
	}
	report := s.report()
	s.stop()
	return report
}

// stage is one simulated Atlas with one daemon before it.
type stage struct {
	t       *testing.T
	dir     string
	begin   time.Time
	atlas   *sim.Atlas
	between func(http.RoundTripper) http.RoundTripper // edits what passes between Atlas and the daemon; nil: nothing does
	conf    string

	daemon *Daemon
	cancel context.CancelFunc

	mu       sync.Mutex
	messages []string
	heard    []string // what became of commands, in order
	said     int
}

func newStage(t *testing.T, dir, world, conf string) *stage {
	t.Helper()
	time.Sleep(time.Until(time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC))) // Atlas knows no logins before 2008
	begin := time.Now()
	w, err := sim.ParseWorld("world.yaml", []byte(dates(world, begin)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := sim.New(sim.Options{World: w, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	conf = strings.NewReplacer("ORG", a.OrgID("ExampleCorp"), "STORE", filepath.Join(dir, "store")).Replace(conf)
	return &stage{t: t, dir: dir, begin: begin, atlas: a, conf: conf}
}

func (s *stage) load() (*config.File, error) { return loadFive("config.yaml", s.conf) }

// loadFive loads a configuration that judges by the five rules of the spine, unless it says
// otherwise: what a story shows is how it is judged and put right, not everything that is
// wrong in its little Atlas.
func loadFive(name, text string) (*config.File, error) {
	f, err := config.Load(name, []byte(text))
	if err == nil && f.Rules.Only == nil {
		f.Rules.Only = []string{"network/open-to-world", "network/transient-open-to-world", "dbuser/unscoped", "dbuser/expired-migration-user", "dbuser/atlas-admin-app"}
	}
	return f, err
}

func (s *stage) start() {
	s.t.Helper()
	f, err := s.load()
	if err != nil {
		s.t.Fatal(err)
	}
	logger := zap.NewNop()
	if *verbose {
		logger = zaptest.NewLogger(s.t)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	d, err := Start(ctx, Options{File: f, Load: s.load, Version: "test", Transport: s.transport(), NoListen: true, Logger: logger, Observe: s.observe})
	if err != nil {
		s.t.Fatal(err)
	}
	s.daemon, s.cancel = d, cancel
}

func (s *stage) transport() http.RoundTripper {
	if s.between != nil {
		return s.between(s.atlas.Transport())
	}
	return s.atlas.Transport()
}

func (s *stage) stop() {
	s.t.Helper()
	if s.daemon == nil {
		return
	}
	s.cancel()
	if err := s.daemon.Wait(); err != nil {
		s.t.Errorf("stop: %v", err)
	}
	s.daemon = nil
}

// observe takes down the transitions. Whether a judgement falls between an event and the
// read that it wakes, and marks a finding unknown for that moment, is chance: what does
// not change the state is left out.
func (s *stage) observe(fact any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := fact.(access.FindingEvent); ok && e.From != e.To {
		s.messages = append(s.messages, fmt.Sprintf("%s %s %s: %s → %s", e.Finding.Rule, e.Finding.Ref.Kind, e.Finding.Ref.Name, or(string(e.From), "new"), e.To))
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// step plays one line: at DURATION VERB …
//
//	start, stop, restart            the daemon
//	as NAME METHOD PATH [BODY]      somebody acts in Atlas: a person, or a service account by its client id
//	deny OPERATION, allow OPERATION Atlas refuses (or not) an operation to us
//	fault KIND OPERATION [TIMES]    the next answers of an operation are bad (short_page is the kind "short page"); none clears all
//	visibility DURATION             events become visible this much later
//	dirty                           events of equal seconds come in disorder
//	login PROJECT CLUSTER USER ADDRESS  a database login, into the access history
//	config OLD => NEW               the configuration changes, and is reloaded if the daemon runs; \n in NEW is a new line, if the daemon runs
//	vote, undo, freeze …            somebody decides, see [stage.say]
//	nothing                         only the time passes
func (s *stage) step(line string) error {
	f := strings.Fields(line)
	if len(f) < 3 || f[0] != "at" {
		return fmt.Errorf("want: at DURATION VERB …")
	}
	after, err := time.ParseDuration(f[1])
	if err != nil {
		return err
	}
	time.Sleep(time.Until(s.begin.Add(after)))
	synctest.Wait()
	switch verb, args := f[2], f[3:]; verb {
	case "start":
		s.start()
	case "stop":
		s.stop()
	case "restart":
		s.stop()
		s.start()
	case "as":
		return s.act(args[0], args[1], args[2], strings.Join(args[3:], " "))
	case "deny", "allow":
		s.atlas.Deny(args[0], verb == "deny")
	case "fault":
		return s.fault(args)
	case "visibility":
		d, err := time.ParseDuration(args[0])
		s.atlas.SetVisibility(d)
		return err
	case "dirty":
		s.atlas.SetDisorder(true)
	case "login":
		s.atlas.RecordLogin(s.atlas.ProjectID(args[0]), args[1], args[2], "admin", args[3], true)
	case "config":
		_, edit, _ := strings.Cut(line, " config ")
		return s.reconfigure(edit)
	case "vote", "undo", "release", "ack", "waive", "freeze", "unfreeze", "incident", "unwaive", "end-incident", "expect":
		return s.say(verb, args)
	case "nothing":
	default:
		return fmt.Errorf("no verb %q", verb)
	}
	return nil
}

func (s *stage) act(who, method, path, body string) error {
	path = regexp.MustCompile(`\{[a-z-]+\}`).ReplaceAllStringFunc(path, func(m string) string { return s.atlas.ProjectID(strings.Trim(m, "{}")) })
	var payload any
	if body = dates(body, time.Now()); body != "" {
		payload = rawJSON(body)
	}
	by := sim.Actor{Username: who, RemoteAddress: "198.51.100.7"}
	if strings.HasPrefix(who, "mdb_sa_id_") {
		by.Username, by.ClientID = "", who
	}
	status, answer := s.atlas.Do(by, method, path, payload)
	if status >= 300 {
		return fmt.Errorf("Atlas says %d: %s", status, answer)
	}
	return nil
}

type rawJSON string

// MarshalJSON gives the text as it is.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func (s *stage) fault(args []string) error {
	if args[0] == "none" {
		s.atlas.SetFaults()
		return nil
	}
	fault := sim.Fault{Kind: sim.FaultKind(strings.ReplaceAll(args[0], "_", " ")), Route: args[1], Rate: 1}
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		fault.Remaining = n
	}
	s.atlas.SetFaults(fault)
	return nil
}

func (s *stage) reconfigure(edit string) error {
	old, replacement, ok := strings.Cut(edit, " => ")
	if !ok || !strings.Contains(s.conf, old) {
		return fmt.Errorf("want OLD => NEW with OLD in the configuration")
	}
	s.conf = strings.Replace(s.conf, old, strings.ReplaceAll(replacement, `\n`, "\n"), 1)
	if s.daemon == nil {
		return nil
	}
	return s.daemon.Reload()
}

// dates fills in {+72h} and {-1h}.
func dates(text string, now time.Time) string {
	return regexp.MustCompile(`\{[+-][0-9a-z]+\}`).ReplaceAllStringFunc(text, func(m string) string {
		d, err := time.ParseDuration(strings.Trim(m, "{}"))
		if err != nil {
			return m
		}
		return now.Add(d).UTC().Format(time.RFC3339)
	})
}
