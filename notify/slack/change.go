package slack

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// changed is one field of a resource before and after the change that caused a finding. One of
// a list says what came to it and what went.
type changed struct {
	field         string
	before, after string // empty: it was not there
	came, went    []string
}

// changesOf are the fields that tell what was changed, at most most of them: those in which
// before and after differ, or, of what was made or deleted, all that say something.
func changesOf(e access.Evidence, most int) (out []changed, left int) {
	before, after := fields(e.Before), fields(e.After)
	for _, f := range access.ChangedFields(e.Before, e.After) {
		if e.Before.IsZero() != e.After.IsZero() && names(f) {
			continue
		}
		kind := e.After
		if kind.IsZero() {
			kind = e.Before
		}
		c := changed{field: f}
		if !e.Before.IsZero() {
			c.before = worded(kind, f, before[f])
		}
		if !e.After.IsZero() {
			c.after = worded(kind, f, after[f])
		}
		if len(items(before[f])) > 0 && len(items(after[f])) > 0 && isList(after[f]) {
			c.came, c.went = minus(items(after[f]), items(before[f])), minus(items(before[f]), items(after[f]))
		}
		out = append(out, c)
	}
	out = append(out, unsaid(e)...)
	shown := min(most, len(out))
	return out[:shown], len(out) - shown
}

// unsaid is what a resource that was made is by having no value for it.
func unsaid(e access.Evidence) []changed {
	if !e.Before.IsZero() {
		return nil
	}
	if x, ok := access.As[access.IPAccessEntry](e.After); ok && x.DeleteAfterDate.IsZero() {
		return []changed{{field: "deleteAfterDate", after: "never"}}
	}
	return nil
}

// names reports whether a field only says again which resource it is.
func names(field string) bool {
	return slices.Contains([]string{"entry", "username", "databaseName", "id", "groupId", "orgId", "teamId", "publicKey", "clientId"}, field)
}

func fields(b access.Box) map[string]json.RawMessage {
	if b.IsZero() {
		return nil
	}
	raw, err := json.Marshal(b.State)
	if err != nil {
		panic("slack: a state does not encode: " + err.Error())
	}
	out := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &out); err != nil {
		panic("slack: a state is no object: " + err.Error())
	}
	return out
}

// worded is a value as people read it. What an empty one means is not the same everywhere.
func worded(b access.Box, field string, raw json.RawMessage) string {
	if words := strings.Join(items(raw), ", "); words != "" {
		return words
	}
	switch {
	case field == "scopes" && b.Kind() == access.KindDatabaseUser:
		return "every cluster of the project"
	case field == "deleteAfterDate":
		return "never"
	}
	return "none"
}

func isList(raw json.RawMessage) bool { return strings.HasPrefix(string(raw), "[") }

// items are the values of a list, or the one value.
func items(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var out []string
	for _, one := range list {
		if s := item(one); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func item(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var g access.RoleGrant
	if json.Unmarshal(raw, &g) == nil && g.Role != "" {
		return strings.TrimSuffix(g.String(), "@")
	}
	var n struct {
		Key, Value, Name string
	}
	if json.Unmarshal(raw, &n) == nil && (n.Key != "" || n.Name != "") {
		return n.Name + n.Key + strings.TrimSuffix("="+n.Value, "=")
	}
	return string(raw)
}

func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// show is one line of it.
func (c changed) show(r *rich) {
	r.line().say("      ").prose(fieldLabel(c.field)).say(": ")
	switch {
	case len(c.came)+len(c.went) > 0:
		for _, s := range c.went {
			r.say("− ").code(s).say("  ")
		}
		for _, s := range c.came {
			r.say("+ ").code(s).say("  ")
		}
	case c.before == "":
		r.code(c.after)
	case c.after == "":
		r.code(c.before)
	default:
		r.code(c.before).say(" → ").code(c.after)
	}
}

// fieldLabel is a field by Atlas's own name for it, but where people know it by another one.
func fieldLabel(field string) string {
	if field == "deleteAfterDate" {
		return "expires"
	}
	return field
}

// kindWords is a kind as people say it.
func kindWords(k access.Kind) string {
	switch k {
	case access.KindIPAccessEntry:
		return "access list entry"
	case access.KindAPIAccessEntry:
		return "API access list entry"
	case access.KindAPIKey:
		return "API key"
	case access.KindOrgSettings:
		return "settings of the org"
	case access.KindProjectSettings:
		return "settings of the project"
	}
	return Clean(strings.ReplaceAll(string(k), "_", " "), 40)
}
