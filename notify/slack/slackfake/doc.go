// Package slackfake is one Slack workspace on loopback: the Web API, Socket Mode,
// signed HTTP deliveries, response URLs, modals, a Home tab, and a page in the
// browser in which a person reads channels and clicks. Tests drive it with a real
// client over real HTTP and real WebSockets; a newcomer lives the demo's story in it.
//
// It is strict where Slack is: tokens and scopes, membership, every limit of Block
// Kit, rate limits with Retry-After, trigger ids of three seconds, response URLs of
// five uses and thirty minutes, acknowledgements within three seconds. It refuses
// what it does not know (methods, blocks, elements, properties), so that a client
// which works here does not rely on anything that was not looked at. Where Slack's
// behaviour is not documented, the choice is marked "(a guess)".
//
// It shares no code with the client library, so as not to share its mistakes.
//
// All state is in memory, under one lock; nothing outlives Close. Time comes from
// Options.Now; the timers that wake people who wait (the three seconds of an
// acknowledgement, pings, retries of events) are real, or a synctest bubble's, when
// Options.Listener stays inside the bubble.
package slackfake
