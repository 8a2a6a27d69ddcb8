package api

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"regexp"
)

// Token is a bearer token of the configuration: its hash and what it may do. Tokens are made
// by [NewToken] only, of 256 random bits, so that a plain hash keeps them.
type Token struct {
	Name      string
	SHA256    string // in hex
	Principal string
	Grant
}

const tokenPrefix = "gwt_"

// NewToken is a new token, to be shown once, and the hash by which it is known.
func NewToken() (token, hash string) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it never fails: it ends the program instead
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
	return token, HashToken(token)
}

// HashToken is by what a token is known.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// tokenForm is what NewToken makes: no other text is looked up, so that none that somebody
// thought of is ever a token, whatever hash the configuration holds.
func tokenForm() *regexp.Regexp { return regexp.MustCompile(`^gwt_[A-Za-z0-9_-]{43}$`) }

// find is the token that this text is. It compares with all of them, each in the same time.
func find(tokens []Token, text string) (Token, bool) {
	hash := []byte(HashToken(text))
	at := -1
	for i, t := range tokens {
		if subtle.ConstantTimeCompare(hash, []byte(t.SHA256)) == 1 {
			at = i
		}
	}
	if at < 0 {
		return Token{}, false
	}
	return tokens[at], true
}
