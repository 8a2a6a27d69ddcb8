package access

import (
	"fmt"
	"time"
)

// Verb is what a command asks for.
type Verb string

// The verbs.
const (
	VerbVote        Verb = "vote" // on an action that awaits one
	VerbUndo        Verb = "undo"
	VerbRelease     Verb = "release" // from quarantine
	VerbWaive       Verb = "waive"
	VerbFreeze      Verb = "freeze"
	VerbUnfreeze    Verb = "unfreeze"
	VerbSnooze      Verb = "snooze"
	VerbAcknowledge Verb = "acknowledge"
	VerbExpect      Verb = "expect"
	VerbAdopt       Verb = "adopt" // inherited debt
	VerbIncident    Verb = "incident"
	VerbUnwaive     Verb = "unwaive"      // end a waiver that commands gave
	VerbEndIncident Verb = "end-incident" // before its time
	VerbRefused     Verb = "refused"      // nothing: the gateway says whom it refused what, for the record
)

// Vote is how somebody decides about an action. The zero value is none.
type Vote string

// The votes.
const (
	VoteApprove Vote = "approve" // of the plan with this hash
	VoteDeny    Vote = "deny"    // a veto: one is enough
)

const (
	// CommandLife is how long a command may be waited for after it was asked: what was
	// said about a state of long ago is not said about this one.
	CommandLife = 15 * time.Minute
	// CommandSkew is how far ahead of ours the clock of a gateway may be.
	CommandSkew = time.Minute
)

// Command is what a person asks for. A gateway (Slack, API) that knows who asks signs it
// ([Seal]); remediate alone does it. Fields that the verb does not take are empty.
type Command struct {
	V        int           `json:"v"`
	ID       string        `json:"id"` // the same for a repetition: done once
	Verb     Verb          `json:"verb"`
	Scope    Scope         `json:"scope"`
	By       string        `json:"by"`            // the principal's id
	Via      string        `json:"via"`           // the gateway: slack, api
	How      string        `json:"how,omitempty"` // by what the gateway knows them, for the record
	At       time.Time     `json:"at"`            // when it was asked
	Until    time.Time     `json:"until"`         // from when on it is void: CommandLife after At at most
	Reason   string        `json:"reason,omitempty"`
	Ticket   string        `json:"ticket,omitempty"`
	Finding  string        `json:"finding,omitempty"`
	Episode  int           `json:"episode,omitempty"`
	PlanHash string        `json:"planHash,omitempty"` // [Plan.Hash] that the person saw
	Action   string        `json:"action,omitempty"`   // vote: on an action that follows the episode's own; empty: on that
	Vote     Vote          `json:"vote,omitempty"`
	For      time.Duration `json:"for,omitempty"`      // snooze, incident
	Rule     string        `json:"rule,omitempty"`     // adopt
	Incident string        `json:"incident,omitempty"` // its name
	Waiver   *Waiver       `json:"waiver,omitempty"`   // unwaive: the one with this id
	Expect   *Expectation  `json:"expect,omitempty"`
}

// of says which fields a verb takes; what it takes it needs.
type of struct {
	finding, plan, vote, span, rule, incident, waiver, expect, reason bool
}

func (v Verb) takes() (of, bool) {
	switch v {
	case VerbVote:
		return of{finding: true, plan: true, vote: true}, true
	case VerbUndo, VerbRelease:
		return of{finding: true, plan: true, reason: true}, true
	case VerbWaive:
		return of{finding: true, waiver: true, reason: true}, true
	case VerbFreeze, VerbUnfreeze:
		return of{reason: true}, true
	case VerbSnooze:
		return of{finding: true, span: true}, true
	case VerbAcknowledge:
		return of{finding: true}, true
	case VerbExpect:
		return of{expect: true, reason: true}, true
	case VerbAdopt:
		return of{rule: true, plan: true, reason: true}, true // the hash is of the impact that was listed
	case VerbIncident:
		return of{incident: true, span: true, reason: true}, true
	case VerbUnwaive:
		return of{waiver: true, reason: true}, true
	case VerbEndIncident:
		return of{incident: true, reason: true}, true
	case VerbRefused:
		return of{reason: true}, true
	}
	return of{}, false
}

// Validate says what is wrong with a command by itself, whoever gave it.
func (c Command) Validate() error {
	takes, known := c.Verb.takes()
	if !known {
		return fmt.Errorf("command %s: verb %q is not one that this version knows", c.ID, c.Verb)
	}
	for _, f := range []struct {
		name       string
		wanted, is bool
	}{
		{"id", true, len(c.ID) >= 16 && len(c.ID) <= 64}, {"by", true, c.By != ""}, {"via", true, c.Via != ""},
		{"finding", takes.finding, c.Finding != ""}, {"episode", takes.finding, c.Episode > 0}, {"planHash", takes.plan, c.PlanHash != ""},
		{"vote", takes.vote, c.Vote != ""}, {"for", takes.span, c.For > 0}, {"rule", takes.rule, c.Rule != ""}, {"incident", takes.incident, c.Incident != ""},
		{"waiver", takes.waiver, c.Waiver != nil}, {"expect", takes.expect, c.Expect != nil},
	} {
		switch {
		case f.wanted && !f.is:
			return fmt.Errorf("command %s: %s needs %s", c.ID, c.Verb, f.name)
		case !f.wanted && f.is:
			return fmt.Errorf("command %s: %s takes no %s", c.ID, c.Verb, f.name)
		}
	}
	return c.consistent(takes)
}

func (c Command) consistent(takes of) error {
	if err := c.Scope.Validate(); err != nil {
		return fmt.Errorf("command %s: %w", c.ID, err)
	}
	switch {
	case c.Action != "" && c.Verb != VerbVote:
		return fmt.Errorf("command %s: %s takes no action", c.ID, c.Verb)
	case c.V != Version:
		return fmt.Errorf("command %s: version %d: this version knows %d", c.ID, c.V, Version)
	case takes.vote && c.Vote != VoteApprove && c.Vote != VoteDeny:
		return fmt.Errorf("command %s: vote %q: want %s or %s", c.ID, c.Vote, VoteApprove, VoteDeny)
	case c.Verb == VerbUnwaive && c.Waiver.ID == "":
		return fmt.Errorf("command %s: %s needs the waiver's id", c.ID, c.Verb)
	case takes.reason && c.Reason == "":
		return fmt.Errorf("command %s: %s needs a reason", c.ID, c.Verb)
	case c.For < 0 || c.Episode < 0:
		return fmt.Errorf("command %s: a negative duration or episode", c.ID)
	case c.At.IsZero() || !c.Until.After(c.At) || c.Until.Sub(c.At) > CommandLife:
		return fmt.Errorf("command %s: it must end after it was asked, and within %s", c.ID, Lasts(CommandLife))
	}
	return nil
}
