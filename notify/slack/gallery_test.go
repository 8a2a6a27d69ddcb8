package slack

import (
	"fmt"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

const prj = access.Scope("prj.64f000000000000000000002")

var (
	at  = time.Date(2026, 11, 22, 2, 13, 0, 0, time.UTC)
	now = at.Add(10 * time.Minute)
)

func testLook() Look {
	return Look{
		Atlas:  "https://cloud.mongodb.com",
		Users:  map[string]string{"alice": "U01ALICE", "bob": "U02BOB", "rajesh": "U03RAJESH"},
		Groups: map[string]string{"platform-oncall": "S01ONCALL"},
	}
}

// world is the entry that opens a project to everybody, as somebody is asked about it.
func world() notify.Story {
	entry := access.IPAccessEntry{Entry: "0.0.0.0/0", Comment: "quick test, will remove"}
	ref := access.Ref{Scope: prj, Kind: entry.Kind(), Name: entry.Name()}
	f := access.Finding{
		V: 1, ID: access.FindingID("network/open-to-world", ref, ""), Rule: "network/open-to-world", Ref: ref, State: access.FindingOpen, Episode: 3, Severity: access.Critical,
		Message: "anybody on the internet can try to log in", Environment: "prod", Owner: "team-shop", Origin: access.OriginNew,
		Evidence: access.Evidence{Change: string(prj) + ".ip_access_entry.41.0", Events: []string{"64f0000000000000000000e1"}, Source: access.SourceFeed, After: access.Box{State: entry}},
		Actor:    access.Actor{Type: access.ActorHuman, Name: "alice@example.com", Address: "198.51.100.7", Principal: "alice"}, CauseAt: at, OpenedAt: at.Add(2 * time.Second),
	}
	op := access.Operation{Type: access.DeleteAccessEntry, Ref: ref, Before: access.Box{State: entry}}
	plan := access.Plan{
		Operations: []access.Operation{op}, Inverse: []access.Operation{{Type: access.CreateAccessEntry, Ref: ref, Entry: entry}}, Ceiling: access.CeilingAuto,
		Reversible: "yes: the same entry is added again with its comment; sessions opened through it stay open either way", Why: "delete access list entry 0.0.0.0/0",
		Impact: access.Impact{
			Seen: access.Logins{
				Quality: access.QualityComplete, Succeeded: 12, Failed: 2, Hosts: []string{"shop-shard-00-00.x.mongodb.net"},
				Sample: []access.Login{{At: at.Add(-time.Hour), Username: "prod_app_user", Address: "203.0.113.20", Cluster: "shop", OK: true}},
			},
			From: at.Add(-167 * time.Hour), To: at, Ways: []string{"access list entry 203.0.113.0/28, for 2 of the 3 addresses seen last", "private endpoint AWS/64f0000000000000000000a1"},
			Owner: "terraform in infra/atlas, by its pattern", Answer: "seen", Says: "14 logins through 0.0.0.0/0 were seen in the 6 d 23 h to 2026-11-22T02:13:00Z",
		},
	}
	a := access.Action{
		V: 1, ID: access.ActionID(f.ID, f.Episode), Finding: f.ID, Episode: f.Episode, Rule: f.Rule, Ref: ref, Severity: f.Severity, Environment: f.Environment, State: access.ActionAwaiting,
		Do: access.ModeApprove, Ceiling: access.CeilingAuto, Why: "bob, rajesh may decide", Plan: plan, PlanHash: plan.Hash(f.Rule, ref, f.Episode), Created: f.OpenedAt,
		Ask:   access.Ask{Approvers: []string{"platform-oncall"}, Quorum: 1, Deadline: at.Add(4 * time.Hour), OnDeadline: access.LateTicket},
		Steps: []access.Step{{At: at.Add(3 * time.Second), To: access.ActionAwaiting, Why: "bob, rajesh may decide"}}, Actor: f.Actor,
	}
	return notify.Story{
		Finding: f, Action: a, Org: "ExampleCorp", Project: "shop-prod", Title: "Access list is open to the whole internet",
		Why:      "With 0.0.0.0/0 in the access list a leaked password is all that anybody needs. Everything else in the list has no effect any more.",
		Safer:    "atlas accessLists create 198.51.100.7 --type ipAddress --deleteAfter 2026-11-22T10:13:00Z --projectId 64f000000000000000000002",
		Openings: 3, Earlier: []access.Waiver{{Owner: "rajesh", Agreed: []string{"rajesh", "bob"}, Reason: "vendor migration", Ticket: "SEC-98", Until: at.Add(-20 * 24 * time.Hour)}},
		Question: notify.Question{Action: a.ID, Plan: a.PlanHash, May: []string{"bob", "rajesh"}, Need: 1, Until: at.Add(4 * time.Hour), Then: "a ticket is opened, and it still stands"},
		Keep:     notify.Keep{No: "what opens production to the world is never kept from a chat: waive it by the command line, with the second factor of your sign-in", Most: 24 * time.Hour},
		Ticket:   "jira", Authors: []string{"alice"}, Decides: []string{"alice", "bob", "rajesh"}, Held: 2, At: now,
	}
}

// user is a database user who got a role beyond its declared ones.
func user() notify.Story {
	s := world()
	before := access.DatabaseUser{Database: "admin", Username: "prod_app_user", Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "readWrite", Database: "ecommerce"}}, Scopes: []access.UserScope{{Name: "shop", Type: "CLUSTER"}}}
	after := before
	after.Roles, after.Scopes = []access.RoleGrant{{Role: "atlasAdmin", Database: "admin"}, {Role: "readWrite", Database: "ecommerce"}}, []access.UserScope{}
	ref := access.Ref{Scope: prj, Kind: after.Kind(), Name: after.Name()}
	f := &s.Finding
	f.ID, f.Rule, f.Ref, f.Severity, f.Class, f.Episode = access.FindingID("dbuser/beyond-declared", ref, ""), "dbuser/beyond-declared", ref, access.High, "app", 1
	f.Message = "it holds atlasAdmin@admin, which is not declared for it, and reaches every cluster"
	f.Evidence.Before, f.Evidence.After, f.Evidence.Events, f.Evidence.Source = access.Box{State: before}, access.Box{State: after}, nil, access.SourceSweep
	f.Actor = access.Actor{Type: access.ActorAPIKey, Name: "bkqzrtwa", Address: "203.0.113.9"}
	s.Title, s.Safer, s.Openings, s.Earlier, s.Held = "Database user has more than is declared for it", "", 1, nil, 0
	s.Why = "A user that may do more than its application needs turns each hole of the application into a hole of the whole cluster."
	a := &s.Action
	a.ID, a.Finding, a.Episode, a.Rule, a.Ref, a.Severity = access.ActionID(f.ID, 1), f.ID, 1, f.Rule, ref, f.Severity
	a.Plan = access.Plan{
		Operations: []access.Operation{{Type: access.SetUserRoles, Ref: ref, Before: f.Evidence.After, Roles: before.Roles}, {Type: access.SetUserScopes, Ref: ref, Before: f.Evidence.After, Scopes: before.Scopes}},
		Why:        "give back the roles and clusters of before", Reversible: "no: its inverse would open every cluster again, which is never written",
		Impact: access.Impact{Seen: access.Logins{Why: "the access history of an M0 cannot be read"}, Owner: "terraform in infra/atlas, whose credential made it"},
	}
	a.PlanHash, a.Ask.Quorum = a.Plan.Hash(f.Rule, ref, 1), 2
	s.Question.Action, s.Question.Plan, s.Question.Need, s.Question.Yes = a.ID, a.PlanHash, 2, []string{"bob"}
	s.Question.Void = []string{"carol is not, or no longer, among those who may answer"}
	s.Keep = notify.Keep{Most: 7 * 24 * time.Hour, Need: 2}
	s.Authors = nil
	return s
}

func closed(s notify.Story) notify.Story {
	s.Question, s.Keep = notify.Question{}, notify.Keep{}
	return s
}

func in(s notify.Story, state access.ActionState, why string) notify.Story {
	s = closed(s)
	s.Action.State, s.Action.Why = state, why
	s.Action.Steps = append(s.Action.Steps, access.Step{At: at.Add(time.Minute), To: state, Why: why})
	return s
}

func put(s notify.Story) notify.Story {
	s = in(s, access.ActionVerified, "done and read back")
	s.Action.Votes = []access.Ballot{{By: "bob", Vote: access.VoteApprove, Via: "slack", Command: "c1", At: at.Add(50 * time.Second)}}
	s.Action.Outcome = access.Outcome{Verified: at.Add(61 * time.Second), ExposedFrom: at, ExposedUntil: at.Add(60 * time.Second), Logins: access.Logins{Quality: access.QualityPartial, Why: "lines younger than a minute may be missing", Succeeded: 1}}
	s.Finding.State, s.Finding.ResolvedAt, s.Finding.Resolution = access.FindingResolved, at.Add(62*time.Second), "it is gone"
	s.Undo = notify.Undo{Until: at.Add(24 * time.Hour), Plan: s.Action.PlanHash, Loses: "sessions that were cut"}
	return s
}

func card(s ...notify.Story) notify.Card {
	return notify.Card{ID: "9f86d081884c7d659a2feaa0c55ad015", Rev: 4, Stories: s, Total: len(s)}
}

// burst is one change of one person in many places.
func burst(n, listed int) notify.Card {
	c := card()
	for i := range listed {
		s := world()
		s.Project, s.Finding.Severity = fmt.Sprintf("shop-%02d-prod", i), access.High
		s.Finding.Ref.Name = fmt.Sprintf("203.0.%d.0/24", i)
		s.Action.Plan.Operations[0].Ref.Name = s.Finding.Ref.Name
		s.Finding.Ref.Scope = access.ProjectScope(fmt.Sprintf("64f0000000000000000000%02x", i))
		s.Finding.ID = access.FindingID(s.Finding.Rule, s.Finding.Ref, "")
		if i == 1 {
			s = put(s)
		}
		c.Stories = append(c.Stories, s)
	}
	c.Total, c.Counts = n, []notify.Count{{Rule: "network/open-to-world", Severity: access.High, Open: n - 1, Waiting: n - 1, Total: n}}
	return c
}

// gallery are cards as people meet them, by the names of their golden files.
func gallery() map[string]notify.Card {
	out := map[string]notify.Card{"asked-critical": card(world()), "asked-quorum": card(user())}

	s := user()
	s.Keep.By, s.Keep.Until = []string{"rajesh"}, at.Add(8*time.Hour)
	out["keep-asked"] = card(s)

	s = in(world(), access.ActionProposed, "it waits for the time of grace")
	s.Action.Do, s.Action.Wake = access.ModeRevert, at.Add(15*time.Minute)
	s.Question = notify.Question{Action: s.Action.ID, Plan: s.Action.PlanHash, May: []string{"bob", "rajesh"}, Until: at.Add(15 * time.Minute), Then: "it is put right, and can be taken back for 24 h"}
	out["grace"] = card(s)

	s = in(world(), access.ActionRunning, "")
	s.Action.Votes = put(s).Action.Votes
	out["running"] = card(s)
	out["verified"] = card(put(world()))

	s = put(world())
	undo := s.Action
	undo.ID, undo.Purpose, undo.Of, undo.State, undo.Votes = "7d4c0f6e0d5b4c3aa1b2c3d4e5f60718", access.PurposeUndo, s.Action.ID, access.ActionAwaiting, nil
	undo.Plan = access.Plan{Operations: s.Action.Plan.Inverse, Why: "take back: delete access list entry 0.0.0.0/0 (checkout is down)", Reversible: "yes: by what it takes back"}
	s.After = []access.Action{undo}
	s.Question = notify.Question{Action: undo.ID, Plan: "aabbccddeeff00112233445566778899", May: []string{"bob", "rajesh"}, Need: 2, Yes: []string{"rajesh"}, Until: at.Add(4 * time.Hour)}
	out["undo-asked"] = card(s)

	s = closed(user())
	s.Finding.State = access.FindingWaived
	s.Action.State = access.ActionSuperseded
	s.Finding.Waiver = access.WaiverNote{ID: "cmd-1", Owner: "bob", Reason: "The replacement is being built: until the new role is out", Ticket: "SEC-123", Granted: at.Add(time.Minute), Until: at.Add(72 * time.Hour)}
	out["waived"] = card(s)

	s = in(user(), access.ActionRefused, "terraform made it by its own credential bkqzrtwa, and owns it in infra/atlas: terraform will put it back at its next apply: change it in infra/atlas")
	s.Action.Guard = "ownership"
	out["refused"] = card(s)

	out["failed"] = card(in(world(), access.ActionFailed, "Atlas refuses delete_access_entry of 0.0.0.0/0: 403 USER_CANNOT_ACCESS_GROUP; give the credential that writes the role for it"))
	out["expired"] = card(in(user(), access.ActionExpired, "nobody answered until 2026-11-22T06:13:00Z"))

	s = in(user(), access.ActionSuperseded, "it reads as put right by somebody else")
	s.Finding.State, s.Finding.ResolvedAt, s.Finding.Resolution = access.FindingResolved, at.Add(5*time.Minute), "no violation any more"
	out["superseded"] = card(s)

	s = in(user(), access.ActionTold, "the response is notify")
	s.Finding.Severity, s.Finding.Environment, s.Project, s.Org = access.Medium, "", "", ""
	s.Finding.Origin, s.Finding.OriginWhy = access.OriginInherited, "it was there at first sight"
	s.Finding.Actor = access.Actor{}
	s.Finding.Unknown, s.Finding.UnknownSince = "custom roles cannot be read: 403", at.Add(3*time.Minute)
	out["told-unknown"] = card(s)

	out["group"] = burst(12, 10)
	out["group-small"] = burst(3, 3)

	c := card(world(), user(), closed(in(user(), access.ActionTold, "the response is notify")))
	c.Digest, c.Total = "more came within a minute than anybody reads one by one", 240
	c.Counts = []notify.Count{{Rule: "network/open-to-world", Severity: access.Critical, Open: 1, Waiting: 1, Total: 1}, {Rule: "dbuser/beyond-declared", Severity: access.High, Open: 200, Waiting: 1, Total: 239}}
	out["digest"] = c
	return out
}

// homes and modals of the gallery.
func testHome() Home {
	return Home{
		Principal: "bob", Pending: []notify.Story{world(), user()}, Open: []notify.Story{world(), user(), closed(in(user(), access.ActionTold, ""))}, Total: 31,
		Held: []Place{{Scope: prj, Name: "shop-prod", Freeze: access.Freeze{On: true, By: "rajesh", Reason: "release weekend", At: at}, Incidents: []access.Incident{{Name: "INC-7", By: "bob", Reason: "checkout is down", From: at, Until: at.Add(2 * time.Hour)}}}},
	}
}
