package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// EvidenceResult is what [CheckEvidence] found.
type EvidenceResult struct {
	Finding     string   `json:"finding"`
	Facts       int      `json:"facts"`
	Entries     int      `json:"entries"`
	Checkpoints int      `json:"checkpoints"`
	Key         string   `json:"key"`     // that signed the document
	Signers     []string `json:"signers"` // keys that signed its checkpoints
	Known       bool     `json:"known"`   // all of these are keys that the reader named
	Problems    []string `json:"problems"`
}

// Verdict is the result in one word: incomplete means that nothing is wrong with the document,
// and that whose it is cannot be told, as a key in it is none that the reader named.
func (r EvidenceResult) Verdict() string {
	switch {
	case len(r.Problems) > 0:
		return Broken
	case !r.Known:
		return Incomplete
	}
	return Clean
}

// ParseEvidence reads a document of evidence: the JSON, or a page that carries it.
func ParseEvidence(text []byte) (Evidence, error) {
	raw, err := carried(text)
	if err != nil {
		return Evidence{}, fmt.Errorf("read the evidence: %w", err)
	}
	var v struct {
		V    int    `json:"v"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return Evidence{}, fmt.Errorf("read the evidence: not JSON: %w", err)
	}
	switch {
	case v.Type != evidenceType:
		return Evidence{}, errors.New("read the evidence: it is a document of something else")
	case v.V > Version:
		return Evidence{}, fmt.Errorf("read the evidence: v %d: %w", v.V, ErrNewer)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var e Evidence
	if err := dec.Decode(&e); err != nil {
		return Evidence{}, fmt.Errorf("read the evidence: %w", err)
	}
	if strings.TrimSpace(string(raw[dec.InputOffset():])) != "" {
		return Evidence{}, errors.New("read the evidence: something comes after it")
	}
	return e, nil
}

// CheckEvidence checks a document by itself, and whether the keys in it are among those that the
// reader knows from elsewhere.
func CheckEvidence(e Evidence, keys []ed25519.PublicKey) EvidenceResult {
	c := evidenceCheck{e: e, entries: map[uint64]Entry{}, proven: map[uint64]bool{}}
	c.r = EvidenceResult{Finding: e.Finding, Facts: len(e.Facts), Entries: len(e.Entries), Checkpoints: len(e.Checkpoints), Key: e.Key, Problems: []string{}}
	c.signature()
	c.links()
	c.checkpoints()
	for _, f := range e.Facts {
		c.fact(f)
	}
	if about, steps := tell(e.Finding, e.Facts); !same(about, e.About) || !same(steps, e.Steps) {
		c.problem("the steps are not what the facts tell")
	}
	if len(e.Facts) == 0 {
		c.problem("it has no fact")
	}
	c.r.Known = true
	for _, k := range append([]string{e.Key}, c.r.Signers...) {
		c.r.Known = c.r.Known && slices.ContainsFunc(keys, func(p ed25519.PublicKey) bool { return KeyName(p) == k })
	}
	return c.r
}

// same reports whether two values are written alike.
func same(a, b any) bool {
	x, err := canonical(a)
	y, also := canonical(b)
	return err == nil && also == nil && bytes.Equal(x, y)
}

type evidenceCheck struct {
	e       Evidence
	r       EvidenceResult
	entries map[uint64]Entry // whose hash is right
	proven  map[uint64]bool  // that a checkpoint signs, or an entry that one does
}

func (c *evidenceCheck) problem(format string, args ...any) {
	c.r.Problems = append(c.r.Problems, fmt.Sprintf(format, args...))
}

func (c *evidenceCheck) signature() {
	raw, err := c.e.unsigned()
	key, keyOK := digits(c.e.Key)
	sig, sigOK := digits(c.e.Sig)
	if err != nil || !keyOK || !sigOK || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, raw, sig) {
		c.problem("the signature over the document is wrong: something in it was changed")
	}
}

// links checks the entries by their hashes, each by itself.
func (c *evidenceCheck) links() {
	for _, l := range c.e.Entries {
		var e Entry
		switch err := strict([]byte(l.Head), &e); {
		case hashOf("entry", []byte(l.Head)) != l.Hash:
			c.problem("entry %d does not have the hash that is given", l.Seq)
		case err != nil:
			c.problem("entry %d is none as Gatewarden writes it: %v", l.Seq, err)
		case e.Seq != l.Seq:
			c.problem("entry %d says that it is entry %d", l.Seq, e.Seq)
		default:
			c.entries[l.Seq] = e
		}
	}
}

// checkpoints follows the chain back from each entry that a checkpoint signs.
func (c *evidenceCheck) checkpoints() {
	hashes := map[uint64]string{}
	for _, l := range c.e.Entries {
		hashes[l.Seq] = l.Hash
	}
	for i, line := range c.e.Checkpoints {
		p, _, err := decodeCheckpoint([]byte(line))
		if err != nil {
			c.problem("checkpoint %d is none as Gatewarden writes it: %v", i+1, err)
			continue
		}
		if !slices.Contains(c.r.Signers, p.Key) {
			c.r.Signers = append(c.r.Signers, p.Key)
		}
		if hashes[p.Head.Seq] != p.Head.Hash {
			c.problem("checkpoint %d signs entry %d with another hash", p.N, p.Head.Seq)
			continue
		}
		for seq, want := p.Head.Seq, p.Head.Hash; ; {
			e, ok := c.entries[seq]
			if !ok || hashes[seq] != want || c.proven[seq] {
				break
			}
			c.proven[seq] = true
			seq, want = e.PrevSeq, e.Prev
		}
	}
}

// fact checks that a fact stands in its entry, with this body.
func (c *evidenceCheck) fact(p Proven) {
	where := fmt.Sprintf("%s %d", p.Fact.Source, p.Fact.Seq)
	if !c.proven[p.Entry] {
		c.problem("%s: no checkpoint leads to its entry %d", where, p.Entry)
		return
	}
	bare := p.Fact
	bare.Body = ""
	if !slices.ContainsFunc(c.entries[p.Entry].Facts, func(f Fact) bool { return same(f, bare) }) {
		c.problem("%s: entry %d does not have it so", where, p.Entry)
	}
	if p.Fact.Left == "" && p.Fact.sum([]byte(p.Fact.Body)) != p.Fact.Hash {
		c.problem("%s: its body is not the one that was recorded", where)
	}
}

// ParseKey reads a public key as [KeyName] writes it.
func ParseKey(s string) (ed25519.PublicKey, error) {
	raw, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("key %q: want %d hexadecimal digits", s, 2*ed25519.PublicKeySize)
	}
	return raw, nil
}
