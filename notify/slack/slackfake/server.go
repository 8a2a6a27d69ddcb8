package slackfake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Options of a workspace. The zero value is ExampleCorp on a free loopback port,
// with Slack's own rates.
type Options struct {
	Listen    string           // "" = 127.0.0.1:0
	Listener  net.Listener     // instead of Listen, for one that stays in memory
	Now       func() time.Time // nil: time.Now
	Workspace Workspace        // zero: Example()
	PingEvery time.Duration    // of the sockets; 0: 10 s
	// SocketLife is how old a socket grows before Slack asks for a new one; 0: 18,060 s.
	SocketLife time.Duration
	Rates      map[string]Rate // per method, over those of DefaultRates
	NoLimits   bool            // no rate limits at all
	Client     *http.Client    // makes the signed deliveries of UseHTTP; nil: one of its own
}

// Tokens are what an operator would copy from Slack's pages. They are fixed and
// nobody's.
type Tokens struct {
	BotToken, AppToken, SigningSecret string
}

// Slack is a running workspace. Its methods may be called at any time from anywhere.
type Slack struct {
	opt    Options
	now    func() time.Time
	tokens Tokens
	shapes shapes
	calls  map[string]method
	ln     net.Listener
	srv    *http.Server
	base   string
	client *http.Client

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	busy sync.WaitGroup // goroutines of ours

	mu     sync.Mutex
	place  *place
	lastTS int64 // µs of the newest timestamp
	serial int   // of every generated id
	log    []Call
	limits map[string]*bucket
	faults faults
	down   bool
	tokenState
	sockets    []*socket
	tickets    map[string]time.Time
	deliveries []*delivery
	triggers   map[string]*trigger
	hooks      map[string]*hook
	views      map[string]*view
	stacks     map[string][]*view // open modals by user, the top one last
	homes      map[string]*view
	http       *urls // nil: Socket Mode
	watchers   map[chan struct{}]bool
	read       map[string]string // user/channel: ts of the newest message seen
}

// Start serves a workspace at once.
func Start(o Options) (*Slack, error) {
	s := &Slack{
		opt: o, now: o.Now, ln: o.Listener, shapes: blockShapes(), calls: methods(),
		tokens: Tokens{
			BotToken:      "xoxb-not-a-real-token-of-the-slack-fake",
			AppToken:      "xapp-not-a-real-token-of-the-slack-fake",
			SigningSecret: "not-a-real-signing-secret-of-the-slack-fake",
		},
		limits: map[string]*bucket{}, tickets: map[string]time.Time{}, triggers: map[string]*trigger{}, hooks: map[string]*hook{},
		views: map[string]*view{}, stacks: map[string][]*view{}, homes: map[string]*view{},
		watchers: map[chan struct{}]bool{}, read: map[string]string{},
	}
	if err := s.defaults(); err != nil {
		return nil, err
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.srv = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	s.busy.Go(func() { _ = s.srv.Serve(s.ln) }) // ends with Close
	return s, nil
}

func (s *Slack) defaults() error {
	if s.now == nil {
		s.now = time.Now
	}
	if s.opt.PingEvery <= 0 {
		s.opt.PingEvery = 10 * time.Second
	}
	if s.opt.SocketLife <= 0 {
		s.opt.SocketLife = socketLife
	}
	s.client = &http.Client{}
	if s.opt.Client != nil {
		*s.client = *s.opt.Client
	}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // Slack follows none
	if s.opt.Workspace.TeamID == "" {
		s.opt.Workspace = Example()
	}
	s.place = newPlace(s.opt.Workspace)
	if s.ln == nil {
		addr := s.opt.Listen
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("serving the Slack fake on %s: %w", addr, err)
		}
		s.ln = ln
	}
	s.base = "http://" + reachable(s.ln.Addr())
	return nil
}

// reachable is where a listener is found from the same machine, if it listens on all
// of its addresses.
func reachable(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return a.String()
}

func (s *Slack) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("GET /link/", s.serveLink)
	mux.HandleFunc("POST /actions/{team}/{id}/{secret}", s.serveHook)
	mux.HandleFunc("POST /commands/{team}/{id}/{secret}", s.serveHook)
	mux.HandleFunc("GET /archives/{channel}/{message}", s.servePermalink)
	s.uiRoutes(mux)
	mux.Handle("/", s.page())
	return mux
}

// Close ends every connection and waits for what runs in the background.
func (s *Slack) Close() error {
	s.mu.Lock()
	s.stop()
	s.dropSockets()
	s.mu.Unlock()
	err := s.srv.Close()
	s.client.CloseIdleConnections()
	s.busy.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// APIURL is where the Web API is, with the slash at its end.
func (s *Slack) APIURL() string { return s.base + "/api/" }

// URL is the page.
func (s *Slack) URL() string { return s.base + "/" }

// Tokens of the app.
func (s *Slack) Tokens() Tokens { return s.tokens }

// id makes a new identifier. The lock is held.
func (s *Slack) id(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s0FAKE%06d", prefix, s.serial)
}

// stamp is the next message timestamp: the time in microseconds, and never one twice.
// The lock is held.
func (s *Slack) stamp() string {
	s.lastTS = max(s.now().UnixMicro(), s.lastTS+1)
	return fmt.Sprintf("%d.%06d", s.lastTS/1e6, s.lastTS%1e6)
}

// spawn runs f in the background; Close waits for it. The lock is held, so that
// nothing starts after Close.
func (s *Slack) spawn(f func()) {
	if s.ctx.Err() == nil {
		s.busy.Go(f)
	}
}

// after runs f once d has passed, unless Close comes first. The lock is held.
func (s *Slack) after(d time.Duration, f func()) {
	s.spawn(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-s.ctx.Done():
		}
	})
}
