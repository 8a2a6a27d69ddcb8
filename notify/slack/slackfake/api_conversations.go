package slackfake

import (
	"slices"
	"strconv"
	"strings"
)

func (s *Slack) conversationsOpen(a args) (answer, *refusal) {
	p := s.place
	if ch := p.channels[a.str("channel")]; ch != nil && ch.IM {
		return s.opened(ch, a, true)
	}
	ids := strings.Split(a.str("users"), ",")
	if len(ids) != 1 || ids[0] == "" {
		return nil, invalid("invalid_arguments", "[ERROR] the fake opens direct messages with one user")
	}
	u := p.users[ids[0]]
	switch {
	case u == nil:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	case u.Bot:
		return nil, refuse("cannot_dm_bot")
	}
	before := len(p.order)
	ch := p.dm(u)
	return s.opened(ch, a, len(p.order) == before)
}

func (s *Slack) opened(ch *channel, a args, already bool) (answer, *refusal) {
	line := answer{"id": ch.ID}
	if a.flag("return_im") {
		line = s.channelWire(ch)
	}
	out := answer{"channel": line}
	if already {
		out["no_op"], out["already_open"] = true, true
	}
	return out, nil
}

// readable finds a channel for the conversations methods: private ones exist for
// members only, and each kind asks for its own scope.
func (s *Slack) readable(id string) (*channel, *refusal) {
	ch := s.place.channels[id]
	if ch == nil || (ch.Private && !ch.BotIn) {
		return nil, refuse("channel_not_found")
	}
	return ch, s.scope(ch.readScope())
}

func (c *channel) readScope() string {
	switch {
	case c.IM:
		return "im:read"
	case c.Private:
		return "groups:read"
	}
	return "channels:read"
}

func (s *Slack) conversationsInfo(a args) (answer, *refusal) {
	ch, ref := s.readable(a.str("channel"))
	if ref != nil {
		return nil, ref
	}
	line := s.channelWire(ch)
	if a.flag("include_num_members") {
		line["num_members"] = len(ch.Members)
	}
	return answer{"channel": line}, nil
}

func (s *Slack) conversationsMembers(a args) (answer, *refusal) {
	ch, ref := s.readable(a.str("channel"))
	if ref != nil {
		return nil, ref
	}
	members := slices.Clone(ch.Members)
	if ch.BotIn {
		members = append(members, s.place.BotUserID)
	}
	page, next, ref := paged(members, a)
	if ref != nil {
		return nil, ref
	}
	return answer{"members": page, "response_metadata": answer{"next_cursor": next}}, nil
}

// conversationsList lists channels of the kinds asked for (public ones when none is);
// private ones and direct messages only if the bot is in them.
func (s *Slack) conversationsList(a args) (answer, *refusal) {
	kinds := strings.Split(a.str("types"), ",")
	if a.str("types") == "" {
		kinds = []string{"public_channel"}
	}
	var found []any
	for _, k := range kinds {
		k = strings.TrimSpace(k)
		scope, ok := map[string]string{"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read"}[k]
		if !ok {
			return nil, refuse("invalid_types")
		}
		if ref := s.scope(scope); ref != nil {
			return nil, ref
		}
		for _, id := range s.place.order {
			ch := s.place.channels[id]
			hidden := ch.Private && !ch.BotIn || ch.Archived && a.flag("exclude_archived")
			if ch.readScope() == scope && !hidden {
				found = append(found, s.channelWire(ch))
			}
		}
	}
	page, next, ref := paged(found, a)
	if ref != nil {
		return nil, ref
	}
	return answer{"channels": page, "response_metadata": answer{"next_cursor": next}}, nil
}

// paged cuts a list at limit; the cursor is the index to go on from.
func paged[T any](all []T, a args) (page []T, next string, ref *refusal) {
	from := 0
	if c := a.str("cursor"); c != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(c, "next:"))
		if err != nil || n < 0 || n > len(all) {
			return nil, "", refuse("invalid_cursor")
		}
		from = n
	}
	limit := a.number("limit", 100)
	if limit < 1 || limit > 1000 {
		return nil, "", refuse("invalid_limit")
	}
	to := min(from+limit, len(all))
	if to < len(all) {
		next = "next:" + strconv.Itoa(to)
	}
	return append([]T{}, all[from:to]...), next, nil
}

func (s *Slack) channelWire(ch *channel) answer {
	if ch.IM {
		return answer{"id": ch.ID, "created": 0, "is_im": true, "is_archived": false, "user": ch.Members[0], "is_user_deleted": false, "is_open": true}
	}
	return answer{
		"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "created": 0, "creator": "",
		"is_channel": !ch.Private, "is_group": ch.Private, "is_im": false, "is_mpim": false, "is_private": ch.Private,
		"is_archived": ch.Archived, "is_general": false, "is_member": ch.BotIn,
		"is_shared": ch.ExtShared, "is_ext_shared": ch.ExtShared, "is_org_shared": false,
		"context_team_id": s.place.TeamID, "topic": answer{"value": ""}, "purpose": answer{"value": ""},
	}
}
