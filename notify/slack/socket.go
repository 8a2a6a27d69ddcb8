package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

const (
	openEvery   = 2 * time.Second // one connection is opened at most, whatever Slack does with it
	openAtOnce  = 3
	openWithin  = time.Minute // its turn and the answer
	redialMost  = 30 * time.Second
	fatalPause  = time.Minute // what takes a person to put right is tried again slowly
	keepBudget  = time.Second
	ackAfter    = 300 * time.Millisecond // an acknowledgement waits for the inbox so long, and no longer
	manyFlights = 256
	deafAfter   = time.Minute // without a connection it is told
)

// opens keeps connections from being opened in a storm: slack-go opens the next at once where
// Slack accepts one and ends it.
type opens struct {
	base    http.RoundTripper
	turn    *rate.Limiter
	metrics *Metrics
}

func (o *opens) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
		if err := o.turn.Wait(r.Context()); err != nil {
			return nil, err
		}
		o.metrics.opens.Inc()
	}
	return o.base.RoundTrip(r)
}

// listen keeps the sockets connected. Each payload comes by one of them.
func (g *Gateway) listen(ctx context.Context) {
	web := *g.c.web
	web.Timeout = openWithin
	web.Transport = &opens{g.c.web.Transport, rate.NewLimiter(rate.Every(openEvery), openAtOnce), g.o.Metrics}
	api := slackgo.New(g.c.o.BotToken, append(g.c.options(), slackgo.OptionHTTPClient(&web))...)
	flights := make(chan struct{}, manyFlights)
	var wg sync.WaitGroup
	for i := range g.o.Sockets {
		wg.Go(func() { g.socket(ctx, i, api, flights) })
	}
	wg.Go(func() { every(ctx, 5*time.Second, g.deaf) })
	wg.Wait()
	landed(flights)
}

// landed waits a moment for what is under way, so that it is not acknowledged and lost.
func landed(flights chan struct{}) {
	limit := time.After(time.Second)
	for range cap(flights) {
		select {
		case flights <- struct{}{}:
		case <-limit:
			return
		}
	}
}

// deaf tells that nobody's clicks reach us.
func (g *Gateway) deaf() {
	g.mu.Lock()
	n, lost := len(g.alive), g.lost
	g.mu.Unlock()
	if n == 0 && time.Since(lost) > deafAfter {
		g.c.health.Raise(WrongSocket, "", "no Socket Mode connection since "+lost.UTC().Format(time.RFC3339)+": clicks do not reach us; decide by command or API. It is tried again by itself: look at the network, at proxies, and at status.slack.com")
	}
}

func (g *Gateway) connected(i int, up bool) {
	g.mu.Lock()
	if up {
		g.alive[i] = time.Now()
	} else if _, was := g.alive[i]; was {
		delete(g.alive, i)
		if len(g.alive) == 0 {
			g.lost = time.Now()
		}
	}
	n := len(g.alive)
	g.mu.Unlock()
	if up {
		g.c.health.Clear(WrongSocket, "")
		g.c.health.Clear(WrongToken, "app")
	}
	g.c.health.hears(n > 0)
}

// socket keeps one of the sockets connected, with a back-off of its own.
func (g *Gateway) socket(ctx context.Context, i int, api *slackgo.Client, flights chan struct{}) {
	for tries := 0; ctx.Err() == nil; {
		begun := time.Now()
		err := g.session(ctx, i, api, flights)
		g.connected(i, false)
		if time.Since(begun) > time.Minute {
			tries = 0
		}
		pause := min(redialMost, time.Second<<min(tries, 5))
		tries++
		code := codeOf(err)
		switch {
		case ctx.Err() != nil:
			return
		case slices.Contains(boardCodes(), code) || code == "http_404":
			pause = fatalPause
			g.c.health.Raise(WrongToken, "app", fmt.Sprintf("Slack does not let us open a connection (%s): put an app-level token (xapp-…) with connections:write, of the app as it is installed now, into slack.app_token, and turn Socket Mode on for the app", code))
		case isLate(err):
			var l later
			errors.As(err, &l)
			pause = max(pause, l.after)
		}
		g.o.Logger.Debug("a Socket Mode connection is opened anew", zap.Int("socket", i), zap.Duration("in", pause), zap.Error(err))
		sleep(ctx, pause/2+rand.N(pause/2+1))
	}
}

// session is one run of slack-go's client, which renews the connection by itself for as long as
// opening it works. Its error is why it does not.
func (g *Gateway) session(ctx context.Context, i int, api *slackgo.Client, flights chan struct{}) error {
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	sm := socketmode.New(api, socketmode.OptionDialer(&websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 10 * time.Second, NetDialContext: g.c.o.Dial,
	}))
	ended := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				ended <- fmt.Errorf("run a Socket Mode connection: %v", r)
			}
		}()
		ended <- sm.RunContext(run)
	}()
	for {
		select {
		case err := <-ended:
			return failed(err, "open a Socket Mode connection")
		case ev := <-sm.Events:
			if err := g.event(ctx, i, sm, ev, flights); err != nil {
				return err
			}
		}
	}
}

// event handles what slack-go tells. It never waits: a loop that does keeps pings from being answered.
func (g *Gateway) event(ctx context.Context, i int, sm *socketmode.Client, ev socketmode.Event, flights chan struct{}) error {
	switch ev.Type {
	case socketmode.EventTypeConnecting:
		g.connected(i, false)
	case socketmode.EventTypeHello:
		g.connected(i, true)
		if app := ev.Request.ConnectionInfo.AppID; app != "" && g.c.o.App != "" && app != g.c.o.App {
			g.c.health.Raise(WrongToken, "app id", fmt.Sprintf("slack.app_token is of the app %s and slack.app says %s: correct one of them; what is clicked is refused until then", atMost(app, 20), g.c.o.App))
		} else {
			g.c.health.Clear(WrongToken, "app id")
		}
	case socketmode.EventTypeConnectionError:
		if e, ok := ev.Data.(*slackgo.ConnectionErrorEvent); ok {
			return failed(e.ErrorObj, "open a Socket Mode connection")
		}
	case socketmode.EventTypeErrorWriteFailed, socketmode.EventTypeErrorBadMessage, socketmode.EventTypeIncomingError:
		g.o.Metrics.refused.WithLabelValues("payload").Inc()
		g.o.Logger.Debug("something came over a Socket Mode connection that is not understood", zap.Int("socket", i), zap.String("type", string(ev.Type)))
	case socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand, socketmode.EventTypeEventsAPI:
		if ev.Request == nil {
			return nil
		}
		at := time.Now()
		select {
		case flights <- struct{}{}:
			go func() {
				defer func() { <-flights }()
				g.payload(context.WithoutCancel(ctx), sm, ev, at) // it outlives its connection, and is bounded by itself
			}()
		default: // not acknowledged: Slack tells the person that it did not work
			g.o.Metrics.refused.WithLabelValues("busy").Inc()
		}
	}
	return nil
}

// payload takes one payload: acknowledged once it is kept, or before where that takes long.
func (g *Gateway) payload(ctx context.Context, sm *socketmode.Client, ev socketmode.Event, at time.Time) {
	var once sync.Once
	ack := func(answer any) {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			if err := sm.AckCtx(ctx, ev.Request.EnvelopeID, answer); err != nil {
				g.o.Logger.Debug("a click could not be acknowledged", zap.Error(err))
			}
			g.o.Metrics.ack.Observe(since(at))
		})
	}
	defer func() {
		if r := recover(); r != nil {
			ack(nil)
			g.o.Logger.Error("a payload could not be taken", zap.Any("panic", r), zap.Stack("stack"))
		}
	}()
	c, wrong, err := g.read(ev, at)
	switch {
	case len(wrong) > 0:
		ack(slackgo.NewErrorsViewSubmissionResponse(wrong))
	case errors.Is(err, errIgnored):
		ack(nil)
	case err != nil:
		ack(nil)
		g.odd(err)
	default:
		g.taken(ctx, c, ack)
	}
}

func (g *Gateway) odd(err error) {
	g.o.Metrics.refused.WithLabelValues("payload").Inc()
	g.o.Logger.Warn("a payload is not understood", zap.String("why", atMost(hideSecrets(err.Error()), 300)))
}

// read is what a payload asks for, and what is wrong with a form by itself.
func (g *Gateway) read(ev socketmode.Event, at time.Time) (Click, map[string]string, error) {
	switch data := ev.Data.(type) {
	case slackgo.InteractionCallback:
		return g.interacted(data, at)
	case slackgo.SlashCommand:
		if data.APIAppID == "" {
			data.APIAppID = g.c.o.App // Slack may leave it out (a guess); the connection is of the app
		}
		c, err := slash(data, at)
		return c, nil, err
	case slackevents.EventsAPIEvent:
		c, err := g.happened(ev.Request.Payload, at)
		return c, nil, err
	}
	return Click{}, nil, errIgnored
}

func (g *Gateway) interacted(ic slackgo.InteractionCallback, at time.Time) (Click, map[string]string, error) {
	c, err := interaction(ic, at)
	if err != nil || c.Kind != KindForm {
		return c, nil, err
	}
	var state *slackgo.ViewState
	if ic.View.State != nil {
		state = ic.View.State
	}
	wrong := g.submitted(&c, state)
	return c, wrong, nil
}

// outer is an event as the Events API wraps it.
type outer struct {
	Type         string `json:"type"`
	Challenge    string `json:"challenge"`
	TeamID       string `json:"team_id"`
	EnterpriseID string `json:"enterprise_id"`
	APIAppID     string `json:"api_app_id"`
	EventID      string `json:"event_id"`
	Event        struct {
		Type      string `json:"type"`
		User      string `json:"user"`
		Tab       string `json:"tab"`
		SubteamID string `json:"subteam_id"`
	} `json:"event"`
}

// happened is the click that an event is: of those, only the opening of the Home tab asks for something.
func (g *Gateway) happened(payload json.RawMessage, at time.Time) (Click, error) {
	var e outer
	if err := json.Unmarshal(payload, &e); err != nil {
		return Click{}, fmt.Errorf("read an event: %w", err)
	}
	switch e.Event.Type {
	case "app_home_opened":
		if e.Event.Tab != "" && e.Event.Tab != "home" {
			return Click{}, errIgnored
		}
		c := Click{V: 1, Kind: KindHome, At: at.UTC(), App: e.APIAppID, Team: e.TeamID, Enterprise: e.EnterpriseID, User: e.Event.User, Home: true, Action: e.Event.Type}
		c.ID = c.hash(e.EventID)
		return c.bounded()
	case "app_uninstalled", "tokens_revoked":
		g.c.health.Raise(WrongToken, "bot", tokenSays("app_uninstalled"))
		g.c.health.letIn(false)
	case "subteam_members_changed", "subteam_updated":
		g.groups.forget(e.Event.SubteamID)
	}
	return Click{}, errIgnored
}

// taken keeps a click and hands it on. It is acknowledged as soon as it is kept, and before that
// where the store is slow.
func (g *Gateway) taken(ctx context.Context, c Click, ack func(any)) {
	g.o.Metrics.clicks.WithLabelValues(string(c.Kind)).Inc()
	if c.Kind == KindHome { // nothing is lost with it
		ack(nil)
		c.Tries = 1
		g.atOnce(ctx, c)
		return
	}
	late := time.AfterFunc(ackAfter, func() { ack(nil) })
	defer late.Stop()
	fresh, err := g.kept(ctx, c, keepBudget)
	ack(nil)
	switch {
	case err != nil:
		g.unkept(ctx, c, err)
	case fresh:
		g.c.health.Clear(WrongStore, "clicks")
		c.By, c.Claimed, c.Tries = g.o.Process, time.Now().UTC(), 1
		g.enqueue(c)
	}
}

// atOnce does what need not be kept, if somebody has time for it.
func (g *Gateway) atOnce(ctx context.Context, c Click) {
	ctx, cancel := context.WithTimeout(ctx, handleIn)
	defer cancel()
	if err := g.guarded(ctx, &c); err != nil && ctx.Err() == nil {
		g.o.Logger.Warn("the Home tab could not be shown", zap.String("why", hideSecrets(err.Error())))
	}
}
