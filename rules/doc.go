// Package rules judges scopes: it says which resources violate which rules, keeps the
// findings, and publishes their transitions.
//
// # Rules
//
// A rule is YAML: what it judges (a kind of resource, or the changes of one), when it
// is violated (CEL over typed variables), what to say, how bad it is, how strongly one
// may respond, and tests that must pass for it to load. Built-in rules are embedded
// from builtin/ and are loaded like those of users. [Load] reports every mistake with
// file, line and column: a misspelt field or key, a literal that cannot be parsed, an
// expression of the wrong type or too costly, a test that fails. What an expression may
// refer to is in vars.go; [NewVocabulary] tells it to who writes rules. [LoadSound] leaves
// bad rules out: what they had found stays and is unknown. Built-in rules run bare; those of users under a CEL cost limit.
//
// A rule may judge several kinds, each for itself ([Rule.Kinds]), how the kinds of a scope
// were read ([OnReading]), or the rules that failed ([OnFailure]). With each_of, it judges
// names that it works out of a resource, each as a reference of its own (each.go). A state
// rule may have a part that judges changes, under changes: its findings have a key, those
// of the state have none, and both are of one id. What it reads of other
// scopes comes as [access.Facts], which [Engine.Contribute] and [Engine.Gather] put
// together: an org hears what its projects contribute, a project what of the org concerns
// it. What it reads where the profile covers it ("reads_where_covered") is as if it did not
// exist elsewhere; the rule says so. Changes that were announced are found by
// [Policy.Expected]. The variables of each family of rules are in vars_<family>.go.
//
// # Answers
//
// A verdict is pass, violation, unknown, or not applicable. Unknown is the answer while
// a kind that the rule reads is unread, denied, failed, suspect, dirty or too old, for a
// resource that could not be decoded, and for an expression that fails. It is given for
// every resource of the last complete read and changes no finding's state: it marks it.
// (A target kind that Atlas does not have in a project holds no targets, and no access
// history no logins: a rule that needs them says that it does not apply.) Where an org's
// rule cannot see all projects, what passes is unknown and a violation stays one. A
// user's rule that failed five times in a judgement is quarantined for the rest of it.
//
// # Findings
//
// [Engine.Evaluate] is a pure function of its [Input]; [Engine.Advance] folds its
// verdicts into the findings of the scope and returns the transitions. Both may run any
// number of times. What an episode rests on (its cause, the values before it, its
// origin) is decided when it opens and kept while it lasts; so is what it comes through.
//
// Changes that came since the last judgement are replayed over the state rules, value by
// value (replay.go): a violation that opened and closed in between makes a finding that
// is opened and resolved at once; one that closed and opened again begins a new episode;
// and the change that began a violation is known even if others followed it. A change
// that an episode already rests on, or that is older, says nothing new, so that changes
// may come again, late or in other batches.
//
// A change rule's match stands in the document, with its change, until its until holds,
// a later change of the same resource comes for which its ends holds, or its time is over.
// With about: scope, its findings are of the whole scope, told apart by their keys alone. A match that could not be judged waits there, without an expiry.
//
// # The stage
//
// [Stage.Eval] loads dirty marks, changes and inventory in this order (so that what
// is judged clean is what was read, and the inventory is never older than its changes),
// judges, and stores findings, marks and transitions in one compare-and-set. It takes
// no change in for good while a kind that it must be judged with is unknown: then it is
// replayed with the next judgement, for a day at most. Nothing new writes nothing.
package rules
