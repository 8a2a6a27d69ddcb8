package atlas

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// secretsOf lists what must not be seen anywhere, in every form that is sent.
func secretsOf() []string {
	basic := func(id, secret string) string {
		return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
	}
	return []string{
		readerSecret, url.QueryEscape(readerSecret), basic(readerID, readerSecret), writerSecret, basic(writerID, writerSecret),
		privateKey, "fake-access-token-value",
	}
}

// echo answers with everything it was sent, in every place that an answer has.
func echo(status, tokenStatus int) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		sent := r.Header.Get("Authorization")
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			sent += string(body)
		}
		sent += " " + readerSecret + " " + writerSecret + " " + privateKey + " fake-access-token-value"
		doc, err := json.Marshal(map[string]any{
			"error": sent, "errorCode": sent, "detail": sent, "reason": sent, "parameters": []string{sent}, "error_description": sent,
		})
		if err != nil {
			return nil, err
		}
		h := http.Header{"X-Sent": {sent}, "Location": {"https://elsewhere.example/?" + url.QueryEscape(sent)}, "Www-Authenticate": {`Digest nonce="n", qop="auth", realm="r"`}}
		if r.URL.Path == tokenPath {
			if tokenStatus == 200 {
				return reply(r, 200, `{"access_token":"fake-access-token-value","expires_in":3600}`, h), nil
			}
			return reply(r, tokenStatus, string(doc), h), nil
		}
		if status == 0 {
			return nil, fmt.Errorf("connection reset")
		}
		return reply(r, status, string(doc), h), nil
	})
}

// No error, reason, log line or printed value carries a secret, even when Atlas itself
// repeats what it was sent.
func TestNoLeaks(t *testing.T) {
	for _, status := range []int{0, 200, 302, 400, 401, 402, 403, 404, 406, 409, 429, 500, 503} {
		for _, tokenStatus := range []int{200, 302, 400, 401, 403, 429, 500} {
			for name, cred := range map[string]Credential{"account": reader(), "key": key()} {
				synctest.Test(t, func(t *testing.T) {
					core, logs := observer.New(zapcore.DebugLevel)
					w := cred
					if name == "account" {
						w = *writer()
					}
					o := Options{BaseURL: baseURL, Read: cred, Write: &w, Transport: echo(status, tokenStatus), Logger: zap.New(core), Tokens: broken{}}
					c, err := New(o)
					if err != nil {
						t.Fatal(err)
					}
					said := []string{fmt.Sprintf("%v %+v %#v %s", o.Read, o.Read, o.Read, o.Write), fmt.Sprintf("%+v", o)}
					for _, kind := range []access.Kind{access.KindProject, access.KindDatabaseUser, access.KindCustomRole} {
						said = append(said, fmt.Sprintf("%+v", c.Read(t.Context(), prod, kind)))
					}
					_, err1 := c.Events(t.Context(), prod, time.Time{})
					_, err2 := c.Projects(t.Context(), orgID)
					_, err3 := c.RateLimits(t.Context(), prod)
					for _, op := range operations() {
						if err := c.Apply(t.Context(), "a-1", op); err != nil {
							said = append(said, err.Error())
						}
					}
					logins := c.Logins(t.Context(), prod, time.Now().Add(-time.Hour), time.Now())
					said = append(said, fmt.Sprint(err1, err2, err3, c.Check(t.Context())), fmt.Sprintf("%+v", logins))
					for _, e := range logs.All() {
						said = append(said, e.Message+fmt.Sprint(e.ContextMap()))
					}
					for _, s := range said {
						for _, secret := range secretsOf() {
							if strings.Contains(s, secret) {
								t.Errorf("%d, token %d, %s: %q is in %s", status, tokenStatus, name, secret, s)
							}
						}
					}
				})
			}
		}
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	o := Options{Read: reader(), Write: writer()}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{o.Read, *o.Write, o.Read.ClientSecret, o} {
			s := fmt.Sprintf(format, v)
			if strings.Contains(s, readerSecret) || strings.Contains(s, writerSecret) || strings.Contains(s, fmt.Sprintf("%x", readerSecret)) {
				t.Errorf("%s prints %s", format, s)
			}
		}
	}
	if got := fmt.Sprintf("%+v", o.Read); !strings.Contains(got, "<redacted>") {
		t.Error(got)
	}
	if raw, err := json.Marshal(map[string]any{"secret": o.Read.ClientSecret}); err != nil || string(raw) != `{"secret":"\u003credacted\u003e"}` {
		t.Errorf("%s %v", raw, err)
	}
}

// The skew is proved by Date headers, and nothing is said that they do not prove.
func TestSkew(t *testing.T) {
	for _, offset := range []time.Duration{0, 300 * time.Millisecond, 7 * time.Second, -7 * time.Second, 90 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			a := newSim(t, sim.Options{})
			a.SetClockOffset(offset)
			c := connect(t, a.Transport(), nil)
			if c.Skew() != 0 {
				t.Errorf("%s before the first answer", c.Skew())
			}
			for range 5 {
				mustComplete(t, c, "asking")
				time.Sleep(1300 * time.Millisecond)
			}
			if d := (c.Skew() - offset).Abs(); d >= time.Second || offset == 0 && c.Skew() != 0 {
				t.Errorf("%s off is seen as %s", offset, c.Skew())
			}
			if d := c.Now().Sub(time.Now().Add(c.Skew())).Abs(); d > time.Millisecond {
				t.Errorf("now is off by %s", d)
			}
		})
	}
}

// A clock that is set while we run is followed.
func TestSkewChanges(t *testing.T) {
	var s skew
	now := time.Date(2026, 8, 3, 10, 0, 0, 500e6, time.UTC)
	see := func(offset time.Duration) {
		s.observe(http.Header{"Date": {now.Add(offset).Format(http.TimeFormat)}}, now.Add(-50*time.Millisecond), now.Add(50*time.Millisecond))
		now = now.Add(700 * time.Millisecond)
	}
	see(0)
	see(10 * time.Second)
	if got := s.estimate(); (got - 10*time.Second).Abs() > time.Second {
		t.Errorf("set forward: %s", got)
	}
	see(0)
	if got := s.estimate(); got != 0 {
		t.Errorf("set back: %s", got)
	}
	s.observe(http.Header{"Date": {"yesterday"}}, now, now)
	s.observe(http.Header{"Date": {now.Add(time.Hour).Format(http.TimeFormat)}, "Age": {"5"}}, now, now)
	if got := s.estimate(); got != 0 {
		t.Errorf("after dates that say nothing: %s", got)
	}
}

func TestLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 8, 20, 0, 0, 0, 0, time.UTC))) // Atlas takes no time before 2008
		a := newSim(t, sim.Options{})
		c := connect(t, a.Transport(), nil)
		from := time.Now()
		time.Sleep(time.Minute)
		for i := range 30 {
			a.RecordLogin(prodID, "prod-cluster", "prod_app_user", "admin", "203.0.113.7", i%3 > 0)
			time.Sleep(time.Second)
		}
		got := c.Logins(t.Context(), prod, from, time.Now())
		if got.Quality != access.QualityPartial || got.Succeeded != 20 || got.Failed != 10 || len(got.Sample) != 20 || !slices.Equal(got.Hosts, []string{"prod-cluster"}) {
			t.Fatalf("%+v", got)
		}
		for _, part := range []string{"flex", "cluster free"} {
			if !strings.Contains(got.Why, part) {
				t.Errorf("%q: nothing of %s", got.Why, part)
			}
		}
		if !slices.IsSortedFunc(got.Sample, func(a, b access.Login) int { return b.At.Compare(a.At) }) {
			t.Error("the sample is not newest first")
		}
		want := access.Login{At: got.Sample[0].At, Username: "prod_app_user", Source: "admin", Address: "203.0.113.7", Cluster: "prod-cluster", OK: true}
		if diff := cmp.Diff(want, got.Sample[0]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		some := func(l access.Login) bool { return l.Username == "prod_app_user" && !l.OK }
		if got := c.LoginsOf(t.Context(), prod, from, time.Now(), some); got.Succeeded != 0 || got.Failed != 10 || got.Quality != access.QualityPartial || got.Sample[0].OK {
			t.Errorf("those that match: %+v", got)
		}
		if got := c.LoginsOf(t.Context(), prod, from, time.Now(), func(access.Login) bool { return false }); got.Succeeded+got.Failed+len(got.Sample)+len(got.Hosts) != 0 || got.Quality != access.QualityPartial {
			t.Errorf("none that match: %+v", got)
		}
		if got := c.Logins(t.Context(), prod, from, from.Add(30*time.Second)); got.Succeeded+got.Failed != 0 {
			t.Errorf("before the logins: %+v", got)
		}
		if got := c.Logins(t.Context(), access.ProjectScope(devID), from, time.Now()); got.Quality != access.QualityComplete {
			t.Errorf("without clusters: %+v", got)
		}
		a.Deny("getGroupDbAccessHistoryCluster", true)
		if got := c.Logins(t.Context(), prod, from, time.Now()); got.Quality != access.QualityUnknown || !strings.Contains(got.Why, "Project Cluster Log Viewer") {
			t.Errorf("without the role: %+v", got)
		}
		a.Deny("listGroupClusters", true)
		if got := c.Logins(t.Context(), prod, from, time.Now()); got.Quality != access.QualityUnknown || got.Why == "" {
			t.Errorf("without the list: %+v", got)
		}
	})
}

// A full answer may not be the whole, an old window is not kept, an odd line is counted.
func TestLoginsQuality(t *testing.T) {
	now := time.Now()
	line := fmt.Sprintf(`{"authResult":true,"username":"u","timestamp":%q},`, now.Add(-time.Minute).Format("Mon Jan 2 15:04:05 MST 2006"))
	for name, tc := range map[string]struct {
		lines   string
		from    time.Time
		quality access.Quality
		why     string
	}{
		"one line":   {line, now.Add(-time.Hour), access.QualityComplete, ""},
		"odd line":   {line + `{"timestamp":"then"},`, now.Add(-time.Hour), access.QualityPartial, "1 lines are not understood"},
		"full":       {strings.Repeat(line, historyRows), now.Add(-time.Hour), access.QualityPartial, "20000 lines or more"},
		"old window": {line, now.Add(-8 * 24 * time.Hour), access.QualityPartial, "about 7 days"},
	} {
		c := connect(t, answering(func(r *http.Request) (int, string) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/clusters"):
				return 200, `{"results":[{"name":"c1"}],"totalCount":1}`
			case strings.Contains(r.URL.Path, "dbAccessHistory"):
				return 200, `{"accessLogs":[` + strings.TrimSuffix(tc.lines, ",") + `]}`
			}
			return 200, `{"results":[],"totalCount":0}`
		}), nil)
		got := c.Logins(t.Context(), prod, tc.from, now)
		if none := c.LoginsOf(t.Context(), prod, tc.from, now, func(access.Login) bool { return false }); none.Quality != tc.quality || none.Why != got.Why || none.Succeeded != 0 {
			t.Errorf("%s, of which none matches: %s %q %d", name, none.Quality, none.Why, none.Succeeded)
		}
		if got.Quality != tc.quality || !strings.Contains(got.Why, tc.why) || got.Succeeded != strings.Count(tc.lines, "authResult") {
			t.Errorf("%s: %s %q %d", name, got.Quality, got.Why, got.Succeeded)
		}
	}
}
