package sim

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// jsonOf is what a value of the client holds, as JSON would say it.
func jsonOf(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// planOf lists the attributes in which what was read is not what is desired, as a plan
// of Terraform would. Attributes that the configuration does not name do not count, nor
// does the order of a list.
func planOf(path string, desired, read any, hidden []string) []string {
	switch want := desired.(type) {
	case map[string]any:
		have, _ := read.(map[string]any)
		var out []string
		for name, value := range want {
			if !slices.Contains(hidden, name) {
				out = append(out, planOf(path+"."+name, value, have[name], hidden)...)
			}
		}
		return out
	case []any:
		have, isList := read.([]any)
		if !isList || len(have) != len(want) {
			return []string{fmt.Sprintf("%s: %v instead of %v", path, read, desired)}
		}
		rest := slices.Clone(have)
		for _, value := range want {
			i := slices.IndexFunc(rest, func(row any) bool { return len(planOf("", value, row, hidden)) == 0 })
			if i < 0 {
				return []string{fmt.Sprintf("%s: no %v in %v", path, value, have)}
			}
			rest = slices.Delete(rest, i, i+1)
		}
		return nil
	}
	if !reflect.DeepEqual(desired, read) {
		return []string{fmt.Sprintf("%s: %v instead of %v", path, read, desired)}
	}
	return nil
}

// rows are the objects in a list, bare or in whichever attributes of a page.
func rows(page any) []map[string]any {
	var lists []any
	switch page := page.(type) {
	case []any:
		lists = []any{page}
	case map[string]any:
		for name, v := range page {
			if name != "links" {
				lists = append(lists, v)
			}
		}
	}
	var out []map[string]any
	for _, list := range lists {
		elements, _ := list.([]any)
		for _, e := range elements {
			if object, is := e.(map[string]any); is {
				out = append(out, object)
			}
		}
	}
	return out
}

// The plan of these tests sees what differs.
func TestPlanOf(t *testing.T) {
	for _, c := range []struct{ desired, read, want string }{
		{`{"a":1,"b":[1,2]}`, `{"a":1,"b":[2,1],"c":3}`, ``},
		{`{"a":1,"secret":2}`, `{"a":1}`, ``},
		{`{"a":1}`, `{"a":2}`, `.a: 2 instead of 1`},
		{`{"a":{"b":true}}`, `{"a":{}}`, `.a.b: <nil> instead of true`},
		{`{"a":{"b":true}}`, `{}`, `.a.b: <nil> instead of true`},
		{`{"a":[]}`, `{}`, `.a: <nil> instead of []`},
		{`{"a":["x","x"]}`, `{"a":["x","y"]}`, `.a: no x in [x y]`},
		{`{"a":[{"b":1}]}`, `{"a":[{"b":1,"c":2}]}`, ``},
		{`{"a":[{"b":1}]}`, `{"a":[{"b":1},{"b":2}]}`, `.a: [map[b:1] map[b:2]] instead of [map[b:1]]`},
	} {
		var desired, read any
		if err := json.Unmarshal(fmt.Appendf(nil, "[%s,%s]", c.desired, c.read), &[]*any{&desired, &read}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(planOf("", desired, read, []string{"secret"}), " "); got != c.want {
			t.Errorf("%s from %s: %q, want %q", c.desired, c.read, got, c.want)
		}
	}
}
