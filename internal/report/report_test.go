package report

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func finding(id string, s access.Severity, edit ...func(*Finding)) Finding {
	f := Finding{Finding: access.Finding{
		V: 1, ID: id, Rule: "network/open-to-world", Ref: access.Ref{Scope: access.ProjectScope("a"), Kind: access.KindIPAccessEntry, Name: id}, State: access.FindingOpen, Severity: s, Message: id,
	}, Gate: GateNetwork, ProjectTitle: "orders-prod"}
	for _, e := range edit {
		e(&f)
	}
	return f
}

func waived(f *Finding)   { f.State, f.Waiver = access.FindingWaived, access.WaiverNote{ID: "w"} }
func unjudged(f *Finding) { f.Unknown = "denied" }
func resolved(f *Finding) { f.State = access.FindingResolved }

func TestGateOf(t *testing.T) {
	for rule, want := range map[string]Gate{
		"network/open-to-world": GateNetwork, "dbuser/unscoped": GateDatabase, "role/unused": GateDatabase, "dbauth/ldap-plain": GateDatabase,
		"member/stale": GatePeople, "invite/stale": GatePeople, "federation/not-configured": GatePeople, "key/unused": GateMachines,
		"serviceaccount/secret-expiring": GateMachines, "org/mfa-not-required": GateOrganization, "project/auditing-off": GateOrganization,
		"watch/own-access": GateOrganization, "ours/naming": GateOther, "network": GateNetwork, "": GateOther,
	} {
		if got := GateOf(rule); got != want {
			t.Errorf("GateOf(%q) = %q, want %q", rule, got, want)
		}
	}
}

func TestFailOn(t *testing.T) {
	for _, c := range []struct {
		name     string
		findings []Finding
		compare  bool
		on       access.Severity
		want     bool
	}{
		{"nothing", nil, false, access.Info, false},
		{"as severe", []Finding{finding("a", access.High)}, false, access.High, true},
		{"worse", []Finding{finding("a", access.Critical)}, false, access.High, true},
		{"less severe", []Finding{finding("a", access.Medium)}, false, access.High, false},
		{"waived", []Finding{finding("a", access.Critical, waived)}, false, access.Info, false},
		{"resolved", []Finding{finding("a", access.Critical, resolved)}, false, access.Info, false},
		{"cannot be judged now", []Finding{finding("a", access.High, unjudged)}, false, access.High, true},
		{"a severity that nobody knows", []Finding{finding("a", "dire")}, false, access.Critical, true},
		{"known to the baseline", []Finding{finding("a", access.Critical)}, true, access.Info, false},
		{"new", []Finding{finding("a", access.Critical, func(f *Finding) { f.New = true })}, true, access.High, true},
	} {
		r := Report{Findings: c.findings}
		if c.compare {
			r.Compared = &Compared{}
		}
		if got := r.FailOn(c.on); got != c.want {
			t.Errorf("%s: FailOn(%s) = %v, want %v", c.name, c.on, got, c.want)
		}
	}
}

// by sets the digest of the values that violate.
func by(digest string) func(*Finding) { return func(f *Finding) { f.Digest = digest } }

func TestBaseline(t *testing.T) {
	at := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	judged := []Scope{{Scope: access.ProjectScope("a"), Judged: map[string]Judged{"network/open-to-world": {Pass: 1}}}}
	unsure := []Scope{{Scope: access.ProjectScope("a"), Judged: map[string]Judged{"network/open-to-world": {Unknown: 1}}}}
	for _, c := range []struct {
		name     string
		was, now []Finding
		scopes   []Scope
		why      string // of the first finding
		want     Compared
	}{
		{"the same", []Finding{finding("a", access.High)}, []Finding{finding("a", access.High)}, judged, "", Compared{Known: 1}},
		{"another", nil, []Finding{finding("a", access.High)}, judged, "not in the baseline", Compared{New: 1}},
		{"was over", []Finding{finding("a", access.High, resolved)}, []Finding{finding("a", access.High)}, judged, "not in the baseline", Compared{New: 1}},
		{"its waiver ended", []Finding{finding("a", access.High, waived)}, []Finding{finding("a", access.High)}, judged, "was waived in the baseline", Compared{New: 1}},
		{"is waived now", []Finding{finding("a", access.High)}, []Finding{finding("a", access.High, waived)}, judged, "", Compared{}},
		{"still waived", []Finding{finding("a", access.High, waived)}, []Finding{finding("a", access.High, waived)}, judged, "", Compared{}},
		{"could not be judged then", []Finding{finding("a", access.High, unjudged)}, []Finding{finding("a", access.High)}, judged, "could not be judged in the baseline", Compared{New: 1}},
		{"cannot be judged now", []Finding{finding("a", access.High)}, []Finding{finding("a", access.High, unjudged)}, unsure, "", Compared{Known: 1}},
		{"got worse", []Finding{finding("a", access.Medium)}, []Finding{finding("a", access.High)}, judged, "was medium in the baseline", Compared{New: 1}},
		{"got better", []Finding{finding("a", access.High)}, []Finding{finding("a", access.Low)}, judged, "", Compared{Known: 1}},
		{"by the same values", []Finding{finding("a", access.High, by("x"))}, []Finding{finding("a", access.High, by("x"))}, judged, "", Compared{Known: 1}},
		{"by other values", []Finding{finding("a", access.High, by("x"))}, []Finding{finding("a", access.High, by("y"))}, judged, "violates by other values than in the baseline", Compared{New: 1}},
		{"by other values, waived", []Finding{finding("a", access.High, waived, by("x"))}, []Finding{finding("a", access.High, waived, by("y"))}, judged, "", Compared{}},
		{"a baseline without values", []Finding{finding("a", access.High)}, []Finding{finding("a", access.High, by("x"))}, judged, "the baseline does not say which values violated", Compared{New: 1, NoValues: 1}},
		{"gone", []Finding{finding("a", access.High)}, nil, judged, "", Compared{Gone: 1}},
		{"gone while nobody could tell", []Finding{finding("a", access.High)}, nil, unsure, "", Compared{Unjudged: 1}},
		{"gone with its project", []Finding{finding("a", access.High)}, nil, nil, "", Compared{Unjudged: 1}},
	} {
		now := Report{Findings: c.now, Scopes: c.scopes}
		got := now.Baseline(Report{At: at, Findings: c.was})
		c.want.At = at
		if d := cmp.Diff(&c.want, got.Compared); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
		if len(got.Findings) > 0 && (got.Findings[0].NewWhy != c.why || got.Findings[0].New != (c.why != "")) {
			t.Errorf("%s: new %v because %q, want %q", c.name, got.Findings[0].New, got.Findings[0].NewWhy, c.why)
		}
		if len(c.now) > 0 && (c.now[0].New || now.Compared != nil) {
			t.Errorf("%s: the report itself was changed", c.name)
		}
	}
}

func TestKeep(t *testing.T) {
	r := Report{
		Findings: []Finding{
			finding("a", access.Critical, func(f *Finding) { f.New, f.Environment = true, "prod" }),
			finding("b", access.Low, func(f *Finding) {
				f.Rule, f.Gate, f.ProjectTitle, f.Ref.Scope = "key/unused", GateMachines, "stock-dev", access.ProjectScope("b")
			}),
		},
		Unknown: []Unknown{{Rule: "key/unused"}},
	}
	for _, c := range []struct {
		name   string
		filter Filter
		want   string
	}{
		{"all", Filter{}, "a b"}, {"severity", Filter{AtLeast: access.High}, "a"}, {"gate", Filter{Gates: []Gate{GateMachines}}, "b"},
		{"rule", Filter{Rules: []string{"key/*"}}, "b"}, {"title", Filter{Projects: []string{"*-prod"}}, "a"}, {"id", Filter{Projects: []string{"b"}}, "b"},
		{"environment", Filter{Environments: []string{"prod"}}, "a"}, {"new", Filter{OnlyNew: true}, "a"}, {"none", Filter{AtLeast: access.High, Gates: []Gate{GateMachines}}, ""},
	} {
		kept := r.Keep(c.filter)
		var ids []string
		for _, f := range kept.Findings {
			ids = append(ids, f.ID)
		}
		if got := strings.Join(ids, " "); got != c.want || len(kept.Unknown) != 1 || len(r.Findings) != 2 {
			t.Errorf("%s: kept %q (%d unknown), want %q with what is unknown", c.name, got, len(kept.Unknown), c.want)
		}
	}
}

func TestFramework(t *testing.T) {
	r := Report{
		Rules: []Rule{
			{ID: "network/open-to-world", Controls: []string{"CC6.6", "A.8.20", "PCI 1.3", "CIS 12"}},
			{ID: "dbuser/unscoped", Controls: []string{"CC6.1", "A.8.3", "PCI 7.2", "CIS 6"}},
			{ID: "dbauth/ldap-plain", Controls: []string{"A.8.3", "A.8.24", "X 1"}},
			{ID: "key/unused", Controls: []string{"A.5.17", "A.5.17"}},
			{ID: "org/mfa-not-required", Controls: []string{"A.8.5"}},
		},
		Findings:   []Finding{finding("a", access.High), finding("b", access.Low), finding("c", access.Low, waived), finding("d", access.High, resolved), finding("w", access.Low, waived, func(f *Finding) { f.Rule = "key/unused" })},
		Unknown:    []Unknown{{Rule: "dbuser/unscoped", Count: 3}},
		NotCovered: []NotCovered{{Rule: "dbauth/ldap-plain"}},
	}
	got, err := Framework(r, "iso27001")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A.5.17 waived", "A.8.3 unknown", "A.8.5 no findings", "A.8.20 findings", "A.8.24 not covered"}
	var lines []string
	for _, c := range got.Controls {
		lines = append(lines, c.ID+" "+string(c.State))
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if c := got.Controls[3]; !slices.Equal(c.Findings, []string{"a", "b"}) || !slices.Equal(c.Waived, []string{"c"}) {
		t.Errorf("A.8.20 has %v, waived %v", c.Findings, c.Waived)
	}
	if c := got.Controls[1]; c.Unknown != 3 || !slices.Equal(c.NotCovered, []string{"dbauth/ldap-plain"}) {
		t.Errorf("A.8.3: %d unknown, %v not covered", c.Unknown, c.NotCovered)
	}
	if _, err := Framework(r, "hipaa"); err == nil || !strings.Contains(err.Error(), "soc2, iso27001, pci4, cis8") {
		t.Errorf("an unknown framework: %v", err)
	}
	for _, name := range Frameworks() {
		if g, err := Framework(sample(60, false), name); err != nil || len(g.Controls) == 0 {
			t.Errorf("%s: %d controls, %v", name, len(g.Controls), err)
		}
	}
}

// TestNeverCompliant reads every format for the word that no tool may say.
func TestNeverCompliant(t *testing.T) {
	for _, r := range []Report{sample(40, false), {}} {
		for _, format := range Formats() {
			for _, framework := range append(Frameworks(), "") {
				out := strings.ToLower(written(t, format, r, Options{Framework: framework}))
				if strings.Contains(out, "compliant") || strings.Contains(out, "complies") || strings.Contains(out, "in compliance") {
					t.Errorf("%s with framework %q calls something compliant", format, framework)
				}
			}
		}
	}
}

func written(t *testing.T, format string, r Report, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(format, &b, r, o); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

// TestOrder shuffles every list: the bytes stay.
func TestOrder(t *testing.T) {
	r := sample(80, true)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, format := range Formats() {
		o := Options{Framework: "soc2"}
		want := written(t, format, r, o)
		for range 3 {
			mixed := r
			mixed.Scopes, mixed.Rules, mixed.Findings = shuffled(rng, r.Scopes), shuffled(rng, r.Rules), shuffled(rng, r.Findings)
			mixed.Unknown, mixed.NotCovered, mixed.Waivers = shuffled(rng, r.Unknown), shuffled(rng, r.NotCovered), shuffled(rng, r.Waivers)
			if got := written(t, format, mixed, o); got != want {
				t.Errorf("%s depends on the order in which the report was filled in", format)
			}
		}
	}
}

func shuffled[T any](rng *rand.Rand, in []T) []T {
	out := slices.Clone(in)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func TestWriteRefuses(t *testing.T) {
	for _, c := range []struct{ format, framework, want string }{
		{"pdf", "", `format "pdf": there are table, json, sarif, junit, csv, ocsf, html`},
		{"table", "hipaa", `framework "hipaa": there are soc2, iso27001, pci4, cis8`},
	} {
		if err := Write(c.format, io.Discard, Report{}, Options{Framework: c.framework}); err == nil || err.Error() != c.want {
			t.Errorf("Write(%q, %q): %v, want %s", c.format, c.framework, err, c.want)
		}
	}
}

// TestNothingFallsBetween is a report whose findings and unknowns name scopes and rules
// that its lists lack.
func TestNothingFallsBetween(t *testing.T) {
	r := Report{
		Findings: []Finding{finding("the-entry", "dire", func(f *Finding) { f.Rule, f.Gate = "ours/naming", "" })},
		Unknown:  []Unknown{{Rule: "ours/other", Ref: access.Ref{Scope: access.OrgScope("b")}, Why: "the-reason"}},
	}
	for _, format := range Formats() {
		out := written(t, format, r, Options{})
		if !strings.Contains(out, "the-entry") {
			t.Errorf("%s lost the finding", format)
		}
		if format != "csv" && !strings.Contains(out, "the-reason") {
			t.Errorf("%s lost what could not be judged", format)
		}
	}
}
