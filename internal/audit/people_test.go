package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// hidden is a message as the chain keeps it, with <name> in the place of each pseudonym.
func hidden(t testing.TB, p *People, raw string) string {
	t.Helper()
	spans, left, err := p.Hide(t.Context(), []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	body, ok := replaced([]byte(raw), spans)
	if !ok {
		t.Fatalf("%s: spans %v lie outside", raw, spans)
	}
	for _, s := range spans {
		name, err := p.Name(t.Context(), s.Person)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.ReplaceAll(body, []byte(Pseudonym(s.Person)), []byte("<"+strings.ToLower(name)+">"))
	}
	return string(left) + string(body)
}

func TestHide(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, raw, want string }{
		{"an actor", `{"actor":{"type":"human","name":"alice","id":"5f01","address":"198.51.100.4"}}`, `{"actor":{"type":"human","name":"<alice>","id":"<5f01>","address":"<198.51.100.4>"}}`},
		{"a machine", `{"actor":{"name":"mdb_sa_id_1","id":"5f01","type":"service_account"}}`, ""},
		{"whoever does not say what it is", `{"actor":{"name":"kxyz"}}`, `{"actor":{"name":"<kxyz>"}}`},
		{"an e-mail anywhere", `{"x":["opened by Alice@example.com.", 1],"bob+x@mail.example.com":true}`, `{"x":["opened by <alice@example.com>.", 1],"<bob+x@mail.example.com>":true}`},
		{"no e-mail", `{"role":"readWrite@ecommerce","at":"@x"}`, ""},
		{"a user name, and wherever else it is", `{"after":{"kind":"database_user","state":{"username":"rajesh"}},"message":"Rajesh, and rajesh2, and admin/rajesh"}`, `{"after":{"kind":"database_user","state":{"username":"<rajesh>"}},"message":"<rajesh>, and rajesh2, and admin/<rajesh>"}`},
		{"a declared machine", `{"username":"prod_app_user"}`, ""},
		{"a Ref", `{"ref":{"scope":"prj.1","kind":"database_user","name":"$external/CN=alice"}}`, `{"ref":{"scope":"prj.1","kind":"database_user","name":"$external/<cn=alice>"}}`},
		{"a Ref on no person", `{"ref":{"kind":"ip_access_entry","name":"203.0.113.10/32"}}`, ""},
		{"addresses of logins", `{"addresses":["198.51.100.4"],"lastFrom":{"198.51.100.5":"2026-01-01T00:00:00Z"}}`, `{"addresses":["<198.51.100.4>"],"lastFrom":{"<198.51.100.5>":"2026-01-01T00:00:00Z"}}`},
		{"escapes", `{"m":"\nalice\u0040example.com\t\"x\" caf\u00e9"}`, `{"m":"\n<alice@example.com>\t\"x\" caf\u00e9"}`},
		{"a short name only by itself", `{"by":"ab","x":"ab","m":"ab and ab"}`, `{"by":"<ab>","x":"<ab>","m":"ab and ab"}`},
		{"names that overlap", `{"username":"carol a","m":"carol a@example.com"}`, `{"username":"<carol a>","m":"<carol a@example.com>"}`},
		{"an empty name", `{"by":"","x":""}`, ""},
		{"white space and numbers stay", "{ \"by\" : \"carol\" ,\n \"n\" : [ -1.5e3 , null ] }", "{ \"by\" : \"<carol>\" ,\n \"n\" : [ -1.5e3 , null ] }"},
		{"not JSON", `{"by":"carol"`, `not JSON{"by":"carol"`},
		{"not UTF-8", "{\"by\":\"\xff\"}", "not JSON{\"by\":\"\xff\"}"},
	} {
		if c.want == "" {
			c.want = c.raw
		}
		if got := hidden(t, w.people, c.raw); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Whatever a message is: the body stays JSON, holds no name that was found, and goes back to
// the very message.
func TestHideAnyMessage(t *testing.T) {
	w := newWorld(t)
	word := rapid.SampledFrom([]string{"alice", "alice@example.com", "bob", "x", "", "CN=bob", "a\"b", "é\n", "name", "type", "api_key", "\u2028"})
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaf := rapid.Map(word, func(s string) any { return s })
		if depth == 0 {
			return leaf
		}
		key := rapid.OneOf(word, rapid.SampledFrom([]string{"actor", "username", "by", "kind", "ref", "lastFrom", "message"}))
		return rapid.OneOf(leaf,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 4), func(v []any) any { return v }),
			rapid.Map(rapid.MapOfN(key, value(depth-1), 0, 5), func(v map[string]any) any { return v }))
	}
	rapid.Check(t, func(rt *rapid.T) {
		raw, err := json.Marshal(value(4).Draw(rt, "message"))
		if err != nil {
			rt.Fatal(err)
		}
		found, _ := find(raw, func(string) bool { return false })
		spans, left, err := w.people.Hide(context.Background(), raw)
		body, ok := replaced(raw, spans)
		if err != nil || !ok || left != "" && left != LeftMany || left == "" && !json.Valid(body) {
			rt.Fatalf("%s: %s, %v, left out as %q", raw, body, err, left)
		}
		if bytes.Contains(bytes.ToLower(body), []byte("alice@example.com")) {
			rt.Fatalf("%s: %s names a person", raw, body)
		}
		for i, s := range spans {
			key, err := w.people.Key(context.Background(), s.Person)
			if err != nil || s.At != found[i].at || macOf(key, raw[s.At:s.At+s.Len]) != s.Mac {
				rt.Fatalf("%s: span %v does not go back", raw, s)
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{`{"by":"\ud83d\ude00alice@example.com\\"}`, `[["a"],{"b":{}}]`, `"\u0040"`, `{"lastFrom":{"1":[]}}`, ` 1 `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, isJSON := find(raw, func(string) bool { return false })
		if isJSON != (json.Valid(raw) && bytes.Equal(raw, bytes.ToValidUTF8(raw, []byte("?")))) {
			t.Fatalf("%q is JSON: %v", raw, isJSON)
		}
		at := 0
		var spans []Span
		for _, s := range found {
			if s.at < at || s.end <= s.at || s.end > len(raw) {
				t.Fatalf("%q: %v", raw, found)
			}
			at = s.end
			spans = append(spans, Span{At: s.at, Len: s.end - s.at, Person: "00"})
		}
		body, ok := replaced(raw, spans)
		if !ok || isJSON && !json.Valid(body) && !(len(found) == 1 && found[0].name == crowd) {
			t.Fatalf("%q becomes %q", raw, body)
		}
	})
}

// A name and an e-mail have different rows; one name has one, however it is spelled and
// whoever asks.
func TestPeopleRows(t *testing.T) {
	w := newWorld(t)
	ids := make(chan string, 20)
	for n := range 20 {
		go func() {
			name := []string{"alice@example.com", "ALICE@example.com"}[n%2]
			p, err := w.people.take(context.Background(), name)
			if err != nil {
				p.ID = err.Error()
			}
			ids <- p.ID
		}()
	}
	all := map[string]bool{}
	for range 20 {
		all[<-ids] = true
	}
	if len(all) != 1 || len(w.table.all) != 2 {
		t.Errorf("ids %v, and %d rows", all, len(w.table.all))
	}
	for key, value := range w.table.all {
		if strings.Contains(key+string(value), "alice") {
			t.Errorf("the table tells a name: %s %q", key, value)
		}
	}
	other, err := NewPeople(w.table, bytes.Repeat([]byte{8}, 32), PeopleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for id := range all {
		if name, err := other.Name(t.Context(), id); err == nil {
			t.Errorf("another secret opens the table: %q", name)
		}
	}
	if _, err := NewPeople(w.table, make([]byte, 31), PeopleOptions{}); err == nil {
		t.Error("a short secret: no error")
	}
}

func TestHideBounds(t *testing.T) {
	for n, want := range map[int]Left{most: "", most + 1: LeftMany} {
		w := newWorld(t)
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("p%d@example.com", i)
		}
		raw, err := json.Marshal(names)
		if err != nil {
			t.Fatal(err)
		}
		spans, left, err := w.people.Hide(t.Context(), raw)
		if err != nil || left != want || left == "" && len(spans) != n || left != "" && (len(spans) != 1 || spans[0].Len != len(raw)) {
			t.Errorf("%d persons: %d spans, left out as %q, %v", n, len(spans), left, err)
		}
	}
}

// A crash in the middle of making a row leaves an id that is nobody's.
func TestPeopleAfterACrash(t *testing.T) {
	w := newWorld(t)
	w.table.fail = func(step string) error {
		if step == "created" {
			return errBroken
		}
		return nil
	}
	if _, err := w.people.take(t.Context(), "alice"); err == nil {
		t.Fatal("no error")
	}
	w.table.fail = nil
	p, err := w.people.take(t.Context(), "alice")
	if err != nil || len(w.table.all) != 3 {
		t.Fatalf("%v, %d rows", err, len(w.table.all))
	}
	for key := range w.table.all {
		id, isID := strings.CutPrefix(key, "i.")
		if !isID {
			continue
		}
		name, err := w.people.Name(t.Context(), id)
		if err != nil || (name == "alice") != (id == p.ID) {
			t.Errorf("%s is %q, %v", id, name, err)
		}
	}
}

// Rows exchanged between keys of the table do not open.
func TestPeopleRowsCannotBeExchanged(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"alice", "bob"} {
		if _, err := w.people.take(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	a, b := w.people.nameKey("alice"), w.people.nameKey("bob")
	w.table.all[a], w.table.all[b] = w.table.all[b], w.table.all[a]
	if p, err := w.people.take(t.Context(), "alice"); err == nil {
		t.Errorf("alice is %v", p)
	}
}

func TestErase(t *testing.T) {
	for _, broken := range []string{"", "delete", "deleted"} {
		for nth := range 2 {
			w := newWorld(t, "A")
			w.say(2, "alice@example.com")
			w.say(2, "bob@example.com")
			w.record()
			if got := codes(verify(t, w.check())); !slices.Equal(got, []string{"?uncovered"}) {
				t.Fatalf("before: %v", got)
			}
			n := 0
			w.table.fail = func(step string) error {
				if step == broken {
					if n++; n-1 == nth {
						return errBroken
					}
				}
				return nil
			}
			found, err := w.people.Erase(t.Context(), "Alice@Example.com")
			if err == nil != (broken == "") {
				t.Fatalf("%s: %v", broken, err)
			}
			w.table.fail = nil
			if again, err := w.people.Erase(t.Context(), "alice@example.com"); err != nil || found && again {
				t.Fatalf("again: %v, %v", again, err)
			}
			w.erased(fmt.Sprintf("%s fails the %d. time", broken, nth))
		}
	}
}

// erased checks that nobody knows alice, all else stands, and the name is taken anew.
func (w *world) erased(how string) {
	w.t.Helper()
	r := verify(w.t, w.check())
	if got := codes(r); !slices.Equal(got, []string{"?person-erased", "?uncovered"}) || r.Sources[0].Matched != 4 {
		w.t.Errorf("%s: %s %v", how, r.Summary(), r.Problems)
	}
	for x, err := range Facts(w.t.Context(), w.log.records(), Range{}, w.people) {
		if err != nil || strings.Contains(fmt.Sprint(x), "alice") {
			w.t.Errorf("%s: %v: %v", how, x, err)
		}
	}
	if len(w.table.all) != 4 {
		w.t.Errorf("%s: %d rows are left, want those of bob and of the address", how, len(w.table.all))
	}
	w.say(1, "alice@example.com")
	w.record()
	if r := verify(w.t, w.check()); r.Found != 0 || r.Unknown[0].Count != 4 {
		w.t.Errorf("%s, and back: %s %v", how, r.Summary(), r.Problems)
	}
	// With her key gone, another name in her place cannot be told, and is not called clean; any
	// other change is still found.
	w.sources[0].all[0].Body = bytes.ReplaceAll(w.sources[0].all[0].Body, []byte("opened"), []byte("0pened"))
	if got := codes(verify(w.t, w.check())); !slices.Contains(got, "differs") {
		w.t.Errorf("%s: a change is not found: %v", how, got)
	}
}
