package atlas

import (
	"errors"
	"fmt"
)

// Secret gives a value when it is needed, so that a rotated file is picked up. It
// prints as <redacted>.
type Secret func() (string, error)

// Text is a Secret that never changes.
func Text(value string) Secret { return func() (string, error) { return value, nil } }

// Format keeps the value out of every fmt verb.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "<redacted>") }

// MarshalText keeps the value out of encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("<redacted>"), nil }

func (s Secret) value(what string) (string, error) {
	v, err := s()
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	if v == "" {
		return "", fmt.Errorf("read the %s: it is empty", what)
	}
	return v, nil
}

// Credential is an OAuth2 service account (ClientID, ClientSecret) or a legacy API key
// (PublicKey, PrivateKey) that signs with HTTP digest. One of the two pairs is set.
type Credential struct {
	ClientID, ClientSecret Secret
	PublicKey, PrivateKey  Secret
}

func (c Credential) validate() error {
	account := c.ClientID != nil && c.ClientSecret != nil
	key := c.PublicKey != nil && c.PrivateKey != nil
	whole := account != key && (c.ClientID == nil) == (c.ClientSecret == nil) && (c.PublicKey == nil) == (c.PrivateKey == nil)
	if !whole {
		return errors.New("want a client id with its secret, or a public key with its private key")
	}
	return nil
}

// id is the public half, for people; a credential that cannot be read has none.
func (c Credential) id() string {
	get := c.ClientID
	if get == nil {
		get = c.PublicKey
	}
	v, err := get()
	if err != nil || v == "" {
		return "(unreadable)"
	}
	return v
}

// pair reads both halves.
func (c Credential) pair() (id, secret string, err error) {
	idName, secretName, getID, getSecret := "client id", "client secret", c.ClientID, c.ClientSecret
	if getID == nil {
		idName, secretName, getID, getSecret = "public key", "private key", c.PublicKey, c.PrivateKey
	}
	if id, err = getID.value(idName); err != nil {
		return "", "", err
	}
	if secret, err = getSecret.value(secretName); err != nil {
		return "", "", err
	}
	return id, secret, nil
}
