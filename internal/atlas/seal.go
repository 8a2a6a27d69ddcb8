package atlas

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"

	"github.com/gatewarden/gatewarden/internal/access"
)

// seal is AES-GCM under a key derived from the client secret: whoever reads the store
// without the secret has nothing, and a rotated secret finds nothing.
type seal struct {
	key   string // in the store
	bound []byte // the sealed bytes are good for this client at this host only
	aead  cipher.AEAD
}

func newSeal(host, clientID, secret string) seal {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "gatewarden atlas access token 1", 32)
	if err != nil {
		panic("atlas: a key of 32 bytes cannot be derived: " + err.Error())
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("atlas: 32 bytes are no AES key: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("atlas: AES has no GCM: " + err.Error())
	}
	name := access.Hash("atlas token", host, clientID)
	return seal{key: name, bound: []byte(name), aead: aead}
}

func (s seal) close(t accessToken) []byte {
	plain, err := json.Marshal(t)
	if err != nil {
		panic("atlas: a token does not encode")
	}
	return s.aead.Seal(nil, nil, plain, s.bound)
}

// open gives no token for anything that this secret did not seal.
func (s seal) open(sealed []byte) accessToken {
	var t accessToken
	plain, err := s.aead.Open(nil, nil, sealed, s.bound)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return accessToken{}
	}
	return t
}
