package slackfake

import (
	"fmt"
	"maps"
	"slices"
)

// View is a modal or a Home tab as a person has it before them.
type View struct {
	ID, User, Type, CallbackID string
	PrivateMetadata, Hash      string
	Title, SubmitText, Close   string
	Blocks                     []Block
	Errors                     map[string]string // of the last submission, by block id
	Warning                    string            // what Slack shows of an app that did not answer
}

type view struct {
	id, user, hash string
	root, previous string
	def            Block // as the app gave it
	state          map[string]any
	errors         map[string]string
	warning        string
}

const (
	maxViews     = 3 // in one stack
	noConnection = "We had some trouble connecting. Try again?"
)

// Views are the modals that a user has open, the one on top last.
func (s *Slack) Views(user string) []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []View{}
	for _, v := range s.stacks[user] {
		out = append(out, v.show())
	}
	return out
}

// Home is a user's Home tab; its ID is "" while the app has published none.
func (s *Slack) Home(user string) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.homes[user]; v != nil {
		return v.show()
	}
	return View{}
}

func (v *view) show() View {
	out := View{
		ID: v.id, User: v.user, Hash: v.hash, Blocks: v.blocks(), Errors: v.errors, Warning: v.warning,
		Title: v.label("title"), SubmitText: v.label("submit"), Close: v.label("close"),
	}
	out.Type, _ = v.def["type"].(string)
	out.CallbackID, _ = v.def["callback_id"].(string)
	out.PrivateMetadata, _ = v.def["private_metadata"].(string)
	return out
}

func (v *view) blocks() []Block {
	list, _ := v.def["blocks"].([]any)
	return asBlocks(list)
}

func (v *view) label(name string) string {
	m, _ := v.def[name].(Block)
	text, _ := m["text"].(string)
	return text
}

// checkView holds a view against its limits.
func (s *Slack) checkView(raw any, kind string) (Block, *refusal) {
	m, ok := raw.(Block)
	if !ok || m["type"] != kind {
		return nil, invalid("invalid_arguments", fmt.Sprintf("[ERROR] must be a view of type %s [json-pointer:/view]", kind))
	}
	sh := s.shapes.modal
	if kind == "home" {
		sh = s.shapes.home
	}
	c := &checker{shapes: s.shapes, seen: map[string]bool{}}
	c.object("/view", m, sh)
	list, ok := m["blocks"].([]any)
	if !ok {
		c.wrong("/view/blocks", "must be an array")
	}
	c.blocks("/view/blocks", list, maxViewBlocks)
	if kind == "modal" && m["submit"] == nil && hasInput(list) {
		c.wrong("/view", "missing required field: submit")
	}
	if len(c.problems) > 0 {
		return nil, invalid("invalid_arguments", c.problems...)
	}
	if len(plainJSON(m)) > maxViewBytes {
		return nil, refuse("view_too_large")
	}
	s.markIDs(asBlocks(list))
	return m, nil
}

func hasInput(list []any) bool {
	return slices.ContainsFunc(list, func(b any) bool { m, _ := b.(Block); return m["type"] == "input" })
}

func (a args) view(s *Slack, kind string) (Block, *refusal) {
	raw, err := a.object("view")
	if err != nil {
		return nil, invalid("invalid_arguments", "[ERROR] view is not JSON: "+err.Error())
	}
	return s.checkView(raw, kind)
}

func (s *Slack) viewsOpen(a args) (answer, *refusal) { return s.opening(a, false) }
func (s *Slack) viewsPush(a args) (answer, *refusal) { return s.opening(a, true) }

// opening opens a modal: in place of those that are open, or on top of them.
func (s *Slack) opening(a args, push bool) (answer, *refusal) {
	if ref := a.missing("trigger_id"); ref != nil {
		return nil, ref
	}
	def, ref := a.view(s, "modal")
	if ref != nil {
		return nil, ref
	}
	if ref := s.freeID(def, nil); ref != nil {
		return nil, ref
	}
	t, ref := s.pull(a.str("trigger_id"))
	if ref != nil {
		return nil, ref
	}
	stack := s.stacks[t.user]
	switch {
	case push && len(stack) >= maxViews:
		return nil, refuse("push_limit_reached")
	case push && len(stack) == 0:
		return nil, refuse("not_found") // (a guess)
	case !push:
		s.clear(t.user)
	}
	return answer{"view": s.viewWire(s.push(t.user, def))}, nil
}

// push puts a modal on top of a user's stack. The lock is held.
func (s *Slack) push(user string, def Block) *view {
	v := &view{id: s.id("V"), user: user, def: def, hash: s.stamp()}
	v.root = v.id
	if stack := s.stacks[user]; len(stack) > 0 {
		v.root, v.previous = stack[0].id, stack[len(stack)-1].id
	}
	s.views[v.id] = v
	s.stacks[user] = append(s.stacks[user], v)
	s.changed()
	return v
}

// clear closes all modals of a user. The lock is held.
func (s *Slack) clear(user string) {
	for _, v := range s.stacks[user] {
		delete(s.views, v.id)
	}
	delete(s.stacks, user)
	s.changed()
}

// shut closes one modal. The lock is held.
func (s *Slack) shut(v *view) {
	delete(s.views, v.id)
	s.stacks[v.user] = slices.DeleteFunc(s.stacks[v.user], func(o *view) bool { return o == v })
	s.changed()
}

// freeID refuses an external id that another open view has. The lock is held.
func (s *Slack) freeID(def Block, self *view) *refusal {
	id, _ := def["external_id"].(string)
	for _, v := range s.views {
		if id != "" && v != self && v.def["external_id"] == id {
			return refuse("duplicate_external_id")
		}
	}
	return nil
}

func (s *Slack) viewsUpdate(a args) (answer, *refusal) {
	v := s.views[a.str("view_id")]
	for _, o := range s.views {
		if id := a.str("external_id"); a.str("view_id") == "" && id != "" && o.def["external_id"] == id {
			v = o
		}
	}
	if v == nil {
		return nil, refuse("not_found")
	}
	kind, _ := v.def["type"].(string)
	return s.replace(v, a, kind)
}

// replace gives a view a new content, unless it changed since the caller saw it.
func (s *Slack) replace(v *view, a args, kind string) (answer, *refusal) {
	def, ref := a.view(s, kind)
	if ref != nil {
		return nil, ref
	}
	if h := a.str("hash"); h != "" && h != v.hash {
		return nil, refuse("hash_conflict")
	}
	if ref := s.freeID(def, v); ref != nil {
		return nil, ref
	}
	v.redefine(def, s.stamp())
	s.changed()
	return answer{"view": s.viewWire(v)}, nil
}

func (v *view) redefine(def Block, hash string) {
	v.def, v.hash, v.errors, v.warning = def, hash, nil, ""
}

func (s *Slack) viewsPublish(a args) (answer, *refusal) {
	u := s.place.users[a.str("user_id")]
	if u == nil || u.Bot || u.Deleted {
		return nil, invalid("invalid_arguments", "[ERROR] invalid user_id [json-pointer:/user_id]")
	}
	v := s.homes[u.ID]
	if v == nil {
		def, ref := a.view(s, "home")
		if ref != nil {
			return nil, ref
		}
		v = &view{id: s.id("V"), user: u.ID, def: def, hash: s.stamp()}
		v.root = v.id
		s.homes[u.ID], s.views[v.id] = v, v
		s.changed()
		return answer{"view": s.viewWire(v)}, nil
	}
	return s.replace(v, a, "home")
}

// viewWire is a view as answers and payloads have it. The lock is held.
func (s *Slack) viewWire(v *view) map[string]any {
	out := map[string]any{
		"id": v.id, "team_id": s.place.TeamID, "hash": v.hash, "root_view_id": v.root, "previous_view_id": nil,
		"app_id": s.place.AppID, "bot_id": s.place.BotID, "app_installed_team_id": s.place.TeamID,
		"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false,
		"close": nil, "submit": nil, "title": nil,
	}
	maps.Copy(out, v.def)
	if v.previous != "" {
		out["previous_view_id"] = v.previous
	}
	values := v.state
	if values == nil {
		values = map[string]any{}
	}
	out["state"] = map[string]any{"values": values}
	return out
}
