package atlas

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// The examples of RFC 7616, section 3.9.1, and of RFC 2617 without qop.
func TestDigestAnswer(t *testing.T) {
	const nonce, cnonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	for _, tc := range []struct{ algorithm, want string }{
		{"MD5", "8ca523f5e9506fed4657c9700eebdbec"},
		{"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	} {
		ch := challenge{realm: "http-auth@example.org", nonce: nonce, opaque: "FQhe", algorithm: tc.algorithm, qop: true}
		got := challengeFields(strings.TrimPrefix(ch.answer("GET", "/dir/index.html", "Mufasa", "Circle of Life", cnonce, 1), "Digest "))
		want := map[string]string{
			"username": "Mufasa", "realm": "http-auth@example.org", "uri": "/dir/index.html", "algorithm": tc.algorithm,
			"nonce": nonce, "nc": "00000001", "cnonce": cnonce, "qop": "auth", "response": tc.want, "opaque": "FQhe",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.algorithm, diff)
		}
	}
	old := challenge{realm: "testrealm@host.com", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093"}
	if got := old.answer("GET", "/dir/index.html", "Mufasa", "Circle Of Life", "", 1); !strings.Contains(got, `response="670fd8c2df070c60b045671b8b24ff02"`) {
		t.Error(got)
	}
}

func TestParseChallenge(t *testing.T) {
	const atlas = `Digest realm="MMS Public API", domain="", nonce="n\"1", algorithm=MD5, qop="auth", stale=false`
	want := challenge{realm: "MMS Public API", nonce: `n"1`, algorithm: "MD5", qop: true}
	for name, tc := range map[string]struct {
		headers []string
		want    challenge
		ok      bool
	}{
		"of Atlas":       {[]string{atlas}, want, true},
		"bare values":    {[]string{`digest realm=x, nonce=n1, qop=auth, stale=TRUE`}, challenge{realm: "x", nonce: "n1", qop: true, stale: true}, true},
		"several qops":   {[]string{`Digest realm="x",nonce="n1",qop="auth-int, auth"`}, challenge{realm: "x", nonce: "n1", qop: true}, true},
		"after another":  {[]string{`Basic realm="x"`, atlas}, want, true},
		"no qop":         {[]string{`Digest realm="x", nonce="n1", opaque="o"`}, challenge{realm: "x", nonce: "n1", opaque: "o"}, true},
		"only integrity": {[]string{`Digest realm="x", nonce="n1", qop="auth-int"`}, challenge{}, false},
		"session":        {[]string{`Digest realm="x", nonce="n1", qop="auth", algorithm=MD5-sess`}, challenge{}, false},
		"no nonce":       {[]string{`Digest realm="x"`}, challenge{}, false},
		"bearer":         {[]string{`Bearer realm="x"`}, challenge{}, false},
		"unended":        {[]string{`Digest nonce="n1`}, challenge{nonce: "n1"}, true},
		"nothing":        {nil, challenge{}, false},
	} {
		if got, ok := parseChallenge(tc.headers); got != tc.want || ok != tc.ok {
			t.Errorf("%s: %+v %t", name, got, ok)
		}
	}
}

// One challenge serves many requests, until its nonce is stale.
func TestDigestReusesNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recording{next: newSim(t, sim.Options{}).Transport()}
		c := connect(t, rec, func(o *Options) { o.Read = key() })
		for range 10 {
			mustComplete(t, c, "with an api key")
		}
		if n := len(rec.all()); n != 11 {
			t.Errorf("%d requests for 10 reads", n)
		}
		time.Sleep(time.Hour)
		mustComplete(t, c, "an hour later")
		if n := len(rec.all()); n != 13 {
			t.Errorf("%d requests for 11 reads", n)
		}
		counts := map[string]bool{}
		for _, r := range rec.all() {
			f := challengeFields(strings.TrimPrefix(r.Header.Get("Authorization"), "Digest "))
			id := f["nonce"] + f["nc"]
			if id != "" && counts[id] {
				t.Errorf("nonce and count used twice: %s", id)
			}
			counts[id] = true
		}
	})
}

func TestDigestWrongKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recording{next: newSim(t, sim.Options{}).Transport()}
		c := connect(t, rec, func(o *Options) {
			o.Read = Credential{PublicKey: Text(publicKey), PrivateKey: Text("fake-wrong")}
		})
		got := c.Read(t.Context(), prod, access.KindIPAccessEntry)
		if got.Status != access.StatusDenied || !strings.Contains(got.Reason, "fakepubl was not accepted") {
			t.Errorf("%s %q", got.Status, got.Reason)
		}
		if n := len(rec.all()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

// A server that never stops saying stale is not asked for ever.
func TestDigestAlwaysStale(t *testing.T) {
	n := 0
	c := connect(t, transportFunc(func(r *http.Request) (*http.Response, error) {
		n++
		return reply(r, 401, "", http.Header{"Www-Authenticate": {`Digest realm="x", nonce="n", qop="auth", stale=true`}}), nil
	}), func(o *Options) { o.Read = key() })
	if got := c.Read(t.Context(), prod, access.KindCluster); got.Status != access.StatusDenied || n != 3 {
		t.Errorf("%s after %d requests", got.Status, n)
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="MMS Public API", domain="", nonce="n", algorithm=MD5, qop="auth", stale=false`)
	f.Add(`Digest =,=="\`)
	f.Fuzz(func(t *testing.T, header string) {
		ch, ok := parseChallenge([]string{header})
		if !ok {
			return
		}
		out := ch.answer("GET", "/x", "u", "fake-key-0123456789", "c", 1)
		if strings.Contains(out, "fake-key-0123456789") && !strings.Contains(header, "fake-key") {
			t.Errorf("the key is in %q", out)
		}
		if f := challengeFields(strings.TrimPrefix(out, "Digest ")); f["nonce"] != ch.nonce {
			t.Errorf("nonce %q came out as %q", ch.nonce, f["nonce"])
		}
	})
}
