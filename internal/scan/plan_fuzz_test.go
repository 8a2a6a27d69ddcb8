package scan

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// FuzzOpenPresent: whatever file is given for what is true now, it is refused or compared; a
// configuration in its own place does nothing to it.
func FuzzOpenPresent(f *testing.F) {
	var whole bytes.Buffer
	w, err := NewHistoryWriter(&whole, History{Since: at.Add(-time.Hour), At: at, Orgs: []string{orgID}, Acting: &Acting{Profile: "scan"}})
	if err != nil {
		f.Fatal(err)
	}
	prod := access.ProjectScope(prodID)
	doc := access.Findings{V: 1, Scope: prod, Findings: map[string]access.Finding{"f": {ID: "f", Rule: "network/open-to-world", Ref: access.Ref{Scope: prod, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}, State: access.FindingOpen, Episode: 1}}}
	for _, err := range []error{
		w.Collection(access.NewCollection(prod, access.KindProject, []access.State{access.Project{ID: prodID, OrgID: orgID, Title: "shop-prod"}}), 1),
		w.Collection(access.NewCollection(prod, access.KindIPAccessEntry, []access.State{access.IPAccessEntry{Entry: "0.0.0.0/0"}}), 2),
		w.Use(access.History{Scope: prod}), w.Findings(doc), w.Action(access.Action{ID: "f-1", Ref: access.Ref{Scope: prod}}), w.Close(),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	f.Add(whole.Bytes())
	f.Add(bytes.ReplaceAll(whole.Bytes(), []byte(`"v":3`), []byte(`"v":2`)))
	f.Add(whole.Bytes()[:whole.Len()/2])
	f.Add([]byte(`{"history":{"v":3,"since":"2026-01-01T00:00:00Z","at":"2026-01-02T00:00:00Z","orgs":[""]}}` + "\n" + `{"end":{"collections":0,"changes":0}}`))
	f.Add([]byte("{}"))
	e, err := rules.Load(rules.Policy{Environments: []access.Environment{{Name: "prod", Projects: []string{"*-prod"}}}})
	if err != nil {
		f.Fatal(err)
	}
	side := Side{Engine: e.Only("network/open-to-world", "network/undeclared-source")}
	file := filepath.Join(f.TempDir(), "present")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		p, _, err := OpenPresent(file)
		if err != nil {
			return
		}
		out := Compare(p, CompareOptions{New: side, Old: &side})
		for _, x := range out.Findings {
			if x.Effect != report.EffectNone {
				t.Errorf("in its own place: %s %s %s: %s", x.Effect, x.Rule, x.Ref, x.Why)
			}
		}
	})
}
