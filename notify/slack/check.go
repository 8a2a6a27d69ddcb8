package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Needs are the scopes without which a part of it does not work. Ask for e-mails and user groups
// only where the configuration uses them.
func Needs(emails, groups bool) []string {
	out := []string{"chat:write", "commands", "users:read", "channels:read", "groups:read"}
	if emails {
		out = append(out, "users:read.email")
	}
	if groups {
		out = append(out, "usergroups:read")
	}
	return out
}

// headers takes note of which scopes the token has.
func (c *Client) headers(path string, h http.Header) {
	given := h.Get("X-OAuth-Scopes")
	if given == "" || !strings.HasSuffix(path, "auth.test") {
		return
	}
	var scopes []string
	for s := range strings.SplitSeq(given, ",") {
		scopes = append(scopes, strings.TrimSpace(s))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scopes = scopes
}

// judge takes note of what a call says about the workspace as a whole.
func (c *Client) judge(method string, err error) {
	switch code := codeOf(err); {
	case err == nil:
		c.health.Clear(WrongScope, method)
		if method == "auth.test" {
			c.health.Clear(WrongToken, "bot")
		}
	case code == "missing_scope" || code == "no_permission":
		c.health.Raise(WrongScope, method, fmt.Sprintf("%s is refused: the app lacks the scope %s: add it under OAuth & Permissions and install the app again", method, orSome(needsOf(err))))
	case errors.Is(err, notify.ErrNoBoard):
		c.health.Raise(WrongToken, "bot", tokenSays(code))
		c.health.letIn(false)
	}
}

func orSome(s string) string {
	if s == "" {
		return "that the method takes"
	}
	return s
}

func tokenSays(code string) string {
	switch code {
	case "account_inactive", "app_uninstalled", "token_revoked":
		return "Slack says " + code + ": the app was uninstalled, or its token revoked: install the app again and put the new token into slack.bot_token; what is undecided can be decided by command or API meanwhile"
	case "token_expired":
		return "Slack says token_expired: turn token rotation off for the app, and put the new token into slack.bot_token"
	case "not_allowed_token_type":
		return "Slack says not_allowed_token_type: slack.bot_token takes the bot token (xoxb-…), slack.app_token the app-level one (xapp-…)"
	}
	return "Slack says " + code + ": put the token of the app as it is installed now into slack.bot_token"
}

// Check looks at everything that can be wrong: token, scopes, channels, principals. What is
// wrong is raised and what is right again cleared; nothing is posted. The error is of Slack
// not answering.
func (c *Client) Check(ctx context.Context) error {
	c.people()
	me, err := c.whoami(ctx)
	if err != nil {
		return err
	}
	right := true
	if c.o.Team != "" && me.TeamID != c.o.Team {
		right = false
		c.health.Raise(WrongToken, "workspace", fmt.Sprintf("slack.bot_token is of the workspace %s and slack.team says %s: correct one of them; clicks from any other than %s are refused", me.TeamID, c.o.Team, c.o.Team))
	} else {
		c.health.Clear(WrongToken, "workspace")
	}
	c.judgeScopes()
	if err := c.checkRooms(ctx); err != nil {
		return err
	}
	if !right {
		return fmt.Errorf("use the workspace %s: %w", me.TeamID, notify.ErrNoBoard)
	}
	return nil
}

func (c *Client) judgeScopes() {
	c.mu.Lock()
	has := c.scopes
	c.mu.Unlock()
	if has == nil {
		return
	}
	needs := c.o.Scopes
	if needs == nil {
		staff := c.o.Staff()
		needs = Needs(staff.TrustEmail, len(staff.Ties) > 0)
	}
	missing := slices.DeleteFunc(slices.Clone(needs), func(s string) bool { return slices.Contains(has, s) })
	if len(missing) == 0 {
		c.health.Clear(WrongScope, "")
		return
	}
	c.health.Raise(WrongScope, "", "the app lacks "+strings.Join(missing, ", ")+": add them under OAuth & Permissions (deploy/slack/manifest.yaml has them all) and install the app again")
}

// checkRooms looks at the channels that the routes name.
func (c *Client) checkRooms(ctx context.Context) error {
	var names []string
	for _, name := range c.o.Channels() {
		name = strings.TrimPrefix(name, "#")
		names = append(names, name)
		id, err := c.rooms.id(ctx, name)
		if err == nil {
			var r room
			if r, err = c.rooms.room(ctx, id); err == nil {
				c.rooms.look(name, r)
				continue
			}
		}
		if errors.Is(err, access.ErrTemporary) {
			return err
		}
		c.rooms.judge(name, err)
	}
	c.health.keep(WrongChannel, names)
	return nil
}

func (r *rooms) look(name string, is room) {
	switch {
	case is.archived:
		r.c.health.Raise(WrongChannel, name, "the channel is archived: unarchive it, or name another one in routes")
	case is.shared:
		r.c.health.Raise(WrongChannel, name, "the channel is shared with another workspace: cards are posted, but nothing can be decided there; name one in routes that is not")
	case !is.member:
		r.c.health.Raise(WrongChannel, name, "the app is not a member of the channel: invite it there")
	default:
		r.c.health.Clear(WrongChannel, name)
	}
}

// people raises principals that are one person in Slack: neither of them can be told from the
// other, so neither may decide from there.
func (c *Client) people() {
	by := map[string][]string{}
	for _, p := range c.o.Staff().Principals {
		if p.Slack != "" {
			by[p.Slack] = append(by[p.Slack], p.ID)
		}
	}
	var twice []string
	for user, ids := range by {
		if len(ids) > 1 {
			slices.Sort(ids)
			twice = append(twice, user)
			c.health.Raise(WrongPrincipals, user, fmt.Sprintf("the principals %s have the same slack id %s: give each their own; until then none of them can decide from Slack", strings.Join(ids, " and "), user))
		}
	}
	c.health.keep(WrongPrincipals, twice)
}
