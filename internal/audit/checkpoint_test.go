package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func openBook(t testing.TB, name string) *Book {
	t.Helper()
	b, err := OpenBook(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func head(seq uint64) Head {
	return Head{Seq: seq, Hash: strings.Repeat("0a", 32), Marks: []Mark{{"GW_EVENTS", seq}}}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestBook(t *testing.T) {
	name := filepath.Join(t.TempDir(), "checkpoints.ndjson")
	b := openBook(t, name)
	old, next := testKey(1), testKey(2)
	for _, err := range []error{
		b.Sign(head(4), old, day), b.Sign(head(4), old, day.AddDate(0, 0, 1)), // stands where it stood
		b.Rotate(head(4), old, public(next), day), b.Sign(head(9), next, day),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "checkpoints.golden", read(t, name))
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again := openBook(t, name)
	if again.Last().N != 3 || again.Last().Head.Seq != 9 {
		t.Errorf("read back: %+v", again.Last())
	}
	for _, c := range []struct {
		name string
		do   func(*Book) error
		want string
	}{
		{"the key that made way", func(b *Book) error { return b.Sign(head(10), old, day) }, "leaves it to"},
		{"a chain that was cut", func(b *Book) error { return b.Sign(head(8), next, day) }, "cut or written anew"},
		{"a chain written anew", func(b *Book) error { return b.Sign(Head{Seq: 9, Hash: "b"}, next, day) }, "cut or written anew"},
		{"an empty chain", func(b *Book) error { return openBook(t, name+"2").Rotate(Head{}, old, public(next), day) }, "no entry"},
		{"too many sources for a line", func(b *Book) error {
			return b.Sign(Head{Seq: 10, Hash: strings.Repeat("a", longestLine)}, next, day)
		}, "too many for a line"},
		{"written by another meanwhile", func(b *Book) error {
			if err := b.Sign(head(10), next, day); err != nil {
				return err
			}
			return again.Sign(head(11), next, day)
		}, "somebody else writes it"},
	} {
		if err := c.do(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// What a crash leaves of a line is cut off, wherever it broke off; what was acknowledged stays.
func TestBookAfterACrash(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	b := openBook(t, whole)
	if err := b.Sign(head(1), testKey(1), day); err != nil {
		t.Fatal(err)
	}
	first := len(read(t, whole))
	if err := b.Sign(head(2), testKey(1), day); err != nil {
		t.Fatal(err)
	}
	text := read(t, whole)
	for cut := first; cut <= len(text); cut += 7 {
		name := filepath.Join(dir, "cut")
		if err := os.WriteFile(name, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		b := openBook(t, name)
		if b.Last().N != 1 {
			t.Fatalf("cut at %d: the last is %+v", cut, b.Last())
		}
		if err := b.Sign(head(2), testKey(1), day); err != nil || !bytes.Equal(read(t, name), text) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	text[10] ^= 1
	if err := os.WriteFile(whole, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBook(whole); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line that was changed: %v", err)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", longestLine+10)
	for _, c := range []struct {
		name, text string
		want       []int // lengths; negative: cut
	}{
		{"none", "", nil},
		{"empty lines", "\n\n", []int{0, 0}},
		{"the last is cut", "ab\nc", []int{2, -1}},
		{"too long", long + "\nab\n", []int{-longestLine, 2}},
		{"too long and cut", "a\n" + long, []int{1, -longestLine}},
	} {
		var got []int
		for line, err := range lines([]byte(c.text)) {
			n := len(line.Text)
			if line.Cut {
				n = -n
			}
			if got = append(got, n); err != nil || line.Number != len(got) {
				t.Errorf("%s: line %d as %d, %v", c.name, len(got), line.Number, err)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCheckpointEveryBitCounts(t *testing.T) {
	line, err := Checkpoint{V: 1, N: 1, At: day, Head: head(3), Next: KeyName(public(testKey(2)))}.sign(testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := decodeCheckpoint(line); err != nil {
		t.Fatal(err)
	}
	for i := range line {
		for bit := range 8 {
			bad := bytes.Clone(line)
			bad[i] ^= 1 << bit
			if _, _, err := decodeCheckpoint(bad); err == nil {
				t.Fatalf("bit %d of byte %d turned, and it decodes", bit, i)
			}
		}
	}
}

func FuzzDecodeCheckpoint(f *testing.F) {
	line, err := Checkpoint{V: 1, N: 1, At: day, Head: head(3)}.sign(testKey(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"v":1,"n":1,"key":"00","sig":"zz"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, err := decodeCheckpoint(data)
		if err != nil {
			return
		}
		if again, err := canonical(c); err != nil || !bytes.Equal(again, data) || c.N == 0 {
			t.Fatalf("%q decodes and encodes as %q, %v", data, again, err)
		}
	})
}

func TestReadKey(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "audit.key")
	if _, err := ReadKey(name, false); err == nil {
		t.Error("no file: no error")
	}
	key, err := ReadKey(name, true)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("made with mode %v, %v", info.Mode(), err)
	}
	if again, err := ReadKey(name, true); err != nil || !again.Equal(key) {
		t.Errorf("read back: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	good := hex.EncodeToString(key.Seed())
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"others may read it", good + "\n", 0o644, "chmod 0600"},
		{"the group may read it", good + "\n", 0o640, "chmod 0600"},
		{"too short", good[2:] + "\n", 0o600, "hexadecimal digits"},
		{"too long", good + "00\n", 0o600, "hexadecimal digits"},
		{"two lines", good + "\n\n", 0o600, "hexadecimal digits"},
		{"empty", "", 0o600, "hexadecimal digits"},
		{"not hexadecimal", strings.Repeat("x", 64), 0o600, "hexadecimal digits"},
		{"without a line feed", good, 0o600, ""},
		{"only readable", good, 0o400, ""},
	} {
		name := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
		if err := os.WriteFile(name, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := ReadKey(name, true)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), good[:16])) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(dir, true); err == nil || !strings.Contains(err.Error(), "plain file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := ReadKey(filepath.Join(dir, "no", "key"), true); err == nil {
		t.Error("no folder: no error")
	}
}

// Of several that make a key at once, all get the same.
func TestReadKeyRace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.key")
	keys := make(chan string, 8)
	for range 8 {
		go func() {
			key, err := ReadKey(name, true)
			if err != nil {
				keys <- err.Error()
				return
			}
			keys <- KeyName(public(key))
		}()
	}
	all := map[string]bool{}
	for range 8 {
		all[<-keys] = true
	}
	if len(all) != 1 {
		t.Errorf("keys: %v", all)
	}
}
