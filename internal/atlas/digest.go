package atlas

import (
	"crypto/md5" // the one algorithm that Atlas offers
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gatewarden/gatewarden/internal/access"
)

// digest is the round tripper of an API key: HTTP Digest (RFC 7616) with qop auth, MD5
// or SHA-256, reusing a nonce with a growing count until the server has a new one.
type digest struct {
	cred Credential
	next http.RoundTripper

	mu        sync.Mutex
	challenge challenge // the newest; without nonce there is none
	count     int       // of uses of its nonce
}

// challenge is what a 401 asks for.
type challenge struct {
	realm, nonce, opaque, algorithm string
	qop                             bool // auth is offered
	stale                           bool
}

func newDigest(cred Credential, next http.RoundTripper) *digest {
	return &digest{cred: cred, next: next}
}

// RoundTrip sends with the nonce at hand and answers at most two challenges: the first
// one, and one more that only says the nonce is stale.
func (d *digest) RoundTrip(req *http.Request) (*http.Response, error) {
	for try := 0; ; try++ {
		out, ok := replay(req)
		if !ok {
			return nil, &failure{why: "the request's body cannot be sent twice"}
		}
		if err := d.authorize(out); err != nil {
			return nil, err
		}
		resp, err := d.next.RoundTrip(out)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		ch, ok := parseChallenge(resp.Header.Values("WWW-Authenticate"))
		if !ok || roleMissing(resp) || try == 2 || try == 1 && !ch.stale {
			return resp, nil
		}
		drain(resp)
		d.learn(ch)
	}
}

func (d *digest) learn(ch challenge) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ch.nonce != d.challenge.nonce {
		d.count = 0
	}
	d.challenge = ch
}

func (d *digest) authorize(req *http.Request) error {
	d.mu.Lock()
	ch := d.challenge
	d.count++
	count := d.count
	d.mu.Unlock()
	if ch.nonce == "" {
		return nil
	}
	user, key, err := d.cred.pair()
	if err != nil {
		return &failure{kind: access.ErrForbidden, why: "the request is not signed", cause: err}
	}
	req.Header.Set("Authorization", ch.answer(req.Method, req.URL.RequestURI(), user, key, rand.Text(), count))
	return nil
}

// answer is the Authorization header for one request.
func (ch challenge) answer(method, uri, user, key, cnonce string, count int) string {
	sum := func(parts ...string) string {
		h := ch.hash()
		h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	nc := fmt.Sprintf("%08x", count)
	ha1, ha2 := sum(user, ch.realm, key), sum(method, uri)
	fields := []string{"username=" + quote(user), "realm=" + quote(ch.realm), "nonce=" + quote(ch.nonce), "uri=" + quote(uri)}
	if ch.qop {
		fields = append(fields, "qop=auth", "nc="+nc, "cnonce="+quote(cnonce),
			"response="+quote(sum(ha1, ch.nonce, nc, cnonce, "auth", ha2)))
	} else {
		fields = append(fields, "response="+quote(sum(ha1, ch.nonce, ha2)))
	}
	if ch.algorithm != "" {
		fields = append(fields, "algorithm="+ch.algorithm)
	}
	if ch.opaque != "" {
		fields = append(fields, "opaque="+quote(ch.opaque))
	}
	return "Digest " + strings.Join(fields, ", ")
}

func (ch challenge) hash() hash.Hash {
	if strings.EqualFold(ch.algorithm, "SHA-256") {
		return sha256.New()
	}
	return md5.New()
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// parseChallenge finds a Digest challenge that can be answered.
func parseChallenge(headers []string) (challenge, bool) {
	for _, h := range headers {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(h), " ")
		if !strings.EqualFold(scheme, "Digest") {
			continue
		}
		f := challengeFields(rest)
		ch := challenge{realm: f["realm"], nonce: f["nonce"], opaque: f["opaque"], algorithm: f["algorithm"], stale: strings.EqualFold(f["stale"], "true")}
		offered := strings.FieldsFunc(strings.ToLower(f["qop"]), func(r rune) bool { return r == ',' || r == ' ' })
		ch.qop = slices.Contains(offered, "auth")
		known := slices.Contains([]string{"", "MD5", "SHA-256"}, strings.ToUpper(ch.algorithm))
		if known && ch.nonce != "" && (ch.qop || len(offered) == 0) {
			return ch, true
		}
	}
	return challenge{}, false
}

// challengeFields reads name=value pairs, the values quoted or bare.
func challengeFields(s string) map[string]string {
	out := map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t,")
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return out
		}
		var value string
		value, s = challengeValue(strings.TrimLeft(rest, " \t"))
		out[strings.ToLower(strings.TrimSpace(name))] = value
	}
}

func challengeValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			return s, ""
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
