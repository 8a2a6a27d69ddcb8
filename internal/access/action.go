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
	Grace        time.Duration `json:"grace,omitempty"`      // before a revert; announced, and a denial in it vetoes
	Approvers    []string      `json:"approvers,omitempty"`  // ids of principals, or names of groups of them; nobody: nobody can be asked
	Quorum       int           `json:"quorum,omitempty"`     // votes that it takes; less than one counts as one
	Deadline     time.Duration `json:"deadline,omitempty"`   // of the question; 0: DefaultDeadline
	OnDeadline   Late          `json:"onDeadline,omitempty"` // what is done when nobody answered by then
	Escalate     []string      `json:"escalate,omitempty"`   // who may answer too from the deadline on, with on_deadline: escalate
	Remedy       string        `json:"remedy,omitempty"`     // what is asked about where the rule names no remedy: one of [ChosenRemedies]
	Undo         time.Duration `json:"undo,omitempty"`       // for how long a revert can be taken back by a command; 0: DefaultUndo
}

// Late is what is done about a question that nobody answered by its deadline. Nothing is
// ever kept or opened again by silence. The zero value tells.
type Late string

// What may be done at a deadline.
const (
	LateNotify   Late = "" // the question expires, and people are told
	LateTicket   Late = "ticket"
	LateEscalate Late = "escalate" // asked once more, of more people
	LateRevert   Late = "revert"   // only where the ceiling is auto and the finding is not inherited
)

// ChosenRemedies are those that a response may choose for rules that name none.
func ChosenRemedies() []string { return []string{"delete", "quarantine", "remove-role"} }

const (
	// DefaultDeadline is that of a question whose response names none.
	DefaultDeadline = 4 * time.Hour
	// DefaultUndo is for how long a revert can be taken back where the response does not say.
	DefaultUndo = 24 * time.Hour
)

// Plan is an ordered list of operations with its inverse.
type Plan struct {
	Operations []Operation `json:"operations,omitempty"`
	Inverse    []Operation `json:"inverse,omitempty"`
	Reversible string      `json:"reversible,omitempty"` // said honestly, for people: "yes", or what cannot be had back
	Ceiling    Ceiling     `json:"ceiling,omitempty"`    // the strongest response that this plan allows by itself
	Why        string      `json:"why,omitempty"`        // what it does, or why there is nothing to do or only asking
	Impact     Impact      `json:"impact,omitzero"`      // no part of the hash: it changes while people read it
}

// Impact is what a plan would cost those who use what it closes, as far as that can be
// known before anyone approves.
type Impact struct {
	Seen   Logins    `json:"seen,omitzero"` // through this address or as this user: authentications only
	From   time.Time `json:"from,omitzero"` // the window that was looked at
	To     time.Time `json:"to,omitzero"`
	Ways   []string  `json:"ways,omitempty"`   // other ways in that remain for the same
	Owner  string    `json:"owner,omitempty"`  // who owns it in code, where that is known
	Answer string    `json:"answer,omitempty"` // "seen", "none" (in a complete window); empty: unknown
	Says   string    `json:"says,omitempty"`   // one sentence for people
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
	Do          Mode        `json:"do,omitempty"`      // the response when the episode opened; approve, once it came to a question
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
	Purpose     Purpose     `json:"purpose,omitempty"` // empty: what the finding calls for
	Of          string      `json:"of,omitempty"`      // the action that this one takes back or follows
	Ask         Ask         `json:"ask,omitzero"`      // the question, of an action that was asked about
	Votes       []Ballot    `json:"votes,omitempty"`   // on the plan of PlanHash, in the order of their coming
	UndoUntil   time.Time   `json:"undoUntil,omitzero"`
	Snoozed     time.Time   `json:"snoozed,omitzero"` // until when nobody is reminded; nothing else waits for it
	Actor       Actor       `json:"actor,omitzero"`   // of the change, as known when people were asked
}

// Asked reports whether the action is a question that people decide.
func (a Action) Asked() bool { return a.Ask.Quorum > 0 && !a.Ask.Lapsed }

// Purpose is what an action is for, other than what its finding calls for.
type Purpose string

// The purposes of actions that follow another one.
const (
	PurposeUndo    Purpose = "undo"
	PurposeRelease Purpose = "release" // from quarantine
	PurposeDelete  Purpose = "delete"  // what stayed in quarantine to the end of its retention
)

// Ask is a question to people: whether a plan may be carried out.
type Ask struct {
	Approvers  []string  `json:"approvers,omitempty"` // as the response names them
	Quorum     int       `json:"quorum,omitempty"`
	Deadline   time.Time `json:"deadline,omitzero"`
	OnDeadline Late      `json:"onDeadline,omitempty"`
	Escalate   []string  `json:"escalate,omitempty"`
	Escalated  bool      `json:"escalated,omitempty"`
	Lapsed     bool      `json:"lapsed,omitempty"` // nobody answered, and the response says to revert then
}

// Ballot is one vote as it was believed.
type Ballot struct {
	By      string    `json:"by"` // the principal's id
	Vote    Vote      `json:"vote"`
	Via     string    `json:"via,omitempty"`
	Key     string    `json:"key"`     // [KeyID] of the key that signed it: a key that is believed no more voids it
	Command string    `json:"command"` // its id
	At      time.Time `json:"at"`
	Reason  string    `json:"reason,omitempty"`
	Signed  []byte    `json:"signed,omitempty"` // the envelope of that command: what is stored proves nothing by itself
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

// The types of decisions that are about more than how an action stands.
const (
	FactControl   = "control"   // what became of a command, or that an incident has ended
	FactAftermath = "aftermath" // an action did harm, for which people are paged
)

// Decision is a fact about an action, as published: decision, intent, outcome, control.
type Decision struct {
	V       int       `json:"v"`
	Type    string    `json:"type"` // decision, intent, outcome, control, aftermath
	At      time.Time `json:"at"`
	Action  Action    `json:"action"`
	Message string    `json:"message"`

	Command *CommandRecord `json:"command,omitempty"` // of a control: what became of a command; its Action is empty
}
