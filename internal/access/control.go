package access

import (
	"slices"
	"time"
)

// CommandRecord is what became of one command. It is stored once for each id, and is the
// answer that whoever asked gets, however often they ask.
type CommandRecord struct {
	V        int       `json:"v"`
	Command  Command   `json:"command"`
	Key      string    `json:"key"`    // [KeyID] of the key that signed it
	Digest   string    `json:"digest"` // of the signed bytes: another command under the same id is refused
	Accepted bool      `json:"accepted"`
	Why      string    `json:"why"`              // what was done, or why it was refused and what to do next
	Action   string    `json:"action,omitempty"` // the action that it moved or began
	At       time.Time `json:"at"`
}

// Control is what commands have decided for one scope. Freezes and incidents of an org hold
// in its projects.
type Control struct {
	V         int        `json:"v"`
	Freeze    Freeze     `json:"freeze,omitzero"`
	Incidents []Incident `json:"incidents,omitempty"`
	Adoptions []Adoption `json:"adoptions,omitempty"`
	Stopped   []Stop     `json:"stopped,omitempty"`
}

// Freeze keeps everything from being written. The zero value is none.
type Freeze struct {
	On     bool      `json:"on"`
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// Incident turns reverts into questions for its time.
type Incident struct {
	Name     string    `json:"name"`
	By       string    `json:"by"`
	Reason   string    `json:"reason,omitempty"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Extended []string  `json:"extended,omitempty"` // by whom; never by who opened it
	EndedBy  string    `json:"endedBy,omitempty"`  // who ended it before its time, at Until
	Listed   bool      `json:"listed,omitempty"`   // what changed in it was told at its end
}

// Running reports whether the incident holds now.
func (i Incident) Running(now time.Time) bool { return !now.Before(i.From) && now.Before(i.Until) }

// Adoption makes inherited findings of one rule actionable, once two people have asked for
// the same list.
type Adoption struct {
	Rule  string            `json:"rule"`
	Hash  string            `json:"hash"`  // of the list that they saw
	Votes []Ballot          `json:"votes"` // the first that asked first; it takes two
	Plans map[string]string `json:"plans"` // hashes of the plans by the ids of their actions
	At    time.Time         `json:"at"`
}

// Stop keeps a rule from writing by itself after what it did had done harm.
type Stop struct {
	Rule   string    `json:"rule"`
	Action string    `json:"action"` // the one that did
	Why    string    `json:"why"`
	At     time.Time `json:"at"`
}

// Incident is the one that runs now.
func (c Control) Incident(now time.Time) (Incident, bool) {
	i := slices.IndexFunc(c.Incidents, func(i Incident) bool { return i.Running(now) })
	if i < 0 {
		return Incident{}, false
	}
	return c.Incidents[i], true
}

// Acknowledgement keeps a finding as it is for one episode: known, and not told again.
type Acknowledgement struct {
	Finding string    `json:"finding"`
	Episode int       `json:"episode"`
	By      string    `json:"by"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}
