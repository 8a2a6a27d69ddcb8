package report

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// writePreviewSARIF writes one run of SARIF 2.1.0 for a pull request: a result for each finding
// of which something changes, for each rule that comes to be reverted or cannot be judged any
// more, and for each project that moves. Each stands at the line of the new configuration, or
// of the rule's file, that causes it, else at the first line.
func writePreviewSARIF(w io.Writer, p Preview, o PreviewOptions) error {
	s := previewSARIF{Preview: p, artifact: cmp.Or(o.Artifact, p.Artifact, p.New.Name, usualArtifact), at: map[string]int{}}
	s.run = sarifRun{
		Tool:              sarifTool{Driver: sarifDriver{Name: "Gatewarden", Version: p.Version, InformationURI: homepage, Rules: []sarifRule{}}},
		Invocations:       []sarifInvocation{{Successful: true, EndTime: access.Stamp(p.At), Notifications: []sarifNotification{}}},
		AutomationDetails: map[string]string{"id": "gatewarden-plan/"},
		ColumnKind:        "utf16CodeUnits", Results: []sarifResult{},
		Properties: map[string]any{"new": p.New, "old": p.Old, "inventory": p.Inventory, "summary": p.Summary},
	}
	for _, r := range slices.Concat(p.Catalog, ownPlanRules()) {
		s.rule(r)
	}
	s.findings()
	s.responses()
	s.rules()
	s.moves()
	s.unknown()
	for _, n := range p.Notes {
		s.note("note", n)
	}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{s.run}}, "  ")
}

// previewSARIF is a run in the making.
type previewSARIF struct {
	Preview
	run      sarifRun
	artifact string
	at       map[string]int // rules by id
}

// The rules that a plan itself has: what they find is of the configuration and no rule's.
const (
	planMoves  = "plan/project-moves"
	planWrites = "plan/writes"
)

func ownPlanRules() []Rule {
	return []Rule{
		{ID: planMoves, Title: "A project comes into another environment", Why: "Its environment decides how severely a project is judged, and whether anything is reverted.", Severity: access.High},
		{ID: planWrites, Title: "More is written without being asked", Why: "What a configuration turns to revert is written to Atlas by Gatewarden itself.", Severity: access.High},
	}
}

func (s *previewSARIF) rule(r Rule) {
	if _, there := s.at[r.ID]; !there {
		s.at[r.ID] = len(s.run.Tool.Driver.Rules)
		s.run.Tool.Driver.Rules = append(s.run.Tool.Driver.Rules, sarifRuleOf(r))
	}
}

// add adds a result, with a rule for it.
func (s *previewSARIF) add(rule string, r sarifResult, id string) {
	s.rule(Rule{ID: rule, Title: rule})
	r.RuleID, r.RuleIndex, r.Fingerprints = rule, s.at[rule], fingerprints(id)
	if r.Suppressions == nil {
		r.Suppressions = []sarifSuppression{}
	}
	s.run.Results = append(s.run.Results, r)
}

func (s *previewSARIF) note(level, text string) {
	inv := &s.run.Invocations[0]
	inv.Notifications = append(inv.Notifications, sarifNotification{Level: level, Message: message(text)})
}

// place is a location at a line of a file.
func (s *previewSARIF) place(file string, line int, l sarifLocation) []sarifLocation {
	uri := s.artifact
	if file != "" && file != s.New.Name {
		uri = filepath.ToSlash(file)
	}
	l.Physical = &sarifPhysical{Artifact: map[string]string{"uri": uri}, Region: map[string]int{"startLine": max(1, line)}}
	return []sarifLocation{l}
}

func (s *previewSARIF) findings() {
	for _, f := range s.Findings {
		if f.Effect == EffectNone {
			continue
		}
		r := sarifResult{Kind: "fail", Level: level(f.Severity), Baseline: "new", Message: message(s.text(f))}
		switch f.Effect {
		case EffectCloses:
			r.Kind, r.Level, r.Baseline = "informational", "none", "absent"
		case EffectWaived:
			r.Baseline, r.Suppressions = "updated", []sarifSuppression{{Kind: "external", Status: "accepted", Justification: inert(f.Why)}}
		case EffectUnknown, EffectKnown:
			r.Kind, r.Level, r.Baseline = "open", "none", "updated"
		case EffectSeverity:
			r.Baseline = "updated"
		case EffectResponse:
			r.Kind, r.Level, r.Baseline = "review", "none", "updated"
		}
		file, line := "", 0
		if len(f.Because) > 0 {
			file, line = f.Because[0].File, f.Because[0].Line
		}
		r.Locations = s.place(file, line, locations(s.artifact, f.Ref, f.Project)[0])
		r.Properties = map[string]any{"effect": f.Effect, "severity": f.Severity, "environment": f.Environment, "because": f.Because, "old": f.Old, "new": f.New}
		if r.Level != "none" {
			r.Properties["security-severity"] = securitySeverity(f.Severity)
		}
		s.add(f.Rule, r, f.ID)
	}
}

// text is what becomes of a finding, and what is done about it, in sentences.
func (s *previewSARIF) text(f PreviewFinding) string {
	parts := []string{strings.ToUpper(effectTitle(f.Effect)[:1]) + effectTitle(f.Effect)[1:] + " in " + cmp.Or(f.Project, string(f.Ref.Scope)) + ": " + f.Message}
	if f.Why != "" {
		parts = append(parts, "Why: "+f.Why+".")
	}
	if f.New != nil {
		for _, t := range []string{f.New.nowWords(), f.New.thenWords()} {
			if t != "" {
				parts = append(parts, strings.ToUpper(t[:1])+t[1:]+".")
			}
		}
	}
	return strings.Join(parts, " ")
}

func (s *previewSARIF) responses() {
	for _, r := range s.Responses {
		if !r.Writes() && (r.Ask == nil || r.Ask.Trouble == "") {
			continue
		}
		text := fmt.Sprintf("From then on what these rules find in %s is %s (so far: %s): %s.", environmentWords(r.Environments), deedWord(r.To), deedWord(r.From), strings.Join(r.Rules, ", "))
		if r.Ask != nil && r.Ask.Trouble != "" {
			text += " " + r.Ask.Trouble + "."
		}
		logical := sarifLocation{Logical: []sarifLogical{{Name: inert(cmp.Or(r.Source, "responses")), Full: "responses", Kind: "resource"}}}
		s.add(planWrites, sarifResult{
			Kind: "fail", Level: "warning", Baseline: "new", Message: message(text), Locations: s.place(r.File, r.Line, logical),
			Properties: map[string]any{"response": r},
		}, access.Hash(planWrites, strings.Join(r.Rules, " "), strings.Join(r.Environments, " "), string(r.To)))
	}
}

func (s *previewSARIF) rules() {
	for _, r := range s.Preview.Rules {
		if len(r.Blind) == 0 && !r.Gone {
			continue
		}
		logical := sarifLocation{Logical: []sarifLogical{{Name: r.Rule, Full: r.Rule, Kind: "resource"}}}
		s.add(r.Rule, sarifResult{
			Kind: "open", Level: "none", Baseline: "updated", Message: message("Rule " + r.Rule + ": " + strings.Join(r.Changes, ", ") + "."), Locations: s.place(r.File, r.Line, logical),
			Properties: map[string]any{"rule": r},
		}, access.Hash("plan/rule", r.Rule))
	}
}

func (s *previewSARIF) moves() {
	for _, m := range s.Moves {
		text := fmt.Sprintf("Project %s comes from environment %s to %s: %s.", m.Project, cmp.Or(m.From, "none"), cmp.Or(m.Matches, "none"), m.Why)
		if m.Held {
			text += " " + cmp.Or(m.To, "none") + " holds until that is acknowledged."
		}
		lvl := "note"
		if m.Weaker || m.Held {
			lvl = "warning"
		}
		logical := sarifLocation{Logical: []sarifLogical{{Name: inert(m.Project), Full: inert(m.Project), Kind: "resource"}}}
		s.add(planMoves, sarifResult{
			Kind: "fail", Level: lvl, Baseline: "new", Message: message(text), Locations: s.place(m.File, m.Line, logical), Properties: map[string]any{"move": m},
		}, access.Hash(planMoves, string(m.Scope), m.Matches))
	}
}

func (s *previewSARIF) unknown() {
	for _, u := range s.Unknown {
		if !u.Newly {
			continue
		}
		ref := access.Ref{Scope: u.Scope, Name: cmp.Or(u.Project, string(u.Scope))}
		s.add(u.Rule, sarifResult{
			Kind: "open", Level: "none", Baseline: "updated", Message: message("Could not be judged in " + cmp.Or(u.Project, string(u.Scope)) + ": " + u.Why),
			Locations: s.place("", 0, locations(s.artifact, ref, u.Project)[0]), Properties: map[string]any{"count": u.Count},
		}, access.Hash("plan/unknown", u.Rule, string(u.Scope), u.Why))
	}
	for _, g := range slices.Concat(s.Inventory.Unread, s.Inventory.Gaps) {
		s.note("warning", "Could not be read: "+g)
	}
}
