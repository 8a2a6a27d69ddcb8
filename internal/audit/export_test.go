package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// toldWorld is a world with one fact of each kind, as the stages publish them.
func toldWorld(t *testing.T) *world {
	w := newWorld(t, "GW_CHANGES", "GW_COMMANDS", "GW_DECISIONS", "GW_EVENTS", "GW_FINDINGS")
	alice := access.Actor{Type: access.ActorHuman, Name: "alice@example.com", ID: "5f01", Address: "198.51.100.4"}
	ref := access.Ref{Scope: "prj.64f0c0ffee0000000000cafe", Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	for i, doc := range []any{
		access.Change{V: 1, ID: "c1", Ref: ref, Op: access.OpCreated, Actor: alice, Type: "NETWORK_PERMISSION_ENTRY_ADDED", Occurred: day, Observed: day},
		map[string]any{"v": 1, "type": "vote", "by": "bob"},
		access.Decision{V: 1, Type: "intent", At: day, Action: access.Action{V: 1, ID: "a1", Ref: ref}, Message: "delete 0.0.0.0/0"},
		access.Event{V: 1, ID: "e1", Type: "USER_ROLES_CHANGED", Scope: ref.Scope, Created: day, Actor: access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_1"}, Target: "bob@example.com"},
		access.FindingEvent{V: 1, At: day, To: access.FindingOpen, Finding: access.Finding{V: 1, ID: "f1", Rule: "network/open-to-world", Ref: ref, Actor: alice, Message: "alice@example.com opened it"}},
	} {
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		w.sources[i].put(day.Add(time.Duration(i)*time.Second), string(raw))
	}
	a := w.record()
	changes := w.sources[0]
	changes.put(day.Add(time.Hour), "{}")
	changes.put(day.Add(2*time.Hour), "no JSON")
	changes.forget(2)
	w.recordBy(a)
	return w
}

var (
	ids  = regexp.MustCompile(`[0-9a-f]{64}|person:[0-9a-f]{16}|"person":"[0-9a-f]{16}"|"mac":"[0-9a-f]{32}"`)
	zero = func(s string) string { return regexp.MustCompile(`[0-9a-f]{16,}`).ReplaceAllString(s, "…") }
)

// still is an export without what is random.
func still(b *bytes.Buffer) []byte { return []byte(ids.ReplaceAllStringFunc(b.String(), zero)) }

func TestExport(t *testing.T) {
	w := toldWorld(t)
	var plain, ocsf, named bytes.Buffer
	for _, err := range []error{
		Export(t.Context(), &plain, w.log.records(), Range{}, nil),
		ExportOCSF(t.Context(), &ocsf, w.log.records(), Range{}, nil),
		ExportOCSF(t.Context(), &named, w.log.records(), Range{}, w.people),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "export.golden", still(&plain))
	golden(t, "ocsf.golden", still(&ocsf))
	golden(t, "named.golden", still(&named))
	if s := plain.String() + ocsf.String(); strings.Contains(s, "alice") || strings.Contains(s, "bob") || strings.Contains(s, "198.51.100.4") {
		t.Errorf("persons are named unasked: %s", s)
	}
}

// What OCSF's class API Activity demands of every event, by the schema's own file.
func TestOCSFHasWhatTheClassDemands(t *testing.T) {
	var out bytes.Buffer
	if err := ExportOCSF(t.Context(), &out, toldWorld(t).log.records(), Range{}, nil); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(out.Bytes()) {
		var e struct {
			Activity int `json:"activity_id"`
			Type     int `json:"type_uid"`
			Class    int `json:"class_uid"`
			Category int `json:"category_uid"`
			Severity int `json:"severity_id"`
			Time     int64
			API      struct{ Operation string } `json:"api"`
			Metadata struct {
				Version string
				Product struct {
					Vendor string `json:"vendor_name"`
				}
			}
			Actor map[string]any
			From  map[string]string `json:"src_endpoint"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Type != e.Class*100+e.Activity || e.Class != 6003 || e.Category != 6 || !slices.Contains([]int{1, 3, 4, 99}, e.Activity) || e.Severity == 0 ||
			e.Time < day.UnixMilli() || e.API.Operation == "" || e.Metadata.Version == "" || e.Metadata.Product.Vendor == "" || len(e.Actor) == 0 || len(e.From) == 0 {
			t.Errorf("it lacks something: %s", line)
		}
	}
}

// A text that reads like a pseudonym is not taken for one.
func TestNamedIsNotFooled(t *testing.T) {
	w := newWorld(t, "GW_EVENTS")
	p, err := w.people.take(t.Context(), `al"ice`)
	if err != nil {
		t.Fatal(err)
	}
	w.sources[0].put(day, `{"message":"by `+Pseudonym(p.ID)+`","by":"al\"ice","x":"al\"ice"}`)
	w.record()
	var out bytes.Buffer
	if err := ExportOCSF(t.Context(), &out, w.log.records(), Range{}, w.people); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Raw string `json:"raw_data"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := string(w.sources[0].all[0].Body); got.Raw != want {
		t.Errorf("got %s, want %s", got.Raw, want)
	}
}

func TestExportRange(t *testing.T) {
	w := newWorld(t, "A", "B")
	w.say(4, "alice@example.com")
	w.record() // A1 B1 A2 B2 | A3 B3 A4 B4, a second apart
	for _, c := range []struct {
		name string
		r    Range
		want string
	}{
		{"all", Range{}, "A1 B1 A2 B2 A3 B3 A4 B4"},
		{"from an entry", Range{From: 2}, "A3 B3 A4 B4"},
		{"up to an entry", Range{To: 1}, "A1 B1 A2 B2"},
		{"of a source", Range{Source: "B", From: 2, To: 2}, "B3 B4"},
		{"since", Range{Since: day.Add(7 * time.Second)}, "A4 B4"},
		{"until", Range{Until: day.Add(3 * time.Second)}, "A1 B1"},
		{"none", Range{From: 3}, ""},
	} {
		var got []string
		for x, err := range Facts(t.Context(), w.log.records(), c.r, nil) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, x.Fact.Source+string('0'+rune(x.Fact.Seq)))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errBroken }

func TestExportSaysWhatItCannot(t *testing.T) {
	w := newWorld(t, "A")
	w.say(9, "alice@example.com")
	w.record()
	if err := Export(t.Context(), fullDisk{}, w.log.records(), Range{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("a full disk: %v", err)
	}
	w.table.fail = func(string) error { return errBroken }
	if err := Export(t.Context(), &bytes.Buffer{}, w.log.records(), Range{}, w.people); !errors.Is(err, errBroken) {
		t.Errorf("no table: %v", err)
	}
	w.log.all[1] = []byte("junk")
	var out bytes.Buffer
	if err := ExportOCSF(t.Context(), &out, w.log.records(), Range{}, nil); err == nil || !strings.Contains(err.Error(), "entry 2") {
		t.Errorf("junk: %v", err)
	}
	n, bad := 0, 0
	for x, err := range Facts(t.Context(), w.log.records(), Range{}, nil) {
		if n++; err != nil && x.Entry == 2 {
			bad++
		}
	}
	if n != 6 || bad != 1 {
		t.Errorf("the walk over junk gives %d, %d of them bad", n, bad)
	}
}
