package notify

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestWhatPeopleMustKnow holds which decisions that the state of no finding shows are told, and
// in which words; and that of commands that nobody believes one waits at a time.
func TestWhatPeopleMustKnow(t *testing.T) {
	f := finding()
	done := access.Action{ID: access.ActionID(f.ID, 1), Finding: f.ID, Episode: 1, Ref: f.Ref, Severity: f.Severity, State: access.ActionVerified}
	undo := done
	undo.ID, undo.Purpose, undo.State, undo.Why = done.ID+"-undo", access.PurposeUndo, access.ActionAwaiting, "bob asks to take back"
	gone := undo
	gone.ID, gone.Finding = "gone-1-undo", "gone"
	said := func(verb access.Verb, ok bool) *access.CommandRecord {
		return &access.CommandRecord{Accepted: ok, Command: access.Command{Verb: verb, Scope: scope}}
	}
	for name, c := range map[string]struct {
		fact access.Decision
		want string // empty: nothing is told
	}{
		"frozen":                {access.Decision{Type: access.FactControl, Message: "freeze by carol: done", Command: said(access.VerbFreeze, true)}, "[HIGH] freeze by carol: done"},
		"an incident's end":     {access.Decision{Type: access.FactControl, Message: "incident INC-1 has ended", Action: access.Action{Ref: access.Ref{Scope: scope}}}, "[HIGH] incident INC-1 has ended"},
		"not believed":          {access.Decision{Type: access.FactControl, Message: "not believed", Command: said("", false)}, "[HIGH] not believed"},
		"a vote":                {access.Decision{Type: access.FactControl, Message: "vote", Command: said(access.VerbVote, true)}, ""},
		"refused to one":        {access.Decision{Type: access.FactControl, Message: "no", Command: said(access.VerbUnfreeze, false)}, ""},
		"harm":                  {access.Decision{Type: access.FactAftermath, Message: "it did harm", Action: done}, "[CRITICAL] it did harm"},
		"a question to undo":    {access.Decision{Type: "decision", Action: undo}, "[CRITICAL] undo awaiting"},
		"of a finding long ago": {access.Decision{Type: "decision", Action: gone}, "[CRITICAL] undo awaiting"},
	} {
		t.Run(name, func(t *testing.T) {
			s, out, _, _ := sender(t)
			s.Actions = &memory[access.Action]{docs: map[string]access.Action{done.ID: done, undo.ID: undo, gone.ID: gone}}
			var got []access.Out
			r := Router{Routes: func() []Route { return []Route{{To: []string{"log"}}, {To: []string{"log"}}} },
				Publish: func(_ context.Context, outs ...access.Out) error { got = append(got, outs...); return nil }}
			if err := r.Decision(t.Context(), c.fact); err != nil {
				t.Fatal(err)
			}
			for _, o := range got {
				var n access.Notice
				if err := json.Unmarshal(o.Body, &n); err != nil {
					t.Fatal(err)
				}
				if err := s.Send(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			if len(got) != len(out.said) || (c.want == "") != (len(out.said) == 0) || c.want != "" && !strings.HasPrefix(out.said[0], c.want) {
				t.Errorf("said %q", out.said)
			}
		})
	}
	one, other := access.Decision{Type: access.FactControl, Message: "a", Command: said("", false)}, access.Decision{Type: access.FactControl, Message: "b", Command: said("", false)}
	if subjectOf(one, access.Notice{Scope: scope, Says: "a"}) != subjectOf(other, access.Notice{Scope: scope, Says: "b"}) {
		t.Error("junk fills the queue")
	}
}
