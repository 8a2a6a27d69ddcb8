package atlas

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

func mustComplete(t *testing.T, c *Client, when string) {
	t.Helper()
	if got := c.Read(t.Context(), prod, access.KindIPAccessEntry); got.Status != access.StatusComplete {
		t.Fatalf("%s: %s %q", when, got.Status, got.Reason)
	}
}

// Atlas allows 100 live tokens: 300 restarts over an hour and a half need a few.
func TestTokenSurvivesRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store := newSim(t, sim.Options{}), &memory{}
		for range 300 {
			c := connect(t, a.Transport(), func(o *Options) { o.Tokens, o.Write = store, nil })
			mustComplete(t, c, "after a restart")
			time.Sleep(18 * time.Second)
		}
		if n := a.TokensIssued(); n > 3 {
			t.Errorf("%d tokens", n)
		}
	})
}

func TestTokenOneForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		c := connect(t, a.Transport(), nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { mustComplete(t, c, "one of many") })
		}
		wg.Wait()
		time.Sleep(58 * time.Minute)
		mustComplete(t, c, "shortly before the end")
		if n := a.TokensIssued(); n != 1 {
			t.Errorf("%d tokens in the first 59 minutes", n)
		}
		time.Sleep(2 * time.Minute)
		mustComplete(t, c, "after the end")
		if n := a.TokensIssued(); n != 2 {
			t.Errorf("%d tokens after that", n)
		}
	})
}

// A token that was revoked behind our back costs one request for a new one. A missing
// role, which is a 401 too, costs none.
func TestTokenRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, store := newSim(t, sim.Options{}), &memory{}
		seen := &recording{next: a.Transport()}
		c := connect(t, seen, func(o *Options) { o.Tokens = store })
		mustComplete(t, c, "at first")
		revoke(t, a, seen.bearer())
		mustComplete(t, c, "after the revocation")
		a.Deny("listGroupClusters", true)
		for range 5 {
			if got := c.Read(t.Context(), prod, access.KindCluster); got.Status != access.StatusDenied {
				t.Errorf("without the role: %s", got.Status)
			}
		}
		if n := a.TokensIssued(); n != 2 {
			t.Errorf("%d tokens", n)
		}
		restarted := connect(t, a.Transport(), func(o *Options) { o.Tokens = store })
		mustComplete(t, restarted, "after a restart")
		if n := a.TokensIssued(); n != 2 {
			t.Errorf("%d tokens after a restart", n)
		}
	})
}

func revoke(t *testing.T, a *sim.Atlas, token string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", baseURL+"/api/oauth/revoke", bytes.NewReader([]byte("token="+token)))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(readerID, "fake-reader-secret%2Fwith%2Bsigns")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, err := a.Transport().RoundTrip(req); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
}

// When every answer is 401, new tokens are not asked for without end.
func TestTokenNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		rt := transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == tokenPath {
				asked++
				return reply(r, 200, `{"access_token":"fake","expires_in":3600}`, nil), nil
			}
			return reply(r, 401, `{"error":401,"errorCode":"UNEXPECTED_ERROR"}`, nil), nil
		})
		c := connect(t, rt, nil)
		for range 60 {
			if got := c.Read(t.Context(), prod, access.KindCluster); got.Status != access.StatusDenied {
				t.Fatalf("%s %q", got.Status, got.Reason)
			}
			time.Sleep(time.Second)
		}
		if asked > 3 {
			t.Errorf("asked for %d tokens in a minute", asked)
		}
	})
}

// A rotated secret is picked up: the stored token is of no use under it, and the next
// token is asked for with it.
func TestTokenRotatedSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret, issued := "fake-old", 0
		rt := transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != tokenPath {
				return reply(r, 200, `[]`, nil), nil
			}
			if _, got, _ := r.BasicAuth(); got != secret {
				return reply(r, 401, `{"error":"invalid_client"}`, nil), nil
			}
			issued++
			return reply(r, 200, `{"access_token":"fake","expires_in":3600}`, nil), nil
		})
		store := &memory{}
		change := func(o *Options) {
			o.Tokens = store
			o.Read.ClientSecret = func() (string, error) { return secret, nil }
		}
		read := func(c *Client) access.Status { return c.Read(t.Context(), prod, access.KindCustomRole).Status }
		running := connect(t, rt, change)
		first := read(running)
		secret = "fake-new"
		second := read(running)
		third := read(connect(t, rt, change))
		time.Sleep(2 * time.Hour)
		fourth := read(running)
		for _, s := range []access.Status{first, second, third, fourth} {
			if s != access.StatusComplete {
				t.Errorf("statuses %v", []access.Status{first, second, third, fourth})
			}
		}
		if issued != 3 {
			t.Errorf("%d tokens", issued)
		}
	})
}

func TestTokenRequestRetried(t *testing.T) {
	for _, f := range []sim.Fault{
		{Route: "token", Rate: 1, Kind: sim.Fault503, Remaining: 2},
		{Route: "token", Rate: 1, Kind: sim.Fault429, RetryAfter: 15, Remaining: 1},
		{Route: "token", Rate: 1, Kind: sim.FaultCut, Remaining: 1},
		{Route: "token", Rate: 1, Kind: sim.FaultTimeout, Remaining: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newSim(t, sim.Options{})
			a.SetFaults(f)
			mustComplete(t, connect(t, a.Transport(), nil), string(f.Kind))
		})
	}
}

// A store that does not work costs tokens and nothing else.
func TestTokenStoreBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, newSim(t, sim.Options{}).Transport(), func(o *Options) { o.Tokens = broken{} })
		mustComplete(t, c, "with a broken store")
	})
}

type broken struct{}

func (broken) GetSealed(context.Context, string) ([]byte, error) {
	return nil, errors.New("no store")
}

func (broken) PutSealed(context.Context, string, []byte, time.Duration) error {
	return errors.New("no store")
}

func TestSeal(t *testing.T) {
	token := accessToken{"fake-token", time.Now().Add(time.Hour).UTC().Round(0)}
	s := newSeal("cloud.mongodb.com", readerID, readerSecret)
	sealed := s.close(token)
	if got := s.open(sealed); got != token {
		t.Errorf("opened %v", got)
	}
	if bytes.Contains(sealed, []byte("fake-token")) {
		t.Error("the token can be read in the sealed bytes")
	}
	for name, other := range map[string]seal{
		"secret": newSeal("cloud.mongodb.com", readerID, "fake-other"),
		"client": newSeal("cloud.mongodb.com", writerID, readerSecret),
		"host":   newSeal("cloud.mongodbgov.com", readerID, readerSecret),
	} {
		if got := other.open(sealed); got.Value != "" {
			t.Errorf("another %s opens it", name)
		}
	}
	sealed[len(sealed)-1] ^= 1
	if got := s.open(sealed); got.Value != "" {
		t.Error("changed bytes open")
	}
	if got := s.open(nil); got.Value != "" {
		t.Error("nothing opens")
	}
}
