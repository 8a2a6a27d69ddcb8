package access

import (
	"encoding/json"
	"time"
)

// Topic is where an outgoing message goes; the stream package maps it to a subject.
type Topic string

// The topics. The facts are read by audit and kept; the others are work queues that
// carry ids only.
const (
	TopicEvent    Topic = "event"    // fact: Event
	TopicChange   Topic = "change"   // fact: Change; subject partitioned by scope
	TopicFinding  Topic = "finding"  // fact: FindingEvent
	TopicDecision Topic = "decision" // fact: Decision; Keys = [type]
	TopicCommand  Topic = "command"  // fact: Envelope
	TopicPoll     Topic = "poll"     // work: Poll, one a scope
	TopicEval     Topic = "eval"     // work: Eval, one a scope
	TopicAction   Topic = "action"   // work: Act, one a finding; Keys = [finding id]
	TopicNotify   Topic = "notify"   // work: Notice; Keys = [sink, subject id]
)

// Out is one outgoing message of a document's outbox: stored in the same
// compare-and-set as the state that caused it, published after, cleared last.
type Out struct {
	Topic Topic           `json:"topic"`
	Scope Scope           `json:"scope"`
	Keys  []string        `json:"keys,omitempty"` // further subject tokens
	ID    string          `json:"id,omitempty"`   // message id; empty: made from bucket, key and number
	Body  json.RawMessage `json:"body"`
}

// NewOut builds an outgoing message. The body must be one of this package's types.
func NewOut(topic Topic, scope Scope, body any, keys ...string) Out {
	raw, err := json.Marshal(body)
	if err != nil {
		panic("access: a message does not encode: " + err.Error())
	}
	return Out{Topic: topic, Scope: scope, Keys: keys, Body: raw}
}

// Poll asks the watcher to look at a scope.
type Poll struct {
	Scope  Scope     `json:"scope"`
	Source Source    `json:"source"`          // feed: read the feed; webhook: also mark Kinds dirty; sweep: read all of Kinds
	Kinds  []Kind    `json:"kinds,omitempty"` // of a sweep or webhook; a sweep of none is of all covered
	At     time.Time `json:"at"`
}

// Eval asks the rules to judge a scope.
type Eval struct {
	Scope     Scope           `json:"scope"`
	Inventory map[Kind]uint64 `json:"inventory,omitempty"` // a load below these revisions asks the leader again
	Why       string          `json:"why"`
}

// Act asks remediation to look at a finding or its action.
type Act struct {
	Scope   Scope  `json:"scope"`
	Finding string `json:"finding"`
	Action  string `json:"action,omitempty"` // one that follows the finding's own; empty: that of its episode
	Why     string `json:"why"`
}

// Notice asks a sink to say how something stands. It is rendered at send time.
type Notice struct {
	Scope   Scope  `json:"scope"`
	Finding string `json:"finding"`
	Action  string `json:"action,omitempty"`

	Severity Severity `json:"severity,omitempty"` // of what is said
	Says     string   `json:"says,omitempty"`     // what the state of no finding shows, in its own words

	To      string `json:"to,omitempty"`      // the channel of the sink, as the routes name it
	Episode int    `json:"episode,omitempty"` // of the finding; only where the sink has channels
	Told    bool   `json:"told,omitempty"`    // only where it is told of already
	Group   string `json:"group,omitempty"`   // id of a group whose card may have to change: about no finding by itself
}

// Subject names what is said in its own words.
func (n Notice) Subject() string { return Hash("says", string(n.Scope), n.Action, n.Says) }
