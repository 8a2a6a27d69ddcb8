package audit

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// Evidence is what the chain tells of one finding, with the proof that the chain tells it: it
// can be checked without Gatewarden's store, by [CheckEvidence]. Persons are pseudonyms in it;
// whom they stood for when it was issued is in Names, which no erasure reaches any more.
type Evidence struct {
	V       int       `json:"v"`
	Type    string    `json:"type"` // gatewarden evidence
	Finding string    `json:"finding"`
	Issued  time.Time `json:"issued"`
	About   About     `json:"about"`
	How     string    `json:"howToVerify"`
	Chain   ChainWord `json:"chain"`

	Steps       []Step            `json:"steps"` // what the facts tell, in order
	Names       map[string]string `json:"names,omitempty"`
	Facts       []Proven          `json:"facts"`
	Entries     []Link            `json:"entries"`     // from each fact's up to one that a checkpoint signs
	Checkpoints []string          `json:"checkpoints"` // as the book has them

	Key string `json:"key"` // public; hexadecimal
	Sig string `json:"sig"` // Ed25519, over the document without it, in its canonical spelling
}

// ChainWord is what the last verification of the whole chain said.
type ChainWord struct {
	Verdict string    `json:"verdict"` // empty: there was none yet
	At      time.Time `json:"at,omitzero"`
	Entries int       `json:"entries,omitempty"`
	Covered uint64    `json:"covered,omitempty"`
}

// Proven is a fact, whole, and in which entry it stands.
type Proven struct {
	Entry uint64 `json:"entry"`
	Fact  Fact   `json:"fact"`
}

// Link is an entry without the bodies of its facts: what its hash is of.
type Link struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
	Head string `json:"head"`
}

const (
	evidenceType = "gatewarden evidence"
	howToVerify  = "gatewarden evidence verify FILE --key KEY checks this document without any network: the signature over the whole, by a key that you know from elsewhere; " +
		"that each fact has the hash that its entry has of it; that the entries follow each other by their hashes up to one that a signed checkpoint names; and that the steps are what the facts tell. " +
		"The key is printed by gatewarden audit verify, and stands in the log of every start."
)

// Reading is the chain to gather evidence from.
type Reading struct {
	Walk        func() iter.Seq2[Record, error]
	Get         func(ctx context.Context, pos uint64) ([]byte, error)
	Checkpoints func() iter.Seq2[Line, error] // from the book, which must cover the whole chain
	Names       Names                         // nil: persons stay pseudonyms
	Chain       ChainWord
}

// ErrNoFinding is what [Gather] answers when no fact of the chain is on the finding.
var ErrNoFinding = errors.New("the audit tells nothing of it")

// Gather makes the evidence of a finding and signs it.
func Gather(ctx context.Context, r Reading, finding string, key ed25519.PrivateKey, now time.Time) (Evidence, error) {
	e := Evidence{V: Version, Type: evidenceType, Finding: finding, Issued: now.UTC(), How: howToVerify, Chain: r.Chain, Steps: []Step{}, Facts: []Proven{}, Entries: []Link{}, Checkpoints: []string{}}
	var err error
	if e.Facts, err = facts(r, finding); err != nil {
		return Evidence{}, fmt.Errorf("audit: gather the facts on %s: %w", finding, err)
	}
	if len(e.Facts) == 0 {
		return Evidence{}, fmt.Errorf("finding %s: %w", finding, ErrNoFinding)
	}
	e.About, e.Steps = tell(finding, e.Facts)
	if err := e.link(ctx, r); err != nil {
		return Evidence{}, fmt.Errorf("audit: prove the facts on %s: %w", finding, err)
	}
	if err := e.name(ctx, r.Names); err != nil {
		return Evidence{}, err
	}
	return e.signed(key)
}

// mention is what the search for facts reads of one.
type mention struct {
	ID       string   `json:"id"`
	Own      string   `json:"own"`
	Intended string   `json:"intended"`
	Events   []string `json:"events"`
	Finding  struct {
		ID       string `json:"id"`
		Evidence struct {
			Change string   `json:"change"`
			Events []string `json:"events"`
		} `json:"evidence"`
	} `json:"finding"`
	Action struct {
		ID      string `json:"id"`
		Finding string `json:"finding"`
	} `json:"action"`
	Command struct {
		Finding string `json:"finding"` // of a command
		Command struct {
			Finding string `json:"finding"`
		} `json:"command"` // of what became of one
	} `json:"command"`
}

// asks is the finding that a command, or what became of one, is on.
func (m mention) asks() string { return cmp.Or(m.Command.Finding, m.Command.Command.Finding) }

// facts are those on a finding: its transitions, what was decided and asked about it, the
// changes that caused it and that came of it, and their events. Three walks: the changes are known
// by the findings and actions, and the events by the changes.
func facts(r Reading, finding string) ([]Proven, error) {
	var out []Proven
	actions, changes, events := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, on := range []func(kind string, m mention) bool{
		func(kind string, m mention) bool {
			switch {
			case kind == "FINDINGS" && m.Finding.ID == finding:
				changes[m.Finding.Evidence.Change] = true
				note(events, m.Finding.Evidence.Events)
			case kind == "DECISIONS" && m.Action.Finding == finding:
				actions[m.Action.ID] = true
			default:
				return (kind == "COMMANDS" || kind == "DECISIONS") && m.asks() == finding
			}
			return true
		},
		func(kind string, m mention) bool {
			hit := kind == "CHANGES" && (m.ID != "" && changes[m.ID] || m.Own != "" && actions[m.Own])
			if hit {
				note(events, m.Events)
			}
			return hit
		},
		func(kind string, m mention) bool { return kind == "EVENTS" && m.ID != "" && events[m.ID] },
	} {
		more, err := walk(r, on)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	slices.SortStableFunc(out, func(a, b Proven) int { return a.Fact.At.Compare(b.Fact.At) })
	return out, nil
}

func note(set map[string]bool, ids []string) {
	for _, id := range ids {
		set[id] = true
	}
}

func walk(r Reading, on func(kind string, m mention) bool) (out []Proven, err error) {
	for rec, err := range r.Walk() {
		if err != nil {
			return nil, err
		}
		e, _, err := Decode(rec.Stored)
		if err != nil {
			continue // of what is no entry, the verification tells
		}
		for _, f := range e.Facts {
			var m mention
			if f.Body != "" && json.Unmarshal([]byte(f.Body), &m) == nil && on(kindOf(f), m) {
				out = append(out, Proven{Entry: e.Seq, Fact: f})
			}
		}
	}
	return out, nil
}

// link adds the entries of the facts, each with those after it up to one that is signed, and the
// checkpoints that sign.
func (e *Evidence) link(ctx context.Context, r Reading) error {
	signed := map[uint64]string{}
	var ends []uint64
	for line, err := range r.Checkpoints() {
		if err != nil {
			return err
		}
		if c, _, err := decodeCheckpoint(line.Text); err == nil && !line.Cut {
			signed[c.Head.Seq] = string(line.Text)
			ends = append(ends, c.Head.Seq)
		}
	}
	slices.Sort(ends)
	entries, used := map[uint64]Link{}, map[uint64]bool{}
	for _, f := range e.Facts {
		i, _ := slices.BinarySearch(ends, f.Entry)
		if i == len(ends) {
			return fmt.Errorf("entry %d is signed by no checkpoint yet: ask again in a moment", f.Entry)
		}
		used[ends[i]] = true
		for seq := f.Entry; seq <= ends[i]; seq++ {
			if _, have := entries[seq]; have {
				break
			}
			stored, err := r.Get(ctx, seq)
			if err != nil {
				return fmt.Errorf("read entry %d: %w", seq, err)
			}
			if l, err := linkOf(stored); err == nil { // what is no entry is passed over, as the chain does
				entries[seq] = l
			}
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(entries)) {
		e.Entries = append(e.Entries, entries[seq])
	}
	for _, seq := range slices.Sorted(maps.Keys(used)) {
		e.Checkpoints = append(e.Checkpoints, signed[seq])
	}
	return nil
}

// linkOf is a stored entry without its bodies.
func linkOf(stored []byte) (Link, error) {
	e, hash, err := Decode(stored)
	if err != nil {
		return Link{}, err
	}
	head := stored[len(hash)+1:]
	head = head[:slices.Index(head, '\n')]
	return Link{Seq: e.Seq, Hash: hash, Head: string(head)}, nil
}

// name resolves the pseudonyms of the facts.
func (e *Evidence) name(ctx context.Context, names Names) error {
	if names == nil {
		return nil
	}
	for _, f := range e.Facts {
		for _, p := range f.Fact.People {
			name, err := names.Name(ctx, p.Person)
			if err != nil {
				return fmt.Errorf("audit: resolve %s: %w", Pseudonym(p.Person), err)
			}
			if name == "" {
				continue
			}
			if e.Names == nil {
				e.Names = map[string]string{}
			}
			e.Names[Pseudonym(p.Person)] = name
		}
	}
	return nil
}

// unsigned is what the signature is over.
func (e Evidence) unsigned() ([]byte, error) {
	e.Sig = ""
	raw, err := canonical(e)
	return append([]byte("gatewarden evidence v1\n"), raw...), err
}

func (e Evidence) signed(key ed25519.PrivateKey) (Evidence, error) {
	e.Key = KeyName(key.Public().(ed25519.PublicKey))
	raw, err := e.unsigned()
	if err != nil {
		return Evidence{}, fmt.Errorf("audit: encode the evidence of %s: %w", e.Finding, err)
	}
	e.Sig = hex.EncodeToString(ed25519.Sign(key, raw))
	return e, nil
}
