// Package remediate puts findings right, or says why it does not.
//
// It owns four questions and one machine. [Intended] says whether a finding is told of, asked
// about or put right, [Consent] whether people agreed; [Respond] says what configuration wants
// done about a finding, [MakePlan] which surgical writes would do it and how to take
// them back, [Guard] whether they may be made now; all three are pure. [Stage] is the
// machine: it drives one [access.Action] per episode of a finding through its life.
//
// # State
//
// One document per action, keyed by [access.ActionID]. Every transition is one
// compare-and-set that carries its facts (decision, intent, outcome) in the outbox.
// A ledger per project and per org holds the ids of the actions that wrote in the last
// hour: it is the cap, and by it [Stage.Intents] finds our own writes without a scan.
//
//	proposed → running → verifying → verified
//	    │         │          ├→ proposed (still a violation: planned anew, bounded)
//	    │         │          └→ failed, superseded
//	    ├─────────┴→ superseded, refused, told, stale, failed
//
// What people decide goes another way into running, and is denied until then:
//
//	proposed → awaiting → approved → running …
//	    │         │  ↑        │  └→ awaiting (the plan changed, or the votes count no more)
//	    │         │  └─ asked of more people, once
//	    └─────────┴───────────┴→ vetoed, expired, superseded
//	verified → undone (by an action of its own that follows it, see [access.Purpose])
//
// # What people decide
//
// A gateway that knows who asks signs a command ([access.Seal]); [Stage.Command] alone does
// it. It checks the signature against keys of the configuration, the scope and the org for
// which the key speaks, the time at which the store took it, and that its id is new; then
// that who asks is a declared principal who may decide this; and stores what became of it
// under its id, which is the answer, however often it is asked for. A vote is bound to the
// hash of the plan that was shown. [Consent] counts: when a vote comes in, before the intent
// is stored, and before each write, by the configuration as it is then. So a key that was
// taken out, a person who left a group and a plan that became another one carry nothing. One
// denial vetoes, whichever plan it was about.
//
// Taking access away may be approved by whoever made the change, too. Giving it back (undo,
// release) and keeping it (waive, acknowledge, expect) takes somebody who neither made the
// change nor answers for what made it; where nobody knows who did, giving it back takes two.
// What was there before is adopted, by two operators who saw the same list, and each of its
// plans is then bound to their two votes.
//
// # The order of things
//
// An action runs under its scope's lock: read the kinds that the rule judges, judge
// again, plan again, ask every guard, reserve the caps, store the intent, and only then
// write, with the lease checked directly before each request. What counts is what is
// read back: the answer to a write proves nothing.
//
// # What is left to people
//
// Some guards stand only before what nobody was asked about: what a tool owns by its
// credential and its pattern, what somebody puts back each time, what falls into a freeze
// or an incident, and rules that did harm. What they need to know of the past is counted
// nowhere: it is read from the actions of the same resources, so that no crash and no race
// loses a count ([Case].Past). After a write the logins are looked at for half an hour
// ([NextLook], [Aftermath]).
//
// # What may repeat, come late or die
//
// [Stage.Act] may be called any number of times, by any number of processes, at any
// time: it looks at what is stored and takes it from there. A process that dies leaves
// the action running; whoever finds it reads first. Operations seen done are taken for
// ours (the intent says that they were on their way), and the rest of the plan is judged
// as if they had not happened, so that a plan of two deletions is not given up after one.
//
// A clean read never ends an action by itself, since one read may be wrong: the action
// waits until the finding resolves, which the watcher's careful reads decide. An empty
// access list after a deletion is not believed either, because a plan always leaves
// another way in.
//
// The response, and whether it may write at all, are fixed when the episode opens.
// Configuration that changes later can only take that away.
package remediate
