package atlas

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// failure is why a request came to nothing. It carries no part of a credential: only
// Atlas's status and error code, and none of its sentences, which may repeat a request.
type failure struct {
	status int    // HTTP status; 0: no answer
	code   string // Atlas's errorCode
	why    string
	kind   error // one of access's three; nil: asking again would not help
	after  time.Duration
	later  bool // nothing was asked: the request is put off
	cause  error
}

func (f *failure) Error() string {
	var b strings.Builder
	if f.status != 0 {
		fmt.Fprintf(&b, "Atlas answered %d", f.status)
		if f.code != "" {
			b.WriteString(" " + f.code)
		}
		if f.why != "" {
			b.WriteString(": ")
		}
	}
	b.WriteString(f.why)
	if f.cause != nil {
		b.WriteString(": " + f.cause.Error())
	}
	return b.String()
}

func (f *failure) Unwrap() []error {
	var out []error
	if f.kind != nil {
		out = append(out, f.kind)
	}
	if f.cause != nil {
		out = append(out, f.cause)
	}
	return out
}

func temporary(why string, cause error) *failure {
	return &failure{kind: access.ErrTemporary, why: why, cause: cause}
}

// asFailure finds the failure in an error, or makes one of an error that has none:
// whatever keeps a request from being answered may pass.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return temporary("no answer from Atlas", err)
}

// refusal reads an answer that is not a success.
func refusal(resp *http.Response, body []byte, r route, s side) *failure {
	var doc struct {
		Code string `json:"errorCode"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		doc.Code = "" // not Atlas's own error
	}
	f := &failure{status: resp.StatusCode, code: plainCode(doc.Code), after: retryAfter(resp.Header)}
	switch {
	case f.status >= 300 && f.status < 400:
		f.why = "redirects are refused: is the base URL right?"
	case forbidden(f.status, f.code):
		f.kind, f.why = access.ErrForbidden, forbiddenWhy(f, r, s)
	case f.status == http.StatusNotFound:
		f.kind, f.why = access.ErrGone, "it does not exist (any more)"
	case f.status == http.StatusNotImplemented:
		f.why = "it is not served there: asking again will not help"
	case f.status == http.StatusTooManyRequests, f.status >= 500, f.code == "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", f.status == http.StatusRequestTimeout:
		f.kind, f.why = access.ErrTemporary, "it may pass by itself"
	case f.status == http.StatusNotAcceptable, f.status == http.StatusGone:
		f.why = fmt.Sprintf("version %s of %s is not served: this program is too old or too new for this Atlas", r.version, r.op)
	case f.code == codeUnsupported:
		f.why = "Atlas does not have it here"
	default:
		f.why = "asking again the same way will not help"
	}
	return f
}

// plainCode keeps an error code only if it looks like one.
func plainCode(s string) string {
	if len(s) > 80 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return ""
	}
	return s
}

// forbidden: Atlas answers 401 where a role is missing as often as 403, and 403 also
// where a limit is reached, which no role cures.
func forbidden(status int, code string) bool {
	switch {
	case status == http.StatusUnauthorized:
		return true
	case status == http.StatusForbidden:
		return code != codeUnsupported && !strings.HasSuffix(code, "_LIMIT_EXCEEDED") && !strings.HasSuffix(code, "_EXCEEDED") && !lastOne(code)
	}
	return status == http.StatusPaymentRequired
}

// lastOne lists the codes of a 403 by which Atlas keeps the last role of somebody, and the
// last owner of an org: no role of ours cures that either.
func lastOne(code string) bool {
	switch code {
	case "CANNOT_REMOVE_ALL_USER_ROLES", "CANNOT_DEMOTE_LAST_ORG_OWNER", "CANNOT_DELETE_LAST_ADMIN", "NO_ROLES_IN_ASSIGNMENT":
		return true
	}
	return false
}

const codeUnsupported = "FEATURE_UNSUPPORTED"

// lacksRole lists the codes of a 401 whose credential is good.
func lacksRole(code string) bool {
	switch code {
	case "USER_UNAUTHORIZED", "NOT_IN_GROUP", "USER_CANNOT_ACCESS_GROUP", "USER_CANNOT_ACCESS_ORG", "NOT_ORG_OWNER", "NOT_ORG_GROUP_CREATOR", "NOT_API_KEY_ADMIN":
		return true
	}
	return false
}

func forbiddenWhy(f *failure, r route, s side) string {
	who := fmt.Sprintf("the %s credential %s", s.name, s.cred.id())
	switch f.code {
	case "IP_ADDRESS_NOT_ON_WHITELIST", "ORG_REQUIRES_WHITELIST", "RESOURCE_REQUIRES_WHITELIST":
		return who + " may not be used from this address: put the address on the credential's API access list"
	case "NO_PAYMENT_INFORMATION_FOUND", "ACCOUNT_SUSPENDED":
		return "the organization's account is suspended or has no payment information"
	}
	if f.status == http.StatusUnauthorized && !lacksRole(f.code) {
		return who + " was not accepted: it is wrong, expired or deleted: make a new one in Atlas and configure it"
	}
	return fmt.Sprintf("%s lacks a role: %s needs %s", who, r.op, r.role)
}

// retryAfter reads seconds or a date; 0 when there is none.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return min(time.Duration(n), 24*3600) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
