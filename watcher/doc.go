// Package watcher looks at Atlas and says what changed. It is the first stage: a poll
// job comes in, Event and Change facts and a wish to judge go out.
//
// # One poll
//
//  1. Read the scope's feed (an org: also its list of projects).
//  2. Compare-and-set gw_watch/<scope>: cursor, ids seen, the events that concern a
//     kind we read ([Pending]), a mark on every kind that they make dirty, and the
//     events themselves as facts in the outbox.
//  3. For each kind that is dirty, overdue for its sweep, or joined to such a kind:
//     load the inventory document and its revision, read Atlas, compare, attribute, and
//     compare-and-set gw_inventory/<scope>.<kind> on that revision, with the Changes
//     and a wish to judge in the outbox. Whoever loses reads again.
//  4. Compare-and-set gw_watch/<scope> again: take away the marks that are still the
//     ones seen before the read, and the events that the inventory has used up; wish
//     to judge, since the rules call a dirty kind unknown.
//
// Beside that it keeps gw_history/<scope>: who did what, who logged in from where, whose
// credential was exchanged, and since when that is known without a gap. Events go into it
// between steps 1 and 2, what a read shows between 3 and 4, and only what moves a date by
// a day is written. History that cannot be written holds up nothing: gw_watch has a mark
// until a new span was begun.
//
// # What may repeat, come late or be lost
//
// A process may die between any two steps. After step 2 the mark stands, so the kind
// is read by whoever polls next. After step 3 the mark stands too; the next read finds
// no difference, and the ids in the collection's trail say which events are used up.
// No step needs the one before it to have run in the same process.
//
// Events are hints: one wakes a read, the difference is the change, and the event
// names its actor ([Attribute]). An event that comes after its change was published
// makes an attributed change. One that explains no difference, after a complete read
// that began at least a second later, is published as observed: passwords changed,
// entries opened and closed between two reads. What no event explains may be the side
// effect of one: with a team go its members. Which type touches which kinds, in which
// feed, is one table: eventtable.txt.
//
// Sweeps need no job of their own: every poll reads the kinds whose sweep is overdue
// by what gw_watch says of their last reads. A sweep that the queue coalesced away
// is therefore not lost.
//
// # What is not believed
//
// The first complete read of a kind is its baseline and makes no changes. What a poll
// finds after more than an hour without watching is marked as a gap. A reading that
// lost more than is credible without deletion events, or everything, is set aside
// until a second one agrees. A reading that is not complete changes the status and
// nothing else. A project that vanishes from its org's list stays as it was until its
// own feed is gone too, or an event told of its deletion; should it come back, it
// starts again from a baseline.
package watcher
