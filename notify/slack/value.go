package slack

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Value is what a button carries: what the person saw. It comes back from outside, and proves nothing.
type Value struct {
	Group   string       // id of the card's group
	Rev     int          // of the group, as shown
	Scope   access.Scope // of the finding; empty: the button is for the whole group
	Finding string
	Episode int
	Action  string // that is decided about, or taken back
	Plan    string // hash of its plan, as shown
}

const valueVersion = "v1"

// String is the value as a button carries it: at most 400 characters.
func (v Value) String() string {
	return strings.Join([]string{valueVersion, v.Group, strconv.Itoa(v.Rev), string(v.Scope), v.Finding, strconv.Itoa(v.Episode), v.Action, v.Plan}, "|")
}

// ParseValue reads what a button carried.
func ParseValue(s string) (Value, error) {
	parts := strings.Split(s, "|")
	if len(s) > 400 || len(parts) != 8 || parts[0] != valueVersion {
		return Value{}, fmt.Errorf("read what the button carries: %d parts of version %.10q: the card was posted by another version of this program", len(parts), parts[0])
	}
	rev, err := strconv.Atoi(parts[2])
	if err != nil || rev < 0 {
		return Value{}, fmt.Errorf("read what the button carries: revision %.20q", parts[2])
	}
	episode, err := strconv.Atoi(parts[5])
	if err != nil || episode < 0 {
		return Value{}, fmt.Errorf("read what the button carries: episode %.20q", parts[5])
	}
	v := Value{Group: parts[1], Rev: rev, Scope: access.Scope(parts[3]), Finding: parts[4], Episode: episode, Action: parts[6], Plan: parts[7]}
	if v.Scope != "" && v.Scope.Validate() != nil {
		return Value{}, fmt.Errorf("read what the button carries: scope %.40q", v.Scope)
	}
	return v, nil
}

// The ids of what people click. Whatever else comes is ignored, and counted.
const (
	ActRevert    = "gw.revert" // vote for the plan: opens a confirm that Slack draws
	ActDeny      = "gw.deny"   // vote against it
	ActKeep      = "gw.keep"   // opens the modal
	ActSecond    = "gw.second" // agrees to what somebody else asked to keep
	ActTicket    = "gw.ticket"
	ActAck       = "gw.ack"
	ActSnooze    = "gw.snooze"  // an overflow or select: its option carries "<value> <duration>"
	ActUndo      = "gw.undo"    // opens the modal for the reason
	ActEnd       = "gw.end"     // ends a waiver early
	ActDetails   = "gw.details" // opens the modal
	ActRevertAll = "gw.all"     // of a group: opens the modal that names the number
	ActMore      = "gw.more"    // of one finding in a group: opens its card as a modal
	ActLink      = "gw.link"    // opens a page; nothing is to be done
)

// The callback ids of modals.
const (
	ViewKeep    = "gw.view.keep"
	ViewUndo    = "gw.view.undo"
	ViewAll     = "gw.view.all"
	ViewDetails = "gw.view.details"
)
