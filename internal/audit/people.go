package audit

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Table is where the keys of persons lie: a KV bucket, outside the chain. Its keys and
// values tell nothing without the secret that [NewPeople] is given.
type Table interface {
	// Get gives the value of a key, nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Create stores a value under a key that has none: ErrConflict if it has one.
	Create(ctx context.Context, key string, value []byte) error
	// Delete removes a key with every former value; a key that is not there is no error.
	Delete(ctx context.Context, key string) error
}

// People gives persons their pseudonyms.
type People struct {
	table Table
	look  []byte // HMAC key: from a name to the table's key
	seal  cipher.AEAD
	o     PeopleOptions
}

// PeopleOptions are what else a [People] knows.
type PeopleOptions struct {
	// Machine reports whether a name is declared as a machine's or a team's, which needs no pseudonym.
	// Nil: none is. It may change at any time: what is recorded stays as it was recorded.
	Machine func(name string) bool
}

// person is a row of the table.
type person struct {
	ID   string `json:"id"`
	Key  []byte `json:"key"`
	Name string `json:"name"` // in a row that only leads from the id: the key of the row to go to
}

// NewPeople opens the table by a secret of at least 32 bytes. Whoever has both can resolve
// every pseudonym that is not erased.
func NewPeople(table Table, secret []byte, o PeopleOptions) (*People, error) {
	if len(secret) < 32 {
		return nil, fmt.Errorf("audit: the secret of the table of persons has %d bytes: want at least 32", len(secret))
	}
	look, err := hkdf.Key(sha256.New, secret, nil, "gatewarden audit: names", 32)
	if err != nil {
		return nil, fmt.Errorf("audit: derive the key of names: %w", err)
	}
	seal, err := hkdf.Key(sha256.New, secret, nil, "gatewarden audit: seal", 32)
	if err != nil {
		return nil, fmt.Errorf("audit: derive the sealing key: %w", err)
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, fmt.Errorf("audit: seal the table of persons: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("audit: seal the table of persons: %w", err)
	}
	if o.Machine == nil {
		o.Machine = func(string) bool { return false }
	}
	return &People{table: table, look: look, seal: aead, o: o}, nil
}

// nameKey is where the row of a name lies. Names differ by more than case.
func (p *People) nameKey(name string) string {
	m := hmac.New(sha256.New, p.look)
	m.Write([]byte(strings.ToLower(name)))
	return "n." + hex.EncodeToString(m.Sum(nil)[:16])
}

func idKey(id string) string { return "i." + id }

// row reads a row by its key in the table; false: there is none.
func (p *People) row(ctx context.Context, key string) (out person, ok bool, err error) {
	sealed, err := p.table.Get(ctx, key)
	if err != nil || sealed == nil {
		return person{}, false, err
	}
	plain, err := p.seal.Open(nil, nil, sealed, []byte(key))
	if err == nil {
		err = json.Unmarshal(plain, &out)
	}
	if err != nil {
		return person{}, false, fmt.Errorf("audit: open a row of the table of persons: %w: was it sealed by another secret? All processes need the same", err)
	}
	return out, true, nil
}

func (p *People) put(ctx context.Context, key string, row person) error {
	plain, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("audit: encode a row of the table of persons: %w", err)
	}
	return p.table.Create(ctx, key, p.seal.Seal(nil, nil, plain, []byte(key)))
}

// take finds the person of a name, or makes one.
func (p *People) take(ctx context.Context, name string) (person, error) {
	key := p.nameKey(name)
	if row, ok, err := p.row(ctx, key); ok || err != nil {
		return row, err
	}
	fresh := make([]byte, 40)
	if _, err := rand.Read(fresh); err != nil {
		return person{}, fmt.Errorf("audit: make a key of a person: %w", err)
	}
	row := person{ID: hex.EncodeToString(fresh[:8]), Key: fresh[8:], Name: name}
	// The way back first: a crash in between leaves a way to nowhere, which tells nothing.
	if err := p.put(ctx, idKey(row.ID), person{ID: row.ID, Name: key}); err != nil {
		return person{}, err
	}
	err := p.put(ctx, key, row)
	if !errors.Is(err, ErrConflict) {
		return row, err
	}
	if err := p.table.Delete(ctx, idKey(row.ID)); err != nil {
		return person{}, err
	}
	row, ok, err := p.row(ctx, key)
	if err == nil && !ok {
		err = fmt.Errorf("audit: take up a person: %w", ErrConflict) // erased between two looks
	}
	return row, err
}

// byID finds a person by the pseudonym's id; false: unknown, or erased.
func (p *People) byID(ctx context.Context, id string) (person, bool, error) {
	back, ok, err := p.row(ctx, idKey(id))
	if !ok || err != nil {
		return person{}, false, err
	}
	row, ok, err := p.row(ctx, back.Name)
	if !ok || err != nil || row.ID != id {
		return person{}, false, err
	}
	return row, true, nil
}

// Name resolves the id of a pseudonym; empty: the person is erased, or never was.
func (p *People) Name(ctx context.Context, id string) (string, error) {
	row, _, err := p.byID(ctx, id)
	if row.Name == crowd {
		return "", err
	}
	return row.Name, err
}

// Key is the key of a person's pseudonyms; nil: the person is erased, or never was.
func (p *People) Key(ctx context.Context, id string) ([]byte, error) {
	row, _, err := p.byID(ctx, id)
	return row.Key, err
}

// Erase forgets what a name's pseudonym stands for; it may be repeated. A person has as many
// rows as names (e-mail, user name, address): erase each of them. It reports whether there
// was one. What names the person in the source streams ends with their retention.
func (p *People) Erase(ctx context.Context, name string) (bool, error) {
	key := p.nameKey(name)
	row, ok, err := p.row(ctx, key)
	if err != nil || !ok {
		return false, err
	}
	// The way back first: after a crash in between, the repetition still finds the row.
	if err := p.table.Delete(ctx, idKey(row.ID)); err != nil {
		return false, fmt.Errorf("audit: erase a person: %w", err)
	}
	if err := p.table.Delete(ctx, key); err != nil {
		return false, fmt.Errorf("audit: erase a person: %w", err)
	}
	return true, nil
}

func macOf(key, spelled []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(spelled)
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// Pseudonym is what stands in a body in the place of a person's name.
func Pseudonym(id string) string { return "person:" + id }

// replaced is the stored message with pseudonyms; false: a span lies outside it.
func replaced(raw []byte, people []Span) ([]byte, bool) {
	var b bytes.Buffer
	at := 0
	for _, s := range people {
		if s.At < at || s.Len <= 0 || s.Len > len(raw) || s.At > len(raw)-s.Len {
			return nil, false
		}
		b.Write(raw[at:s.At])
		b.WriteString(Pseudonym(s.Person))
		at = s.At + s.Len
	}
	b.Write(raw[at:])
	return b.Bytes(), true
}

// Hide finds the persons in a message: its spans in order, and why the body must be left out.
func (p *People) Hide(ctx context.Context, raw []byte) ([]Span, Left, error) {
	found, isJSON := find(raw, p.o.Machine)
	if !isJSON {
		return nil, LeftOpaque, nil
	}
	var out []Span
	known := map[string]person{}
	for _, s := range found {
		who, ok := known[strings.ToLower(s.name)]
		if !ok {
			var err error
			if who, err = p.take(ctx, s.name); err != nil {
				return nil, "", err
			}
			known[strings.ToLower(s.name)] = who
		}
		out = append(out, Span{At: s.at, Len: s.end - s.at, Person: who.ID, Mac: macOf(who.Key, raw[s.at:s.end])})
	}
	if len(found) == 1 && found[0].name == crowd {
		return out, LeftMany, nil
	}
	return out, "", nil
}
