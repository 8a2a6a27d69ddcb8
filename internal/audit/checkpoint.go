package audit

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// Checkpoint is a signed word on where the chain stood: one line of the book.
type Checkpoint struct {
	V    int       `json:"v"`
	N    uint64    `json:"n"`    // from 1
	Prev string    `json:"prev"` // hash of the line before
	At   time.Time `json:"at"`
	Head Head      `json:"head"`
	Key  string    `json:"key"`            // public, of Sig; hexadecimal
	Next string    `json:"next,omitempty"` // public: the key that signs from the next one on
	Sig  string    `json:"sig"`            // Ed25519, over the line without it
}

// unsigned is what the signature is over.
func (c Checkpoint) unsigned() ([]byte, error) {
	c.Sig = ""
	raw, err := canonical(c)
	return append([]byte("gatewarden audit checkpoint v1\n"), raw...), err
}

// sign is the checkpoint's line, without the line feed.
func (c Checkpoint) sign(key ed25519.PrivateKey) ([]byte, error) {
	c.Key = KeyName(key.Public().(ed25519.PublicKey))
	raw, err := c.unsigned()
	if err != nil {
		return nil, err
	}
	c.Sig = hex.EncodeToString(ed25519.Sign(key, raw))
	return canonical(c)
}

// KeyName is a public key as checkpoints name it.
func KeyName(key ed25519.PublicKey) string { return hex.EncodeToString(key) }

// decodeCheckpoint reads a line, and checks that the key that it names has signed it.
func decodeCheckpoint(line []byte) (c Checkpoint, hash string, err error) {
	hash = hashOf("checkpoint", line)
	if err := strict(line, &c); err != nil {
		return c, hash, err
	}
	raw, err := c.unsigned()
	if err != nil {
		return c, hash, err
	}
	key, keyOK := digits(c.Key)
	sig, sigOK := digits(c.Sig)
	switch {
	case c.V != Version || c.N == 0 || (c.N == 1) != (c.Prev == ""):
		return c, hash, errors.New("it has no place in a book")
	case !keyOK || !sigOK || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, raw, sig):
		return c, hash, errors.New("the signature is wrong")
	}
	return c, hash, nil
}

// digits reads hexadecimal digits in their one spelling: nothing signs that of the signature.
func digits(s string) ([]byte, bool) {
	raw, err := hex.DecodeString(s)
	return raw, err == nil && hex.EncodeToString(raw) == s
}

// Line is one line of a book.
type Line struct {
	Number int
	Text   []byte // without the line feed; valid until the next one is asked for
	Cut    bool   // it lacks the line feed, or is longer than any checkpoint
}

const longestLine = 64 << 10

// Lines reads the lines of a book, one in memory at a time.
func Lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		b := bufio.NewReaderSize(r, longestLine)
		for n := 1; ; n++ {
			text, err := b.ReadSlice('\n')
			line := Line{Number: n, Text: bytes.TrimSuffix(text, []byte("\n")), Cut: err != nil}
			rest := err
			for errors.Is(rest, bufio.ErrBufferFull) {
				_, rest = b.ReadSlice('\n')
			}
			end := errors.Is(err, io.EOF) || (line.Cut && errors.Is(rest, io.EOF))
			switch {
			case rest != nil && !errors.Is(rest, io.EOF):
				yield(Line{Number: n}, fmt.Errorf("audit: read line %d of the checkpoints: %w", n, rest))
				return
			case end && len(text) == 0:
				return
			case !yield(line, nil) || end:
				return
			}
		}
	}
}

// Book is the file of checkpoints, outside the store: one JSON line each, only ever appended
// to, each on the disk before [Book.Sign] returns. One process writes it.
type Book struct {
	f    *os.File
	name string
	size int64
	last Checkpoint // N is 0: there is none
	hash string
}

// OpenBook opens a book, and makes it where there is none. What a crash left of a line at its
// end was never acknowledged, and is cut off.
func OpenBook(name string) (*Book, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: open the checkpoints: %w", err)
	}
	b := &Book{f: f, name: name}
	if err := b.load(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("audit: open the checkpoints %s: %w", name, err)
	}
	return b, nil
}

func (b *Book) load() error {
	for line, err := range Lines(b.f) {
		if err != nil {
			return err
		}
		if line.Cut {
			break
		}
		c, hash, err := decodeCheckpoint(line.Text)
		if err != nil {
			return fmt.Errorf("line %d: %w", line.Number, err)
		}
		b.last, b.hash, b.size = c, hash, b.size+int64(len(line.Text))+1
	}
	if err := b.f.Truncate(b.size); err != nil {
		return err
	}
	return errors.Join(b.f.Sync(), syncFolder(filepath.Dir(b.name)))
}

// Last is the last checkpoint; its N is 0 if there is none.
func (b *Book) Last() Checkpoint { return b.last }

// Close closes the file.
func (b *Book) Close() error { return b.f.Close() }

// Sign writes a checkpoint of the chain's end. A chain that stands where the last one left it
// needs none; one that ends before it was cut, and is refused.
func (b *Book) Sign(head Head, key ed25519.PrivateKey, at time.Time) error {
	if head.Seq == b.last.Head.Seq && head.Hash == b.last.Head.Hash {
		return nil
	}
	return b.write(head, key, "", at)
}

// Rotate writes a checkpoint by which the old key makes way for the next, which signs from
// then on. The old one can then be destroyed.
func (b *Book) Rotate(head Head, old ed25519.PrivateKey, next ed25519.PublicKey, at time.Time) error {
	return b.write(head, old, KeyName(next), at)
}

func (b *Book) write(head Head, key ed25519.PrivateKey, next string, at time.Time) error {
	if err := b.refuse(head, KeyName(key.Public().(ed25519.PublicKey))); err != nil {
		return fmt.Errorf("audit: sign a checkpoint at entry %d: %w", head.Seq, err)
	}
	c := Checkpoint{V: Version, N: b.last.N + 1, Prev: b.hash, At: at.UTC(), Head: head, Next: next}
	line, err := c.sign(key)
	if err == nil && len(line) >= longestLine {
		err = fmt.Errorf("%d bytes are too many for a line", len(line))
	}
	if err == nil {
		err = b.append(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("audit: write checkpoint %d to %s: %w", c.N, b.name, err)
	}
	line = line[:len(line):len(line)]
	b.last, b.hash, err = decodeCheckpoint(line)
	return err
}

// refuse says why there can be no such checkpoint.
func (b *Book) refuse(head Head, key string) error {
	want := b.last.Key
	if b.last.Next != "" {
		want = b.last.Next
	}
	switch {
	case head.Seq == 0:
		return errors.New("there is no entry")
	case want != "" && key != want:
		return fmt.Errorf("the key is %s, and the last checkpoint leaves it to %s: rotate the key by the old one, or begin another book", key, want)
	case head.Seq < b.last.Head.Seq || (head.Seq == b.last.Head.Seq && head.Hash != b.last.Head.Hash):
		return fmt.Errorf("checkpoint %d has seen entry %d with hash %s: the chain was cut or written anew", b.last.N, b.last.Head.Seq, b.last.Head.Hash)
	}
	return nil
}

// append brings a line to the disk. After a part of one, the file is as it was: or if that
// fails too, the next opening cuts it off.
func (b *Book) append(line []byte) error {
	info, err := b.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != b.size {
		return fmt.Errorf("it has %d bytes and had %d: somebody else writes it", info.Size(), b.size)
	}
	_, err = b.f.Write(line)
	if err == nil {
		err = b.f.Sync()
	}
	if err != nil {
		return errors.Join(err, b.f.Truncate(b.size))
	}
	b.size += int64(len(line))
	return nil
}
