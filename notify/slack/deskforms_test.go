package slack

import (
	"fmt"
	"strconv"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// drawTest draws a card with every button.
func drawTest(c notify.Card) (string, []slackgo.Block) {
	text := func(s string) *slackgo.TextBlockObject {
		return slackgo.NewTextBlockObject(slackgo.PlainTextType, s, false, false)
	}
	blocks := []slackgo.Block{slackgo.NewSectionBlock(text("card "+c.ID+" rev "+strconv.Itoa(c.Rev)), nil, nil)}
	for i, s := range c.Stories[:min(len(c.Stories), 3)] {
		v := Value{Group: c.ID, Rev: c.Rev, Scope: s.Finding.Ref.Scope, Finding: s.Finding.ID, Episode: s.Finding.Episode, Action: s.Action.ID, Plan: s.Action.PlanHash}
		var els []slackgo.BlockElement
		for _, act := range []string{ActRevert, ActDeny, ActKeep, ActSecond, ActTicket, ActAck, ActUndo, ActEnd, ActDetails, ActMore} {
			v := v
			if act == ActSecond {
				v.Plan = asksToKeep(s)
			}
			els = append(els, slackgo.NewButtonBlockElement(act, v.String(), text(act)))
		}
		option := slackgo.NewOptionBlockObject(v.String()+" 4h", text("4 h"), nil)
		els = append(els, slackgo.NewOverflowBlockElement(ActSnooze, option, slackgo.NewOptionBlockObject(v.String()+" 999h", text("long"), nil)))
		blocks = append(blocks, slackgo.NewActionBlock(fmt.Sprintf("b%d", i), els...))
	}
	all := slackgo.NewButtonBlockElement(ActRevertAll, Value{Group: c.ID, Rev: c.Rev}.String(), text("all"))
	link := slackgo.NewButtonBlockElement(ActLink, "", text("link"))
	link.URL = "https://gatewarden.example.com"
	return "card " + c.ID, append(blocks, slackgo.NewActionBlock("all", all, link))
}

// formsTest are modals with one field each.
type formsTest struct{}

func (formsTest) view(callback string, fields ...string) slackgo.ModalViewRequest {
	text := func(s string) *slackgo.TextBlockObject {
		return slackgo.NewTextBlockObject(slackgo.PlainTextType, s, false, false)
	}
	v := slackgo.ModalViewRequest{Type: slackgo.VTModal, CallbackID: callback, Title: text("form"), Close: text("Close")}
	v.Blocks.BlockSet = []slackgo.Block{slackgo.NewSectionBlock(text(callback), nil, nil)}
	for _, f := range fields {
		v.Submit = text("Ask")
		b := slackgo.NewInputBlock(f, text(f), nil, slackgo.NewPlainTextInputBlockElement(nil, f))
		v.Blocks.BlockSet = append(v.Blocks.BlockSet, b.WithOptional(true))
	}
	return v
}

func (f formsTest) Keep(notify.Story, Value) slackgo.ModalViewRequest {
	return f.view(ViewKeep, "for", "reason", "ticket")
}
func (f formsTest) Undo(notify.Story, Value) slackgo.ModalViewRequest {
	return f.view(ViewUndo, "reason")
}
func (f formsTest) Details(notify.Story, Value) slackgo.ModalViewRequest { return f.view(ViewDetails) }
func (f formsTest) More(s notify.Story, v Value) slackgo.ModalViewRequest {
	out := f.view(ViewDetails)
	_, blocks := drawTest(notify.Card{ID: v.Group, Rev: v.Rev, Stories: []notify.Story{s}})
	out.Blocks.BlockSet = blocks
	return out
}
func (f formsTest) All(notify.Group, []notify.Story, Value) slackgo.ModalViewRequest {
	return f.view(ViewAll, "number")
}
func (f formsTest) Home(h Home) slackgo.HomeTabViewRequest {
	says := fmt.Sprintf("%s: %d wait, %d stand, %d held. %s", h.Principal, len(h.Pending), h.Total, len(h.Held), h.Why)
	return slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: plain(says)}}
}
func (formsTest) Read(callback string, st *slackgo.ViewState, most time.Duration, n int) (Form, map[string]string) {
	get := func(f string) string { return st.Values[f][f].Value }
	form, wrong := Form{Reason: get("reason"), Ticket: get("ticket")}, map[string]string{}
	form.For, _ = time.ParseDuration(get("for"))
	form.Number, _ = strconv.Atoi(get("number"))
	switch {
	case callback == ViewKeep && (form.For <= 0 || form.For > most):
		wrong["for"] = "at most " + access.Lasts(most)
	case callback != ViewAll && form.Reason == "":
		wrong["reason"] = "say why"
	case callback == ViewAll && n > 10 && form.Number != n:
		wrong["number"] = "type " + strconv.Itoa(n)
	}
	return form, wrong
}
