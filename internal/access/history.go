package access

import "time"

// History is what was seen of who used what in a scope, while it was watched. Dates are
// held by the day. What is not in it was not seen; whether it did not happen only the
// spans can tell.
type History struct {
	V         int                             `json:"v"`
	Scope     Scope                           `json:"scope"`
	Feed      []Span                          `json:"feed,omitempty"`      // when the Activity Feed was read without a gap, in order
	Logins    []Span                          `json:"logins,omitempty"`    // when the access history of every cluster that has one was read without a gap, in order; free and flex clusters have none
	Users     map[string]Use                  `json:"users,omitempty"`     // logins by database user: admin/app, $external/CN=…
	Duties    map[string]map[string]time.Time `json:"duties,omitempty"`    // by actor (e-mail in lower case, public key, client id) and event type: the last time
	Rotations map[string]time.Time            `json:"rotations,omitempty"` // by <kind>/<name>: when an update was last told of that shows in no readable field
}

// Span is a stretch of time.
type Span struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Use is the logins of one database user.
type Use struct {
	First     time.Time            `json:"first"`
	Last      time.Time            `json:"last"`
	Addresses map[string]time.Time `json:"addresses,omitempty"` // the last login from each address
	Cut       time.Time            `json:"cut,omitzero"`        // addresses without a login after this day may be left out: there were too many
}

// SpanSlack is how far behind a span's end may be while nothing is amiss: the end is
// written about once a day, and an access history is read every few hours.
const SpanSlack = 48 * time.Hour

// Since is when the span that lasts until now began; zero if there is none, which is so
// after slack without a read ([SpanSlack], or more).
func Since(spans []Span, now time.Time, slack time.Duration) time.Time {
	if len(spans) == 0 {
		return time.Time{}
	}
	last := spans[len(spans)-1]
	if now.Sub(last.Until) > slack {
		return time.Time{}
	}
	return last.From
}
