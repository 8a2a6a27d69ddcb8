package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

// said is all the text of a message, whatever block it is in.
func said(m slackfake.Message) string {
	raw, err := json.Marshal(m.Blocks)
	if err != nil {
		return err.Error()
	}
	return m.Text + " " + string(raw)
}

func says(m slackfake.Message, words []string) bool {
	text := said(m)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// posted is the newest message of the channel that says all of this.
func posted(s *slackfake.Slack, words ...string) (slackfake.Message, bool) {
	for _, m := range slices.Backward(s.Messages(slackRoom)) {
		if says(m, words) {
			return m, true
		}
	}
	return slackfake.Message{}, false
}

// card waits until a card says all of this.
func (a *act) card(words ...string) (slackfake.Message, bool) {
	var m slackfake.Message
	ok := a.until("a card in Slack that says "+strings.Join(words, ", "), func() (ok bool) {
		m, ok = posted(a.set.slack, words...)
		return ok
	})
	return m, ok
}

// turned waits until a card says all of this.
func (a *act) turned(m slackfake.Message, words ...string) bool {
	ok := a.until("the card says "+strings.Join(words, ", "), func() bool {
		return slices.ContainsFunc(a.set.slack.Messages(m.Channel), func(x slackfake.Message) bool { return x.TS == m.TS && says(x, words) })
	})
	if ok {
		a.note("the card says so")
	}
	return ok
}

// asks is the reader's turn: it says what to try, as whom and where. With -once nobody is
// there, and the story clicks.
func (a *act) asks(user, text string, clicks func() error) {
	at := a.set.slack.URL()
	a.screen.now("☞", a.screen.ink.title, "you", text)
	a.screen.print(strings.Repeat(" ", clockCols+tagCols+2) + a.screen.ink.faint.Render(seat(at, user, slackRoom)))
	if !a.once {
		return
	}
	if err := clicks(); err != nil {
		a.must(false, "%v", err)
	}
}

// decided waits for what the reader does, for as long as they like; with -once for as long as
// it may take.
func (a *act) decided(what string, holds func() bool) bool {
	if a.once {
		return a.until(what, holds)
	}
	return until(a.ctx, holds)
}

// clicks clicks a button of a card, and waits until the app has heard it.
func (a *act) clicks(user string, m slackfake.Message, button string) error {
	d, err := a.set.slack.Click(user, m.Channel, m.TS, button)
	if err != nil {
		return err
	}
	_, took, err := d.Wait(a.ctx)
	if err != nil {
		return fmt.Errorf("%s as %s: %w", button, user, err)
	}
	a.note("heard after %s", took.Round(time.Millisecond))
	return nil
}

// fills fills in the form that a click opened.
func (a *act) fills(user, form string, values map[string]any) error {
	var v slackfake.View
	if !a.until("the form opens", func() bool {
		i := slices.IndexFunc(a.set.slack.Views(user), func(v slackfake.View) bool { return v.CallbackID == form })
		if i >= 0 {
			v = a.set.slack.Views(user)[i]
		}
		return i >= 0
	}) {
		return nil // it is told
	}
	d, err := a.set.slack.Submit(user, v.ID, values)
	if err != nil {
		return err
	}
	_, _, err = d.Wait(a.ctx)
	return err
}

// told is what a person alone was told since the act began.
func (a *act) told(user string) string {
	var out []string
	for _, e := range a.set.slack.Ephemerals(user) {
		out = append(out, said(e.Message))
	}
	return strings.Join(out, "\n")
}

// state is how far the action about a finding is.
func (a *act) state(f access.Finding) access.Action {
	all, err := a.set.daemon.AllActions(a.ctx)
	if err != nil {
		return access.Action{}
	}
	id := access.ActionID(f.ID, f.Episode)
	i := slices.IndexFunc(all, func(x access.Action) bool { return x.ID == id })
	if i < 0 {
		return access.Action{}
	}
	return all[i]
}

// over reports whether nothing more will be done about a finding.
func (a *act) over(f access.Finding) bool {
	now, ok := a.finding(a.ctx, f.ID)
	return a.state(f).State.Done() || ok && now.State != access.FindingOpen
}

// has reports whether a project lets an address in.
func (a *act) has(name, address string) bool {
	p, _ := project(a.set.atlas.Snapshot(), name)
	return slices.ContainsFunc(p.AccessList, func(e sim.AccessEntry) bool { return e.CIDRBlock == address })
}

// votes decides by the daemon's API, as a pipeline or the command line does.
func (a *act) votes(ctx context.Context, x access.Action) error {
	body, err := json.Marshal(map[string]any{"verb": access.VerbVote, "action": x.ID, "planHash": x.PlanHash, "vote": access.VoteApprove, "reason": "seen on the way home"})
	if err != nil {
		return err
	}
	_, err = send(ctx, http.MethodPost, "http://"+a.set.file.HTTP.Admin+"/api/v1/commands", string(body), func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+a.set.token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", fmt.Sprintf("demo-%016x", time.Now().UnixNano()))
	})
	return err
}
