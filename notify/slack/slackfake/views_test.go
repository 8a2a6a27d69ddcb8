package slackfake_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// keep is the modal of the tests: for how long, why, and a ticket that need not be.
func keep(title string) slack.ModalViewRequest {
	hours := func(text, value string) *slack.OptionBlockObject {
		return slack.NewOptionBlockObject(value, plain(text), nil)
	}
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("How long"), "hours", hours("A day", "24"), hours("A week", "168"))
	menu.InitialOption = menu.Options[0]
	why := slack.NewPlainTextInputBlockElement(plain("Why"), "why")
	why.MinLength, why.MaxLength = 10, 20
	ticket := slack.NewInputBlock("ticket", plain("Ticket"), nil, slack.NewPlainTextInputBlockElement(nil, "key"))
	ticket.Optional = true
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(title), Submit: plain("Keep"), Close: plain("Cancel"), PrivateMetadata: "v1|f|1|C0PROD|1.2",
		CallbackID: "keep", NotifyOnClose: true,
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock("long", plain("How long"), nil, menu), slack.NewInputBlock("reason", plain("Why"), nil, why), ticket,
		}},
	}
}

// trigger clicks a button and answers the trigger id that the app was sent.
func (w *world) trigger(a *app, user string) string {
	w.t.Helper()
	ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
	d, err := w.Click(user, "C0PROD", ts, "revert")
	w.must(err)
	_, _, err = d.Wait(w.ctx)
	w.must(err)
	ic, _ := (<-a.events).Data.(slack.InteractionCallback)
	return ic.TriggerID
}

// modal opens one for a user.
func (w *world) modal(a *app, user string) string {
	w.t.Helper()
	v, err := w.api.OpenViewContext(w.ctx, w.trigger(a, user), keep("Keep it"))
	w.must(err)
	return v.ID
}

func TestModal(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		var answer any
		a := w.connect(func(socketmode.Event) (any, bool) { return answer, true })
		id := w.modal(a, "U0BOB")
		v := w.Views("U0BOB")
		if len(v) != 1 || v[0].ID != id || v[0].Title != "Keep it" || v[0].SubmitText != "Keep" || v[0].CallbackID != "keep" || len(v[0].Blocks) != 3 {
			t.Fatalf("open are %+v", v)
		}
		// Slack's own checks: the app is not asked.
		for want, values := range map[string]map[string]any{
			"reason: Please complete this required field.": {},
			"reason: Please enter at least 10 characters.": {"reason": "short"},
			"reason: Please enter at most 20 characters.":  {"reason": strings.Repeat("x", 21)},
			"long: Please complete this required field.":   {"reason": "long enough it is", "long": ""},
			"7 is none of the options":                     {"reason": "long enough it is", "long": "7"},
			"there is no input in a block \"nothing\"":     {"reason": "long enough it is", "nothing": "7"},
		} {
			if _, err := w.Submit("U0BOB", id, values); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v, want %s", values, err, want)
			}
		}
		if _, err := w.Submit("U0ALICE", id, nil); err == nil {
			t.Error("somebody else can submit it")
		}

		answer = slack.NewErrorsViewSubmissionResponse(map[string]string{"ticket": "no such ticket"})
		d, err := w.Submit("U0BOB", id, map[string]any{"reason": "long enough it is", "ticket": map[string]any{"key": map[string]any{"value": "SEC-1"}}})
		w.must(err)
		ack, _, err := d.Wait(w.ctx)
		if w.must(err); !strings.Contains(string(ack), "no such ticket") {
			t.Errorf("the acknowledgement is %s", ack)
		}
		if v := w.Views("U0BOB"); len(v) != 1 || v[0].Errors["ticket"] != "no such ticket" || v[0].Warning != "" {
			t.Errorf("after the errors, open are %+v", v)
		}
		ic, _ := (<-a.events).Data.(slack.InteractionCallback)
		if ic.Type != slack.InteractionTypeViewSubmission || ic.View.PrivateMetadata != "v1|f|1|C0PROD|1.2" || ic.View.ID != id || ic.Channel.ID != "" {
			t.Errorf("the submission is %+v", ic)
		}
		got := ic.View.State.Values
		if got["long"]["hours"].SelectedOption.Value != "24" || got["reason"]["why"].Value != "long enough it is" || got["ticket"]["key"].Value != "SEC-1" {
			t.Errorf("the values are %+v", got)
		}

		answer = nil
		d, err = w.Submit("U0BOB", id, map[string]any{"reason": "long enough it is", "long": "168"})
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		if w.must(err); len(w.Views("U0BOB")) != 0 {
			t.Error("it stays open though it was accepted")
		}
		ic, _ = (<-a.events).Data.(slack.InteractionCallback)
		if ic.View.State.Values["long"]["hours"].SelectedOption.Value != "168" {
			t.Errorf("the values are %+v", ic.View.State.Values)
		}
	})
}

// TestModalAnswers is what an acknowledgement does to the modals.
func TestModalAnswers(t *testing.T) {
	next, bad := keep("Next"), keep("A title of more than twenty-four characters")
	for name, c := range map[string]struct {
		answer any
		ack    bool
		titles []string
		warns  bool
	}{
		"nothing closes it":                {nil, true, nil, false},
		"clear closes all":                 {slack.NewClearViewSubmissionResponse(), true, nil, false},
		"update":                           {slack.NewUpdateViewSubmissionResponse(&next), true, []string{"Next"}, false},
		"push":                             {slack.NewPushViewSubmissionResponse(&next), true, []string{"Keep it", "Next"}, false},
		"a view out of limits":             {slack.NewUpdateViewSubmissionResponse(&bad), true, []string{"Keep it"}, true},
		"an error beside no input":         {slack.NewErrorsViewSubmissionResponse(map[string]string{"none": "x"}), true, []string{"Keep it"}, true},
		"an unknown action":                {map[string]any{"response_action": "shout"}, true, []string{"Keep it"}, true},
		"no acknowledgement":               {nil, false, []string{"Keep it"}, true},
		"a long answer is dropped quietly": {map[string]any{"response_action": "clear", "x": strings.Repeat("x", 20_400)}, true, []string{"Keep it"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, slackfake.Options{}, func(t *testing.T, w *world) {
				a := w.connect(func(ev socketmode.Event) (any, bool) {
					if ic, _ := ev.Data.(slack.InteractionCallback); ic.Type == slack.InteractionTypeViewSubmission {
						return c.answer, c.ack
					}
					return nil, true
				})
				d, err := w.Submit("U0BOB", w.modal(a, "U0BOB"), map[string]any{"reason": "long enough it is"})
				w.must(err)
				if _, _, err = d.Wait(w.ctx); err != nil && !c.warns {
					t.Error(err)
				}
				var titles []string
				warned := false
				for _, v := range w.Views("U0BOB") {
					titles = append(titles, v.Title)
					warned = warned || v.Warning != ""
				}
				if strings.Join(titles, "|") != strings.Join(c.titles, "|") || warned != c.warns {
					t.Errorf("open are %q (warned %v), want %q (%v)", titles, warned, c.titles, c.warns)
				}
			})
		})
	}
}

func TestTriggers(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		open := func(trigger string) error {
			_, err := w.api.OpenViewContext(w.ctx, trigger, keep("Keep it"))
			return err
		}
		edge, late := w.trigger(a, "U0BOB"), w.trigger(a, "U0BOB")
		time.Sleep(3 * time.Second)
		w.refused(open(edge), "", "after three seconds")
		w.refused(open(edge), "exchanged_trigger_id", "twice")
		time.Sleep(time.Millisecond)
		w.refused(open(late), "expired_trigger_id", "after more")
		w.refused(open("1.2.abc"), "invalid_trigger_id", "made up")
		if n := len(w.Views("U0BOB")); n != 1 {
			t.Errorf("%d modals are open", n)
		}
	})
}

func TestViewUpdates(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		id := w.modal(a, "U0BOB")
		first := w.Views("U0BOB")[0].Hash
		update := func(hash, id string) error {
			_, err := w.api.UpdateViewContext(w.ctx, keep("Changed"), "", hash, id)
			return err
		}
		w.refused(update(first, id), "")
		w.refused(update(first, id), "hash_conflict")
		w.refused(update("", id), "")
		w.refused(update("", "V0NONE"), "not_found")
		if v := w.Views("U0BOB")[0]; v.Title != "Changed" || v.Hash == first {
			t.Errorf("it is %+v", v)
		}
		push := func() error {
			_, err := w.api.PushViewContext(w.ctx, w.trigger(a, "U0BOB"), keep("On top"))
			return err
		}
		w.refused(push(), "")
		w.refused(push(), "")
		w.refused(push(), "push_limit_reached")
		for len(w.Views("U0BOB")) > 0 {
			all := w.Views("U0BOB")
			w.must(w.CloseView("U0BOB", all[len(all)-1].ID))
		}
		synctest.Wait()
		closed := 0
		for len(a.events) > 0 {
			if ic, _ := (<-a.events).Data.(slack.InteractionCallback); ic.Type == slack.InteractionTypeViewClosed && !ic.IsCleared {
				closed++
			}
		}
		if closed != 3 {
			t.Errorf("the app heard of %d closed modals, want 3", closed)
		}
		w.refused(update("", id), "not_found", "closed")
	})
}

// TestOneModal: opening replaces what is open, only what is on top can be submitted,
// and an external id names one view.
func TestOneModal(t *testing.T) {
	story(t, slackfake.Options{NoLimits: true}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		named := keep("Named")
		named.ExternalID = "mine"
		open := func(v slack.ModalViewRequest, open func(context.Context, string, slack.ModalViewRequest) (*slack.ViewResponse, error)) error {
			_, err := open(w.ctx, w.trigger(a, "U0BOB"), v)
			return err
		}
		first := w.modal(a, "U0BOB")
		second := w.modal(a, "U0BOB")
		if v := w.Views("U0BOB"); len(v) != 1 || v[0].ID != second || first == second {
			t.Errorf("open are %+v", v)
		}
		w.refused(open(named, w.api.PushViewContext), "")
		w.refused(open(named, w.api.PushViewContext), "duplicate_external_id")
		if _, err := w.Submit("U0BOB", second, map[string]any{"reason": "long enough it is"}); err == nil {
			t.Error("what is below can be submitted")
		}
		_, err := w.api.UpdateViewContext(w.ctx, keep("By its name"), "mine", "", "")
		w.must(err)
		if v := w.Views("U0BOB"); len(v) != 2 || v[1].Title != "By its name" {
			t.Errorf("open are %+v", v)
		}
		big := keep("Big")
		big.Blocks.BlockSet = nil
		for range 86 {
			big.Blocks.BlockSet = append(big.Blocks.BlockSet, section(strings.Repeat("x", 3000)))
		}
		w.refused(open(big, w.api.OpenViewContext), "view_too_large")
	})
}

func TestHome(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(nil)
		button := slack.NewActionBlock("act", slack.NewButtonBlockElement("open", "f", plain("Open")))
		publish := func(user, hash string) (*slack.ViewResponse, error) {
			r := slack.PublishViewContextRequest{UserID: user, View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{section("findings"), button}}}}
			if hash != "" {
				r.Hash = &hash
			}
			return w.api.PublishViewContext(w.ctx, r)
		}
		w.must(w.OpenHome("U0BOB"))
		ev := <-a.events
		if ev.Type != socketmode.EventTypeEventsAPI || !strings.Contains(string(ev.Request.Payload), `"app_home_opened"`) || !strings.Contains(string(ev.Request.Payload), `"U0BOB"`) {
			t.Errorf("opening it tells %s", ev.Request.Payload)
		}
		v, err := publish("U0BOB", "")
		w.must(err)
		_, err = publish("U0BOB", v.Hash)
		w.must(err)
		_, err = publish("U0BOB", v.Hash)
		w.refused(err, "hash_conflict")
		_, err = publish("U0NONE", "")
		w.refused(err, "invalid_arguments")
		if h := w.Home("U0BOB"); h.ID != v.ID || len(h.Blocks) != 2 || h.Type != "home" || w.Home("U0ALICE").ID != "" {
			t.Errorf("the home is %+v", h)
		}
		d, err := w.Click("U0BOB", "", "", "open", slackfake.InView(v.ID))
		w.must(err)
		_, _, err = d.Wait(w.ctx)
		w.must(err)
		ic, _ := (<-a.events).Data.(slack.InteractionCallback)
		if ic.View.ID != v.ID || ic.Container.Type != "view" || ic.Channel.ID != "" || ic.ResponseURL != "" || ic.ActionCallback.BlockActions[0].Value != "f" {
			t.Errorf("the click is %+v", ic)
		}
		if _, err := w.Click("U0ALICE", "", "", "open", slackfake.InView(v.ID)); err == nil {
			t.Error("somebody else can click in it")
		}
	})
}

// TestEventRetries: events, unlike clicks, come again: at once, after a minute, after
// five.
func TestEventRetries(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		a := w.connect(silent)
		w.must(w.OpenHome("U0BOB"))
		time.Sleep(time.Hour)
		all := w.Deliveries()
		var after []time.Duration
		for i, d := range all {
			after = append(after, d.Sent.Sub(all[0].Sent))
			ev := <-a.events
			want := "timeout"
			if i == 0 {
				want = ""
			}
			if d.Retry != i || ev.Request.RetryAttempt != i || ev.Request.RetryReason != want {
				t.Errorf("attempt %d: %+v, %s", i, ev.Request, ev.Request.RetryReason)
			}
		}
		want := []time.Duration{0, 3 * time.Second, 66 * time.Second, 369 * time.Second}
		if len(after) != len(want) {
			t.Fatalf("it was sent after %s, want %s", after, want)
		}
		for i := range want {
			if after[i] != want[i] {
				t.Errorf("it was sent after %s, want %s", after, want)
			}
		}
	})
}
