package report

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestCSVUnknown: what could not be judged has rows of its own, also under controls.
func TestCSVUnknown(t *testing.T) {
	r := Report{
		Rules:  []Rule{{ID: "network/open-to-world", Title: "T", Gate: GateNetwork, Controls: []string{"CC6.6", "CC6.1", "A.8.20"}}},
		Scopes: []Scope{{Scope: access.ProjectScope("a"), Title: "=shop", Environment: "prod"}}, Findings: []Finding{finding("x", access.High)},
		Unknown: []Unknown{{Rule: "network/open-to-world", Ref: access.Ref{Scope: access.ProjectScope("a"), Kind: access.KindIPAccessEntry}, Why: "the list was not read", Count: 3}},
	}
	for framework, want := range map[string]int{"": 1, "soc2": 2, "pci4": 0} {
		rows, err := csv.NewReader(strings.NewReader(written(t, "csv", r, Options{Framework: framework}))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]int{}
		for i, name := range rows[0] {
			at[name] = i
		}
		n := 0
		for _, row := range rows[1:] {
			if row[at["state"]] != "unknown" {
				continue
			}
			n++
			for name, cell := range map[string]string{
				"severity": "", "gate": "network", "environment": "prod", "project": "'=shop", "scope": "prj.a", "rule": "network/open-to-world",
				"kind": "ip_access_entry", "message": "3 could not be judged", "unknown": "the list was not read", "origin": "", "opened": "", "id": "",
			} {
				if row[at[name]] != cell {
					t.Errorf("%q: %s is %q, want %q", framework, name, row[at[name]], cell)
				}
			}
		}
		if n != want || len(rows) != 1+2*want {
			t.Errorf("%q: %d of %d rows are unknown, want %d", framework, n, len(rows)-1, want)
		}
	}
}
