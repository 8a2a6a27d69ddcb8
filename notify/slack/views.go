package slack

import (
	"strconv"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/notify"
)

// Views are the [Modals] of this package. What they carry the gateway puts in.
type Views struct {
	Look   func() Look // swapped on reload
	DryRun func() bool
	Now    func() time.Time
}

var _ Modals = Views{}

// Keep implements [Modals].
func (w Views) Keep(s notify.Story, v Value) slackgo.ModalViewRequest {
	return KeepModal(s, w.Look())
}

// Undo implements [Modals].
func (Views) Undo(s notify.Story, v Value) slackgo.ModalViewRequest {
	return UndoModal(s)
}

// Details implements [Modals].
func (w Views) Details(s notify.Story, v Value) slackgo.ModalViewRequest {
	return DetailsModal(s, w.Now(), w.Look())
}

// More implements [Modals].
func (w Views) More(s notify.Story, v Value) slackgo.ModalViewRequest {
	return MoreModal(notify.Card{ID: v.Group, Rev: v.Rev}, s, w.Now(), w.Look())
}

// All implements [Modals].
func (Views) All(g notify.Group, stories []notify.Story, v Value) slackgo.ModalViewRequest {
	return AllModal(notify.Card{ID: g.ID, Rev: g.Rev, Stories: stories, Total: len(g.Members)}, len(g.Votes))
}

// Home implements [Modals].
func (w Views) Home(h Home) slackgo.HomeTabViewRequest {
	h.DryRun = w.DryRun()
	return HomeView(h, w.Now(), w.Look())
}

// Read implements [Modals].
func (Views) Read(callback string, state *slackgo.ViewState, most time.Duration, n int) (Form, map[string]string) {
	switch callback {
	case ViewKeep:
		k, wrong := ParseKeep(state, most)
		return Form{For: k.For, Reason: k.Reason, Ticket: k.Ticket}, wrong
	case ViewUndo:
		reason, wrong := ParseUndo(state)
		return Form{Reason: reason}, wrong
	case ViewAll:
		wrong := ParseAll(state, n)
		if n <= TypedAbove {
			return Form{}, wrong
		}
		typed, err := strconv.Atoi(entered(state, fieldNumber))
		if err != nil {
			typed = 0 // which no card offers
		}
		return Form{Number: typed}, wrong
	}
	return Form{}, nil
}
