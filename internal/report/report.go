// Package report is one judging of an Atlas installation, and the forms in which it
// is handed out.
//
// [Report] is the model: what was read, what was judged by which rules, what was found,
// and, as carefully, what could not be read or judged. It holds no state and reads
// nothing; whoever judges fills it in. Three things must never be mixed up in it: a rule
// that found nothing ([Judged] with no violations), a rule that could not tell
// ([Unknown]), and a rule that was not asked ([NotCovered]).
//
// [Write] writes a report in one of the [Formats]. The same report gives the same bytes,
// whatever order it was filled in. Names of Atlas come from whoever may make a database
// user or a project, so every format keeps control and bidirectional characters, markup
// and spreadsheet formulas from having an effect.
//
// The wire form is additive and carries v; report.schema.json describes it.
package report

import (
	"cmp"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Version is the v of the reports that this program writes.
const Version = 1

// Live is the source of a report that was read from Atlas, and not from a saved file.
const Live = "live"

// Report is one judging.
type Report struct {
	V          int            `json:"v"`
	Tool       string         `json:"tool"` // gatewarden
	Version    string         `json:"version,omitempty"`
	At         time.Time      `json:"at"`                // when it was judged
	Source     string         `json:"source"`            // Live, or the saved file that was judged
	Profile    string         `json:"profile,omitempty"` // how much the credential may read
	Summary    *Summary       `json:"summary,omitempty"` // set where the report is written
	Orgs       []Org          `json:"orgs"`
	Scopes     []Scope        `json:"scopes"`
	Rules      []Rule         `json:"rules"` // all that were loaded, also those that found nothing
	Findings   []Finding      `json:"findings"`
	Unknown    []Unknown      `json:"unknown"`
	NotCovered []NotCovered   `json:"notCovered"`
	Waivers    []Waiver       `json:"waivers"`
	Unmatched  []Unmatched    `json:"unmatched,omitempty"` // declarations that match nothing of what was read
	Effort     Effort         `json:"effort,omitzero"`
	Compared   *Compared      `json:"compared,omitempty"` // set by [Report.Baseline]
	Hidden     map[string]int `json:"hidden,omitempty"`   // by rule: findings that [Report.Keep] left out, waived ones included
}

// Unmatched is something that the configuration declares and that matches nothing of what
// was read.
type Unmatched struct {
	Section string `json:"section"` // identities, principals or expectations
	Path    string `json:"path"`
	Pattern string `json:"pattern"`
	Why     string `json:"why"`
	Source  string `json:"source"` // its place in the configuration
}

// Org is an organization that was read.
type Org struct {
	ID    string `json:"id"`
	Title string `json:"title,omitempty"` // its name in Atlas
}

// Scope is an org or a project that was read.
type Scope struct {
	Scope          access.Scope         `json:"scope"`
	Title          string               `json:"title,omitempty"` // its name in Atlas
	OrgID          string               `json:"orgId,omitempty"`
	Environment    string               `json:"environment,omitempty"`    // empty: none matches
	EnvironmentWhy string               `json:"environmentWhy,omitempty"` // what it matched by, or why none
	Production     bool                 `json:"production,omitempty"`     // judged as production
	Exposure       *Exposure            `json:"exposure,omitempty"`       // of a project; nil: not known
	Privilege      Privilege            `json:"privilege,omitzero"`
	Reads          map[access.Kind]Read `json:"reads"`
	Judged         map[string]Judged    `json:"judged"` // by rule id; a rule that is missing was not judged here
}

// Exposure is how much of the internet a project's access list lets in.
type Exposure struct {
	V4           uint64 `json:"v4"`                // public IPv4 addresses
	V6Slash64    uint64 `json:"v6Slash64"`         // public IPv6 /64 networks
	WorldV4      bool   `json:"worldV4,omitempty"` // all of public IPv4
	WorldV6      bool   `json:"worldV6,omitempty"`
	Entries      int    `json:"entries"`
	Temporary    int    `json:"temporary"`    // entries that Atlas deletes by itself
	PrivatePaths int    `json:"privatePaths"` // private endpoints and peerings that work
}

// World says that all of IPv4 or all of IPv6 is let in.
func (e Exposure) World() bool { return e.WorldV4 || e.WorldV6 }

// Privilege counts who may do how much. A nil part could not be read.
type Privilege struct {
	Database *DatabaseReach `json:"database,omitempty"` // database users
	People   *RoleReach     `json:"people,omitempty"`
	Machines *RoleReach     `json:"machines,omitempty"` // API keys and service accounts
}

// DatabaseReach counts database users by the strongest thing that they may do.
type DatabaseReach struct {
	Admin       int `json:"admin"`       // atlasAdmin, or as much
	AnyDatabase int `json:"anyDatabase"` // reads or writes every database
	Write       int `json:"write"`       // writes to named databases
	Read        int `json:"read"`        // reads named databases
	None        int `json:"none"`        // no role that reaches data
	Unknown     int `json:"unknown"`     // has a role that is not known
}

// RoleReach counts identities by the strongest Atlas role that they hold.
type RoleReach struct {
	Owner      int `json:"owner"`
	Manager    int `json:"manager"`    // changes something, and is no owner
	DataAccess int `json:"dataAccess"` // sees or changes data, and manages nothing
	ReadOnly   int `json:"readOnly"`
	Unknown    int `json:"unknown"` // has a role that is not known
}

// Read says how the newest read of a kind went.
type Read struct {
	Status access.Status `json:"status"`
	Reason string        `json:"reason,omitempty"` // why it is not complete
	Count  int           `json:"count"`
	Odd    int           `json:"odd,omitempty"` // elements that could not be decoded
}

// Readable reports whether the read can be believed, all of it. What Atlas does not have
// here is no gap.
func (r Read) Readable() bool {
	return r.Odd == 0 && (r.Status == access.StatusComplete || r.Status == access.StatusUnsupported)
}

// Judged counts what a rule said of a scope. All zero: it was judged, and there was nothing
// of its kind.
type Judged struct {
	Pass          int    `json:"pass,omitempty"`
	Violations    int    `json:"violations,omitempty"` // waived ones included
	Unknown       int    `json:"unknown,omitempty"`
	NotApplicable int    `json:"notApplicable,omitempty"`
	Why           string `json:"why,omitempty"` // of not applicable
}

// Gate is one of the ways to the data that rules watch.
type Gate string

// The gates, by the first part of a rule's id.
const (
	GateNetwork      Gate = "network"
	GateDatabase     Gate = "database"
	GatePeople       Gate = "people"
	GateMachines     Gate = "machines"
	GateOrganization Gate = "organization"
	GateOther        Gate = "other" // of a rule of one's own with an id of its own family
)

// Gates lists the gates in the order in which they are shown.
func Gates() []Gate {
	return []Gate{GateNetwork, GateDatabase, GatePeople, GateMachines, GateOrganization, GateOther}
}

// GateOf is the gate of a rule.
func GateOf(rule string) Gate {
	family, _, _ := strings.Cut(rule, "/")
	switch family {
	case "network":
		return GateNetwork
	case "dbuser", "role", "dbauth":
		return GateDatabase
	case "member", "invite", "federation":
		return GatePeople
	case "key", "serviceaccount":
		return GateMachines
	case "org", "project", "watch":
		return GateOrganization
	}
	return GateOther
}

// Rule is one rule that was asked.
type Rule struct {
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	Why        string          `json:"why,omitempty"` // the reason for the rule
	Gate       Gate            `json:"gate"`
	Kinds      []access.Kind   `json:"kinds,omitempty"` // that it reads, its own first
	On         string          `json:"on,omitempty"`    // state or change
	Severity   access.Severity `json:"severity"`        // in production
	Fix        string          `json:"fix,omitempty"`   // what a person does about a finding
	Remedy     string          `json:"remedy,omitempty"`
	Ceiling    access.Ceiling  `json:"ceiling,omitempty"`
	Controls   []string        `json:"controls,omitempty"` // such as CC6.1, A.8.20, PCI 1.3, CIS 12
	References []string        `json:"references,omitempty"`
}

// noRemedy is the remedy of a rule that Gatewarden can do nothing about.
const noRemedy = "none"

// HasRemedy reports whether Gatewarden itself can put right what the rule finds.
func (r Rule) HasRemedy() bool { return r.Remedy != "" && r.Remedy != noRemedy }

// Finding is a violation, with what one needs to act on it without looking elsewhere.
// A rule that cannot be judged any more keeps it, with Unknown saying why.
type Finding struct {
	access.Finding
	ProjectTitle string `json:"projectTitle,omitempty"` // of the project or org that it is in
	Gate         Gate   `json:"gate"`
	Fix          string `json:"fix,omitempty"` // what to do, for people
	New          bool   `json:"new,omitempty"` // against the baseline
	NewWhy       string `json:"newWhy,omitempty"`
	MayBeNew     bool   `json:"mayBeNew,omitempty"` // the baseline could not tell
}

// IsWaived reports whether a waiver holds for the finding.
func (f Finding) IsWaived() bool { return f.State == access.FindingWaived }

// Stands reports whether somebody has to do something about the finding: it is open, and
// no waiver holds.
func (f Finding) Stands() bool { return f.Open() && !f.IsWaived() }

// Advice is what to do about the finding, or the name of its remedy if its rule does not
// say; empty: there is neither.
func (f Finding) Advice() string {
	if f.Remedy == noRemedy {
		return f.Fix
	}
	return cmp.Or(f.Fix, f.Remedy)
}

// Unknown is a rule that could not tell, of one scope and for one reason. Ref is the
// first resource of Count; its name is empty where it is all of the kind.
type Unknown struct {
	Rule  string     `json:"rule"`
	Ref   access.Ref `json:"ref"`
	Why   string     `json:"why"`
	Count int        `json:"count"`
}

// NotCovered is a rule that was not asked, by choice: the profile does not read what it
// needs.
type NotCovered struct {
	Rule  string        `json:"rule"`
	Kinds []access.Kind `json:"kinds,omitempty"` // that the profile does not read
	Why   string        `json:"why,omitempty"`
}

// Waiver is a waiver that was given to the judging, whether it was of use or not.
type Waiver struct {
	access.Waiver
	Findings int    `json:"findings"`       // that it lets stand
	Void     string `json:"void,omitempty"` // why it does not hold (any more)
}

// Effort is what reading took.
type Effort struct {
	Calls  int     `json:"calls"`            // requests to Atlas
	Budget float64 `json:"budget,omitempty"` // largest part used of one of Atlas's rate limits, 0 to 1
	Took   float64 `json:"took,omitempty"`   // seconds
}
