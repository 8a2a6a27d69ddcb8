package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/watcher"
)

// TestSignature: RFC 2202's vectors of HMAC-SHA-1, in Base64, and their likes.
func TestSignature(t *testing.T) {
	for _, c := range []struct {
		key, body, signature string
		want                 bool
	}{
		{"Jefe", "what do ya want for nothing?", "7/zfauXrL6LSdBbV8YTfnCWafHk=", true},
		{strings.Repeat("\x0b", 20), "Hi There", "thcxhlUFcmTii8C2+zeMjvFGvgA=", true},
		{"key", "The quick brown fox jumps over the lazy dog", "3nybhbi3iqa8ino29wqQcBydtNk=", true},
		{"key", "The quick brown fox jumps over the lazy dog\n", "3nybhbi3iqa8ino29wqQcBydtNk=", false},
		{"Key", "The quick brown fox jumps over the lazy dog", "3nybhbi3iqa8ino29wqQcBydtNk=", false},
		{"key", "The quick brown fox jumps over the lazy dog", "3nybhbi3iqa8ino29wqQcBydtNk", false},
		{"key", "The quick brown fox jumps over the lazy dog", "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9", false}, // hex, as an old page of Cloud Manager had it
		{"key", "The quick brown fox jumps over the lazy dog", "3nybhbi3iqa8", false},
		{"", "", "", false},
		{"", "", "+9sdGxiqbAgyS31ktx+3Y3BpDh0=", true},
	} {
		if got := signed(config.NewSecret(c.key), []byte(c.body), c.signature); got != c.want {
			t.Errorf("signed(%q, %q, %q) = %t", c.key, c.body, c.signature, got)
		}
	}
}

const (
	hookProject = "64f0000000000000000000a1"
	hookOrg     = "64f000000000000000000001"
	hookID      = "64f0000000000000000000c1"
)

func hookNow() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// testReceiver watches one project of one org; woken lists what it was asked to wake.
type testReceiver struct {
	*receiver
	woken []string
	fail  error
	logs  *observer.ObservedLogs
}

func newTestReceiver() *testReceiver {
	core, logs := observer.New(zapcore.DebugLevel)
	f := &fleet{orgs: []string{hookOrg}, owner: map[access.Scope]string{access.ProjectScope(hookProject): hookOrg}, watch: noWatch{}}
	h := &testReceiver{logs: logs}
	h.receiver = &receiver{
		key:     func() (config.Secret, error) { return config.NewSecret(hookSecret), nil },
		watched: f.watched, now: hookNow, replays: newReplays(hookNow().Add(-time.Hour)),
		slots: make(chan struct{}, webhookSlots), results: newHookResults(prometheus.NewRegistry()),
		trouble: func(error) {}, logger: zap.New(core),
		wake: func(_ context.Context, s access.Scope, kinds []access.Kind) error {
			h.woken = append(h.woken, fmt.Sprint(s, " ", kinds))
			return h.fail
		},
	}
	return h
}

// noWatch is a bucket without documents.
type noWatch struct{}

func (noWatch) Get(context.Context, string) (watcher.Watch, uint64, error) {
	return watcher.Watch{}, 0, nil
}

// send posts a body with its signature; edit may spoil the request.
func (h *testReceiver) send(body string, edit func(*http.Request)) (int, string) {
	r := httptest.NewRequest(http.MethodPost, webhookPath, strings.NewReader(body))
	r.Header.Set(signatureHeader, signature(hookSecret, []byte(body)))
	r.Header.Set("X-MMS-Event", "alert.inform")
	if edit != nil {
		edit(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func alertBody(edits ...string) string {
	body := `{"id":"` + hookID + `","groupId":"` + hookProject + `","orgId":"` + hookOrg + `","alertConfigId":"64f0000000000000000000d1",` +
		`"eventTypeName":"NETWORK_PERMISSION_ENTRY_ADDED","status":"CLOSED","created":"2026-11-22T11:59:58Z","updated":"2026-11-22T11:59:59Z",` +
		`"humanReadable":"Event NETWORK_PERMISSION_ENTRY_ADDED. Project: shop-prod, organization: ExampleCorp","links":[]}`
	return strings.NewReplacer(edits...).Replace(body)
}

func TestWebhookAnswers(t *testing.T) {
	const accessList = "prj." + hookProject + " [ip_access_entry]"
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		body   string
		edit   func(*http.Request)
		status int
		result string
		woken  []string
	}{
		"an alert":                                {body: alertBody(), status: 200, result: hookAccepted, woken: []string{accessList}},
		"of a member":                             {body: alertBody("NETWORK_PERMISSION_ENTRY_ADDED", "JOINED_GROUP"), status: 200, result: hookAccepted, woken: []string{"prj." + hookProject + " [project_member]"}},
		"of an unknown type: only a poll":         {body: alertBody("NETWORK_PERMISSION_ENTRY_ADDED", "SOMETHING_NEW"), status: 200, result: hookAccepted, woken: []string{"prj." + hookProject + " []"}},
		"of an org":                               {body: alertBody(`"groupId":"`+hookProject+`",`, ""), status: 200, result: hookAccepted, woken: []string{"org." + hookOrg + " []"}},
		"without the event header":                {body: alertBody(), edit: func(r *http.Request) { r.Header.Del("X-MMS-Event") }, status: 200, result: hookAccepted, woken: []string{accessList}},
		"with fractions and a zone":               {body: alertBody("11:59:59Z", "13:59:59.5+02:00"), status: 200, result: hookAccepted, woken: []string{accessList}},
		"without an update: its creation":         {body: alertBody(`,"updated":"2026-11-22T11:59:59Z"`, ""), status: 200, result: hookAccepted, woken: []string{accessList}},
		"giant numbers where we do not look":      {body: alertBody(`"links":[]`, `"currentValue":{"number":1e99999999},"n":`+strings.Repeat("9", 5000)), status: 200, result: hookAccepted, woken: []string{accessList}},
		"a giant number for a name":               {body: alertBody(`"`+hookID+`"`, strings.Repeat("9", 400)), status: 400, result: hookMalformed},
		"a giant number for a date":               {body: alertBody(`"2026-11-22T11:59:58Z"`, "1e400", `"2026-11-22T11:59:59Z"`, strings.Repeat("9", 400)), status: 400, result: hookMalformed},
		"a name that comes twice: the last":       {body: alertBody(`"orgId"`, `"groupId":"64f0000000000000000000ff","orgId"`), status: 202, result: hookUnknownScope},
		"a name in another case is another":       {body: alertBody(`"orgId"`, `"GROUPID":"64f0000000000000000000ff","orgId"`), status: 200, result: hookAccepted, woken: []string{accessList}},
		"of a project that we do not watch":       {body: alertBody(hookProject, "64f0000000000000000000ff"), status: 202, result: hookUnknownScope},
		"of our project in another org":           {body: alertBody(hookOrg, "64f0000000000000000000ff"), status: 202, result: hookUnknownScope},
		"of an org that we do not watch":          {body: alertBody(`"groupId":"`+hookProject+`",`, "", hookOrg, "64f0000000000000000000ff"), status: 202, result: hookUnknownScope},
		"of nothing":                              {body: alertBody(`"groupId":"`+hookProject+`","orgId":"`+hookOrg+`",`, ""), status: 400, result: hookMalformed},
		"of a project that makes another subject": {body: alertBody(hookProject, "*.>"), status: 400, result: hookMalformed},
		"no JSON":                        {body: "hello", status: 400, result: hookMalformed},
		"an array":                       {body: "[]", status: 400, result: hookMalformed},
		"nothing":                        {body: "", status: 400, result: hookMalformed},
		"null":                           {body: "null", status: 400, result: hookMalformed},
		"two documents":                  {body: alertBody() + alertBody(), status: 400, result: hookMalformed},
		"10,000 brackets":                {body: strings.Repeat("[", 10_000), status: 400, result: hookMalformed},
		"from tomorrow":                  {body: alertBody("2026-11-22T11:59:59Z", "2026-11-23T11:59:59Z"), status: 400, result: hookMalformed},
		"from the end of time":           {body: alertBody("2026-11-22T11:59:59Z", "9999-12-31T23:59:59-01:00"), status: 400, result: hookMalformed},
		"from yesterday":                 {body: alertBody("2026-11-22T11:59:59Z", "2026-11-21T11:59:59Z"), status: 200, result: hookReplayed},
		"from before the start":          {body: alertBody("2026-11-22T11:59:59Z", "2026-11-22T10:54:59Z"), status: 200, result: hookReplayed},
		"unsigned":                       {body: alertBody(), edit: func(r *http.Request) { r.Header.Del(signatureHeader) }, status: 401, result: hookBadSignature},
		"signed with another secret":     {body: alertBody(), edit: header(signatureHeader, signature("another-secret-0123", []byte(alertBody()))), status: 401, result: hookBadSignature},
		"signed in hex":                  {body: alertBody(), edit: header(signatureHeader, "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"), status: 401, result: hookBadSignature},
		"one blank more than was signed": {body: alertBody() + " ", edit: header(signatureHeader, signature(hookSecret, []byte(alertBody()))), status: 401, result: hookBadSignature},
		"as long as may be":              {body: alertBody() + strings.Repeat(" ", webhookBody-len(alertBody())), status: 200, result: hookAccepted, woken: []string{accessList}},
		"longer than may be":             {body: alertBody() + strings.Repeat(" ", webhookBody-len(alertBody())+1), status: 413, result: hookTooLarge},
		"a body that breaks off":         {body: alertBody(), edit: func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{})) }, status: 400, result: hookMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestReceiver()
			status, says := h.send(c.body, c.edit)
			if status != c.status || says != c.result || !slices.Equal(h.woken, c.woken) {
				t.Errorf("%d %q, woken %q; want %d %q, %q", status, says, h.woken, c.status, c.result, c.woken)
			}
			for _, r := range hookResults() {
				want := 0.0
				if r == c.result {
					want = 1
				}
				if n := testutil.ToFloat64(h.results.WithLabelValues(r)); n != want {
					t.Errorf("webhooks_total{result=%q} = %v", r, n)
				}
			}
			if c.result == hookBadSignature && h.logs.Len() > 0 {
				t.Errorf("logged of what is not believed: %v", h.logs.All())
			}
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken off") }

// TestWebhookReplays: an alert counts once, whatever its unsigned header says, unless
// nothing could be done about it.
func TestWebhookReplays(t *testing.T) {
	h := newTestReceiver()
	h.fail = errors.New("the store is full")
	if status, says := h.send(alertBody(), nil); status != 503 || says != hookUnavailable {
		t.Fatalf("with a store that does not take it: %d %s", status, says)
	}
	h.fail, h.woken = nil, nil
	for n, event := range []string{"alert.inform", "alert.inform", "alert.open", "alert.close", "x", ""} {
		status, says := h.send(alertBody(), func(r *http.Request) { r.Header.Set("X-MMS-Event", event) })
		if want := map[bool]string{true: hookAccepted, false: hookReplayed}[n == 0]; status != 200 || says != want {
			t.Errorf("time %d, as %q: %d %s, want %s", n+1, event, status, says, want)
		}
	}
	for _, body := range []string{alertBody(" ", "  "), alertBody("11:59:59Z", "11:59:59.000Z"), alertBody("JSON", "json", "CLOSED", "OPEN")} {
		if _, says := h.send(body, nil); says != hookReplayed {
			t.Errorf("the same alert in another spelling: %s", says)
		}
	}
	if _, says := h.send(alertBody("11:59:59Z", "12:00:01Z"), nil); says != hookAccepted {
		t.Errorf("the same alert, updated: %s", says)
	}
	if len(h.woken) != 2 {
		t.Errorf("woken %q", h.woken)
	}
}

// TestReplayMemory: bounded in time and number, and what is forgotten is refused.
func TestReplayMemory(t *testing.T) {
	begin := hookNow()
	at := func(id int, d time.Duration) alert { return alert{id: fmt.Sprint(id), updated: begin.Add(d)} }
	r := newReplays(begin)
	r.most = 8
	for n := range 100 {
		if !r.admit(at(n, time.Duration(n)*time.Second), begin.Add(time.Duration(n)*time.Second)) {
			t.Errorf("alert %d is refused", n)
		}
		if len(r.seen) > r.most {
			t.Fatalf("%d are remembered", len(r.seen))
		}
	}
	for n := range 100 {
		if r.admit(at(n, time.Duration(n)*time.Second), begin.Add(100*time.Second)) {
			t.Errorf("alert %d comes a second time", n)
		}
	}
	day := begin.Add(replayWindow)
	if !r.admit(at(200, replayWindow), day) || r.admit(at(201, time.Minute), day.Add(2*time.Minute)) {
		t.Error("a day later: a new one is refused, or an old one is not")
	}
	if r.admit(at(200, replayWindow), day.Add(time.Hour)) || !r.admit(at(202, replayWindow+3*time.Hour), day.Add(3*time.Hour)) {
		t.Error("an hour later: the same one is admitted, or a new one refused")
	}
	late := newReplays(begin)
	if late.admit(at(300, time.Minute), day.Add(2*time.Minute)) || !late.admit(at(301, 3*time.Minute), day.Add(2*time.Minute)) {
		t.Error("nothing was forgotten: one of more than a day ago is admitted, or one of a day ago is not")
	}
	flood := newReplays(begin)
	flood.most = 8
	for n := range 1000 { // of one second
		flood.admit(at(n, time.Second), begin.Add(time.Second))
	}
	if len(flood.seen) > flood.most || flood.admit(at(0, time.Second), begin.Add(time.Second)) || !flood.admit(at(0, 2*time.Second), begin.Add(2*time.Second)) {
		t.Errorf("after a flood: %d remembered, or an old one admitted, or a new one refused", len(flood.seen))
	}
}

// TestWebhookOverload: more at a time than there is room for are sent away.
func TestWebhookOverload(t *testing.T) {
	h := newTestReceiver()
	for range webhookSlots {
		h.slots <- struct{}{}
	}
	if status, says := h.send(alertBody(), nil); status != 503 || says != hookUnavailable {
		t.Errorf("%d %s", status, says)
	}
	<-h.slots
	if status, says := h.send(alertBody(), nil); status != 200 || says != hookAccepted {
		t.Errorf("with room again: %d %s", status, says)
	}
}

// FuzzAlert: whatever is signed, what is taken from it has a valid scope, bounded names
// and a date, and says the same each time.
func FuzzAlert(f *testing.F) {
	for _, body := range []string{alertBody(), alertBody(`"orgId"`, `"groupId":"x","orgId"`), `{"id":"a","orgId":"` + hookOrg + `","created":"2026-11-22T11:59:58+00:00"}`, `[]`, `null`, `{"id":1e999}`, "\xff"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAlert(body)
		if err != nil {
			if strings.Contains(err.Error(), string(body)) && len(body) > 20 {
				t.Errorf("the error quotes the body: %v", err)
			}
			return
		}
		if a.id == "" || len(a.id) > longestText || len(a.event) > longestText || a.updated.IsZero() || a.scope().Validate() != nil {
			t.Errorf("%+v", a)
		}
		if again, err := parseAlert(bytes.Clone(body)); err != nil || again != a {
			t.Errorf("%+v, then %+v, %v", a, again, err)
		}
	})
}
