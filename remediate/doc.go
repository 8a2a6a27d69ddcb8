// Package remediate puts findings right, or says why it does not.
//
// It owns three questions and one machine. [Respond] says what configuration wants
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
// Awaiting, approved, vetoed, expired and undone belong to approvals and undo: nothing
// here moves an action into or out of them.
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
