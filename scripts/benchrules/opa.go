package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// The rules that both engines have. Each is in rules.rego as it is in rules/builtin.
var (
	perUser  = []string{"dbuser/any-database-role", "dbuser/atlas-admin-app", "dbuser/undeclared", "dbuser/unscoped", "dbuser/without-roles", "dbuser/dangling-scope"}
	perEntry = []string{"network/entry-too-broad", "network/open-to-world", "network/undeclared-source", "network/undocumented-entry"}
	compared = slices.Concat(perUser, perEntry)
)

//go:embed rules.rego
var module string

// opa judges a whole project by one query, which is its cheapest way, over input that was
// made ready before.
type opa struct {
	query  rego.PreparedEvalQuery
	inputs map[string]ast.Value
}

func newOPA() (*opa, error) {
	q, err := rego.New(
		rego.Query("x = data.gatewarden.violation"), rego.Module("rules.rego", module),
		rego.Store(inmem.NewFromObjectWithOpts(map[string]any{"identities": identities(), "networks": []any{"203.0.113.0/24"}}, inmem.OptReturnASTValuesOnRead(true))),
	).PrepareForEval(context.Background())
	if err != nil {
		return nil, fmt.Errorf("prepare OPA: %w", err)
	}
	return &opa{q, map[string]ast.Value{}}, nil
}

func identities() []any {
	return []any{
		map[string]any{"class": "app", "suffix": "_app_user"},
		map[string]any{"class": "reporting", "prefix": "report_"},
	}
}

func (o *opa) judge(w world) (map[string]bool, error) {
	in, ok := o.inputs[w.id]
	if !ok {
		var err error
		if in, err = w.document(); err != nil {
			return nil, err
		}
		o.inputs[w.id] = in
	}
	set, err := o.query.Eval(context.Background(), rego.EvalParsedInput(in))
	if err != nil {
		return nil, fmt.Errorf("OPA: %w", err)
	}
	out := map[string]bool{}
	for _, r := range set {
		list, _ := r.Bindings["x"].([]any)
		for _, v := range list {
			pair, _ := v.([]any)
			out[fmt.Sprint(pair[0])+" "+fmt.Sprint(pair[1])] = true
		}
	}
	return out, nil
}

// document is the project as OPA sees it. Numbers that Rego would have to parse out of
// texts are given ready.
func (w world) document() (ast.Value, error) {
	type user struct {
		Name   string   `json:"name"`
		User   string   `json:"username"`
		Roles  []string `json:"roles"`
		Scopes []string `json:"scopes"`
	}
	type entry struct {
		Name    string `json:"name"`
		Bits    int    `json:"bits"`
		Comment string `json:"comment"`
	}
	doc := struct {
		Targets []string            `json:"targets"`
		Graph   map[string][]string `json:"graph"`
		Users   []user              `json:"users"`
		Entries []entry             `json:"entries"`
	}{Targets: []string{"orders", "stock"}, Graph: map[string][]string{
		"atlasAdmin":           {"readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor", "backup", "enableSharding"},
		"readWriteAnyDatabase": {"readAnyDatabase"}, "readAnyDatabase": {}, "dbAdminAnyDatabase": {}, "clusterMonitor": {}, "backup": {}, "enableSharding": {},
		"readWrite": {"read"}, "read": {},
	}}
	for _, r := range w.roles {
		doc.Graph[r.Role] = []string{}
		for _, g := range r.Inherits {
			doc.Graph[r.Role] = append(doc.Graph[r.Role], g.Role)
		}
	}
	for _, u := range w.users {
		x := user{Name: u.Name(), User: u.Username, Roles: []string{}, Scopes: []string{}}
		for _, g := range u.Roles {
			x.Roles = append(x.Roles, g.Role)
		}
		for _, s := range u.Scopes {
			x.Scopes = append(x.Scopes, s.Name)
		}
		doc.Users = append(doc.Users, x)
	}
	for _, e := range w.entries {
		bits := 0
		if _, err := fmt.Sscanf(e.Entry[slices.Index([]byte(e.Entry), '/'):], "/%d", &bits); err != nil {
			return nil, err
		}
		doc.Entries = append(doc.Entries, entry{e.Name(), bits, e.Comment})
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return ast.ValueFromReader(bytes.NewReader(raw))
}
