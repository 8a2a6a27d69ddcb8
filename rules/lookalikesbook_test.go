package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

// span is a duration that may be given in days.
type span time.Duration

// UnmarshalJSON reads 90s, 5m, 2h and 30d.
func (d *span) UnmarshalJSON(src []byte) error {
	var s string
	if err := json.Unmarshal(src, &s); err != nil {
		return err
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		*d = span(time.Duration(n) * 24 * time.Hour)
		return err
	}
	got, err := time.ParseDuration(s)
	*d = span(got)
	return err
}

// verbs are what becomes of resources at one place, by kind.
type verbs struct {
	Put  map[access.Kind][]json.RawMessage          `json:"put"`
	Edit map[access.Kind]map[string]json.RawMessage `json:"edit"` // fields by name of the resource
	Drop map[access.Kind][]string                   `json:"drop"`
}

func (v verbs) bearOn(k access.Kind) bool { return len(v.Put[k])+len(v.Edit[k])+len(v.Drop[k]) > 0 }

// visit is a database user who logs in to a cluster every day.
type visit struct {
	User    string   `json:"user"` // admin/app
	Cluster string   `json:"cluster"`
	From    []string `json:"from"`
}

// heard is an event of the feed that leaves no readable difference.
type heard struct {
	In    string      `json:"in"`
	Kind  access.Kind `json:"kind"`
	Type  string      `json:"type"`
	Name  string      `json:"name"`
	By    string      `json:"by"`
	Lasts span        `json:"lasts"` // until a later event undid it
}

// taleBook holds what all tales have in common.
type taleBook struct {
	base    tale
	conf    *yaml.Node
	engines map[string]*Engine
}

// taleIDs are the ids that the tales call by name; that of fresh says when it was made.
func taleIDs() *strings.Replacer {
	return strings.NewReplacer("$org", talePlace("org").ID(), "$prod", talePlace("prod").ID(), "$staging", talePlace("staging").ID(), "$dev", talePlace("dev").ID(), "$fresh", talePlace("fresh").ID())
}

func talePlace(name string) access.Scope {
	switch name {
	case "org":
		return access.OrgScope("64f0c0ffee64f0c0ffee64f0")
	case "prod":
		return access.ProjectScope("64f0000000000000000000b1")
	case "staging":
		return access.ProjectScope("64f0000000000000000000b2")
	case "dev":
		return access.ProjectScope("64f0000000000000000000b3")
	}
	made := time.Date(2027, 1, 11, 9, 0, 0, 0, time.UTC)
	return access.ProjectScope(fmt.Sprintf("%08x%016x", made.Unix(), len(name)))
}

func newTaleBook(t *testing.T) *taleBook {
	t.Helper()
	b := &taleBook{engines: map[string]*Engine{}}
	text, err := os.ReadFile(filepath.Join(talesDir, "base.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b.decode(t, "base.yaml", text, &b.base)
	if text, err = os.ReadFile(filepath.Join("..", "deploy", "examples", "examplecorp.yaml")); err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	b.conf = layered(t, doc.Content[0], b.base.Config)
	return b
}

// decode reads a file strictly.
func (b *taleBook) decode(t *testing.T, name string, text []byte, into any) {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(taleIDs().Replace(string(text))), &node); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	raw, err := toJSON(&node)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// merged lays one configuration over another: what it names counts, and its lists come
// before those that were there.
func merged(under, over map[string]any) map[string]any {
	out := maps.Clone(under)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range over {
		was, w := out[k].(map[string]any)
		m, n := v.(map[string]any)
		if w && n {
			v = merged(was, m)
		} else if l, ok := out[k].([]any); ok {
			v = slices.Concat(v.([]any), l)
		}
		out[k] = v
	}
	return out
}

// layered does the same to a document, which keeps its order: that of the environments
// says which is the strictest.
func layered(t *testing.T, under *yaml.Node, over map[string]any) *yaml.Node {
	t.Helper()
	out := *under
	out.Content = slices.Clone(under.Content)
	for _, k := range slices.Sorted(maps.Keys(over)) {
		var v yaml.Node
		if err := v.Encode(over[k]); err != nil {
			t.Fatal(err)
		}
		at := -1
		for i := 0; i+1 < len(out.Content); i += 2 {
			if out.Content[i].Value == k {
				at = i + 1
			}
		}
		switch {
		case at < 0:
			out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: k}, &v)
		case v.Kind == yaml.MappingNode && out.Content[at].Kind == yaml.MappingNode:
			out.Content[at] = layered(t, out.Content[at], over[k].(map[string]any))
		case v.Kind == yaml.SequenceNode && out.Content[at].Kind == yaml.SequenceNode:
			v.Content = append(v.Content, out.Content[at].Content...)
			out.Content[at] = &v
		default:
			out.Content[at] = &v
		}
	}
	return &out
}

func overlaid(a, b map[string]verbs) map[string]verbs {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]verbs{}
	}
	for place, v := range b {
		was := out[place]
		was.Put, was.Drop, was.Edit = appended(was.Put, v.Put), appended(was.Drop, v.Drop), maps.Clone(was.Edit)
		for k, fields := range v.Edit {
			if was.Edit == nil {
				was.Edit = map[access.Kind]map[string]json.RawMessage{}
			}
			all := maps.Clone(was.Edit[k])
			if all == nil {
				all = map[string]json.RawMessage{}
			}
			maps.Copy(all, fields)
			was.Edit[k] = all
		}
		out[place] = was
	}
	return out
}

func appended[T any](a, b map[access.Kind][]T) map[access.Kind][]T {
	out := maps.Clone(a)
	if out == nil {
		out = map[access.Kind][]T{}
	}
	for k, v := range b {
		out[k] = slices.Concat(out[k], v)
	}
	return out
}

// engine is one of all rules under the configuration as the tale has it.
func (b *taleBook) engine(t *testing.T, over map[string]any) *Engine {
	t.Helper()
	text, err := yaml.Marshal(layered(t, b.conf, over))
	if err != nil {
		t.Fatal(err)
	}
	if e := b.engines[string(text)]; e != nil {
		return e
	}
	f, err := config.Load("examplecorp.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	overrides := map[string]Override{}
	for id, o := range f.Rules.Overrides {
		overrides[id] = Override{Severity: o.Severity, Environments: o.Environments, Params: o.Params, AcceptRisk: o.AcceptRisk}
		if o.HasCeiling {
			over := overrides[id]
			over.Ceiling = &o.Ceiling
			overrides[id] = over
		}
	}
	e := mustLoad(t, Policy{
		Environments: f.Environments, Identities: f.Identities, Networks: f.Networks, Ranges: f.Ranges, Principals: f.Principals, Groups: f.Groups,
		Matrix: f.Matrix, Sensitive: f.Sensitive, Domains: f.AllowedDomains, Waivers: f.Waivers, Expectations: f.Expectations, Overrides: overrides,
		Own: access.OwnAccess{Credentials: []string{"mdb_sa_id_watch"}, Addresses: []string{"198.51.100.250/32"}}, Profile: f.Atlas.Profile,
	})
	b.engines[string(text)] = e
	return e
}

// ready are the resource policies that an org has that took what the rule book offers.
func (b *taleBook) ready(t *testing.T, e *Engine) (out []access.State) {
	t.Helper()
	w := newWorld(e, &Input{Scope: talePlace("org")})
	for _, id := range e.find("org/no-resource-policy").Params["rules"].([]string) {
		if p, ok := prevent.Policy(id, w.govGiven(id)); ok {
			out = append(out, access.ResourcePolicy{ID: "policy of " + id, Title: p.Name, Policies: p.Policies})
		}
	}
	return out
}
