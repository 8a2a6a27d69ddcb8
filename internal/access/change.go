package access

import (
	"encoding/json"
	"time"
)

// Actor is who did something, as far as the feed tells. The zero value is unknown.
type Actor struct {
	Type       ActorType `json:"type,omitempty"`
	Name       string    `json:"name,omitempty"` // e-mail, public key or client id
	ID         string    `json:"id,omitempty"`
	Address    string    `json:"address,omitempty"`
	OnBehalfOf string    `json:"onBehalfOf,omitempty"` // of a delegated actor
	Principal  string    `json:"principal,omitempty"`  // id of the declared person or team, if one matches
}

// ActorType is what an actor is.
type ActorType string

// The types of actors. An unset type is unknown.
const (
	ActorUnknown        ActorType = ""
	ActorHuman          ActorType = "human"
	ActorAPIKey         ActorType = "api_key"
	ActorServiceAccount ActorType = "service_account"
	ActorAtlas          ActorType = "atlas"    // the system itself
	ActorEmployee       ActorType = "employee" // of MongoDB
	ActorDelegated      ActorType = "delegated"
)

// Event is one event of the Activity Feed. It says that something changed and who
// did it, never from what to what. It is decoded leniently: Type is a free string
// and Raw keeps the event as it came.
type Event struct {
	V       int             `json:"v"`
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Scope   Scope           `json:"scope"` // whose feed it came from
	Created time.Time       `json:"created"`
	Actor   Actor           `json:"actor,omitzero"`
	Target  string          `json:"target,omitempty"` // address, database user, public key, e-mail, team id …; often empty
	Project string          `json:"project,omitempty"`
	Raw     json.RawMessage `json:"raw,omitempty"`
}

// Op says what a change is.
type Op string

// The operations of a change.
const (
	OpCreated    Op = "created"
	OpUpdated    Op = "updated"
	OpDeleted    Op = "deleted"
	OpAttributed Op = "attributed" // same id, rev+1: only actor and events
	OpObserved   Op = "observed"   // an event with no readable state: before and after empty
)

// Source says what made us see a change.
type Source string

// The sources of a change.
const (
	SourceFeed    Source = "feed"
	SourceWebhook Source = "webhook"
	SourceSweep   Source = "sweep" // the feed missed it
)

// Change is one difference between two complete reads of a collection, or
// (attributed) a late word on who made it, or (observed) an event that left no
// readable difference.
type Change struct {
	V        int       `json:"v"`
	ID       string    `json:"id"` // <scope>.<kind>.<revision the CAS expected>.<n>; of an observed one, the event's
	Rev      int       `json:"rev,omitempty"`
	Ref      Ref       `json:"ref"`
	Op       Op        `json:"op"`
	Before   Box       `json:"before,omitzero"`
	After    Box       `json:"after,omitzero"`
	Fields   []string  `json:"fields,omitempty"` // changed top-level fields of an update
	Actor    Actor     `json:"actor,omitzero"`
	Events   []string  `json:"events,omitempty"`    // ids of the events that caused it
	Type     string    `json:"eventType,omitempty"` // of the (first) event
	Occurred time.Time `json:"occurred"`            // Atlas time; of a change without event: begin of the read that saw it
	Ended    time.Time `json:"ended,omitzero"`      // observed: when a later event of the same target undid it, or by when it was gone
	Observed time.Time `json:"observed"`            // begin of the read that saw it
	Source   Source    `json:"source"`
	Gap      bool      `json:"gap,omitempty"`      // it fell into a gap in watching
	Own      string    `json:"own,omitempty"`      // id of our running action that expected it
	Intended string    `json:"intended,omitempty"` // id of an action of ours that was about to change this resource, or just had, whatever came of it
}
