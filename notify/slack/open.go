package slack

import (
	"context"
	"fmt"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/notify"
)

const (
	triggerFor = 2500 * time.Millisecond // Slack's three seconds, less the way there
	openBefore = 900 * time.Millisecond  // after the click: something is on the screen by then
)

// opening is a modal on its way to the screen. What lets it be opened is good for three seconds: so
// if what it shows takes long to find out, an empty one opens first, and is filled after.
type opening struct {
	g     *Gateway
	c     Click
	timer *time.Timer

	mu    sync.Mutex
	view  string // id of the modal that is open
	spent bool   // the trigger was used
	err   error
}

// opening begins to open a modal. A click in a modal turns that one.
func (g *Gateway) opening(ctx context.Context, c Click) *opening {
	o := &opening{g: g, c: c, view: c.View, spent: c.View != ""}
	if o.view == "" {
		o.timer = time.AfterFunc(max(0, openBefore-time.Since(c.At)), func() { o.wait(ctx) })
	}
	return o
}

func (o *opening) close() {
	if o.timer != nil {
		o.timer.Stop()
	}
}

// wait opens a modal that says to wait.
func (o *opening) wait(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.spent {
		o.open(ctx, notice("One moment: how it stands is being looked up."))
	}
}

func (o *opening) open(ctx context.Context, v slackgo.ModalViewRequest) {
	o.spent = true
	if time.Since(o.c.At) > triggerFor || o.c.Trigger == "" {
		o.err = refuse("trigger", "This took too long to open. Click again.")
		return
	}
	o.err = o.g.c.call(ctx, "views.open", "", "open a form for "+o.c.User, func(ctx context.Context) error {
		r, err := o.g.c.api.OpenViewContext(ctx, o.c.Trigger, v)
		if err == nil {
			o.view = r.ID
		}
		return err
	})
}

// show puts a modal on the screen.
func (o *opening) show(ctx context.Context, v slackgo.ModalViewRequest, carries about) error {
	v.PrivateMetadata = carries.String()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.spent {
		o.open(ctx, v)
		return o.failed()
	}
	if o.view == "" {
		return o.failed()
	}
	o.err = o.g.c.call(ctx, "views.update", "", "fill a form for "+o.c.User, func(ctx context.Context) error {
		_, err := o.g.c.api.UpdateViewContext(ctx, v, "", "", o.view)
		return err
	})
	return o.failed()
}

// failed is why the modal is not there. A second try would come too late: the person clicks again.
func (o *opening) failed() error {
	switch {
	case o.err == nil:
		o.g.c.health.Clear(WrongBlocks, o.c.Action)
		return nil
	case isRefusal(o.err):
		return o.err
	case tooMuch(codeOf(o.err)):
		o.g.c.health.Raise(WrongBlocks, o.c.Action, fmt.Sprintf("Slack refused how the form of %s is drawn (%v): decide by command or API, and report this as a bug", o.c.Action, o.err))
	}
	o.g.o.Logger.Sugar().Warnw("a form could not be opened", "click", o.c.ID, "why", o.err.Error())
	return refuse("trigger", "The form could not be opened. Click again.")
}

func isRefusal(err error) bool {
	_, ok := err.(refusal) //nolint:errorlint // only ever bare
	return ok
}

// refused fills a modal that waits with why there is none.
func (o *opening) refused(ctx context.Context, r refusal) {
	o.close()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.spent = true
	if o.view == "" || o.view == o.c.View {
		return // they are told in the channel
	}
	_ = o.g.c.call(ctx, "views.update", "", "answer in a form", func(ctx context.Context) error {
		_, err := o.g.c.api.UpdateViewContext(ctx, notice(r.says), "", "", o.view)
		return err
	})
}

func notice(says string) slackgo.ModalViewRequest {
	text := func(s string) *slackgo.TextBlockObject {
		return slackgo.NewTextBlockObject(slackgo.PlainTextType, s, false, false)
	}
	return slackgo.ModalViewRequest{Type: slackgo.VTModal, Title: text("Gatewarden"), Close: text("Close"), CallbackID: ViewDetails, Blocks: slackgo.Blocks{BlockSet: plain(says)}}
}

// carries is what a modal about a finding brings back.
func (g *Gateway) carries(c Click, v Value, s notify.Story) about {
	return about{Value: v.String(), Channel: c.Channel, Message: c.Message, Most: s.Keep.Most, Digest: s.Finding.Digest}
}

// submitted checks a form by itself, in memory: what is wrong with it is said while it is open.
func (g *Gateway) submitted(c *Click, state *slackgo.ViewState) map[string]string {
	m, err := parseAbout(c.Value)
	if err != nil || g.o.Modals == nil || state == nil {
		return nil // refused later, with an answer
	}
	form, wrong := g.o.Modals.Read(c.Action, state, m.Most, m.Number)
	c.Form = form
	c.Form.Reason, c.Form.Ticket = atMost(form.Reason, longestReason), atMost(form.Ticket, longestTicket)
	return wrong
}
