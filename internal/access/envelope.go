package access

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Envelope is a signed command as it is published. The signature is over the bytes of the
// command, with a prefix by which it is one of nothing else.
type Envelope struct {
	V         int    `json:"v"`
	Key       string `json:"key"`     // [KeyID] of the gateway's public key
	Payload   []byte `json:"payload"` // the command as JSON
	Signature []byte `json:"signature"`
}

const signedAs = "gatewarden command 1\n"

// maxEnvelope bounds what is decoded at all, in bytes.
const maxEnvelope = 64 << 10

// GatewayKey is a public key by which commands are believed, and whose it is. It comes from
// the configuration or a file, never from the store.
type GatewayKey struct {
	Public  ed25519.PublicKey
	Gateway string // the only [Command.Via] that it may sign
	Orgs    []string
}

// KeyID names a public key.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// Seal signs a command for publishing.
func Seal(c Command, key ed25519.PrivateKey) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode command %s: %w", c.ID, err)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("sign a command: the key has no public part")
	}
	return json.Marshal(Envelope{V: Version, Key: KeyID(public), Payload: payload, Signature: ed25519.Sign(key, append([]byte(signedAs), payload...))})
}

// Unseal is the command of an envelope that was published for the scope, if a key of the
// list signed it, for its own gateway, not too long ago. Of the org it is told by the caller:
// the org of a project stands in no command. Whoever may write to the stream can repeat a
// command, and can put no other: that the id was seen before is for the caller to look up.
func Unseal(raw []byte, scope Scope, org string, keys []GatewayKey, now time.Time) (Command, error) {
	c, key, err := opened(raw, keys)
	if err != nil {
		return Command{}, err
	}
	if err := c.meant(key, scope, org, now); err != nil {
		return Command{}, err
	}
	return c, nil
}

// Proven is the command of an envelope that a key of the list signed for its own gateway,
// whenever: what was believed when it came stays proved for as long as its key is believed.
func Proven(raw []byte, keys []GatewayKey) (Command, error) {
	c, key, err := opened(raw, keys)
	if err == nil && c.Via != key.Gateway {
		err = fmt.Errorf("command %s says that it came via %s, and is signed by the key of %s", c.ID, c.Via, key.Gateway)
	}
	return c, err
}

func opened(raw []byte, keys []GatewayKey) (Command, GatewayKey, error) {
	var e Envelope
	if err := exactly(raw, &e); err != nil {
		return Command{}, GatewayKey{}, fmt.Errorf("envelope of a command: %w", err)
	}
	i := slices.IndexFunc(keys, func(k GatewayKey) bool { return KeyID(k.Public) == e.Key })
	switch {
	case e.V != Version:
		return Command{}, GatewayKey{}, fmt.Errorf("envelope of a command: version %d: this version knows %d", e.V, Version)
	case i < 0:
		return Command{}, GatewayKey{}, fmt.Errorf("command signed by key %q, which is not (or no longer) one of those that are believed", e.Key)
	case len(keys[i].Public) != ed25519.PublicKeySize || !ed25519.Verify(keys[i].Public, append([]byte(signedAs), e.Payload...), e.Signature):
		return Command{}, GatewayKey{}, fmt.Errorf("command with a wrong signature for key %q", e.Key)
	}
	var c Command
	if err := exactly(e.Payload, &c); err != nil {
		return Command{}, GatewayKey{}, fmt.Errorf("signed command: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Command{}, GatewayKey{}, err
	}
	return c, keys[i], nil
}

// meant refuses what was signed for something else.
func (c Command) meant(k GatewayKey, scope Scope, org string, now time.Time) error {
	switch {
	case c.Via != k.Gateway:
		return fmt.Errorf("command %s says that it came via %s, and is signed by the key of %s", c.ID, c.Via, k.Gateway)
	case c.Scope != scope:
		return fmt.Errorf("command %s is for %s, and was published for %s", c.ID, c.Scope, scope)
	case len(k.Orgs) > 0 && !slices.Contains(k.Orgs, org):
		return fmt.Errorf("command %s is for org %s, for which the key of %s does not speak", c.ID, org, k.Gateway)
	case c.At.After(now.Add(CommandSkew)):
		return fmt.Errorf("command %s was asked at %s, which is still to come", c.ID, Stamp(c.At))
	case !now.Before(c.Until):
		return fmt.Errorf("command %s was void from %s on: ask again", c.ID, Stamp(c.Until))
	}
	return nil
}

// exactly decodes the one JSON text that the value encodes to: no field that nobody knows, none
// twice, nothing behind it. Two readers of it cannot take it for two things.
func exactly(raw []byte, into any) error {
	if len(raw) > maxEnvelope {
		return fmt.Errorf("%d bytes: at most %d are read", len(raw), maxEnvelope)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something comes after it")
	}
	again, err := json.Marshal(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, raw) {
		return errors.New("it is not written as this version writes it")
	}
	return nil
}

// EnvelopeKey is the id of the key that an envelope names; empty where it is none.
func EnvelopeKey(raw []byte) string {
	var e Envelope
	if err := exactly(raw, &e); err != nil {
		return ""
	}
	return e.Key
}

// Canonical is the one JSON text of a command: what is signed.
func Canonical(c Command) (string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode command %s: %w", c.ID, err)
	}
	return string(raw), nil
}
