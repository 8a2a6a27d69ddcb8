package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Invalid is what Slack itself says of an input before it asks the app, by block id.
type Invalid map[string]string

func (e Invalid) Error() string {
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(e)) {
		lines = append(lines, id+": "+e[id])
	}
	return strings.Join(lines, "; ")
}

func asInvalid(err error) (Invalid, bool) {
	var e Invalid
	ok := errors.As(err, &e)
	return e, ok
}

// Submit fills a modal in and submits it. values are by block id: a plain value (a
// string for text, options, users, dates; several for checkboxes), or the state of
// the block's element by its action id, as payloads have it. What is not given keeps
// its initial value. An Invalid error is Slack's own; the app's are in the
// acknowledgement that Wait answers, and on the view.
func (s *Slack) Submit(user, viewID string, values map[string]any) (*Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.submitting(user, viewID, values)
	if err != nil {
		return nil, fmt.Errorf("submitting view %s as %s: %w", viewID, user, err)
	}
	return s.deliver(d), nil
}

func (s *Slack) submitting(user, viewID string, values map[string]any) (*delivery, error) {
	u, err := s.userAt(user)
	if err != nil {
		return nil, err
	}
	stack := s.stacks[user]
	if len(stack) == 0 || stack[len(stack)-1].id != viewID {
		return nil, errors.New("it is not the modal before them")
	}
	v := stack[len(stack)-1]
	state, err := s.fill(v, values)
	if err != nil {
		return nil, err
	}
	v.state, v.errors, v.warning = state, nil, ""
	form := s.interaction("view_submission", u, "")
	form["trigger_id"] = s.trigger(u, v.id)
	form["view"], form["response_urls"] = s.viewWire(v), []any{}
	return &delivery{
		Delivery: Delivery{Type: "view_submission", User: u.ID}, envelope: "interactive", answers: true, form: form,
		acked:  func(ack json.RawMessage) { s.submitted(v, ack) },
		failed: func(string) { v.warning = noConnection },
	}, nil
}

// fill is the state of a modal's inputs, or what is wrong with them.
func (s *Slack) fill(v *view, values map[string]any) (map[string]any, error) {
	state, wrong := map[string]any{}, Invalid{}
	inputs := map[string]bool{}
	for _, b := range v.blocks() {
		id, _ := b["block_id"].(string)
		for _, e := range elementsOf(b) {
			kind, _ := e["type"].(string)
			key, _ := stateKey(kind)
			if key == "" || kind == "overflow" {
				continue
			}
			action, _ := e["action_id"].(string)
			given := values[id]
			inputs[id] = true
			if byAction, is := given.(map[string]any); is {
				given = byAction[action]
			}
			picked, err := s.pick(e, given)
			if err != nil {
				return nil, fmt.Errorf("block %s: %w", id, err)
			}
			if problem := inputProblem(b, e, picked[key]); problem != "" {
				wrong[id] = problem
			}
			state[id] = map[string]any{action: picked}
		}
	}
	for id := range values {
		if !inputs[id] {
			return nil, fmt.Errorf("there is no input in a block %q", id)
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return state, nil
}

// inputProblem is what Slack's own form says of a value.
func inputProblem(block, element Block, v any) string {
	text, isText := v.(string)
	list, isList := v.([]any)
	empty := v == nil || isText && strings.TrimSpace(text) == "" || isList && len(list) == 0
	if block["type"] != "input" {
		return ""
	}
	if empty {
		if block["optional"] == true {
			return ""
		}
		return "Please complete this required field."
	}
	if element["type"] != "plain_text_input" {
		return ""
	}
	n := float64(utf8.RuneCountInString(text))
	if least, ok := element["min_length"].(float64); ok && n < least {
		return fmt.Sprintf("Please enter at least %.0f characters.", least)
	}
	most, ok := element["max_length"].(float64)
	if !ok {
		most = 3000
	}
	if n > most {
		return fmt.Sprintf("Please enter at most %.0f characters.", most)
	}
	return ""
}

// submitted does what the app answered a submission with. The lock is held.
func (s *Slack) submitted(v *view, ack json.RawMessage) {
	if s.views[v.id] != v {
		return
	}
	var said struct {
		Action string         `json:"response_action"`
		Errors map[string]any `json:"errors"`
		View   any            `json:"view"`
	}
	if len(ack) > 0 && json.Unmarshal(ack, &said) != nil {
		v.warning = noConnection
		return
	}
	switch said.Action {
	case "":
		s.shut(v)
	case "clear":
		s.clear(v.user)
	case "errors":
		v.showErrors(said.Errors)
	case "update", "push":
		def, ref := s.checkView(said.View, "modal")
		switch {
		case ref != nil, said.Action == "push" && len(s.stacks[v.user]) >= maxViews:
			v.warning = noConnection
		case said.Action == "push":
			s.push(v.user, def)
		default:
			v.redefine(def, s.stamp())
		}
	default:
		v.warning = noConnection
	}
}

// showErrors puts each error under its input. One for a block that is not an input
// makes Slack show that it could not understand the app.
func (v *view) showErrors(errs map[string]any) {
	inputs := map[string]bool{}
	for _, b := range v.blocks() {
		if id, ok := b["block_id"].(string); ok && b["type"] == "input" {
			inputs[id] = true
		}
	}
	v.errors = map[string]string{}
	for id, e := range errs {
		text, ok := e.(string)
		if !ok || text == "" || !inputs[id] {
			v.errors, v.warning = nil, noConnection
			return
		}
		v.errors[id] = text
	}
	if len(errs) == 0 {
		v.warning = noConnection
	}
}

// CloseView closes a modal as its close button does. The app hears of it if it asked
// to with notify_on_close.
func (s *Slack) CloseView(user, viewID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.userAt(user)
	v := s.views[viewID]
	if err == nil && (v == nil || v.user != user || v.def["type"] != "modal") {
		err = errors.New("it is not open for them")
	}
	if err != nil {
		return fmt.Errorf("closing view %s as %s: %w", viewID, user, err)
	}
	all := v.def["clear_on_close"] == true
	if all {
		s.clear(user)
	} else {
		s.shut(v)
	}
	if v.def["notify_on_close"] == true {
		form := s.interaction("view_closed", u, "")
		delete(form, "trigger_id")
		form["view"], form["is_cleared"] = s.viewWire(v), all
		s.deliver(&delivery{Delivery: Delivery{Type: "view_closed", User: u.ID}, envelope: "interactive", form: form})
	}
	return nil
}
