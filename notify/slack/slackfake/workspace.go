package slackfake

import (
	"maps"
	"slices"
	"strings"
)

// Workspace is what exists before the app does anything.
type Workspace struct {
	TeamID, TeamName, Domain, EnterpriseID string
	AppID, BotID, BotUserID                string

	Users    []User
	Channels []Channel
	Groups   []Group
	Commands []string // slash commands of the app
	Scopes   []string // of the bot token; nil: DefaultScopes
}

// User is a person, a bot, or someone of another workspace.
type User struct {
	ID, Name, RealName, Email string
	TeamID                    string // "" = the workspace's own

	Bot, AppUser bool
	Guest        bool // multi-channel guest: is_restricted
	SingleGuest  bool // single-channel guest: is_restricted and is_ultra_restricted
	Stranger     bool // of another workspace, seen through a shared channel
	Deleted      bool
}

// Channel is a conversation. Direct messages (IM) have the person as only member.
type Channel struct {
	ID, Name                     string
	Private, Archived, ExtShared bool
	IM                           bool
	Members                      []string
	BotIn                        bool // the app's bot is a member
}

// Group is a user group, mentioned as @Handle.
type Group struct {
	ID, Handle string
	Users      []string
	Disabled   bool
}

// Example is ExampleCorp, the workspace of the demo and of most tests.
func Example() Workspace {
	people := []string{"U0ALICE", "U0BOB", "U0RAJESH", "U0CAROL"}
	return Workspace{
		TeamID: "T0EXAMPLE", TeamName: "ExampleCorp", Domain: "examplecorp",
		AppID: "A0GATE", BotID: "B0GATE", BotUserID: "U0GATE",
		Commands: []string{"/gatewarden"},
		Users: []User{
			{ID: "U0ALICE", Name: "alice", RealName: "Alice Example", Email: "alice@example.com"},
			{ID: "U0BOB", Name: "bob", RealName: "Bob Example", Email: "bob@example.com"},
			{ID: "U0RAJESH", Name: "rajesh", RealName: "Rajesh Example", Email: "rajesh@example.com"},
			{ID: "U0CAROL", Name: "carol", RealName: "Carol Example", Email: "carol@example.com"},
			{ID: "U0GUEST", Name: "gustav.guest", RealName: "Gustav Guest", Email: "gustav@contractor.example", Guest: true},
			{ID: "U0ROBOT", Name: "deploybot", RealName: "Deploy Bot", Bot: true},
			{ID: "U0OTHER", Name: "olga", RealName: "Olga Other", Email: "olga@partner.example", TeamID: "T0OTHER", Stranger: true},
			{ID: "U0GATE", Name: "gatewarden", RealName: "Gatewarden", Bot: true, AppUser: true},
		},
		Channels: []Channel{
			{ID: "C0PROD", Name: "atlas-prod", Members: append(slices.Clone(people), "U0GUEST", "U0ROBOT"), BotIn: true},
			{ID: "C0DEV", Name: "atlas-dev", Members: slices.Clone(people), BotIn: true},
			{ID: "C0SEC", Name: "security", Private: true, Members: []string{"U0ALICE", "U0CAROL"}, BotIn: true},
			{ID: "C0SHARED", Name: "partner-shared", ExtShared: true, Members: append(slices.Clone(people), "U0OTHER"), BotIn: true},
			{ID: "C0RANDOM", Name: "random", Members: slices.Clone(people)},
		},
		Groups: []Group{{ID: "S0ONCALL", Handle: "platform-oncall", Users: []string{"U0BOB", "U0CAROL", "U0RAJESH"}}},
	}
}

// DefaultScopes are what the fake's app is installed with.
func DefaultScopes() []string {
	return []string{
		"channels:read", "chat:write", "commands", "groups:read", "im:read", "im:write",
		"usergroups:read", "users:read", "users:read.email",
	}
}

// place is the workspace as it stands, with what was said in it.
type place struct {
	Workspace
	users    map[string]*User
	channels map[string]*channel
	order    []string // channel ids as they came
	groups   map[string]*Group
	scopes   map[string]bool
}

type channel struct {
	Channel
	messages []*message // by ts; replies and ephemerals among them
}

func newPlace(w Workspace) *place {
	p := &place{Workspace: w, users: map[string]*User{}, channels: map[string]*channel{}, groups: map[string]*Group{}, scopes: map[string]bool{}}
	for _, u := range w.Users {
		if u.TeamID == "" {
			u.TeamID = w.TeamID
		}
		u.Guest = u.Guest || u.SingleGuest
		p.users[u.ID] = &u
	}
	for _, c := range w.Channels {
		c.Members = slices.Clone(c.Members)
		p.add(c)
	}
	for _, g := range w.Groups {
		g.Users = slices.Clone(g.Users)
		p.groups[g.ID] = &g
	}
	scopes := w.Scopes
	if scopes == nil {
		scopes = DefaultScopes()
	}
	for _, sc := range scopes {
		p.scopes[sc] = true
	}
	return p
}

func (p *place) add(c Channel) *channel {
	ch := &channel{Channel: c}
	p.channels[c.ID] = ch
	p.order = append(p.order, c.ID)
	return ch
}

// granted lists the scopes of the bot token as Slack's headers and errors do.
func (p *place) granted() string {
	return strings.Join(slices.Sorted(maps.Keys(p.scopes)), ",")
}

// sees reports whether a user has the channel in their list. Guests and people of
// other workspaces see only what they are members of.
func (c *channel) sees(u *User) bool {
	if slices.Contains(c.Members, u.ID) {
		return true
	}
	return !c.Private && !c.IM && !u.Guest && !u.Stranger
}

// dm is the direct message of the app with a user, opened when it is not there yet.
func (p *place) dm(u *User) *channel {
	id := "D" + strings.TrimLeft(strings.TrimPrefix(u.ID, "U"), "W")
	if c, ok := p.channels[id]; ok {
		return c
	}
	return p.add(Channel{ID: id, IM: true, Members: []string{u.ID}, BotIn: true})
}
