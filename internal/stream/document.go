package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	storedVersion = 1
	inlineLimit   = 512 << 10 // of a stored value; above it, document and outbox go into parts
	partSize      = 512 << 10
)

var (
	errConflict = errors.New("someone else wrote it in between")
	errPartGone = errors.New("a part of the document is missing")
)

// numbered is a message of an outbox and its number.
type numbered struct {
	N uint64 `json:"n"`
	access.Out
}

// part is a piece of a large document or outbox. Its name is <hash of its content>.<unique>.
type part struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

// stored is the form of a document in its bucket, before compression. Fields may be added; what
// exists keeps its meaning for as long as V does.
type stored struct {
	V        int             `json:"v"`
	N        uint64          `json:"n"`             // the next message's number
	Rev      uint64          `json:"rev,omitempty"` // revision of the state; 0: this message's sequence
	Out      []numbered      `json:"out,omitempty"` // messages owed
	Doc      json.RawMessage `json:"doc,omitempty"` // the state
	OutParts []part          `json:"outParts,omitempty"`
	DocParts []part          `json:"docParts,omitempty"`
}

// entry is a document as loaded: parts are joined, but still listed.
type entry struct {
	stored
	seq    uint64 // what a compare-and-set expects; 0: there never was one
	exists bool   // false also for a deleted one
	owes   bool   // the outbox is not empty
}

// revision is the revision of the state: 0 when there is none.
func (e entry) revision() uint64 {
	switch {
	case !e.exists:
		return 0
	case e.Rev != 0:
		return e.Rev
	}
	return e.seq
}

// writable refuses what a newer version wrote.
func (e entry) writable(name string) error {
	var doc struct {
		V int `json:"v"`
	}
	if len(e.Doc) > 0 && e.Doc[0] == '{' {
		if err := json.Unmarshal(e.Doc, &doc); err != nil {
			return fmt.Errorf("stream: %s: its version cannot be read: %w", name, err)
		}
	}
	if e.V > storedVersion || doc.V > access.Version {
		return fmt.Errorf("stream: %s was written by a newer version of Gatewarden (v %d, document %d; this one knows %d and %d) and is not rewritten: run that version",
			name, e.V, doc.V, storedVersion, access.Version)
	}
	return nil
}

// load reads a document through the leader. When it was replaced while its parts were being
// read, it is read again.
func (b *bucket) load(ctx context.Context, key string) (entry, error) {
	if !validKey(key) {
		return entry{}, fmt.Errorf("stream: %s: the key %q has characters other than letters, digits, dots and - _ = /", b.name, key)
	}
	for seen := uint64(0); ; {
		msg, err := b.s.last(ctx, b.stream, b.subject(key))
		if err != nil || msg == nil {
			return entry{}, err
		}
		e, err := b.decode(ctx, key, msg.Sequence, msg.Header, msg.Data)
		if errors.Is(err, errPartGone) && msg.Sequence != seen {
			seen = msg.Sequence
			continue
		}
		return e, err
	}
}

func (b *bucket) decode(ctx context.Context, key string, seq uint64, header nats.Header, data []byte) (entry, error) {
	e := entry{seq: seq, exists: !deleted(header)}
	if len(data) > 0 {
		if err := b.inflate(data, &e.stored); err != nil {
			return entry{}, fmt.Errorf("stream: read %s: %w", b.title(key), err)
		}
	}
	if err := b.join(ctx, key, &e); err != nil {
		return entry{}, fmt.Errorf("stream: read %s: %w", b.title(key), err)
	}
	e.owes = len(e.Out) > 0
	return e, nil
}

func deleted(h nats.Header) bool {
	return h.Get(jetstream.MarkerReasonHeader) != "" || h.Get("KV-Operation") != ""
}

// join fills document and outbox from their parts.
func (b *bucket) join(ctx context.Context, key string, e *entry) error {
	if len(e.DocParts) > 0 {
		raw, err := b.fetch(ctx, key, e.DocParts)
		if err != nil {
			return err
		}
		if err := b.inflate(raw, &e.Doc); err != nil {
			return err
		}
	}
	if len(e.OutParts) > 0 {
		raw, err := b.fetch(ctx, key, e.OutParts)
		if err != nil {
			return err
		}
		return b.inflate(raw, &e.Out)
	}
	return nil
}

func (b *bucket) fetch(ctx context.Context, key string, parts []part) ([]byte, error) {
	var whole []byte
	for _, p := range parts {
		msg, err := b.s.last(ctx, b.stream, b.partSubject(key, p.Name))
		if err != nil {
			return nil, err
		}
		if msg == nil || len(msg.Data) != p.Size {
			return nil, fmt.Errorf("%w: %s", errPartGone, p.Name)
		}
		whole = append(whole, msg.Data...)
	}
	return whole, nil
}

// pending is a document ready to be written: the value, and the parts that must be there before it.
type pending struct {
	value    []byte
	upload   []upload
	doc, out []part // as listed in the value
}

type upload struct {
	part
	data []byte
}

// encode makes the stored form. A document whose parts are already there (only its outbox was
// cleared) keeps them.
func (b *bucket) encode(st stored) pending {
	if len(st.DocParts) == 0 {
		if value := b.deflate(st); len(value) <= inlineLimit {
			return pending{value: value}
		}
	}
	small := st
	p := pending{doc: st.DocParts}
	if len(st.DocParts) == 0 {
		p.doc = p.split(b.deflate(st.Doc))
	}
	if len(st.Out) > 0 {
		p.out = p.split(b.deflate(st.Out))
	}
	small.Doc, small.Out, small.DocParts, small.OutParts = nil, nil, p.doc, p.out
	p.value = b.deflate(small)
	return p
}

func (p *pending) split(data []byte) []part {
	var parts []part
	for len(data) > 0 {
		piece := data[:min(len(data), partSize)]
		data = data[len(piece):]
		sum := sha256.Sum256(piece)
		u := upload{part{Name: hex.EncodeToString(sum[:8]) + "." + nuid.Next(), Size: len(piece)}, piece}
		p.upload = append(p.upload, u)
		parts = append(parts, u.part)
	}
	return parts
}

func (b *bucket) deflate(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("stream: a document does not encode: " + err.Error()) // unreachable: it holds valid JSON only
	}
	return b.s.pack.EncodeAll(raw, nil)
}

func (b *bucket) inflate(data []byte, into any) error {
	raw, err := b.s.unpack.DecodeAll(data, nil)
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}
