package audit

import (
	"encoding/base64"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func vote(t *testing.T, by string) []byte {
	t.Helper()
	raw, err := access.Seal(access.Command{
		V: 1, ID: "0123456789abcdef", Verb: access.VerbVote, Scope: "prj.64f0c0ffee0000000000cafe", By: by, Via: "slack", How: "U012AB3CD", At: day, Until: day.Add(time.Minute),
		Finding: "f1", Episode: 1, PlanHash: "p1", Vote: access.VoteApprove,
	}, testKey(5))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A command is readable in the chain, who gave it is not, and once they are erased nothing in the
// chain answers whether it was somebody.
func TestCommandIsErased(t *testing.T) {
	w := newWorld(t, "GW_COMMANDS@2026-11-20T09:00:00Z")
	src := w.sources[0]
	src.put(day, string(vote(t, "alice")))
	raw := src.all[0]
	src.all[0] = Open(raw)
	w.record()
	e, _, err := Decode(w.log.all[0])
	if err != nil {
		t.Fatal(err)
	}
	body := e.Facts[0].Body
	for _, not := range []string{"alice", "U012AB3CD", base64.StdEncoding.EncodeToString(raw.Body)[:40], "ignature"} {
		if strings.Contains(body, not) {
			t.Errorf("the chain has %q: %s", not, body)
		}
	}
	for _, has := range []string{`"verb":"vote"`, `"planHash":"p1"`, `"key":"` + access.KeyID(public(testKey(5))) + `"`, `"signed":"person:`} {
		if !strings.Contains(body, has) {
			t.Errorf("the chain lacks %q: %s", has, body)
		}
	}
	if r := verify(t, w.check()); r.Found > 0 || len(codes(r)) != 1 { // no book
		t.Errorf("%s %v", r.Summary(), r.Problems)
	}
	forged := src.all[0]
	other := raw
	other.Body = []byte(strings.Replace(string(raw.Body), `"signature":"`, `"signature":"A`, 1))
	src.all[0] = Open(other)
	if r := verify(t, w.check()); r.Found == 0 {
		t.Error("another signature in the stream is not noticed")
	}
	src.all[0] = forged
	for _, name := range []string{"alice", "U012AB3CD"} {
		if was, err := w.people.Erase(t.Context(), name); !was || err != nil {
			t.Errorf("erase %s: %v, %v", name, was, err)
		}
	}
	if r := verify(t, w.check()); r.Found > 0 || strings.Join(codes(r), " ") != "?person-erased ?uncovered" {
		t.Errorf("after the erasure: %s %v", r.Summary(), r.Problems)
	}
}

// So it is with the record of what became of it.
func TestRecordOfACommandIsErased(t *testing.T) {
	w := newWorld(t, "GW_DECISIONS@2026-11-20T09:00:00Z")
	c := access.Command{V: 1, ID: "0123456789abcdef", Verb: access.VerbVote, By: "alice", Finding: "f1"}
	fact := access.NewOut(access.TopicDecision, "prj.64f0c0ffee0000000000cafe", access.Decision{
		V: 1, Type: "control", Message: "alice: vote: taken", Command: &access.CommandRecord{V: 1, Command: c, Key: "k", Digest: "d1g35t", Accepted: true, Why: "alice was counted"},
	})
	w.sources[0].put(day, string(fact.Body))
	w.record()
	e, _, err := Decode(w.log.all[0])
	if err != nil {
		t.Fatal(err)
	}
	if body := e.Facts[0].Body; strings.Contains(body, "alice") || strings.Contains(body, "d1g35t") || !strings.Contains(body, `"digest":"person:`) {
		t.Errorf("the chain has %s", body)
	}
	facts, err := facts(Reading{Walk: func() iter.Seq2[Record, error] { return w.log.records() }}, "f1")
	if err != nil || len(facts) != 1 {
		t.Errorf("%d facts on the finding, %v", len(facts), err)
	}
	if _, steps := tell("f1", facts); len(steps) != 1 || steps[0].Kind != StepCommand || !strings.Contains(steps[0].Says, "is taken: person:") {
		t.Errorf("it is told as %v", steps)
	}
}

func TestOpenTakesOnlyCommands(t *testing.T) {
	good := string(vote(t, "alice"))
	payload := func(text string) string {
		return `{"v":1,"key":"k","payload":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `","signature":""}`
	}
	for name, c := range map[string]struct {
		raw  string
		open bool
	}{
		"a command":             {good, true},
		"no JSON":               {"alice", false},
		"an unknown member":     {payload(`{"v":1,"name":"alice"}`), false},
		"something behind it":   {good + `{"name":"alice"}`, false},
		"no command in it":      {payload("alice"), false},
		"a list":                {`["alice"]`, false},
		"an unsigned command":   {payload(`{"v":1,"by":"alice"}`), true},
		"a member of envelopes": {strings.Replace(good, `{"v":1`, `{"name":"alice","v":1`, 1), false},
	} {
		m := Open(Message{Body: []byte(c.raw)})
		if got := strings.Contains(string(m.Body), `"command":{`); got != c.open || (!c.open && strings.Contains(string(m.Body), "alice")) {
			t.Errorf("%s: %s", name, m.Body)
		}
		if again := Open(Message{Body: []byte(c.raw)}); string(again.Body) != string(m.Body) {
			t.Errorf("%s: it opens to %s and then to %s", name, m.Body, again.Body)
		}
	}
}
