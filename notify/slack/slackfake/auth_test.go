package slackfake_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
	"github.com/slack-go/slack"
)

func TestTokens(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		good := w.Tokens()
		for name, c := range map[string]struct {
			tok  slackfake.Tokens
			code string
		}{
			"right":                {good, ""},
			"none":                 {slackfake.Tokens{}, "not_authed"},
			"unknown":              {slackfake.Tokens{BotToken: "xoxb-1"}, "invalid_auth"},
			"the app's instead":    {slackfake.Tokens{BotToken: good.AppToken}, "not_allowed_token_type"},
			"with a line's end":    {slackfake.Tokens{BotToken: good.BotToken + " "}, "invalid_auth"},
			"the signing secret's": {slackfake.Tokens{BotToken: good.SigningSecret}, "invalid_auth"},
		} {
			_, err := w.client(c.tok).AuthTestContext(w.ctx)
			w.refused(err, c.code, name)
		}
		_, _, err := w.client(slackfake.Tokens{AppToken: good.BotToken}).StartSocketModeContext(w.ctx)
		w.refused(err, "not_allowed_token_type", "the bot's for a socket")
		_, _, err = w.client(slackfake.Tokens{AppToken: "xapp-1"}).StartSocketModeContext(w.ctx)
		w.refused(err, "invalid_auth", "unknown for a socket")

		for _, c := range w.Calls("") {
			if s := fmt.Sprint(c); strings.Contains(s, "xoxb") || strings.Contains(s, "xapp") {
				t.Errorf("a token is recorded: %s", s)
			}
		}
	})
}

// TestTokenPlaces: an app-level token counts only in the header, no token in the query.
func TestTokenPlaces(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		form := func(token string) io.Reader { return strings.NewReader(url.Values{"token": {token}}.Encode()) }
		for name, c := range map[string]struct {
			path, kind string
			body       io.Reader
			want       string
		}{
			"bot token in a form": {"auth.test", "application/x-www-form-urlencoded", form(w.Tokens().BotToken), `"ok":true`},
			"bot token in JSON":   {"auth.test", "application/json", strings.NewReader(`{"token":"` + w.Tokens().BotToken + `"}`), "not_authed"},
			"app token in a form": {"apps.connections.open", "application/x-www-form-urlencoded", form(w.Tokens().AppToken), "not_authed"},
			"token in the query":  {"auth.test?token=" + w.Tokens().BotToken, "", nil, "not_authed"},
			"not JSON":            {"auth.test", "application/json", strings.NewReader("{"), "invalid_json"},
			"not an object":       {"auth.test", "application/json", strings.NewReader("[]"), "json_not_object"},
			"no content type":     {"auth.test", "", strings.NewReader("x"), "missing_post_type"},
			"another":             {"auth.test", "text/csv", strings.NewReader("x"), "invalid_post_type"},
			"unknown method":      {"chat.shout", "", nil, "unknown_method"},
		} {
			req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.APIURL()+c.path, c.body)
			w.must(err)
			if c.kind != "" {
				req.Header.Set("Content-Type", c.kind)
			}
			res, err := w.http.Do(req)
			w.must(err)
			body, err := io.ReadAll(res.Body)
			w.must(errors.Join(err, res.Body.Close()))
			if !strings.Contains(string(body), c.want) || res.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s, want %s", name, res.StatusCode, body, c.want)
			}
		}
	})
}

func TestScopes(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		got := http.Header{}
		api := slack.New(w.Tokens().BotToken, slack.OptionAPIURL(w.APIURL()), slack.OptionHTTPClient(w.http),
			slack.OptionOnResponseHeaders(func(_ string, h http.Header) { got = h }))
		_, err := api.AuthTestContext(w.ctx)
		w.must(err)
		if have := strings.Split(got.Get("X-OAuth-Scopes"), ","); !slices.Equal(have, slackfake.DefaultScopes()) {
			t.Errorf("X-OAuth-Scopes says %s", have)
		}
		calls := map[string]func() error{
			"chat:write":       posts(w, "C0PROD", slack.MsgOptionText("x", true)),
			"usergroups:read":  func() error { _, err := w.api.GetUserGroupMembersContext(w.ctx, "S0ONCALL"); return err },
			"users:read":       func() error { _, err := w.api.GetUserInfoContext(w.ctx, "U0BOB"); return err },
			"users:read.email": func() error { _, err := w.api.GetUserByEmailContext(w.ctx, "bob@example.com"); return err },
			"im:write": func() error {
				_, _, _, err := w.api.OpenConversationContext(w.ctx, &slack.OpenConversationParameters{Users: []string{"U0BOB"}})
				return err
			},
			"channels:read": func() error {
				_, err := w.api.GetConversationInfoContext(w.ctx, &slack.GetConversationInfoInput{ChannelID: "C0PROD"})
				return err
			},
			"groups:read": func() error {
				_, err := w.api.GetConversationInfoContext(w.ctx, &slack.GetConversationInfoInput{ChannelID: "C0SEC"})
				return err
			},
		}
		for scope, call := range calls {
			w.refused(call(), "", scope)
			w.RemoveScope(scope)
			err := call()
			w.refused(err, "missing_scope", scope)
			var e slack.SlackErrorResponse
			if errors.As(err, &e); e.Needed != scope || strings.Contains(","+e.Provided+",", ","+scope+",") || e.Provided == "" {
				t.Errorf("without %s it says needed %q, provided %q", scope, e.Needed, e.Provided)
			}
			w.AddScope(scope)
		}
		w.RemoveScope("users:read.email")
		u, err := w.api.GetUserInfoContext(w.ctx, "U0BOB")
		if w.must(err); u.Profile.Email != "" {
			t.Errorf("the e-mail is told without its scope: %s", u.Profile.Email)
		}
	})
}

func TestUsersAndGroups(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		u, err := w.api.GetUserByEmailContext(w.ctx, "Rajesh@Example.com")
		if w.must(err); u.ID != "U0RAJESH" || u.TeamID != "T0EXAMPLE" || u.IsRestricted || u.IsBot || u.Deleted {
			t.Errorf("%+v", u)
		}
		for _, email := range []string{"olga@partner.example", "nobody@example.com"} {
			_, err = w.api.GetUserByEmailContext(w.ctx, email)
			w.refused(err, "users_not_found", email)
		}
		guest, err := w.api.GetUserInfoContext(w.ctx, "U0GUEST")
		if w.must(err); !guest.IsRestricted || guest.IsUltraRestricted {
			t.Errorf("the guest is %+v", guest)
		}
		other, err := w.api.GetUserInfoContext(w.ctx, "U0OTHER")
		if w.must(err); !other.IsStranger || other.TeamID != "T0OTHER" {
			t.Errorf("the stranger is %+v", other)
		}
		_, err = w.api.GetUserInfoContext(w.ctx, "U0NONE")
		w.refused(err, "user_not_found")
		w.SetUser(slackfake.User{ID: "U0NEW", Name: "new", SingleGuest: true})
		single, err := w.api.GetUserInfoContext(w.ctx, "U0NEW")
		if w.must(err); !single.IsRestricted || !single.IsUltraRestricted {
			t.Errorf("the single-channel guest is %+v", single)
		}
		w.SetUser(slackfake.User{ID: "U0BOB", Name: "bob", Email: "bob@example.com", Deleted: true})
		_, err = w.api.GetUserByEmailContext(w.ctx, "bob@example.com")
		w.refused(err, "users_not_found", "left")

		members, err := w.api.GetUserGroupMembersContext(w.ctx, "S0ONCALL")
		if w.must(err); !slices.Equal(members, []string{"U0BOB", "U0CAROL", "U0RAJESH"}) {
			t.Errorf("the group has %s", members)
		}
		w.SetGroup("S0ONCALL", []string{"U0ALICE"})
		groups, err := w.api.GetUserGroupsContext(w.ctx, slack.GetUserGroupsOptionIncludeUsers(true))
		if w.must(err); len(groups) != 1 || groups[0].Handle != "platform-oncall" || !slices.Equal(groups[0].Users, []string{"U0ALICE"}) {
			t.Errorf("the groups are %+v", groups)
		}
		w.DeleteGroup("S0ONCALL")
		_, err = w.api.GetUserGroupMembersContext(w.ctx, "S0ONCALL")
		w.refused(err, "no_such_subteam")
		bot, err := w.api.GetBotInfoContext(w.ctx, slack.GetBotInfoParameters{Bot: "B0GATE"})
		if w.must(err); bot.AppID != "A0GATE" || bot.UserID != "U0GATE" {
			t.Errorf("the bot is %+v", bot)
		}
	})
}

func TestChannels(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		var names []string
		p := &slack.GetConversationsParameters{Limit: 2, Types: []string{"public_channel", "private_channel"}}
		for {
			page, next, err := w.api.GetConversationsContext(w.ctx, p)
			w.must(err)
			for _, c := range page {
				names = append(names, c.Name)
			}
			if p.Cursor = next; next == "" {
				break
			}
		}
		if want := []string{"atlas-prod", "atlas-dev", "partner-shared", "random", "security"}; !slices.Equal(names, want) {
			t.Errorf("the channels are %s, want %s", names, want)
		}
		shared, err := w.api.GetConversationInfoContext(w.ctx, &slack.GetConversationInfoInput{ChannelID: "C0SHARED"})
		if w.must(err); !shared.IsExtShared || !shared.IsMember {
			t.Errorf("the shared channel is %+v", shared)
		}
		for limit, code := range map[int]string{1: "", 1000: "", 1001: "invalid_limit", -1: "invalid_limit"} {
			_, _, err := w.api.GetConversationsContext(w.ctx, &slack.GetConversationsParameters{Limit: limit})
			w.refused(err, code)
		}
		_, _, err = w.api.GetConversationsContext(w.ctx, &slack.GetConversationsParameters{Cursor: "next:99"})
		w.refused(err, "invalid_cursor")
		_, _, err = w.api.GetConversationsContext(w.ctx, &slack.GetConversationsParameters{Types: []string{"any"}})
		w.refused(err, "invalid_types")
		w.Kick("C0SEC")
		private, _, err := w.api.GetConversationsContext(w.ctx, &slack.GetConversationsParameters{Types: []string{"private_channel"}})
		if w.must(err); len(private) != 0 {
			t.Errorf("a private channel without the bot is listed: %+v", private)
		}
		w.Archive("C0DEV")
		dev, err := w.api.GetConversationInfoContext(w.ctx, &slack.GetConversationInfoInput{ChannelID: "C0DEV"})
		if w.must(err); !dev.IsArchived {
			t.Errorf("the archived channel is %+v", dev)
		}
	})
}

// TestEndOfTheApp: uninstalled, revoked, and back.
func TestEndOfTheApp(t *testing.T) {
	story(t, slackfake.Options{}, func(t *testing.T, w *world) {
		for code, end := range map[string]func(){"account_inactive": w.Uninstall, "token_revoked": w.Revoke} {
			end()
			_, err := w.api.AuthTestContext(w.ctx)
			w.refused(err, code)
			w.Reinstall()
			_, err = w.api.AuthTestContext(w.ctx)
			w.refused(err, "")
		}
		a := w.connect(nil)
		ts := w.post("C0PROD", slack.MsgOptionText("card", true), card("v1|f|1"))
		w.Uninstall()
		d, err := w.Click("U0ALICE", "C0PROD", ts, "revert")
		w.must(err)
		if _, _, err := d.Wait(w.ctx); err == nil || len(a.events) != 0 {
			t.Errorf("an app that was removed is sent clicks: %+v", d)
		}
		if _, err := w.Command("U0ALICE", "C0PROD", "/gatewarden status"); err == nil {
			t.Error("an app that was removed has commands")
		}
		w.Reinstall()
		w.Revoke()
		select {
		case <-a.done:
		case <-time.After(time.Minute):
		}
		w.refused(a.err, "token_revoked", "the socket")
	})
}
