package audit

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() Entry {
	f := Fact{Source: "GW_CHANGES", Seq: 7, At: day, Subject: "gw.change.3.prj.64f0c0ffee0000000000cafe.ip_access_entry", People: []Span{{At: 9, Len: 17, Person: "00112233aabbccdd", Mac: strings.Repeat("ab", 16)}}, Body: "{\"name\":\"person:00112233aabbccdd\",\"n\":\"<&>\\u2028\"}"}
	f.Hash = f.sum([]byte(f.Body))
	big := Fact{Source: "GW_FINDINGS", Seq: 1, At: day.Add(time.Millisecond), Subject: "gw.finding.org.64f0c0ffee0000000000cafe", Left: LeftSize}
	big.Hash = big.sum([]byte("x"))
	return Entry{
		V: Version, Seq: 12, PrevSeq: 10, Prev: strings.Repeat("0a", 32), At: day.Add(time.Second),
		Facts: []Fact{{Source: "GW_CHANGES", Seq: 4, To: 6, Left: LeftDropped}, f, big},
		Marks: []Mark{{"GW_CHANGES", 7}, {"GW_EVENTS", 3}, {"GW_FINDINGS", 1}},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, want)
	}
}

func TestEntryGolden(t *testing.T) {
	stored, hash, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "entry.golden", stored)
	e, again, err := Decode(stored)
	if err != nil || again != hash || e.Facts[1].Body != sample().Facts[1].Body {
		t.Errorf("decoded: %v, hash %s, want %s", err, again, hash)
	}
}

func TestEntryEveryBitCounts(t *testing.T) {
	stored, _, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range stored {
		for bit := range 8 {
			bad := bytes.Clone(stored)
			bad[i] ^= 1 << bit
			if _, _, err := Decode(bad); err == nil {
				t.Fatalf("bit %d of byte %d turned, and it decodes", bit, i)
			}
		}
		if _, _, err := Decode(stored[:i]); err == nil {
			t.Fatalf("cut after %d bytes, and it decodes", i)
		}
	}
}

// rehash is an entry that somebody who knows the form has forged: head and bodies.
func rehash(t testing.TB, raw string) []byte {
	t.Helper()
	head, bodies, ok := strings.Cut(raw, "\n")
	if !ok {
		bodies = "[]"
	}
	return []byte(hashOf("entry", []byte(head)) + "\n" + head + "\n" + bodies)
}

func TestDecodeRefuses(t *testing.T) {
	stored, _, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, raw, _ := strings.Cut(string(stored), "\n")
	if _, _, err := Decode(rehash(t, raw)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"white space", `{"v":1`, `{ "v":1`, "canonical"},
		{"an unknown field", `"seq":12,`, `"seq":12,"x":1,`, "unknown field"},
		{"two spellings of a field", `"seq":12,`, `"seq":12,"SEQ":12,`, "canonical"},
		{"needless escape", "gw.finding", `g\u0077.finding`, "canonical"},
		{"a time with an offset", "09:00:01Z", "10:00:01+01:00", "UTC"},
		{"a fact's time with an offset", "09:00:00Z", "10:00:00+01:00", "UTC"},
		{"lost, and yet stored", `"to":6,`, `"to":6,"at":"2026-11-20T09:00:00Z",`, "something else"},
		{"no facts", raw[strings.Index(raw, `"facts":`):], "\"facts\":[],\"marks\":[]}\n[]", "no fact"},
		{"bodies of no facts", raw[strings.Index(raw, `"facts":`):strings.Index(raw, `,"marks"`)], `"facts":[]`, "bodies of 3"},
		{"marks out of order", `{"source":"GW_EVENTS","seq":3}`, `{"source":"GW_A","seq":3}`, "out of order"},
		{"a mark that is another", `"GW_FINDINGS","seq":1}]`, `"GW_FINDINGS","seq":2}]`, "its mark of GW_FINDINGS"},
		{"following itself", `"prevSeq":10`, `"prevSeq":12`, "follows"},
		{"first and not first", `"prevSeq":10`, `"prevSeq":0`, "follows"},
		{"another body", `<&>`, `<&&`, "hash is not that of its body"},
		{"another span", `"at":9`, `"at":8`, "hash is not that of its body"},
		{"lost and backwards", `"to":6`, `"to":3`, "lost"},
		{"lost for no reason", `"dropped"`, `"bored"`, "lost"},
		{"left out for no reason", `"too large"`, `"bored"`, "left out"},
		{"v 0", `{"v":1`, `{"v":0`, "no version"},
		{"not JSON", `{"v":1`, `v`, "not JSON"},
		{"bodies that are none", `["",`, `["`, "not JSON"},
		{"a body too few", `["",`, `[`, "bodies of 2"},
		{"white space in the bodies", `["",`, `["", `, "canonical"},
		{"a body in the head", `"left":"too large"`, `"body":"x","left":"too large"`, "where none may"},
	} {
		bad := strings.Replace(raw, c.from, c.to, 1)
		if bad == raw {
			t.Errorf("%s: nothing replaced", c.name)
		}
		if _, _, err := Decode(rehash(t, bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	_, hash, err := Decode(rehash(t, `{"v":2,"new":true}`))
	if !errors.Is(err, ErrNewer) || hash == "" {
		t.Errorf("a newer version: %v with hash %q", err, hash)
	}
}

func FuzzDecode(f *testing.F) {
	stored, _, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored)
	f.Add(rehash(f, `{"v":2}`))
	f.Add(rehash(f, `{"v":1,"seq":1,"prevSeq":0,"prev":"","at":"2026-01-01T00:00:00Z","facts":null,"marks":null}`))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, rehash(t, string(data))} {
			e, hash, err := Decode(data)
			if err != nil {
				continue
			}
			again, same, err := e.Encode()
			if err != nil || same != hash || !bytes.Equal(again, data) {
				t.Fatalf("%q decodes and encodes as %q, %v", data, again, err)
			}
		}
	})
}
