package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// callError is what went wrong with a call. Its text holds no token, whatever Slack or the network said.
type callError struct {
	what  string // was attempted on what
	code  string // Slack's; empty: it did not get that far
	needs string // scope that is missing
	says  string
	class []error
}

func (e *callError) Error() string   { return e.what + ": " + e.says }
func (e *callError) Unwrap() []error { return e.class }

// later is a call that may be repeated, and when.
type later struct {
	error
	after time.Duration
}

func (e later) RetryAfter() time.Duration { return e.after }
func (e later) Unwrap() error             { return e.error }

// The codes by which Slack says that something stays wrong for longer.
func boardCodes() []string {
	return []string{
		"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope", "not_allowed_token_type",
		"no_permission", "team_access_not_granted", "ekm_access_denied", "app_uninstalled", "org_login_required", "access_denied", "team_not_found",
	}
}

func placeCodes() []string {
	return []string{
		"channel_not_found", "not_in_channel", "is_archived", "user_not_found", "users_not_found", "user_disabled", "cannot_dm_bot", "messages_tab_disabled",
		"channel_is_limited_access", "slack_connect_canvas_sharing_blocked", "user_not_visible",
	}
}

func cardCodes() []string {
	return []string{"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", "is_inactive"}
}

// passing are the codes that mean: later.
func passing() []string {
	return []string{"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "accesslimited"}
}

// tooMuch reports whether Slack takes the text of a message but not how it is drawn.
func tooMuch(code string) bool {
	return strings.HasPrefix(code, "invalid_blocks") || slices.Contains([]string{"msg_blocks_too_long", "msg_too_long", "no_text", "metadata_too_large", "invalid_metadata_format", "too_many_attachments", "invalid_arguments"}, code)
}

// failed says what a call that ended with err means. A nil err is nil.
func failed(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	e := &callError{what: fmt.Sprintf(format, args...), says: hideSecrets(err.Error())}
	var limited *slackgo.RateLimitedError
	var said slackgo.SlackErrorResponse
	var status slackgo.StatusCodeError
	var wait interface{ RetryAfter() time.Duration }
	switch {
	case errors.As(err, &limited):
		e.code, e.class = "ratelimited", []error{access.ErrTemporary}
		return later{e, max(limited.RetryAfter, time.Second)}
	case errors.As(err, &wait):
		e.class = []error{access.ErrTemporary}
		return later{e, wait.RetryAfter()}
	case errors.As(err, &said):
		e.code, e.needs = atMost(hideSecrets(said.Err), 60), atMost(hideSecrets(said.Needed), 200)
		e.class, e.says = meaning(said)
	case errors.As(err, &status):
		e.code = fmt.Sprintf("http_%d", status.Code)
		if status.Retryable() || status.Code == 408 {
			e.class = []error{access.ErrTemporary}
		}
	case errors.Is(err, context.Canceled):
		e.class = []error{context.Canceled}
	case isNet(err):
		e.class = []error{access.ErrTemporary}
	default:
		e.class = []error{access.ErrTemporary} // an answer that is no JSON comes from a proxy, or was cut off
	}
	return e
}

func isNet(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, context.DeadlineExceeded)
}

func meaning(r slackgo.SlackErrorResponse) (class []error, says string) {
	code := atMost(hideSecrets(r.Err), 60)
	says = "Slack says " + code
	if len(r.ResponseMetadata.Messages) > 0 {
		says += ": " + atMost(hideSecrets(strings.Join(r.ResponseMetadata.Messages, "; ")), 300)
	}
	switch {
	case slices.Contains(passing(), code):
		return []error{access.ErrTemporary}, says
	case slices.Contains(boardCodes(), code):
		if r.Needed != "" {
			says += ": the app lacks " + atMost(hideSecrets(r.Needed), 200)
		}
		return []error{notify.ErrNoBoard}, says
	case slices.Contains(placeCodes(), code), strings.HasPrefix(code, "restricted_action"):
		return []error{notify.ErrNoPlace}, says
	case slices.Contains(cardCodes(), code):
		return []error{notify.ErrNoCard}, says
	}
	return nil, says
}

// codeOf is Slack's code for what went wrong; empty: it is not of Slack.
func codeOf(err error) string {
	if e, ok := errors.AsType[*callError](err); ok {
		return e.code
	}
	return ""
}

func needsOf(err error) string {
	if e, ok := errors.AsType[*callError](err); ok {
		return e.needs
	}
	return ""
}

// atMost is at most n runes of s.
func atMost(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// hideSecrets takes out whatever lets somebody in: tokens, tickets of sockets, addresses for answers.
func hideSecrets(s string) string {
	for _, mark := range []string{"xoxb-", "xoxp-", "xoxe.", "xoxe-", "xapp-", "xoxa-", "xoxs-", "ticket=", "/services/", "/actions/", "/commands/", "token="} {
		for from := 0; ; {
			i := strings.Index(s[from:], mark)
			if i < 0 {
				break
			}
			begin := from + i + len(mark)
			end := begin
			for end < len(s) && !strings.ContainsRune(" \t\n\"'&,;)]}<>|", rune(s[end])) {
				end++
			}
			s, from = s[:begin]+"…"+s[end:], begin+len("…")
		}
	}
	return s
}
