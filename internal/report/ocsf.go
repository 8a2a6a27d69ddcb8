package report

import (
	"cmp"
	"io"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// ocsfVersion is the version of the schema (schema.ocsf.io) that the lines follow.
const ocsfVersion = "1.4.0"

// The part of OCSF's class Compliance Finding that a report fills. Times are milliseconds.
type (
	ocsfEvent struct {
		ActivityID   int             `json:"activity_id"`
		ActivityName string          `json:"activity_name"`
		CategoryName string          `json:"category_name"`
		CategoryUID  int             `json:"category_uid"`
		ClassName    string          `json:"class_name"`
		ClassUID     int             `json:"class_uid"`
		Compliance   ocsfCompliance  `json:"compliance"`
		Confidence   string          `json:"confidence"`
		ConfidenceID int             `json:"confidence_id"`
		FindingInfo  ocsfInfo        `json:"finding_info"`
		Message      string          `json:"message"`
		Metadata     ocsfMetadata    `json:"metadata"`
		Remediation  ocsfRemediation `json:"remediation"`
		Resources    []ocsfResource  `json:"resources"`
		Severity     string          `json:"severity"`
		SeverityID   int             `json:"severity_id"`
		Status       string          `json:"status"`
		StatusID     int             `json:"status_id"`
		StatusDetail string          `json:"status_detail,omitempty"`
		Time         int64           `json:"time"`
		TypeName     string          `json:"type_name"`
		TypeUID      int             `json:"type_uid"`
		Unmapped     map[string]any  `json:"unmapped,omitempty"`
	}
	ocsfCompliance struct {
		Control      string   `json:"control"`
		Requirements []string `json:"requirements,omitempty"`
		Standards    []string `json:"standards"`
		Status       string   `json:"status"`
		StatusDetail string   `json:"status_detail,omitempty"`
		StatusID     int      `json:"status_id"`
	}
	ocsfInfo struct {
		Analytic     ocsfAnalytic `json:"analytic"`
		CreatedTime  int64        `json:"created_time,omitempty"`
		Desc         string       `json:"desc,omitempty"`
		LastSeenTime int64        `json:"last_seen_time,omitempty"`
		Title        string       `json:"title"`
		Types        []string     `json:"types"`
		UID          string       `json:"uid"`
	}
	ocsfAnalytic struct {
		Name   string `json:"name"`
		Type   string `json:"type"`
		TypeID int    `json:"type_id"`
		UID    string `json:"uid"`
	}
	ocsfMetadata struct {
		LogName      string      `json:"log_name"`
		LogProvider  string      `json:"log_provider"`
		OriginalTime string      `json:"original_time"`
		Product      ocsfProduct `json:"product"`
		Version      string      `json:"version"`
	}
	ocsfProduct struct {
		Name       string `json:"name"`
		UID        string `json:"uid"`
		VendorName string `json:"vendor_name"`
		Version    string `json:"version,omitempty"`
	}
	ocsfRemediation struct {
		Desc       string   `json:"desc"`
		References []string `json:"references,omitempty"`
	}
	ocsfResource struct {
		Group  map[string]string `json:"group"`
		Labels []string          `json:"labels,omitempty"`
		Name   string            `json:"name"`
		Owner  map[string]string `json:"owner,omitempty"`
		Type   string            `json:"type"`
		UID    string            `json:"uid"`
	}
)

// WriteOCSF writes one Compliance Finding (class 2003) a line: a failed check for each
// finding, and a check without a result for each rule that could not tell. The class's own
// word for a violation is that a check failed; no line says that anything complies.
func WriteOCSF(w io.Writer, r Report, _ Options) error {
	r = r.shown()
	rules, names := r.byID(), r.names()
	for _, f := range r.Findings {
		if err := writeJSON(w, ocsfFinding(r, f, rules[f.Rule]), ""); err != nil {
			return err
		}
	}
	for _, u := range r.Unknown {
		if err := writeJSON(w, ocsfUnknown(r, u, rules[u.Rule], names[u.Ref.Scope]), ""); err != nil {
			return err
		}
	}
	return nil
}

// ocsfBase is what every line of a rule holds.
func ocsfBase(r Report, rule Rule, ref access.Ref, project string) ocsfEvent {
	return ocsfEvent{
		CategoryName: "Findings", CategoryUID: 2, ClassName: "Compliance Finding", ClassUID: 2003, Confidence: "High", ConfidenceID: 3,
		Compliance: ocsfCompliance{Control: rule.ID, Requirements: rule.Controls, Standards: standards(rule)},
		FindingInfo: ocsfInfo{
			Analytic: ocsfAnalytic{Name: rule.Title, Type: "Rule", TypeID: 1, UID: rule.ID}, Desc: rule.Why, LastSeenTime: millis(r.At),
			Title: cmp.Or(rule.Title, rule.ID), Types: []string{string(rule.Gate)},
		},
		Metadata: ocsfMetadata{
			LogName: "scan", LogProvider: "gatewarden", OriginalTime: access.Stamp(r.At), Version: ocsfVersion,
			Product: ocsfProduct{Name: "Gatewarden", UID: "gatewarden", VendorName: "Gatewarden", Version: r.Version},
		},
		Remediation: ocsfRemediation{References: rule.References},
		Resources: []ocsfResource{{
			Group: map[string]string{"name": inert(cmp.Or(project, string(ref.Scope))), "uid": string(ref.Scope)},
			Name:  inert(cmp.Or(ref.Name, string(ref.Kind))), Type: string(ref.Kind), UID: ref.Hash(),
		}},
		Time: millis(r.At),
	}
}

func ocsfFinding(r Report, f Finding, rule Rule) ocsfEvent {
	e := ocsfBase(r, rule, f.Ref, f.ProjectTitle)
	e.activity(f, r.Compared != nil)
	e.SeverityID, e.Severity = ocsfSeverity(f.Severity)
	e.Compliance.StatusID, e.Compliance.Status, e.Compliance.StatusDetail = 3, "Fail", inert(f.Message)
	if f.Unknown != "" {
		e.Compliance.StatusID, e.Compliance.Status, e.Compliance.StatusDetail = 2, "Warning", inert("Cannot be judged now: "+f.Unknown+". Before: "+f.Message)
	}
	e.Message = inert(f.Message)
	e.FindingInfo.UID, e.FindingInfo.CreatedTime = f.ID, millis(f.OpenedAt)
	e.Remediation.Desc = inert(cmp.Or(f.Advice(), rule.Fix, "none that is safe to name"))
	if f.Owner != "" {
		e.Resources[0].Owner = map[string]string{"name": inert(f.Owner)}
	}
	if f.Environment != "" {
		e.Resources[0].Labels = []string{inert("environment=" + f.Environment)}
	}
	e.Unmapped = map[string]any{"gate": f.Gate, "state": f.stateWord(), "origin": originWord(f)}
	if f.IsWaived() {
		e.Unmapped["waiver"] = f.Waiver
		e.StatusDetail = inert("waived " + f.waiverText())
	}
	return e
}

// activity says whether a finding is made, seen again or over, and how far its handling is.
func (e *ocsfEvent) activity(f Finding, compared bool) {
	e.ActivityID, e.ActivityName = 1, "Create"
	e.StatusID, e.Status = 1, "New"
	if compared && !f.New && !f.MayBeNew {
		e.ActivityID, e.ActivityName = 2, "Update"
	}
	switch {
	case !f.Open():
		e.ActivityID, e.ActivityName, e.StatusID, e.Status = 3, "Close", 4, "Resolved"
	case f.IsWaived():
		e.StatusID, e.Status = 3, "Suppressed"
	case f.State == access.FindingAcknowledged:
		e.StatusID, e.Status = 2, "In Progress"
	}
	e.TypeUID, e.TypeName = 200300+e.ActivityID, "Compliance Finding: "+e.ActivityName
}

func ocsfUnknown(r Report, u Unknown, rule Rule, project string) ocsfEvent {
	e := ocsfBase(r, rule, u.Ref, project)
	e.activity(Finding{}, false)
	e.Severity = "Unknown"
	e.Confidence, e.ConfidenceID = "Unknown", 0
	e.Compliance.StatusID, e.Compliance.Status, e.Compliance.StatusDetail = 2, "Warning", inert(u.Why)
	e.Message = inert("Could not be judged in " + project + ": " + u.Why)
	e.FindingInfo.UID = access.Hash("unknown", access.FindingID(u.Rule, u.Ref, ""), u.Why)
	e.Remediation.Desc = "make what the rule reads readable"
	e.Unmapped = map[string]any{"gate": rule.Gate, "state": "unknown", "count": u.Count}
	return e
}

func ocsfSeverity(s access.Severity) (int, string) {
	switch s {
	case access.Critical:
		return 5, "Critical"
	case access.High:
		return 4, "High"
	case access.Medium:
		return 3, "Medium"
	case access.Low:
		return 2, "Low"
	case access.Info:
		return 1, "Informational"
	}
	return 0, "Unknown"
}

// standards are those that the rule serves, and our own rule book.
func standards(rule Rule) []string {
	out := []string{}
	for _, f := range frameworks() {
		if slices.ContainsFunc(rule.Controls, func(c string) bool { return FrameworkOf(c) == f.name }) {
			out = append(out, f.title)
		}
	}
	return append(out, "Gatewarden rule book")
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
