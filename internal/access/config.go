package access

import (
	"strings"
	"time"
)

// Environment says which projects belong to it, by tag or by name. Its place in the
// configured list is its strictness: the first is the strictest.
type Environment struct {
	Name     string
	Projects []string          // globs over project names
	Tags     map[string]string // all must match
	CatchAll bool              // takes what no other environment matches; Projects is "*", and it stands last
}

// Identity says what a database user or machine credential is for.
type Identity struct {
	Class        string            // one of Classes
	Usernames    []string          // globs over usernames
	Machines     []string          // globs over client ids, public keys and names of machine credentials
	Labels       map[string]string // all must match
	Environments []string          // empty: all
	Roles        []RoleGrant       // declared; nil: nothing declared
	Scopes       []UserScope       // declared; nil: nothing declared
	AtlasRoles   []string          // declared, of a machine credential; nil: nothing declared
	MaxAge       time.Duration     // 0: none
	Until        time.Time         // declared end, of sync
	Owner        string
}

// The identity classes.
const (
	ClassApp           = "app"
	ClassMigration     = "migration"
	ClassReporting     = "reporting"
	ClassBIETL         = "bi_etl"
	ClassMonitoring    = "monitoring"
	ClassSync          = "sync"
	ClassHuman         = "human"
	ClassPlatformAdmin = "platform_admin"
	ClassBreakGlass    = "break_glass"
	ClassAutomation    = "automation"
	ClassDynamic       = "dynamic"
	ClassAtlasManaged  = "atlas_managed"
)

// Classes lists the identity classes.
func Classes() []string {
	return []string{
		ClassApp, ClassMigration, ClassReporting, ClassBIETL, ClassMonitoring, ClassSync, ClassHuman,
		ClassPlatformAdmin, ClassBreakGlass, ClassAutomation, ClassDynamic, ClassAtlasManaged,
	}
}

// Principal is a person or team that answers for identities.
type Principal struct {
	ID    string
	Email string
	Slack string
	Atlas []string // e-mails, public keys, client ids by which the feed names them
	Owns  []string // machine identities
}

// Network is the declared networks of one environment, by purpose, as canonical CIDRs.
type Network struct {
	Environment string
	Purposes    map[string][]string // app, ci, vpn, private …
}

// Ranges are the declared networks that belong to no one environment.
type Ranges struct {
	Developer []string            // office and home ranges of people, as canonical CIDRs
	Shared    []string            // may stand in the access lists of several environments
	Providers map[string][]string // ranges that a cloud provider gives to anybody, by the provider's name
	Peers     []Peer
}

// Peer is a declared other side of a peering or private endpoint. Empty fields match
// everything; one at least is given.
type Peer struct {
	Account  string // AWS account, Azure subscription, GCP project
	Network  string // VPC, VNet or network
	Endpoint string // the customer's side of a private endpoint, such as vpce-0123
}

// MatrixOrg is the key of [TeamAccess].Roles under which roles on the org stand.
const MatrixOrg = "org"

// TeamAccess is one row of the access matrix: what a team may do.
type TeamAccess struct {
	Team  string              // the team's name in Atlas
	Roles map[string][]string // Atlas roles by environment, and by MatrixOrg; an environment without a key: none
}

// Sensitive is a namespace that only those listed may reach.
type Sensitive struct {
	Namespace    string   // database.collection, or database for all of it
	Readers      []string // globs over usernames
	Environments []string // empty: all
}

// Waiver lets a violation stand for a while. It holds from Granted to Until, and never
// longer after Granted than the severity of the finding allows ([WaiverCap]).
type Waiver struct {
	V           int       `json:"v"`
	ID          string    `json:"id"`
	Rule        string    `json:"rule"`                  // id or glob
	Kind        Kind      `json:"kind,omitempty"`        // empty: any
	Name        string    `json:"name,omitempty"`        // glob over the Ref's name; empty: any
	Key         string    `json:"key,omitempty"`         // glob over the finding's key, where its rule tells several of one Ref apart; empty: all of them
	Project     string    `json:"project,omitempty"`     // glob over the project's name or id; empty: any
	Environment string    `json:"environment,omitempty"` // empty: any
	Owner       string    `json:"owner"`                 // a principal's id or a team's name
	Agreed      []string  `json:"agreed,omitempty"`      // of a command that took several: all who agreed, its owner first
	Reason      string    `json:"reason"`
	Ticket      string    `json:"ticket,omitempty"`
	Granted     time.Time `json:"granted"`
	Until       time.Time `json:"until"`
	EndedBy     string    `json:"endedBy,omitempty"`  // who ended it before its time, at Until
	Renewals    int       `json:"renewals,omitempty"` // how often it was granted anew
	Digest      string    `json:"digest,omitempty"`   // of the violating values ([Finding].Digest): it lapses when they change; empty: whatever they are
	Source      string    `json:"source,omitempty"`   // where it stands: a place in a file; empty: in the store
	Ahead       bool      `json:"ahead,omitempty"`    // granted lay ahead of the time at which it was read: it is refused
}

// Finding is the id of the finding of the scope that a waiver names in full, as those do that
// commands gave.
func (w Waiver) Finding(s Scope) string {
	return FindingID(w.Rule, Ref{Scope: s, Kind: w.Kind, Name: w.Name}, w.Key)
}

// WaiverCap is how long a waiver of a finding of this severity may hold at most.
func WaiverCap(s Severity) time.Duration {
	const day = 24 * time.Hour
	switch s {
	case Critical:
		return day
	case High:
		return 7 * day
	case Medium:
		return 30 * day
	}
	return 90 * day
}

// Expectation is a change announced beforehand: one that matches is recorded, and not
// reverted. Empty fields match everything; Actor or Name is given.
type Expectation struct {
	V        int       `json:"v"`
	ID       string    `json:"id"`
	Actor    string    `json:"actor,omitempty"` // a principal's id, or a glob over the actor's name in Atlas
	Rule     string    `json:"rule,omitempty"`  // id or glob
	Kind     Kind      `json:"kind,omitempty"`
	Name     string    `json:"name,omitempty"`    // glob over the Ref's name
	Project  string    `json:"project,omitempty"` // glob over the project's name or id
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Ticket   string    `json:"ticket,omitempty"`
	Reason   string    `json:"reason"`
	Approved string    `json:"approved"`         // by whom: another than the actor
	Source   string    `json:"source,omitempty"` // where it stands: a place in a file; empty: in the store
}

// WaiversKey is where [Waivers] are kept: one document for all scopes.
const WaiversKey = "all"

// Waivers is what was waived and announced by commands, as stored.
type Waivers struct {
	V            int           `json:"v"`
	Waivers      []Waiver      `json:"waivers,omitempty"`
	Expectations []Expectation `json:"expectations,omitempty"`

	Acknowledgements []Acknowledgement `json:"acknowledgements,omitempty"`
	Proposed         []Proposal        `json:"proposed,omitempty"`
}

// ProposalLife is how long a waiver that takes several people waits for the rest of them.
const ProposalLife = 24 * time.Hour

// Proposal is a waiver that takes more people than have asked for it yet. What it says beside
// the votes is for people: who agreed, and until when it would hold, is what each of them signed.
type Proposal struct {
	Finding string    `json:"finding"`
	Episode int       `json:"episode"`
	Rule    string    `json:"rule"`
	Ref     Ref       `json:"ref"`
	Key     string    `json:"key,omitempty"`    // of the finding
	Digest  string    `json:"digest"`           // of the violating values: it lapses when they change
	Votes   []Ballot  `json:"votes"`            // the first that asked first
	At      time.Time `json:"at"`               // of the first; it lapses ProposalLife later
	Until   time.Time `json:"until"`            // the earliest end that one of them asked for
	Needs   int       `json:"needs"`            // people more, as counted when the last one asked
	Waiver  string    `json:"waiver,omitempty"` // that it became: it waits for nobody any more
}

// Lapses is when a proposal is void, if it became no waiver before.
func (p Proposal) Lapses() time.Time { return p.At.Add(ProposalLife) }

// Waits reports whether a proposal is one for this finding as it stands, and still waits for
// somebody.
func (p Proposal) Waits(f Finding, now time.Time) bool {
	return p.Waiver == "" && p.Finding == f.ID && p.Episode == f.Episode && p.Digest == f.Digest && f.Open() && now.Before(p.Lapses())
}

// OwnAccess is what Gatewarden itself depends on; guards keep it.
type OwnAccess struct {
	Credentials []string // client ids and public keys of our own
	Write       []string `json:",omitempty"` // those of them that write; none named: each may be either
	Addresses   []string // our own egress addresses, as CIDRs, where configured
}

// Match reports whether s matches a pattern of the configuration or of a rule: * stands
// for any run of characters, slashes included, since names of rules and resources are
// no paths. Nothing else is special.
func Match(pattern, s string) bool {
	star, mark := -1, 0
	p, n := 0, 0
	for n < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && pattern[p] == s[n]:
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// MostlyAll reports whether a pattern, empty for everything, names nothing in particular:
// it has only stars and what stands between the parts of names, as */* and *@* have.
func MostlyAll(pattern string) bool { return strings.Trim(pattern, "*/.:@-_") == "" }

// AnyName reports whether a pattern over the names of resources names nothing in particular:
// as [MostlyAll], or every database user of a database, as admin/* does.
func AnyName(pattern string) bool {
	const nobody = "\x00" // no name has it: what matches it matches by a star
	return MostlyAll(pattern) || Match(pattern, "admin/"+nobody) || Match(pattern, "$external/"+nobody)
}

// LongestExpectation is how far ahead a change may be announced.
const LongestExpectation = 30 * 24 * time.Hour
