package access

import "time"

// Ownership says what a tool keeps as its code says: what one of its credentials made inside
// its pattern is its own. Empty patterns match everything.
type Ownership struct {
	Tool        string   `json:"tool"` // one of the Tool constants
	Credentials []string `json:"credentials"`
	Projects    []string `json:"projects,omitempty"` // globs over a project's name or id
	Kinds       []Kind   `json:"kinds,omitempty"`
	Names       []string `json:"names,omitempty"` // globs over the resource's name
	Where       string   `json:"where,omitempty"` // for people: the repository and path of the code
}

// The tools of which Gatewarden knows what they do next.
const (
	ToolTerraform    = "terraform"
	ToolAKO          = "ako"          // the Atlas Kubernetes Operator
	ToolVault        = "vault"        // its database secrets engine
	ToolConductorOne = "conductorone" // its connector for Atlas
	ToolCustom       = "custom"
)

// Tools lists them.
func Tools() []string {
	return []string{ToolTerraform, ToolAKO, ToolVault, ToolConductorOne, ToolCustom}
}

// War bounds how often one resource is put right while somebody keeps putting it back. The
// zero value bounds nothing.
type War struct {
	Flips  int           `json:"flips"` // put back so often within Window, it is left to people
	Window time.Duration `json:"window"`
}

// Window is a time in which less, or more, is done without asking. It recurs by days and
// times of day, or by a cron spec and how long it lasts from there. Empty lists of
// environments, projects and days match everything.
type Window struct {
	Name         string         `json:"name,omitempty"`
	Environments []string       `json:"environments,omitempty"`
	Projects     []string       `json:"projects,omitempty"` // globs over a project's name or id
	Days         []time.Weekday `json:"days,omitempty"`     // on which it begins
	From         time.Duration  `json:"from,omitempty"`     // since midnight
	To           time.Duration  `json:"to,omitempty"`       // since midnight; not after From: of the next day
	Cron         string         `json:"cron,omitempty"`     // when it begins; then Days, From and To say nothing
	For          time.Duration  `json:"for,omitempty"`      // with Cron
	Zone         string         `json:"zone,omitempty"`     // an IANA name; empty: UTC
	Do           WindowDo       `json:"do,omitempty"`
	Critical     bool           `json:"critical,omitempty"` // it holds for critical findings too
}

// WindowDo is what a window does to reverts. The zero value asks.
type WindowDo string

// What a window does.
const (
	WindowAsk     WindowDo = ""        // a change freeze: within it a revert becomes a question
	WindowObserve WindowDo = "observe" // within it a revert becomes a message
	WindowAllow   WindowDo = "allow"   // a maintenance window: outside of every such window a revert becomes a question
)
