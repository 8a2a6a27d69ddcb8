package access

import (
	"slices"
	"strings"
	"time"
)

// Status says how the newest read of a collection went. The zero value is unread.
type Status string

// The statuses of a collection. Everything but complete makes the rules that read
// the kind unknown.
const (
	StatusUnread      Status = ""
	StatusComplete    Status = "complete"
	StatusDenied      Status = "denied"      // the credential may not read it
	StatusFailed      Status = "failed"      // an error, a cut answer, a count that disagrees twice
	StatusUnsupported Status = "unsupported" // Atlas does not have it here
	StatusSuspect     Status = "suspect"     // it lost more than is credible without events; set aside
)

// Collection is all resources of one kind in one scope. Resources are those of the
// last complete read and stay when a later read goes wrong; Status and StatusSince
// tell of the newest read.
type Collection struct {
	V           int        `json:"v"`
	Scope       Scope      `json:"scope"`
	Kind        Kind       `json:"kind"`
	Status      Status     `json:"status"`
	StatusSince time.Time  `json:"statusSince,omitzero"` // when Status became what it is
	Reason      string     `json:"reason,omitempty"`     // why it is not complete, for people
	Resources   []Resource `json:"resources"`            // sorted by name
	Odd         []string   `json:"odd,omitempty"`        // names of elements that the last complete read could not decode ("": not even a name); their records, if any, are the former ones
	FirstRead   time.Time  `json:"firstRead,omitzero"`   // begin of the first complete read: the baseline
	Watched     time.Time  `json:"watched,omitzero"`     // begin of the first read after the last gap in watching; zero: none since the baseline
	ChangedRead time.Time  `json:"changedRead,omitzero"` // begin of the read that last changed this document
	Trail       Trail      `json:"trail,omitzero"`       // the watcher's memory; rules read the ids of its recent changes
}

// Trail is what the watcher keeps beside a collection, in the same compare-and-set,
// so that it uses each event once, however late or often the event comes.
type Trail struct {
	Recent  []RecentChange       `json:"recent,omitempty"`  // changes that late events may still explain
	Handled map[string]time.Time `json:"handled,omitempty"` // events used up, by id, and when
	Aside   string               `json:"aside,omitempty"`   // digest of the suspect reading that was set aside
	AsideAt time.Time            `json:"asideAt,omitzero"`  // when it began
}

// RecentChange is a change without its states, with the window in which it happened.
type RecentChange struct {
	Change Change    `json:"change"`
	From   time.Time `json:"from,omitzero"`  // begin of the complete read before; zero: not known
	Until  time.Time `json:"until"`          // end of the read that saw it
	Cause  time.Time `json:"cause,omitzero"` // created of the event that explains it best; zero: none yet
}

// Resource is one resource with what is known of its history.
type Resource struct {
	Box       Box       `json:"box"`
	FirstSeen time.Time `json:"firstSeen,omitzero"`
	Baseline  bool      `json:"baseline,omitempty"`  // there at first sight of its kind in its scope
	ChangedAt time.Time `json:"changedAt,omitzero"`  // when its last change happened; zero: never since first sight
	Cause     string    `json:"cause,omitempty"`     // id of that change
	Gap       bool      `json:"gap,omitempty"`       // that change fell into a gap in watching
	CameInGap bool      `json:"cameInGap,omitempty"` // it appeared in a gap: when is not known, whatever changed since
	Actor     Actor     `json:"actor,omitzero"`      // who made it, when known

	// OwnerSince is when a person or team was seen to come to hold the owner role of
	// the scope, as long as it does; zero: it does not, or did at first sight.
	OwnerSince time.Time `json:"ownerSince,omitzero"`
}

// Name is the canonical name.
func (r Resource) Name() string { return r.Box.Name() }

// Reading is the result of one attempt to read a collection. Anything but complete
// carries no states: a part of a list is never taken for the list.
type Reading struct {
	Status Status
	Reason string    // why it is not complete, for people
	States []State   // of a complete reading, in any order
	Odd    []string  // elements that could not be decoded, by name where one could be had
	Began  time.Time // Atlas time directly before the first request
}

// Find returns the resource of this name.
func (c Collection) Find(name string) (Resource, bool) {
	i, ok := slices.BinarySearchFunc(c.Resources, name, func(r Resource, n string) int { return strings.Compare(r.Name(), n) })
	if !ok {
		return Resource{}, false
	}
	return c.Resources[i], true
}

// Unreadable reports whether the resource of this name may be there without a record that
// can be believed: an element of its name, or one without a readable name, could not be decoded.
func (c Collection) Unreadable(name string) bool {
	return slices.Contains(c.Odd, name) || slices.Contains(c.Odd, "")
}

// NewCollection builds a complete collection from states as read: sorted by name,
// the last of two equal names winning.
func NewCollection(scope Scope, kind Kind, states []State) Collection {
	byName := map[string]State{}
	for _, s := range states {
		byName[s.Name()] = s
	}
	c := Collection{V: Version, Scope: scope, Kind: kind, Status: StatusComplete, Resources: make([]Resource, 0, len(byName))}
	for _, s := range byName {
		c.Resources = append(c.Resources, Resource{Box: Box{s}})
	}
	slices.SortFunc(c.Resources, func(a, b Resource) int { return strings.Compare(a.Name(), b.Name()) })
	return c
}

// States returns the typed states of a collection, in order of name.
func States[T State](c Collection) []T {
	out := make([]T, 0, len(c.Resources))
	for _, r := range c.Resources {
		if t, ok := As[T](r.Box); ok {
			out = append(out, t)
		}
	}
	return out
}
