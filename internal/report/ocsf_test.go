package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ocsfAttributes are the required and recommended attributes of class 2003 and of the
// objects that a line uses, in the form of schema.ocsf.io/1.4.0, from the repository
// github.com/ocsf/ocsf-schema: events/{base_event, findings/finding,
// findings/compliance_finding}.json and objects/{compliance, finding_info, analytic,
// metadata, product, remediation, resource_details}.json. Left out are recommended ones
// that a scan has nothing to say to: timezone_offset, status_code, product.lang,
// resource_details.owner of a resource without one, and remediation.kb_article_list.
var ocsfAttributes = []struct {
	path string // of the attribute, with [] for each of a list
	kind string
	only []any // the values that the class allows here; nil: any
}{
	{"activity_id", "integer", []any{1.0, 2.0, 3.0}},
	{"category_uid", "integer", []any{2.0}},
	{"class_uid", "integer", []any{2003.0}},
	{"type_uid", "integer", []any{200301.0, 200302.0, 200303.0}},
	{"severity_id", "integer", []any{0.0, 1.0, 2.0, 3.0, 4.0, 5.0}},
	{"time", "integer", nil},
	{"message", "string", nil},
	{"status_id", "integer", []any{1.0, 2.0, 3.0, 4.0}},
	{"confidence_id", "integer", []any{0.0, 3.0}},
	{"compliance.standards", "list", nil},
	{"compliance.control", "string", nil},
	{"compliance.status", "string", []any{"Fail", "Warning"}},
	{"compliance.status_id", "integer", []any{2.0, 3.0}},
	{"finding_info.uid", "string", nil},
	{"finding_info.title", "string", nil},
	{"finding_info.analytic.type_id", "integer", []any{1.0}},
	{"finding_info.analytic.name", "string", nil},
	{"finding_info.analytic.uid", "string", nil},
	{"metadata.version", "string", []any{"1.4.0"}},
	{"metadata.log_name", "string", nil},
	{"metadata.log_provider", "string", nil},
	{"metadata.original_time", "string", nil},
	{"metadata.product.name", "string", []any{"Gatewarden"}},
	{"metadata.product.vendor_name", "string", nil},
	{"metadata.product.uid", "string", nil},
	{"remediation.desc", "string", nil},
	{"resources[].uid", "string", nil},
	{"resources[].name", "string", nil},
	{"resources[].type", "string", nil},
}

// ocsfCaptions are the captions of enumerated values, which the sibling attribute repeats.
var ocsfCaptions = map[string]map[float64]string{
	"activity_id/activity_name": {1: "Create", 2: "Update", 3: "Close"},
	"severity_id/severity":      {0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"},
	"status_id/status":          {1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved"},
	"confidence_id/confidence":  {0: "Unknown", 3: "High"},
}

func ocsfLines(t *testing.T, r Report) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, l := range strings.Split(strings.TrimSuffix(written(t, "ocsf", r, Options{}), "\n"), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("a line is no JSON: %v: %s", err, l)
		}
		out = append(out, m)
	}
	return out
}

func TestOCSFAttributes(t *testing.T) {
	for name, r := range map[string]Report{"5": sample(5, false), "odd": sample(60, true), "compared": full()} {
		lines := ocsfLines(t, r)
		if len(lines) != len(r.Findings)+len(r.Unknown) {
			t.Fatalf("%s: %d lines for %d findings and %d unknown", name, len(lines), len(r.Findings), len(r.Unknown))
		}
		for _, line := range lines {
			for _, a := range ocsfAttributes {
				for _, v := range at(line, strings.Split(a.path, ".")) {
					if typeOf(v) != a.kind || a.only != nil && !slices.Contains(a.only, v) {
						t.Fatalf("%s: %s is %v, want %s of %v", name, a.path, v, a.kind, a.only)
					}
				}
			}
			for pair, captions := range ocsfCaptions {
				id, caption, _ := strings.Cut(pair, "/")
				if want := captions[line[id].(float64)]; line[caption] != want {
					t.Errorf("%s: %s is %v and %s is %v, want %s", name, id, line[id], caption, line[caption], want)
				}
			}
			if line["type_uid"] != line["class_uid"].(float64)*100+line["activity_id"].(float64) {
				t.Errorf("%s: type_uid %v is not of class and activity", name, line["type_uid"])
			}
		}
	}
}

// at finds the values at a path; a missing one is nil.
func at(v any, path []string) []any {
	if len(path) == 0 {
		return []any{v}
	}
	name, each := strings.CutSuffix(path[0], "[]")
	m, _ := v.(map[string]any)
	if !each {
		return at(m[name], path[1:])
	}
	list, _ := m[name].([]any)
	if len(list) == 0 {
		return []any{nil}
	}
	var out []any
	for _, e := range list {
		out = append(out, at(e, path[1:])...)
	}
	return out
}

func typeOf(v any) string {
	switch v := v.(type) {
	case string:
		if v != "" {
			return "string"
		}
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
	case []any:
		if len(v) > 0 {
			return "list"
		}
	}
	return "nothing"
}

// TestOCSFStates is how a finding's state is told.
func TestOCSFStates(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Finding
		want [3]float64 // activity, status, result of the check
	}{
		{"open", finding("a", access.High), [3]float64{1, 1, 3}},
		{"waived", finding("a", access.High, waived), [3]float64{1, 3, 3}},
		{"acknowledged", finding("a", access.High, func(f *Finding) { f.State = access.FindingAcknowledged }), [3]float64{1, 2, 3}},
		{"resolved", finding("a", access.High, resolved), [3]float64{3, 4, 3}},
		{"cannot be judged now", finding("a", access.High, unjudged), [3]float64{1, 1, 2}},
	} {
		line := ocsfLines(t, Report{Findings: []Finding{c.f}})[0]
		got := [3]float64{line["activity_id"].(float64), line["status_id"].(float64), line["compliance"].(map[string]any)["status_id"].(float64)}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
