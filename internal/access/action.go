package access

import (
	"encoding/json"
	"strconv"
	"time"
)

// Mode is what a response does. The zero value is observe.
type Mode string

// The modes, from the weakest.
const (
	ModeObserve Mode = "" // record only
	ModeNotify  Mode = "notify"
	ModeTicket  Mode = "ticket"
	ModeApprove Mode = "approve"
	ModeRevert  Mode = "revert"
)

// Response says what to do about findings that match it. Empty lists match everything.
type Response struct {
	Rules        []string      `json:"rules,omitempty"` // ids or globs
	Environments []string      `json:"environments,omitempty"`
	Severities   []Severity    `json:"severities,omitempty"`
	Owners       []string      `json:"owners,omitempty"`
	Do           Mode          `json:"do,omitempty"`
	Grace        time.Duration `json:"grace,omitempty"`
}

// Plan is an ordered list of operations with its inverse.
type Plan struct {
	Operations []Operation `json:"operations,omitempty"`
	Inverse    []Operation `json:"inverse,omitempty"`
	Reversible string      `json:"reversible,omitempty"` // said honestly, for people: "yes", or what cannot be had back
	Ceiling    Ceiling     `json:"ceiling,omitempty"`    // the strongest response that this plan allows by itself
	Why        string      `json:"why,omitempty"`        // what it does, or why there is nothing to do or only asking
}

// Hash binds an approval and an execution to rule, ref, episode, operations and the
// before-values of the fields that they touch, and nothing else of the scope.
func (p Plan) Hash(rule string, ref Ref, episode int) string {
	parts := []string{rule, ref.Hash(), strconv.Itoa(episode)}
	for _, o := range p.Operations {
		fields := []any{o.Type, o.Ref, o.touched(), o.Entry, SortGrants(o.Roles), SortScopes(o.Scopes)}
		if more := o.wanted(); len(more) > 0 { // the hashes of what was always written are stored: they stay what they are
			fields = append(fields, more)
		}
		raw, err := json.Marshal(fields)
		if err != nil {
			panic("access: an operation does not encode: " + err.Error())
		}
		parts = append(parts, string(raw))
	}
	return Hash(parts...)
}

// ActionState is where an action stands.
type ActionState string

// The life of an action. Awaiting, approved, vetoed, expired and undone belong to
// approvals and undo.
const (
	ActionProposed   ActionState = "proposed"
	ActionAwaiting   ActionState = "awaiting"
	ActionApproved   ActionState = "approved"
	ActionRunning    ActionState = "running"
	ActionVerifying  ActionState = "verifying"
	ActionVerified   ActionState = "verified"
	ActionVetoed     ActionState = "vetoed"
	ActionExpired    ActionState = "expired"
	ActionFailed     ActionState = "failed"
	ActionSuperseded ActionState = "superseded"
	ActionStale      ActionState = "stale"
	ActionRefused    ActionState = "refused" // by the guard that Guard names
	ActionUndone     ActionState = "undone"
	ActionTold       ActionState = "told" // nothing to write: recorded, or told to people
)

// Done reports whether nothing more will happen by itself.
func (s ActionState) Done() bool {
	switch s {
	case ActionVerified, ActionVetoed, ActionExpired, ActionFailed, ActionSuperseded, ActionStale, ActionRefused, ActionUndone, ActionTold:
		return true
	}
	return false
}

// Writing reports whether writes of this action may be on their way or just made.
func (s ActionState) Writing() bool { return s == ActionRunning || s == ActionVerifying }

// Action is the life of one plan: what is done about one episode of one finding.
type Action struct {
	V           int         `json:"v"`
	ID          string      `json:"id"` // ActionID(finding, episode)
	Finding     string      `json:"finding"`
	Episode     int         `json:"episode"`
	Rule        string      `json:"rule"`
	Ref         Ref         `json:"ref"`
	Severity    Severity    `json:"severity"`
	Environment string      `json:"environment,omitempty"`
	State       ActionState `json:"state"`
	Do          Mode        `json:"do,omitempty"`      // the response when the episode opened
	Ceiling     Ceiling     `json:"ceiling,omitempty"` // after rule, plan, origin and age
	Why         string      `json:"why,omitempty"`     // why it stands where it stands, for people
	Guard       string      `json:"guard,omitempty"`   // which guard refused
	Plan        Plan        `json:"plan,omitzero"`
	PlanHash    string      `json:"planHash,omitempty"`
	Created     time.Time   `json:"created"`
	Wake        time.Time   `json:"wake,omitzero"` // when to look again by itself; zero: not
	Attempts    int         `json:"attempts,omitempty"`
	Steps       []Step      `json:"steps,omitempty"`
	Outcome     Outcome     `json:"outcome,omitzero"`
}

// Step is one transition of an action.
type Step struct {
	At  time.Time   `json:"at"`
	To  ActionState `json:"to"`
	Why string      `json:"why,omitempty"`
}

// Outcome is what was read back, the window in which the violation stood open, and
// what was seen in it.
type Outcome struct {
	Verified     time.Time `json:"verified,omitzero"`
	ExposedFrom  time.Time `json:"exposedFrom,omitzero"`
	ExposedUntil time.Time `json:"exposedUntil,omitzero"`
	Logins       Logins    `json:"logins,omitzero"`
	Requests     []string  `json:"requests,omitempty"` // the writes made, one line each
}

// Quality says how far a count of logins can be believed. The zero value is unknown.
type Quality string

// The qualities.
const (
	QualityUnknown  Quality = ""
	QualityPartial  Quality = "partial"
	QualityComplete Quality = "complete"
)

// Logins is what the access history shows in a window: authentications only.
type Logins struct {
	Quality   Quality  `json:"quality,omitempty"`
	Why       string   `json:"why,omitempty"` // why it is not complete
	Succeeded int      `json:"succeeded,omitempty"`
	Failed    int      `json:"failed,omitempty"`
	Hosts     []string `json:"hosts,omitempty"`  // clusters on which they were seen, sorted
	Sample    []Login  `json:"sample,omitempty"` // at most 20, newest first
}

// Login is one line of the access history, shortened.
type Login struct {
	At       time.Time `json:"at"`
	Username string    `json:"username,omitempty"`
	Source   string    `json:"authSource,omitempty"`
	Address  string    `json:"address,omitempty"`
	Cluster  string    `json:"cluster,omitempty"`
	OK       bool      `json:"ok,omitempty"`
}

// ActionID is the id of the action for one episode of a finding. It is also what the
// User-Agent of its writes carries.
func ActionID(finding string, episode int) string { return finding + "-" + strconv.Itoa(episode) }

// Intent is a write that one of our running actions is making or has just made: by
// it the watcher knows our own changes when they come back.
type Intent struct {
	Action    string
	Operation Operation
}

// Decision is a fact about an action, as published: decision, intent, outcome, control.
type Decision struct {
	V       int       `json:"v"`
	Type    string    `json:"type"` // decision, intent, outcome, control
	At      time.Time `json:"at"`
	Action  Action    `json:"action"`
	Message string    `json:"message"`
}
