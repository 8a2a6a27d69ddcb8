package sim

import (
	"crypto/md5" // HTTP digest with MD5 is what Atlas offers
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	digestRealm = "MMS Public API"
	nonceLife   = 5 * time.Minute
)

// challenge is the header of a 401. Nonces carry their own date and are not stored, so
// that a challenge changes nothing.
func (a *Atlas) challenge(stale bool) string {
	return fmt.Sprintf(`Digest realm="%s", domain="", nonce="%s", algorithm=MD5, qop="auth", stale=%t`,
		digestRealm, a.nonce(a.now().Unix()), stale)
}

func (a *Atlas) nonce(at int64) string {
	stamp := strconv.FormatInt(at, 16)
	return stamp + "x" + a.derive("nonce", stamp)[:24]
}

// nonceState says whether the nonce is ours and whether it is still good.
func (a *Atlas) nonceState(nonce string) (ours, live bool) {
	stamp, _, _ := strings.Cut(nonce, "x")
	at, err := strconv.ParseInt(stamp, 16, 64)
	if err != nil || a.nonce(at) != nonce {
		return false, false
	}
	age := a.now().Sub(time.Unix(at, 0))
	return true, age >= -nonceLife && age < nonceLife
}

func (a *Atlas) checkDigest(r *http.Request, credentials string) (*principal, *problem) {
	d := digestFields(credentials)
	who := a.keys[d["username"]]
	ours, live := a.nonceState(d["nonce"])
	if who == nil || !ours || !wellFormed(d) || d["uri"] != requestURI(r) || d["response"] != digestResponse(d, r.Method, who.privateKey) {
		return nil, unauthenticated(a.challenge(false))
	}
	if !live {
		return nil, unauthenticated(a.challenge(true))
	}
	if d["qop"] != "" && a.repeated(d["nonce"], d["cnonce"]+" "+d["nc"]) {
		return nil, unauthenticated(a.challenge(false))
	}
	return who, nil
}

var nonceCount = regexp.MustCompile(`^[0-9a-fA-F]{8}$`)

// wellFormed checks what RFC 2617 wants together: no qop and nothing with it, or "auth"
// with a client nonce and a count of eight hexadecimal digits.
func wellFormed(d map[string]string) bool {
	switch d["qop"] {
	case "":
		return d["nc"] == ""
	case "auth":
		return d["cnonce"] != "" && nonceCount.MatchString(d["nc"])
	}
	return false
}

// mostUses bounds what is remembered of one nonce.
const mostUses = 10000

// repeated says whether the nonce was used in that very way before, and notes the use.
// Clients that share a nonce may count as they like: only an exact repetition counts as
// replayed (a guess).
func (a *Atlas) repeated(nonce, use string) bool {
	if a.uses == nil {
		a.uses = map[string]map[string]bool{}
	}
	seen := a.uses[nonce]
	if seen[use] {
		return true
	}
	if seen == nil || len(seen) >= mostUses {
		a.forgetNonces()
		seen = map[string]bool{}
		a.uses[nonce] = seen
	}
	seen[use] = true
	return false
}

// forgetNonces drops the nonces that are too old to be used again.
func (a *Atlas) forgetNonces() {
	for nonce := range a.uses {
		if _, live := a.nonceState(nonce); !live {
			delete(a.uses, nonce)
		}
	}
}

func requestURI(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

func digestResponse(d map[string]string, method, secret string) string {
	ha1 := md5Hex(d["username"] + ":" + digestRealm + ":" + secret)
	ha2 := md5Hex(method + ":" + d["uri"])
	if d["qop"] == "" {
		return md5Hex(ha1 + ":" + d["nonce"] + ":" + ha2)
	}
	return md5Hex(strings.Join([]string{ha1, d["nonce"], d["nc"], d["cnonce"], d["qop"], ha2}, ":"))
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// digestFields reads name=value pairs, quoted or bare.
func digestFields(s string) map[string]string {
	out := map[string]string{}
	for s = strings.TrimLeft(s, " ,"); s != ""; s = strings.TrimLeft(s, " ,") {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return out
		}
		value, after := digestValue(strings.TrimLeft(rest, " "))
		out[strings.ToLower(strings.TrimSpace(name))] = value
		s = after
	}
	return out
}

func digestValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
