package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatewarden/gatewarden/internal/access"
)

// compiled compiles a JSON schema. Nothing is fetched: what it refers to is inside of it.
func compiled(t *testing.T, raw []byte, edit func(map[string]any)) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(doc.(map[string]any))
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, raw string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// strict refuses fields that the schema does not describe: all that is written is
// documented.
func strict(node map[string]any) {
	if _, ok := node["properties"]; ok {
		node["additionalProperties"] = false
	}
	for _, v := range node {
		switch v := v.(type) {
		case map[string]any:
			strict(v)
		case []any:
			for _, e := range v {
				if m, ok := e.(map[string]any); ok {
					strict(m)
				}
			}
		}
	}
}

// full is a sample with every field of a finding set.
func full() Report {
	r := sample(60, false).Baseline(sample(20, false))
	f := &r.Findings[0]
	at := sampleTime()
	user := access.Box{State: access.DatabaseUser{Database: "admin", Username: "app", Auth: access.AuthSCRAM}}
	f.Key, f.Class, f.Origin, f.OriginWhy, f.Ceiling, f.CauseAt, f.ResolvedAt, f.Resolution = "k", access.ClassApp, access.OriginNew, "changed", access.CeilingAsk, at, at, "gone"
	f.Expected, f.Unknown, f.UnknownSince = "e-1", "denied", at
	f.Waiver = access.WaiverNote{ID: "w", Owner: "alice", Reason: "r", Ticket: "T-1", Until: at, Renewals: 1, Source: "waivers.yaml:3", Reminded: at}
	f.Actor = access.Actor{Type: access.ActorHuman, Name: "alice@example.com", ID: "1", Address: "203.0.113.9", OnBehalfOf: "x", Principal: "alice"}
	f.Evidence = access.Evidence{
		Change: "c", Events: []string{"e"}, Source: "feed", Before: user, After: user, Causes: []access.Ref{f.Ref}, Path: []string{"a"}, Facts: map[string]string{"a": "b"}, Ended: at,
		DeclaredRoles: []access.RoleGrant{{Role: "read", Database: "a", Collection: "c"}}, DeclaredScopes: []access.UserScope{{Name: "a", Type: "CLUSTER"}},
	}
	r.Waivers[0].Waiver = access.Waiver{V: 1, ID: "w", Rule: "*", Kind: access.KindCluster, Name: "n", Project: "p", Environment: "prod", Owner: "alice", Reason: "r", Ticket: "T-1", Granted: at, Until: at, Renewals: 1, Digest: "d", Source: "waivers.yaml:3"}
	r.Rules[0].Ceiling = access.CeilingAuto
	return r
}

func TestSchema(t *testing.T) {
	lenient, exact := compiled(t, Schema(), nil), compiled(t, Schema(), strict)
	for name, r := range map[string]Report{"none": {}, "bare": {Scopes: []Scope{{Scope: "org.1"}}}, "5": sample(5, false), "500": sample(500, false), "odd": sample(60, true), "full": full()} {
		for _, framework := range []string{"", "pci4"} {
			out := written(t, "json", r, Options{Framework: framework})
			if err := valid(t, lenient, out); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := valid(t, exact, out); err != nil {
				t.Errorf("%s has what the schema does not describe: %v", name, err)
			}
		}
	}
	for name, edit := range map[string]func(*Report){
		"severity": func(r *Report) { r.Findings[0].Severity = "dire" }, "gate": func(r *Report) { r.Findings[0].Gate = "door" },
		"state": func(r *Report) { r.Findings[0].State = "fine" }, "count": func(r *Report) { r.Unknown[0].Count = -1 },
	} {
		r := sample(5, false)
		edit(&r)
		if valid(t, lenient, written(t, "json", r, Options{})) == nil {
			t.Errorf("a wrong %s passes the schema", name)
		}
	}
}

// TestJSONIsTheModel reads a report back.
func TestJSONIsTheModel(t *testing.T) {
	for name, r := range map[string]Report{"full": full(), "odd": sample(60, true)} {
		var got Report
		if err := json.Unmarshal([]byte(written(t, "json", r, Options{})), &got); err != nil {
			t.Fatal(err)
		}
		if got.Summary == nil {
			t.Fatalf("%s: no summary", name)
		}
		got.Summary = nil
		want := r.Sorted()
		if name == "odd" { // JSON has no bytes that are not text: they come back as the replacement character
			raw, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			want = Report{}
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
}
