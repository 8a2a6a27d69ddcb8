package access

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Diff lists what must happen to before to make it after, in order of name. It is
// pure: the caller gives the changes their ids, actors and times. Volatile fields
// (see [ChangedFields]) make no change; order and duplicates in a read do not matter, since
// collections are sorted and unique by name and the lists of states are normalised.
func Diff(before, after Collection) []Change {
	var out []Change
	b, a := before.Resources, after.Resources
	for len(b) > 0 || len(a) > 0 {
		switch order := compareHeads(b, a); {
		case order < 0:
			out = append(out, Change{V: Version, Ref: ref(after, b[0]), Op: OpDeleted, Before: b[0].Box})
			b = b[1:]
		case order > 0:
			out = append(out, Change{V: Version, Ref: ref(after, a[0]), Op: OpCreated, After: a[0].Box})
			a = a[1:]
		default:
			if fields := ChangedFields(b[0].Box, a[0].Box); len(fields) > 0 {
				out = append(out, Change{V: Version, Ref: ref(after, a[0]), Op: OpUpdated, Before: b[0].Box, After: a[0].Box, Fields: fields})
			}
			b, a = b[1:], a[1:]
		}
	}
	return out
}

func compareHeads(b, a []Resource) int {
	if len(b) == 0 {
		return 1
	}
	if len(a) == 0 {
		return -1
	}
	return strings.Compare(b[0].Name(), a[0].Name())
}

func ref(c Collection, r Resource) Ref { return Ref{c.Scope, c.Kind, r.Name()} }

// Apply makes the changes to the collection's states and returns the result; it is
// the inverse of [Diff]: Apply(Diff(a, b), a) has the states of b. Attributed and
// observed changes carry no state and change nothing.
func Apply(changes []Change, c Collection) Collection {
	byName := map[string]State{}
	for _, r := range c.Resources {
		byName[r.Name()] = r.Box.State
	}
	for _, ch := range changes {
		switch ch.Op {
		case OpDeleted:
			delete(byName, ch.Ref.Name)
		case OpCreated, OpUpdated:
			byName[ch.Ref.Name] = ch.After.State
		}
	}
	return NewCollection(c.Scope, c.Kind, slices.Collect(maps.Values(byName)))
}

// ChangedFields lists the top-level JSON fields in which two states of one resource
// differ, sorted, without the volatile ones: a cluster's stateName, the dates of the last
// use of something, and what does not comply with a resource policy.
func ChangedFields(before, after Box) []string {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	b, a := fieldsOf(before), fieldsOf(after)
	var out []string
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			out = append(out, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// Values is a resource as text, without its volatile fields: the same for two states that
// differ in nothing that [ChangedFields] names.
func Values(b Box) string {
	src, err := json.Marshal(fieldsOf(b))
	if err != nil {
		panic("access: texts do not encode: " + err.Error())
	}
	return string(src)
}

// fieldsOf cannot go wrong: every state is a plain struct that encodes to an object.
func fieldsOf(b Box) map[string]string {
	if b.State == nil {
		return nil
	}
	src, err := json.Marshal(b.State)
	if err != nil {
		panic("access: a state does not encode: " + err.Error())
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(src, &raw); err != nil {
		panic("access: a state is no JSON object: " + err.Error())
	}
	out := make(map[string]string, len(raw))
	for k, v := range raw {
		if !volatile(k) {
			out[k] = string(v)
		}
	}
	return out
}

func volatile(field string) bool {
	switch field {
	case "stateName", "lastAuth", "lastUsed", "firstLogin", "lastLogin", "lastFrom", "nonCompliant":
		return true
	}
	return false
}

// Moved reports whether two collections without a difference differ in volatile fields.
func Moved(before, after Collection) bool {
	return !slices.EqualFunc(before.Resources, after.Resources, func(b, a Resource) bool { return reflect.DeepEqual(b.Box, a.Box) })
}
