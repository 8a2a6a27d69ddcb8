package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/gatewarden/gatewarden/internal/access"
)

const typeCommand = "command"

// opened is a signed command as the chain records it: what was asked for, readable.
type opened struct {
	V       int             `json:"v"`
	Type    string          `json:"type"` // command
	Key     string          `json:"key"`  // by which it claims to be signed
	Command json.RawMessage `json:"command"`
	Signed  string          `json:"signed"` // all of the envelope, the signature in it; see personalSeal
}

// unopened is what was published as a command and is none.
type unopened struct {
	V      int    `json:"v"`
	Type   string `json:"type"` // command
	Says   string `json:"says"`
	Digest string `json:"digest"` // SHA-256
}

// Open gives a message of the stream of commands as the chain records it. An envelope carries
// its command encoded, where no person would be found: so it is opened before it is recorded, and
// again when the chain is compared with the stream. That a key signed it which is believed is not
// checked here: the chain records what was published, and decisions tell what came of it.
func Open(m Message) Message {
	var e access.Envelope
	sum := sha256.Sum256(m.Body)
	var doc any = unopened{V: Version, Type: typeCommand, Says: "what was published is no command as this version knows them", Digest: hex.EncodeToString(sum[:])}
	if only(m.Body, &e) && only(e.Payload, &access.Command{}) {
		doc = opened{V: Version, Type: typeCommand, Key: e.Key, Command: e.Payload, Signed: base64.StdEncoding.EncodeToString(m.Body)}
	}
	raw, err := canonical(doc)
	if err != nil {
		panic("audit: a command does not encode: " + err.Error()) // unreachable: its payload has been decoded
	}
	m.Body = raw
	return m
}

// only reports whether a text decodes, and has no member that nobody knows: a person's name in
// one would not be found.
func only(raw []byte, into any) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into) == nil && dec.InputOffset() == int64(len(raw))
}

// personalSeal finds the signed envelope of an opened command, and the digest of it in the
// record of what became of one. Whoever guesses a name could try it on a signature or a digest:
// so both are taken for the name of whoever asked. The stream's own is compared with them as
// long as that person's key is there.
func personalSeal(texts []text, machine func(string) bool) (out []stretch) {
	by := ""
	for _, t := range texts {
		if !t.member && t.in == typeCommand && t.key == "by" {
			by = t.read
		}
	}
	for _, t := range texts {
		seal := t.object == 1 && t.key == "signed" || t.in == typeCommand && t.key == "digest"
		if by != "" && !machine(by) && !t.member && seal {
			out = append(out, stretch{at: t.at, end: t.end, name: by})
		}
	}
	return out
}
