package slackfake

import (
	"slices"
	"strings"
)

// tokenState is what became of the app's tokens.
type tokenState struct {
	uninstalled bool
	revoked     bool
}

// tokenKind says which token a request bore, without saying the token.
func (s *Slack) tokenKind(token string) string {
	switch strings.TrimPrefix(token, "form:") {
	case "":
		return "none"
	case s.tokens.BotToken:
		return "bot"
	case s.tokens.AppToken:
		return "app"
	}
	return "unknown"
}

// allowed checks the token of a call and its scopes. The lock is held.
func (s *Slack) allowed(m method, token string) *refusal {
	kind := s.tokenKind(token)
	switch {
	case kind == "none", m.app && strings.HasPrefix(token, "form:"): // an app-level token counts in the header only
		return refuse("not_authed")
	case kind == "unknown":
		return refuse("invalid_auth")
	case s.revoked:
		return refuse("token_revoked")
	case kind == "bot" && s.uninstalled:
		return refuse("account_inactive")
	case m.app != (kind == "app"):
		return refuse("not_allowed_token_type")
	}
	for _, sc := range m.needs {
		if ref := s.scope(sc); ref != nil {
			return ref
		}
	}
	return nil
}

// scope refuses what the bot token may not. The lock is held.
func (s *Slack) scope(needed string) *refusal {
	if s.place.scopes[needed] {
		return nil
	}
	return &refusal{code: "missing_scope", more: map[string]any{"needed": needed, "provided": s.place.granted()}}
}

func (s *Slack) authTest(args) (answer, *refusal) {
	p := s.place
	out := answer{
		"url": s.base + "/", "team": p.TeamName, "team_id": p.TeamID, "user_id": p.BotUserID, "bot_id": p.BotID,
		"is_enterprise_install": false,
	}
	if u := p.users[p.BotUserID]; u != nil {
		out["user"] = u.Name
	}
	if p.EnterpriseID != "" {
		out["enterprise_id"] = p.EnterpriseID
	}
	return out, nil
}

func (s *Slack) botsInfo(a args) (answer, *refusal) {
	p := s.place
	if a.str("bot") != p.BotID {
		return nil, refuse("bot_not_found")
	}
	name := ""
	if u := p.users[p.BotUserID]; u != nil {
		name = u.RealName
	}
	return answer{"bot": answer{
		"id": p.BotID, "deleted": s.uninstalled, "name": name, "user_id": p.BotUserID, "app_id": p.AppID, "updated": 0, "icons": answer{},
	}}, nil
}

func (s *Slack) usersInfo(a args) (answer, *refusal) {
	u := s.place.users[a.str("user")]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return answer{"user": s.userWire(u)}, nil
}

// usersLookup finds members by e-mail; people of other workspaces and the
// deactivated are not found.
func (s *Slack) usersLookup(a args) (answer, *refusal) {
	if ref := s.scope("users:read"); ref != nil {
		return nil, ref
	}
	if ref := a.missing("email"); ref != nil {
		return nil, ref
	}
	for _, u := range s.place.users {
		if strings.EqualFold(u.Email, a.str("email")) && !u.Deleted && !u.Stranger {
			return answer{"user": s.userWire(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func (s *Slack) userWire(u *User) answer {
	profile := answer{"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Name, "display_name_normalized": u.Name, "team": u.TeamID}
	if s.place.scopes["users:read.email"] && u.Email != "" && !u.Bot {
		profile["email"] = u.Email
	}
	out := answer{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "deleted": u.Deleted, "real_name": u.RealName, "profile": profile,
		"is_bot": u.Bot, "is_app_user": u.AppUser, "updated": 0,
	}
	if u.Stranger {
		out["is_stranger"] = true
	}
	if !u.Deleted {
		out["is_restricted"], out["is_ultra_restricted"] = u.Guest, u.SingleGuest
		out["tz"], out["tz_label"], out["tz_offset"] = "Etc/UTC", "Coordinated Universal Time", 0
	}
	return out
}

func (s *Slack) groupsList(a args) (answer, *refusal) {
	out := []any{}
	for _, w := range s.place.Groups {
		g := s.place.groups[w.ID]
		if g == nil || (g.Disabled && !a.flag("include_disabled")) {
			continue
		}
		line := answer{
			"id": g.ID, "team_id": s.place.TeamID, "is_usergroup": true, "is_external": false, "name": g.Handle, "handle": g.Handle,
			"description": "", "date_create": 0, "date_update": 0, "date_delete": 0, "prefs": answer{"channels": []any{}, "groups": []any{}},
		}
		if g.Disabled {
			line["date_delete"] = s.now().Unix()
		}
		if a.flag("include_users") {
			line["users"] = nonNil(g.Users)
		}
		if a.flag("include_count") {
			line["user_count"] = len(g.Users)
		}
		out = append(out, line)
	}
	return answer{"usergroups": out}, nil
}

// groupUsers lists a group's members. A disabled group is not found unless asked for
// (a guess).
func (s *Slack) groupUsers(a args) (answer, *refusal) {
	if ref := a.missing("usergroup"); ref != nil {
		return nil, ref
	}
	g := s.place.groups[a.str("usergroup")]
	if g == nil || (g.Disabled && !a.flag("include_disabled")) {
		return nil, refuse("no_such_subteam")
	}
	return answer{"users": nonNil(g.Users)}, nil
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return slices.Clone(list)
}
