package report

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestJSONSummary(t *testing.T) {
	read := func(statuses ...access.Status) map[access.Kind]Read {
		out := map[access.Kind]Read{}
		for i, s := range statuses {
			out[access.ProjectKinds()[i]] = Read{Status: s}
		}
		return out
	}
	found := func(id string, s access.Severity, g Gate, env string, state access.FindingState) Finding {
		return Finding{Finding: access.Finding{ID: id, Severity: s, Environment: env, State: state}, Gate: g}
	}
	r := Report{
		Scopes: []Scope{
			{Scope: "org.1", Reads: read(access.StatusDenied), Judged: map[string]Judged{"a": {Unknown: 2}}},
			{Scope: "prj.1", Environment: "prod", Reads: read(access.StatusComplete, access.StatusUnsupported), Judged: map[string]Judged{"a": {Pass: 3, Violations: 2}, "b": {NotApplicable: 1}}},
			{Scope: "prj.2", Environment: "dev", Reads: read(access.StatusComplete, access.StatusFailed)},
			{Scope: "prj.3", Reads: read(access.StatusUnsupported)},
		},
		NotCovered: []NotCovered{{Rule: "c"}},
		Findings: []Finding{
			found("1", access.High, GateNetwork, "prod", access.FindingOpen), found("2", access.High, GatePeople, "", access.FindingAcknowledged),
			found("3", access.Low, GateNetwork, "prod", access.FindingWaived), found("4", access.Low, GateNetwork, "prod", access.FindingResolved),
		},
	}
	var got struct{ Summary any }
	if err := json.Unmarshal([]byte(written(t, "json", r, Options{})), &got); err != nil {
		t.Fatal(err)
	}
	n := func(v float64) any { return v }
	want := map[string]any{
		"standing": n(2), "new": n(0), "waived": n(1), "hidden": n(0),
		"severities":   map[string]any{"critical": n(0), "high": n(2), "medium": n(0), "low": n(0), "info": n(0)},
		"gates":        map[string]any{"network": n(1), "database": n(0), "people": n(1), "machines": n(0), "organization": n(0), "other": n(0)},
		"environments": map[string]any{"": n(1), "prod": n(1), "dev": n(0)},
		"answers":      map[string]any{"pass": n(3), "violation": n(2), "unknown": n(2), "notApplicable": n(1), "notCovered": n(1)},
		"scopes":       map[string]any{"whole": n(1), "partly": n(1), "notRead": n(2)},
	}
	if diff := cmp.Diff(any(want), got.Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
