package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// ErrCancelled is Click's answer when the person said no to the element's confirm.
var ErrCancelled = errors.New("cancelled in the confirmation")

// ClickOption changes what a click carries.
type ClickOption func(*press)

// Confirm answers the element's confirmation; without it, yes.
func Confirm(yes bool) ClickOption { return func(p *press) { p.cancel = !yes } }

// Value sends this value instead of the button's own, or chooses (or types, or picks)
// it in any other element. Slack does not do the former; an attacker would.
func Value(v string) ClickOption { return func(p *press) { p.value = &v } }

// As clicks as someone of another workspace.
func As(team string) ClickOption { return func(p *press) { p.team = team } }

// Seen clicks in what was on the person's screen: a message as it was before it was
// edited or deleted.
func Seen(m Message) ClickOption { return func(p *press) { p.seen = &m } }

// InBlock says which block, where an action id occurs in several.
func InBlock(id string) ClickOption { return func(p *press) { p.block = id } }

// InView clicks in a modal or the Home tab instead of a message.
func InView(id string) ClickOption { return func(p *press) { p.view = id } }

type press struct {
	user, channel, ts, view, block, action string
	value                                  *string
	option                                 Block
	cancel                                 bool
	team                                   string
	seen                                   *Message
}

// Click does what a person does with a button or menu: on a message of a channel they
// see, as it stands. It fails where the person could not click.
func (s *Slack) Click(user, channel, ts, actionID string, opts ...ClickOption) (*Delivery, error) {
	p := press{user: user, channel: channel, ts: ts, action: actionID}
	for _, o := range opts {
		o(&p)
	}
	return s.click(p)
}

func (s *Slack) click(p press) (*Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.clicked(p)
	if err != nil {
		return nil, fmt.Errorf("clicking %s as %s: %w", p.action, p.user, err)
	}
	return s.deliver(d), nil
}

func (s *Slack) clicked(p press) (*delivery, error) {
	u, err := s.userAt(p.user)
	if err != nil {
		return nil, err
	}
	form := s.interaction("block_actions", u, p.team)
	d := &delivery{Delivery: Delivery{Type: "block_actions", User: u.ID}, envelope: "interactive", form: form}
	var blocks []Block
	if p.view != "" {
		blocks, err = s.inView(d, p, u)
	} else {
		blocks, err = s.inMessage(d, p, u)
	}
	if err != nil {
		return nil, err
	}
	block, element := findElement(blocks, p)
	if element == nil {
		return nil, fmt.Errorf("there is no %q to click", p.action)
	}
	if element["confirm"] != nil && p.cancel {
		return nil, ErrCancelled
	}
	act, err := s.act(block, element, p)
	if err != nil {
		return nil, err
	}
	form["actions"] = []any{act}
	return d, nil
}

// interaction is what all payloads of a person's doing have. The team is the one that
// the app is installed in, whoever clicks; a stranger shows by the user's (a guess).
// The lock is held.
func (s *Slack) interaction(kind string, u *User, team string) map[string]any {
	home := s.place.TeamID
	from := u.TeamID
	if team != "" {
		home, from = team, team
	}
	form := map[string]any{
		"type": kind, "api_app_id": s.place.AppID, "token": "deprecated-verification-token",
		"team":                  map[string]any{"id": home, "domain": s.place.Domain},
		"user":                  map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": from},
		"is_enterprise_install": false, "enterprise": nil, "trigger_id": s.trigger(u, ""),
	}
	if s.place.EnterpriseID != "" {
		form["enterprise"] = map[string]any{"id": s.place.EnterpriseID, "name": s.place.TeamName}
	}
	return form
}

// inMessage fills in where a click on a message happened, and answers its blocks.
func (s *Slack) inMessage(d *delivery, p press, u *User) ([]Block, error) {
	ch := s.place.channels[p.channel]
	if ch == nil || !ch.sees(u) {
		return nil, fmt.Errorf("channel %s is not in their list", p.channel)
	}
	m := ch.message(p.ts)
	if m != nil && m.to != "" && m.to != u.ID {
		m = nil
	}
	if p.seen != nil {
		m = &message{
			ts: p.ts, channel: ch.ID, user: p.seen.User, text: p.seen.Text, blocks: p.seen.Blocks, thread: p.seen.ThreadTS, edited: p.seen.Edited,
		}
	}
	if m == nil {
		return nil, fmt.Errorf("there is no message %s in %s", p.ts, ch.ID)
	}
	box := map[string]any{"type": "message", "message_ts": m.ts, "channel_id": ch.ID, "is_ephemeral": m.to != ""}
	if m.thread != "" {
		box["thread_ts"] = m.thread
	}
	shown := s.wire(m)
	if m.to != "" { // of an ephemeral message Slack sends no more than this
		shown = map[string]any{"type": "message", "ts": m.ts, "user": m.user, "app_id": s.place.AppID, "bot_id": s.place.BotID}
	}
	maps.Copy(d.form, map[string]any{
		"container": box, "channel": map[string]any{"id": ch.ID, "name": ch.wireName()}, "message": shown,
		"state": map[string]any{"values": map[string]any{}}, "response_url": s.newHook("actions", u, ch, m),
	})
	d.failed = func(warning string) { s.warn(ch.ID, p.ts, u.ID, warning) }
	d.acked = func(json.RawMessage) { s.warn(ch.ID, p.ts, u.ID, "") }
	return m.blocks, nil
}

func (c *channel) wireName() string {
	switch {
	case c.IM:
		return "directmessage"
	case c.Private:
		return "privategroup"
	}
	return c.Name
}

// warn shows a warning beside a message to the one who clicked in it.
func (s *Slack) warn(channel, ts, user, warning string) {
	m := s.place.channels[channel].message(ts)
	if m == nil {
		return
	}
	if m.warnings == nil {
		m.warnings = map[string]string{}
	}
	m.warnings[user] = warning
}

// inView fills in that a click happened in a modal or the Home tab.
func (s *Slack) inView(d *delivery, p press, u *User) ([]Block, error) {
	v := s.views[p.view]
	if v == nil || v.user != u.ID {
		return nil, fmt.Errorf("view %s is not open for them", p.view)
	}
	d.form["trigger_id"] = s.trigger(u, v.id)
	d.form["container"] = map[string]any{"type": "view", "view_id": v.id}
	d.form["view"] = s.viewWire(v)
	d.failed = func(warning string) { v.warning = warning }
	d.acked = func(json.RawMessage) { v.warning = "" }
	return v.blocks(), nil
}

func findElement(blocks []Block, p press) (block, element Block) {
	for _, b := range blocks {
		if p.block != "" && b["block_id"] != p.block {
			continue
		}
		for _, e := range elementsOf(b) {
			if e["action_id"] == p.action && (b["type"] != "input" || b["dispatch_action"] == true) {
				return b, e
			}
		}
	}
	return nil, nil
}

// act is the action of a click: which element, and what was chosen in it.
func (s *Slack) act(block, element Block, p press) (map[string]any, error) {
	act := map[string]any{
		"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"], "action_ts": s.stamp(),
	}
	for _, k := range []string{"text", "value", "style", "placeholder", "initial_option"} {
		if v, ok := element[k]; ok {
			act[k] = v
		}
	}
	if element["type"] == "button" {
		if p.value != nil {
			act["value"] = *p.value
		}
		return act, nil
	}
	var chosen any
	switch {
	case p.option != nil:
		chosen = p.option
	case p.value != nil:
		chosen = *p.value
	}
	picked, err := s.pick(element, chosen)
	if err != nil {
		return nil, err
	}
	maps.Copy(act, picked)
	return act, nil
}

// pick is what choosing something in an element sends. chosen is a value, several, an
// option, or an object that has it as Slack's state does; nil means the initial one.
func (s *Slack) pick(element Block, chosen any) (map[string]any, error) {
	kind, _ := element["type"].(string)
	key, initial := stateKey(kind)
	if key == "" {
		return nil, fmt.Errorf("there is nothing to choose in a %s", kind)
	}
	if m, ok := chosen.(map[string]any); ok && m["text"] == nil {
		if chosen, ok = m[key]; ok && chosen == nil {
			chosen = "" // emptied, as against not touched
		}
	}
	if chosen == nil {
		chosen = element[initial]
	}
	out := map[string]any{"type": kind, key: nil}
	if key == "selected_options" {
		out[key] = []any{}
	}
	if chosen == nil || chosen == "" {
		return out, nil
	}
	var err error
	switch key {
	case "selected_option":
		out[key], err = choose(element, chosen)
	case "selected_options":
		out[key], err = chooseAll(element, chosen)
	case "selected_date_time":
		out[key] = number(chosen)
	default:
		out[key] = chosen
	}
	return out, err
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case string:
		n, _ := strconv.ParseFloat(v, 64) // 0 is refused by whoever reads it
		return n
	}
	return 0
}

// stateKey is under which name an element's choice is sent, and its initial one set.
func stateKey(kind string) (key, initial string) {
	plain, multi := strings.TrimPrefix(kind, "multi_"), strings.HasPrefix(kind, "multi_")
	switch {
	case kind == "checkboxes", kind == "multi_static_select":
		return "selected_options", "initial_options"
	case kind == "static_select", kind == "overflow", kind == "radio_buttons":
		return "selected_option", "initial_option"
	case kind == "datepicker", kind == "timepicker":
		what := strings.TrimSuffix(kind, "picker")
		return "selected_" + what, "initial_" + what
	case kind == "datetimepicker":
		return "selected_date_time", "initial_date_time"
	case strings.HasSuffix(kind, "_input"):
		return "value", "initial_value"
	case strings.HasSuffix(kind, "_select"):
		what := map[string]string{"users_select": "user", "channels_select": "channel", "conversations_select": "conversation"}[plain]
		if multi {
			what += "s"
		}
		return "selected_" + what, "initial_" + what
	}
	return "", ""
}

func choose(element Block, chosen any) (Block, error) {
	value := chosen
	if m, ok := chosen.(map[string]any); ok {
		value = m["value"]
	}
	if o := optionOf(element, value); o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("%v is none of the options", value)
}

func chooseAll(element Block, chosen any) ([]any, error) {
	list, ok := chosen.([]any)
	if texts, isTexts := chosen.([]string); isTexts {
		for _, t := range texts {
			list = append(list, t)
		}
	} else if !ok {
		list = []any{chosen}
	}
	out := []any{}
	for _, one := range list {
		o, err := choose(element, one)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

const triggerLife = 3 * time.Second

// trigger is a person's doing, in answer to which the app may open one modal.
type trigger struct {
	user, view string
	at         time.Time
	used       bool
}

// trigger makes a trigger id. The lock is held.
func (s *Slack) trigger(u *User, view string) string {
	for id, t := range s.triggers {
		if s.now().Sub(t.at) > time.Hour {
			delete(s.triggers, id)
		}
	}
	s.serial++
	id := fmt.Sprintf("%d.%d.%012x", s.now().UnixMilli(), s.serial, s.serial*7919)
	s.triggers[id] = &trigger{user: u.ID, view: view, at: s.now()}
	return id
}

// pull uses a trigger id up. The lock is held.
func (s *Slack) pull(id string) (*trigger, *refusal) {
	t := s.triggers[id]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case s.now().Sub(t.at) > triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}
