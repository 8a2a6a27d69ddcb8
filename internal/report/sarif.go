package report

import (
	"cmp"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The subset of SARIF 2.1.0 (OASIS, errata 01) that a report needs. The writer's types are
// our own: a library's would bring a schema validator into the daemon.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool              sarifTool         `json:"tool"`
		Invocations       []sarifInvocation `json:"invocations"`
		AutomationDetails map[string]string `json:"automationDetails"`
		ColumnKind        string            `json:"columnKind"`
		Results           []sarifResult     `json:"results"`
		Properties        map[string]any    `json:"properties,omitempty"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string            `json:"id"`
		ShortDescription sarifText         `json:"shortDescription"`
		FullDescription  sarifText         `json:"fullDescription"`
		Help             sarifText         `json:"help"`
		HelpURI          string            `json:"helpUri,omitempty"`
		Default          map[string]string `json:"defaultConfiguration"`
		Properties       map[string]any    `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		EndTime       string              `json:"endTimeUtc,omitempty"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Kind         string             `json:"kind"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Baseline     string             `json:"baselineState,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions"`
		Properties   map[string]any     `json:"properties,omitempty"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact map[string]string `json:"artifactLocation"`
		Region   map[string]int    `json:"region"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
)

const (
	sarifSchema   = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	usualArtifact = "gatewarden.yaml"
	homepage      = "https://github.com/gatewarden/gatewarden"
)

// WriteSARIF writes one run of SARIF 2.1.0. What stands is a result of kind fail, with the
// finding's id as fingerprint; waived ones carry a suppression; a rule that could not tell
// is a result of kind open, and what could not be read a notification. GitHub shows only
// results at a file, so all stand in the configuration's first line.
func WriteSARIF(w io.Writer, r Report, o Options) error {
	r = r.shown()
	run := sarifRun{
		Tool:              sarifTool{Driver: sarifDriver{Name: "Gatewarden", Version: r.Version, InformationURI: homepage, Rules: []sarifRule{}}},
		Invocations:       []sarifInvocation{{Successful: true, EndTime: access.Stamp(r.At), Notifications: []sarifNotification{}}},
		AutomationDetails: map[string]string{"id": "gatewarden/"},
		ColumnKind:        "utf16CodeUnits",
		Results:           []sarifResult{},
		Properties:        map[string]any{"source": r.Source, "profile": r.Profile, "notCovered": r.NotCovered},
	}
	at := map[string]int{}
	for i, rule := range r.Rules {
		at[rule.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(rule))
	}
	artifact := cmp.Or(o.Artifact, usualArtifact)
	for _, f := range r.Findings {
		if f.Open() {
			run.Results = append(run.Results, sarifFinding(f, at[f.Rule], artifact, r.Compared != nil))
		}
	}
	names := r.names()
	for _, u := range r.Unknown {
		run.Results = append(run.Results, sarifUnknown(u, at[u.Rule], artifact, names[u.Ref.Scope]))
	}
	inv := &run.Invocations[0]
	for _, g := range r.gapGroups() {
		inv.Notifications = append(inv.Notifications, sarifNotification{
			Level: "warning", Message: message("Could not be read in " + strings.Join(g.Places, ", ") + ": " + g.What + ". " + g.Why),
		})
	}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}, "  ")
}

func sarifRuleOf(rule Rule) sarifRule {
	var help []string
	for _, part := range append([]string{rule.Why, rule.fixLine(), rule.remedyLine()}, rule.References...) {
		if part != "" {
			help = append(help, inert(part))
		}
	}
	out := sarifRule{
		ID: rule.ID, ShortDescription: message(cmp.Or(rule.Title, rule.ID)), FullDescription: message(cmp.Or(rule.Why, rule.Title, rule.ID)),
		Help:    sarifText{cmp.Or(strings.Join(help, "\n\n"), rule.Title, rule.ID)},
		Default: map[string]string{"level": level(rule.Severity)},
		Properties: map[string]any{
			"tags": unique(append([]string{"security", string(rule.Gate)}, rule.Controls...)), "precision": "very-high",
			"security-severity": securitySeverity(rule.Severity),
		},
	}
	if len(rule.References) > 0 && strings.HasPrefix(rule.References[0], "https://") {
		out.HelpURI = rule.References[0]
	}
	return out
}

func (r Rule) fixLine() string {
	if r.Fix == "" {
		return ""
	}
	return "Fix: " + r.Fix
}

func (r Rule) remedyLine() string {
	if !r.HasRemedy() {
		return ""
	}
	return "Remedy: " + r.Remedy
}

// unique keeps the first of each.
func unique(in []string) []string {
	var out []string
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// level is what SARIF calls severity.
func level(s access.Severity) string {
	switch s {
	case access.Medium:
		return "warning"
	case access.Low, access.Info:
		return "note"
	}
	return "error"
}

// securitySeverity is a number in the range by which GitHub shows the same word: above 9.0
// critical, from 7.0 high, from 4.0 medium, else low ("SARIF support for code scanning").
func securitySeverity(s access.Severity) string {
	switch s {
	case access.High:
		return "8.0"
	case access.Medium:
		return "5.5"
	case access.Low:
		return "3.0"
	case access.Info:
		return "1.0"
	}
	return "9.5"
}

func sarifFinding(f Finding, rule int, artifact string, compared bool) sarifResult {
	out := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Kind: "fail", Level: level(f.Severity), Message: message(f.Message),
		Locations: locations(artifact, f.Ref, f.ProjectTitle), Fingerprints: fingerprints(f.ID), Suppressions: []sarifSuppression{},
		Properties: map[string]any{
			"severity": f.Severity, "gate": f.Gate, "environment": f.Environment, "scope": f.Ref.Scope, "resourceKind": f.Ref.Kind,
			"state": f.stateWord(), "security-severity": securitySeverity(f.Severity), "fix": f.Advice(), "unknown": f.Unknown,
			"facts": f.Evidence.Facts,
		},
	}
	switch {
	case compared && (f.New || f.MayBeNew):
		out.Baseline = "new"
	case compared:
		out.Baseline = "unchanged"
	}
	if f.IsWaived() {
		why := inert("waived " + f.waiverText() + " (" + f.Waiver.ID + ")")
		out.Suppressions = append(out.Suppressions, sarifSuppression{Kind: "external", Status: "accepted", Justification: why})
	}
	return out
}

func sarifUnknown(u Unknown, rule int, artifact, project string) sarifResult {
	return sarifResult{
		RuleID: u.Rule, RuleIndex: rule, Kind: "open", Level: "none", Message: message("Could not be judged in " + project + ": " + u.Why),
		Locations: locations(artifact, u.Ref, project), Suppressions: []sarifSuppression{},
		Fingerprints: fingerprints(access.Hash("unknown", access.FindingID(u.Rule, u.Ref, ""), u.Why)),
		Properties:   map[string]any{"count": u.Count, "scope": u.Ref.Scope, "resourceKind": u.Ref.Kind},
	}
}

// fingerprints carry the id under our name, and under the only one that GitHub compares.
func fingerprints(id string) map[string]string {
	return map[string]string{"gatewardenFinding/v1": id, "primaryLocationLineHash": id + ":1"}
}

func locations(artifact string, ref access.Ref, project string) []sarifLocation {
	full := cmp.Or(project, string(ref.Scope)) + "/" + string(ref.Kind) + "/" + ref.Name
	return []sarifLocation{{
		Physical: &sarifPhysical{Artifact: map[string]string{"uri": artifact}, Region: map[string]int{"startLine": 1}},
		Logical:  []sarifLogical{{Name: inert(cmp.Or(ref.Name, string(ref.Kind))), Full: inert(full), Kind: "resource"}},
	}}
}

var placeholder = regexp.MustCompile(`\{\d+\}`)

// message is a text for a viewer, which takes [text](target) for a link and {0} for an
// argument (SARIF 2.1.0, 3.11.5 and 3.11.6). They are escaped only where there is one,
// since not every viewer knows the escapes.
func message(s string) sarifText {
	s = inert(s)
	if strings.Contains(s, "](") {
		s = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(s)
	}
	if placeholder.MatchString(s) {
		s = strings.NewReplacer("{", "{{", "}", "}}").Replace(s)
	}
	return sarifText{cmp.Or(strings.TrimSpace(s), "no message")}
}
