// Package slack lets people hear of findings in Slack and decide about them there.
//
// # A view and an input device
//
// Nothing is decided here. [Render] draws a [notify.Card] (pure); [Client] posts and edits it
// within Slack's limits; [Gateway] takes clicks, modals and commands, finds out who it was, and
// asks for a signed command. What becomes of that is remediate's, and comes back as an edited card.
//
// # A click
//
//	socket or HTTP ─▶ kept in the inbox ─▶ acknowledged ─▶ who is it, may they ask ─▶ signed command ─▶ answer
//
// The acknowledgement never waits for anything but the inbox, and for that a third of a second at
// most. A process that dies after it leaves the click in the inbox, from where the next one takes it;
// a click that could not be kept within a second is not done, and the person is told. The id of the
// command is made from the click: a click that is handled twice is one command.
//
// # What a button carries
//
// [Value]: which finding and which plan the person saw. It is never trusted: the vote is bound to
// the plan's hash, and remediate refuses it where that is not the plan any more.
//
// # Who it is
//
// A Slack user is a principal by the configuration's list, or by their e-mail where the configuration
// trusts the workspace with it; never a guest, a bot, a member of another workspace, or anybody in a
// channel that is shared with one. Where a group of the configuration is tied to a user group of
// Slack, its members answer from here only while they are in that one, too.
//
// # Text of strangers
//
// Names, comments and labels come from Atlas, where anybody may have chosen them. They are shown as
// text: no mention, link, format or invisible character of theirs has an effect (see text.go).
package slack
