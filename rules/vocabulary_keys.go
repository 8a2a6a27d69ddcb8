package rules

import (
	"reflect"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// KeyTable is the keys of one part of a rule file.
type KeyTable struct {
	Of   string `json:"of"`
	Keys []Key  `json:"keys"`
}

// Key is one key with what stands under it and what it means.
type Key struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Doc   string `json:"doc"`
}

// keyTables are the keys of rule files. A test compares them with those that the parser
// takes.
func keyTables() []KeyTable {
	return []KeyTable{
		{"a rule", append(ruleKeyDocs(), checkKeyDocs()...)},
		{"whole", checkKeyDocs()},
		{"changes", append([]Key{
			{"kind", "kind or list", "The kinds whose changes are judged. Needed."},
			{"key", "expression: string", "What tells the findings of one resource apart, such as `change.id`. Needed."},
			{"until", "expression: bool", "When a finding is over."},
			{"ends", "expression: bool", "Whether the change that came ends an earlier one, which is in `match`."},
			{"about", "scope", "Findings are of the whole scope, and not of what changed."},
			{"stands_for", "duration", "How long a finding stands that nothing ends; as the rule's."},
		}, checkKeyDocs()...)},
		{"through and each_of", []Key{
			{"kind", "kind", "The kind of the resources that are named."},
			{"names", "expression: list(string)", "Their names."},
		}},
		{"a test", []Key{
			{"name", "text", "What the test shows."},
			{"given", "keys below", "A small world."},
			{"want", "answers by name", "The answer for each resource, by its name; `project` or `org` for all together, `change` for the change of a state rule. {}: nothing is found."},
		}},
		{"an answer of want", []Key{
			{"answer", "text", "pass, violation, unknown or not_applicable. An answer alone may stand in place of the keys."},
			{"severity", "text", "The severity that it has."},
			{"ceiling", "text", "The ceiling that it has."},
			{"message", "text", "A part of the message."},
			{"why", "text", "A part of the reason, of what is unknown or does not apply."},
		}},
		{"given", givenKeys()},
		{"one of identities", keysOf(reflect.TypeFor[testIdentity](), map[string]string{
			"class": "What it is: app, migration, reporting and so on.", "usernames": "Patterns of database users.", "machines": "Patterns of API keys and service accounts.",
			"labels": "Labels that a user has.", "environments": "Where it holds; all if left out.", "roles": "Roles that it may have, as role@database.",
			"atlasRoles": "Atlas roles that it may have.", "scopes": "Scopes that it should have.", "maxAge": "How old it may be, such as 720h.",
			"until": "Until when it is declared.", "owner": "Who answers for it.",
		})},
		{"change, and one of changes", keysOf(reflect.TypeFor[testChange](), map[string]string{
			"op": "created, updated, deleted or observed.", "type": "The type of the event.", "kind": "The kind of what changed; the rule's first if left out.",
			"name": "The name of what changed.", "fields": "The fields that changed.", "actor": "Who did it: {type, name, id, address, onBehalfOf, principal}.",
			"occurred": "When it happened.", "ended": "When it was undone, of an observed one.", "gap": "It came in a gap of the events.",
			"own": "The action of Gatewarden's own that did it.", "intended": "An action of Gatewarden's own that was about to do it.",
			"before": "The resource before it.", "after": "The resource after it.",
		})},
	}
}

func ruleKeyDocs() []Key {
	return []Key{
		{"id", "text", "family/name in lower case. No other rule, built-in or yours, may have it. Needed."},
		{"title", "text", "What it finds, in a few words. Needed."},
		{"why", "text", "Why that matters. Needed."},
		{"fix", "text", "What a person does about it."},
		{"severity", "text", "critical, high, medium (if left out), low or info: that of production. Elsewhere it is one step lower."},
		{"kind", "kind or list", "What it judges; of several kinds each for itself. Needed."},
		{"on", "text", "state (if left out), change, reading or failure."},
		{"reads", "list of kinds", "What it rests on beside its own kinds. While one of them cannot be read the answer is unknown."},
		{"reads_where_covered", "list of kinds", "The same, but where the profile leaves the kind out the rule judges without it."},
		{"siblings", "list of kinds", "Kinds of the other projects of the org that it rests on."},
		{"environments", "list of texts", "Where it judges; everywhere if left out."},
		{"params", "names and values", "What an installation may adjust under `rules.override`, each with its default: a number, true or false, a text, a duration, a list of texts. Expressions read them as `params.NAME`. One whose name ends in `pattern`, or that `matches` takes, must be a regular expression."},
		{"remedy", "text", "What puts a finding right; none if left out."},
		{"ceiling", "text", "The strongest response: tell (if left out), ask or auto."},
		{"controls", "list of texts", "Controls of frameworks that it serves."},
		{"references", "list of texts", "Pages that tell more."},
		{"whole", "keys below", "What is judged of all resources of the kind together."},
		{"changes", "keys below", "What a state rule judges of changes beside its state."},
		{"through", "keys below", "Resources of another kind by which a violation may come about."},
		{"each_of", "keys below", "Names to judge in place of the resource, each for itself: the name is in `each`."},
		{"key", "expression: string", "Of a change rule: what tells the findings of one resource apart. Without it they are one."},
		{"until", "expression: bool", "Of a change rule: when a finding is over."},
		{"ends", "expression: bool", "Of a change rule: whether the change that came ends an earlier one, which is in `match`."},
		{"about", "scope", "Of a change rule: findings are of the whole scope, and not of what changed."},
		{"stands_for", "duration", "Of a change rule: how long a finding stands that nothing ends; 168h if left out."},
		{"tests", "list", "What proves it. Needed: two violations, two that are none, and one unknown where the rule can be unknown."},
	}
}

func checkKeyDocs() []Key {
	return []Key{
		{"not_applicable", "expression: string", "Why the rule does not apply to this one; empty: it does. Asked first."},
		{"when", "expression: bool", "Whether it is a violation. Needed."},
		{"unknown", "expression: string", "Why it cannot be told, where when is false; empty: it is none."},
		{"message", "expression: string", "One sentence for who is told of it. Needed."},
		{"facts", "names and expressions: string", "What else a finding tells."},
		{"severity_here", "expression: string", "The severity in place of the rule's; empty: the rule's."},
		{"ceiling_here", "expression: string", "A lower ceiling than the rule's; empty: the rule's."},
		{"since", "expression: timestamp", "Since when it is a violation, where that is known. Of state rules."},
		{"path", "expression: list(string)", "The way by which it came about."},
		{"causes", "expression: list(string)", "The names of the resources that a remedy is about, where it is not the resource itself."},
		{"values", "expression: list(string)", "What violates beside the values of the resource itself, such as what stands in resources of other kinds: a waiver that was given for it lapses when it changes, so nothing in it may change by the passing of time. Where the rule reads other kinds, or judges all together, and this is left out, it is the message and the facts. Not of changes."},
	}
}

// givenKeys are the keys of a test's world.
func givenKeys() []Key {
	out := []Key{
		{"KIND", "list", "Resources of the kind, each with its fields; what is not given is as in the simplest one. An entry of ip_access_entry may be a text."},
		{"projects", "list", "The other projects of the org, each with such keys as these and its `name`."},
	}
	return append(out, keysOf(reflect.TypeFor[testWorld](), map[string]string{
		"level": "org or project; that of the rule's first kind if left out.", "environment": "prod, staging or dev, or one that the rule names; left out: the project matches none.",
		"now": "The time of the judgement; noon of 2026-01-01 if left out.", "watched": "Since when all is watched; a month if left out.",
		"project": "The name of the project; ecommerce-prod if left out.", "name": "The name of one of projects.", "tags": "The tags of the project.",
		"identities": "Declared identities, with the keys below.", "networks": "Declared networks of the environment, by purpose.", "developer": "Declared ranges of developers.",
		"shared": "Declared ranges that may stand in several environments.", "providers": "Declared ranges of providers, by name.", "peers": "Declared peers.",
		"matrix": "Roles by team and environment.", "sensitive": "Declared sensitive namespaces.", "domains": "Allowed domains.",
		"principals": "Declared people and teams.", "groups": "Groups of principals.", "own": "Our own credentials.", "expected": "Announced changes.",
		"created":    "When resources were made, by `kind/name`, where an event told of it.",
		"changed":    "Resources that came while they were watched, by name.",
		"updated":    "Resources that were there at first and changed since, by name.",
		"gone":       "Resources that were deleted while they were watched, by name.",
		"by":         "Who made the last change, by name of the resource.",
		"owner":      "When resources came to hold the owner role, by name.",
		"status":     "How a kind was read, where it was not complete: denied, failed, suspect or unsupported.",
		"since":      "Since when a kind has this status.",
		"odd":        "Names of resources of a kind that cannot be decoded.",
		"history":    "What was seen of use.",
		"failing":    "How often other rules failed, by id.",
		"refused":    "Rules that could not be loaded, by id, with the mistake.",
		"ungathered": "Nothing is known of other projects and the org.",
		"change":     "The change that is judged, with the keys below.",
		"changes":    "Changes that came with it.",
		"params":     "Parameters of the rule, in place of its own.",
		"profile":    "The profile that we run with.",
		"hooks":      "Hosts of our own webhook.",
		"writers":    "Those of own that write.",
		"addresses":  "Our own addresses.",
		"unset":      "No environments are configured.",
	})...)
}

// keysOf are the keys of a struct as its decoder takes them, in their order.
func keysOf(t reflect.Type, docs map[string]string) (out []Key) {
	for f := range fieldsByJSON(t) {
		out = append(out, Key{f.name, shape(f.typ), docs[f.name]})
	}
	return out
}

type jsonField struct {
	name string
	typ  reflect.Type
}

// fieldsByJSON gives the fields of a struct that JSON can set.
func fieldsByJSON(t reflect.Type) func(func(jsonField) bool) {
	return func(yield func(jsonField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			if f.IsExported() && name != "-" && !yield(jsonField{name, f.Type}) {
				return
			}
		}
	}
}

// shape is what stands under a key of the type.
func shape(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t == reflect.TypeFor[access.Kind](), t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "number"
	case t.Kind() == reflect.Interface:
		return "value"
	case t.Kind() == reflect.Pointer:
		return shape(t.Elem())
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "keys" // a resource as JSON
	case t.Kind() == reflect.Slice:
		return "list of " + shape(t.Elem())
	case t.Kind() == reflect.Map:
		return "map to " + shape(t.Elem())
	}
	if t.PkgPath() == reflect.TypeFor[testWorld]().PkgPath() {
		return "keys"
	}
	var names []string
	for f := range fieldsByJSON(t) {
		names = append(names, f.name)
	}
	return "{" + strings.Join(names, ", ") + "}"
}
