package api

import (
	"context"
	"io"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Judgements is what was found and what was done about it.
type Judgements interface {
	AllFindings(context.Context) ([]access.Finding, error)
	AllActions(context.Context) ([]access.Action, error)
	Places(context.Context) ([]Place, error)
}

// Lookup finds one of many.
type Lookup interface {
	// Action is one action; false: there is none.
	Action(ctx context.Context, id string) (access.Action, bool, error)
}

// Decisions is what people decided.
type Decisions interface {
	// Waivers are those of the store and of the configuration, with expectations and acknowledgements.
	Waivers(context.Context) (access.Waivers, error)
	// Controls are freezes, incidents and adoptions, by scope.
	Controls(context.Context) (map[access.Scope]access.Control, error)
}

// Commands takes what people ask for.
type Commands interface {
	// Submit signs and publishes a command and waits for what became of it. An error that wraps
	// [access.ErrTemporary] says that it was published and is not decided yet.
	Submit(context.Context, access.Command) (access.CommandRecord, error)
	// Command is what became of a command; false: nothing yet, or there is none.
	Command(ctx context.Context, id string) (access.CommandRecord, bool, error)
}

// Backend is the daemon as this package needs it.
type Backend interface {
	Judgements
	Lookup
	Decisions
	Commands
}

// Adopter lists what an adoption would make actionable.
type Adopter interface {
	Adoptable(ctx context.Context, rule string, scope access.Scope) (Adoptable, error)
}

// Auditor gives what the chain holds.
type Auditor interface {
	// Audit writes the entries of a time, oldest first; format is ndjson or ocsf, one object a line.
	Audit(ctx context.Context, w io.Writer, from, to time.Time, format string) error
	// Evidence writes everything about one finding; format is json or html.
	Evidence(ctx context.Context, w io.Writer, finding, format string) error
}

// Place is an org or a project as people know it.
type Place struct {
	Scope       access.Scope `json:"scope"`
	Org         string       `json:"org,omitempty"` // its Atlas id
	Title       string       `json:"title,omitempty"`
	Environment string       `json:"environment,omitempty"`
}

// Adoptable is the list that an adoption would make actionable, as it is now.
type Adoptable struct {
	Rule     string       `json:"rule"`
	Scope    access.Scope `json:"scope"`
	Hash     string       `json:"hash"`            // what the command that adopts carries as planHash
	Findings []Adopted    `json:"findings"`        // with what would be done about each
	Asked    []string     `json:"asked,omitempty"` // principals who asked for this list already
	Says     string       `json:"says,omitempty"`  // one sentence for people: what would follow, or why nothing can
}

// Adopted is one finding of such a list.
type Adopted struct {
	Action   string      `json:"action"` // its id: finding and episode
	Finding  string      `json:"finding"`
	Name     string      `json:"name"`
	Plan     access.Plan `json:"plan,omitzero"` // with its impact
	PlanHash string      `json:"planHash,omitempty"`
	Left     string      `json:"left,omitempty"` // why nothing would be done about it
}
