package access

import "time"

// Severity of a finding.
type Severity string

// The severities, from the worst.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Severities lists them from the worst.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// Ceiling is the strongest response that a rule or a plan allows. The zero value is tell.
type Ceiling string

// The ceilings.
const (
	CeilingTell Ceiling = ""     // notify, ticket
	CeilingAsk  Ceiling = "ask"  // approval
	CeilingAuto Ceiling = "auto" // revert
)

func (c Ceiling) rank() int { return map[Ceiling]int{CeilingTell: 0, CeilingAsk: 1, CeilingAuto: 2}[c] }

// Min is the weaker of two ceilings. An unknown one counts as tell.
func (c Ceiling) Min(d Ceiling) Ceiling {
	if d.rank() < c.rank() {
		c = d
	}
	if c.rank() == 0 {
		return CeilingTell
	}
	return c
}

// Allows reports whether responses of strength d are within c.
func (c Ceiling) Allows(d Ceiling) bool { return d.rank() <= c.rank() }

// FindingState is where a finding stands.
type FindingState string

// The states of a finding.
const (
	FindingOpen         FindingState = "open"
	FindingWaived       FindingState = "waived"
	FindingAcknowledged FindingState = "acknowledged"
	FindingResolved     FindingState = "resolved"
)

// Origin says whether an episode came about while we watched. The zero value is
// inherited, which is never reverted by itself.
type Origin string

// The origins.
const (
	OriginInherited Origin = ""
	OriginNew       Origin = "new"
)

// Answer is what a rule says of one Ref. The zero value is unknown.
type Answer string

// The answers. Not applicable resolves an open finding with that reason; not covered
// keeps it, marked unknown.
const (
	AnswerUnknown       Answer = ""
	AnswerPass          Answer = "pass"
	AnswerViolation     Answer = "violation"
	AnswerNotApplicable Answer = "not_applicable"
	AnswerNotCovered    Answer = "not_covered"
)

// Verdict is one rule's answer for one Ref (and Key).
type Verdict struct {
	Rule     string
	Ref      Ref
	Key      string
	Answer   Answer
	Why      string // of unknown and not applicable, for people
	Severity Severity
	Message  string
	Class    string // identity class of the Ref
	Owner    string
	Remedy   string
	Ceiling  Ceiling
	Evidence Evidence
	Actor    Actor
	CauseAt  time.Time // newest change that the violation rests on, or the date that passed; zero: there at first sight
	Gap      bool      // that change fell into a gap in watching
	Values   []string  // what violates beside the values of the Ref: of other resources
	Whole    bool      // it is of all resources together, and not of the Ref's own
}

// Finding is one rule's violation by one Ref (and Key, where a rule declares one).
// Its id never changes; each re-opening begins a new episode.
type Finding struct {
	V            int          `json:"v"`
	ID           string       `json:"id"` // FindingID(rule, ref, key)
	Rule         string       `json:"rule"`
	Ref          Ref          `json:"ref"`
	Key          string       `json:"key,omitempty"`
	State        FindingState `json:"state"`
	Episode      int          `json:"episode"` // from 1
	UnknownSince time.Time    `json:"unknownSince,omitzero"`
	Unknown      string       `json:"unknown,omitempty"` // why it cannot be judged now
	Severity     Severity     `json:"severity"`
	Message      string       `json:"message"`
	Environment  string       `json:"environment,omitempty"` // empty: matches none, judged as production
	Class        string       `json:"class,omitempty"`       // identity class of the Ref, where it has one
	Owner        string       `json:"owner,omitempty"`
	Origin       Origin       `json:"origin,omitempty"`
	OriginWhy    string       `json:"originWhy,omitempty"`
	Remedy       string       `json:"remedy,omitempty"`
	Ceiling      Ceiling      `json:"ceiling,omitempty"`
	Evidence     Evidence     `json:"evidence,omitzero"`
	Actor        Actor        `json:"actor,omitzero"`
	CauseAt      time.Time    `json:"causeAt,omitzero"` // when what it is about happened (a change, or a date that passed)
	OpenedAt     time.Time    `json:"openedAt"`
	ResolvedAt   time.Time    `json:"resolvedAt,omitzero"`
	Resolution   string       `json:"resolution,omitempty"`
	Digest       string       `json:"digest,omitempty"`   // of the values that violate
	Said         string       `json:"said,omitempty"`     // hash of all that it tells, with projects by their ids: no name that changes is news
	Waiver       WaiverNote   `json:"waiver,omitzero"`    // of a waived one
	Expected     string       `json:"expected,omitempty"` // id of the expectation that its causing change was announced by
}

// WaiverNote is what a finding says of the waiver under which it stands.
type WaiverNote struct {
	ID       string    `json:"id"`
	Owner    string    `json:"owner"`
	Reason   string    `json:"reason"`
	Ticket   string    `json:"ticket,omitempty"`
	Granted  time.Time `json:"granted,omitzero"`
	Until    time.Time `json:"until"`              // as the severity allows
	Renewals int       `json:"renewals,omitempty"` // as counted here, or as the waiver says if that is more
	Source   string    `json:"source,omitempty"`
	Reminded time.Time `json:"reminded,omitzero"` // the end that was told of beforehand
}

// Evidence is what a finding rests on.
type Evidence struct {
	Change string            `json:"change,omitempty"` // id of the causing change
	Events []string          `json:"events,omitempty"`
	Source Source            `json:"source,omitempty"`
	Before Box               `json:"before,omitzero"` // the Ref before the causing change
	After  Box               `json:"after,omitzero"`
	Causes []Ref             `json:"causes,omitempty"` // other resources that the violation comes through (entries of a union, custom roles of a chain)
	Path   []string          `json:"path,omitempty"`   // the chain of roles
	Facts  map[string]string `json:"facts,omitempty"`  // counts and dates, for people and templates
	Ended  time.Time         `json:"ended,omitzero"`   // of a violation that is over: when

	DeclaredRoles  []RoleGrant `json:"declaredRoles,omitempty"`  // what configuration declares for the Ref
	DeclaredScopes []UserScope `json:"declaredScopes,omitempty"` // what configuration declares for the Ref
}

// FindingID is the id of the finding of this rule, ref and key.
func FindingID(rule string, ref Ref, key string) string {
	return Hash(rule, string(ref.Scope), string(ref.Kind), ref.Name, key)
}

// Open reports whether the finding stands: open, waived or acknowledged.
func (f Finding) Open() bool { return f.State != FindingResolved }

// Findings is the judgement of one scope, stored as one document.
type Findings struct {
	V           int                 `json:"v"`
	Scope       Scope               `json:"scope"`
	Environment string              `json:"environment,omitempty"` // the one that holds, see DESIGN §7
	Findings    map[string]Finding  `json:"findings"`              // by id; resolved ones are kept for a while
	Standing    map[string]Standing `json:"standing,omitempty"`    // change matches that stand, by finding id
	Judged      Judged              `json:"judged"`
	Called      []Called            `json:"called,omitempty"` // what the scope was called, the newest last
}

// Called is a name that a scope was seen to have.
type Called struct {
	Title string    `json:"title"`
	Since time.Time `json:"since,omitzero"` // zero: ever since it was first judged, and before
}

// Standing is a change rule's match: it stands until acknowledged, until its until
// holds, or until Expires.
type Standing struct {
	Rule    string    `json:"rule"`
	Change  Change    `json:"change"`
	Expires time.Time `json:"expires"`
}

// Judged says what a judgement rests on.
type Judged struct {
	At        time.Time       `json:"at,omitzero"`
	Inventory map[Kind]uint64 `json:"inventory,omitempty"` // KV revisions
	Rules     string          `json:"rules,omitempty"`     // hash of rules and configuration
	Waivers   uint64          `json:"waivers,omitempty"`   // KV revision
	ChangeSeq uint64          `json:"changeSeq,omitempty"` // stream sequence of the last change taken in
	ConfigAt  time.Time       `json:"configAt,omitzero"`   // the last judgement by former rules, configuration or environment: what is older was no violation by those
}

// FindingEvent is one transition of one finding, as published.
type FindingEvent struct {
	V       int          `json:"v"`
	At      time.Time    `json:"at"`
	From    FindingState `json:"from,omitempty"` // empty: it did not exist
	To      FindingState `json:"to"`
	Why     string       `json:"why,omitempty"`
	Finding Finding      `json:"finding"`
}
