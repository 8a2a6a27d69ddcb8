package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Click is something that a person did in Slack, as it is kept under "click.<id>" until it is
// done, and for [access.CommandLife] after, so that the same is not done twice.
type Click struct {
	V          int       `json:"v"`
	ID         string    `json:"id"` // hash of what makes it this one, the same for a repetition
	Kind       Kind      `json:"kind"`
	At         time.Time `json:"at"` // when it came
	App        string    `json:"app"`
	Team       string    `json:"team"`
	Enterprise string    `json:"enterprise,omitempty"`
	User       string    `json:"user"`
	UserTeam   string    `json:"userTeam,omitempty"`
	Channel    string    `json:"channel,omitempty"`
	Message    string    `json:"message,omitempty"` // ts of the card
	Bot        string    `json:"bot,omitempty"`     // id of the app's bot that posted the message
	View       string    `json:"view,omitempty"`    // id of the modal that it was in
	Home       bool      `json:"home,omitempty"`    // it was on the Home tab
	Actions    int       `json:"actions,omitempty"` // how many came in one payload
	Action     string    `json:"action,omitempty"`  // id of the action, or of the form
	Value      string    `json:"value,omitempty"`   // what the button, or the modal, carried
	Trigger    string    `json:"trigger,omitempty"` // for three seconds: lets a modal be opened
	Response   string    `json:"response,omitempty"`
	Text       string    `json:"text,omitempty"` // of a slash command
	Form       Form      `json:"form,omitzero"`
	About      about     `json:"about,omitzero"` // what the form was about

	Votes []notify.Offered `json:"votes,omitempty"` // that it was taken for: what the card offers changes with each of them

	By      string    `json:"by,omitempty"` // the process that is at it
	Claimed time.Time `json:"claimed,omitzero"`
	Next    time.Time `json:"next,omitzero"` // when it is tried again
	Tries   int       `json:"tries,omitempty"`
	Noted   bool      `json:"noted,omitempty"` // they were told that it takes longer
	Done    bool      `json:"done,omitempty"`
}

// Kind is what a person did.
type Kind string

// The kinds.
const (
	KindAction  Kind = "action"
	KindForm    Kind = "form"
	KindCommand Kind = "command"
	KindHome    Kind = "home"
)

// Form is what was filled into a modal.
type Form struct {
	For    time.Duration `json:"for,omitempty"`
	Reason string        `json:"reason,omitempty"`
	Ticket string        `json:"ticket,omitempty"`
	Number int           `json:"number,omitempty"` // that was typed to confirm
}

// about is what a modal carries: what it is about. It comes back from outside, as a button's value does.
type about struct {
	Value   string        `json:"v"`
	Channel string        `json:"c,omitempty"`
	Message string        `json:"t,omitempty"`
	Most    time.Duration `json:"m,omitempty"` // for how long it may be kept
	Number  int           `json:"n,omitempty"` // of votes
	Digest  string        `json:"d,omitempty"` // of the values that violate, or of the votes
}

func (s about) String() string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("slack: what a modal carries does not encode: " + err.Error())
	}
	return string(raw)
}

func parseAbout(s string) (about, error) {
	var out about
	if len(s) > 3000 {
		return out, fmt.Errorf("read what the form carries: %d characters", len(s))
	}
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		return about{}, fmt.Errorf("read what the form carries: %w", err)
	}
	return out, nil
}

// allowed are the actions that are taken; whatever else comes is refused.
func allowed() []string {
	return []string{ActRevert, ActDeny, ActKeep, ActSecond, ActTicket, ActAck, ActSnooze, ActUndo, ActEnd, ActDetails, ActRevertAll, ActMore}
}

func forms() []string { return []string{ViewKeep, ViewUndo, ViewAll} }

// errIgnored is a payload by which nothing is asked for.
var errIgnored = fmt.Errorf("nothing is asked for")

// interaction is the click that a payload of Slack tells of.
func interaction(ic slackgo.InteractionCallback, at time.Time) (Click, error) {
	c := Click{
		V: access.Version, At: at.UTC(), App: ic.APIAppID, Team: ic.Team.ID, Enterprise: ic.Enterprise.ID, User: ic.User.ID, UserTeam: ic.User.TeamID,
		Trigger: ic.TriggerID, Response: ic.ResponseURL,
	}
	switch ic.Type {
	case slackgo.InteractionTypeBlockActions:
		return c.ofAction(ic)
	case slackgo.InteractionTypeViewSubmission:
		c.Kind, c.Action, c.View, c.Bot = KindForm, ic.View.CallbackID, ic.View.ID, ic.View.BotID
		if c.App == "" {
			c.App = ic.View.AppID
		}
		c.Value = ic.View.PrivateMetadata
		c.ID = c.hash(c.View, ic.View.Hash)
		return c.bounded()
	}
	return Click{}, errIgnored
}

func (c Click) ofAction(ic slackgo.InteractionCallback) (Click, error) {
	acts := ic.ActionCallback.BlockActions
	c.Kind, c.Actions = KindAction, len(acts)+len(ic.ActionCallback.AttachmentActions)
	c.Channel, c.Message, c.Bot = ic.Channel.ID, ic.Message.Timestamp, ic.Message.BotID
	if c.Channel == "" {
		c.Channel = ic.Container.ChannelID
	}
	if c.Message == "" {
		c.Message = ic.Container.MessageTs
	}
	switch ic.View.Type {
	case slackgo.VTHomeTab:
		c.Home = true
	case slackgo.VTModal:
		c.View = ic.View.ID
		if s, err := parseAbout(ic.View.PrivateMetadata); err == nil {
			c.About = s
		}
	}
	stamp := ""
	if len(acts) > 0 && acts[0] != nil {
		a := acts[0]
		c.Action, c.Value, stamp = a.ActionID, a.Value, a.ActionTs
		if a.SelectedOption.Value != "" {
			c.Value = a.SelectedOption.Value
		}
	}
	if c.Action == ActLink {
		return Click{}, errIgnored
	}
	c.ID = c.hash(c.Value, stamp)
	return c.bounded()
}

// slash is the click that a slash command is.
func slash(s slackgo.SlashCommand, at time.Time) (Click, error) {
	c := Click{
		V: access.Version, At: at.UTC(), Kind: KindCommand, App: s.APIAppID, Team: s.TeamID, Enterprise: s.EnterpriseID, User: s.UserID, Channel: s.ChannelID,
		Action: s.Command, Text: s.Text, Trigger: s.TriggerID, Response: s.ResponseURL,
	}
	c.ID = c.hash(s.Text, s.TriggerID)
	return c.bounded()
}

// hash is what makes a click this one.
func (c Click) hash(more ...string) string {
	return access.Hash(append([]string{string(c.Kind), c.Team, c.User, c.Channel, c.Message, c.View, c.Action}, more...)...)
}

// bounded refuses what Slack does not send.
func (c Click) bounded() (Click, error) {
	for _, s := range []string{c.App, c.Team, c.Enterprise, c.User, c.UserTeam, c.Channel, c.Message, c.Bot, c.View, c.Action} {
		if len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return Click{}, fmt.Errorf("read what was clicked: an id of %d characters, %.40q", len(s), s)
		}
	}
	if len(c.Value) > 3000 || len(c.Text) > 8000 || len(c.Response) > 1000 || len(c.Trigger) > 500 {
		return Click{}, fmt.Errorf("read what was clicked: it carries %d and %d characters", len(c.Value), len(c.Text))
	}
	if c.User == "" {
		return Click{}, fmt.Errorf("read what was clicked: it does not say by whom")
	}
	return c, nil
}

// opens reports whether a click asks for a modal, which takes its trigger.
func (c Click) opens() bool {
	return c.Kind == KindAction && slices.Contains([]string{ActKeep, ActUndo, ActDetails, ActRevertAll, ActMore}, c.Action)
}
