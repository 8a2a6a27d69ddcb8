package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// proving is a chain with a finding that was put right, after a vote, and the reading of it.
func proving(t *testing.T) (*world, Reading) {
	w := newWorld(t, "GW_CHANGES@x", "GW_COMMANDS@x", "GW_DECISIONS@x", "GW_EVENTS@x", "GW_FINDINGS@x")
	put := func(source int, doc any) {
		w.now = w.now.Add(time.Second)
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		w.sources[source].put(w.now, string(raw))
	}
	alice := access.Actor{Type: access.ActorHuman, Name: "alice@example.com", Address: "198.51.100.4"}
	ref := access.Ref{Scope: "prj.64f0c0ffee0000000000cafe", Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}
	entry := access.Box{State: access.IPAccessEntry{Entry: "0.0.0.0/0", Comment: "<script>alert(1)</script>"}}
	f := access.Finding{V: 1, ID: "f1", Rule: "network/open-to-world", Ref: ref, Severity: access.Critical, Message: "0.0.0.0/0 opens it, says alice@example.com", Episode: 1, Actor: alice, CauseAt: day,
		Evidence: access.Evidence{Change: "c1", Events: []string{"e1"}}}
	other := f
	other.ID, other.Message = "f2", "a secret of somebody else"
	a := access.Action{V: 1, ID: "f1-1", Finding: "f1", Episode: 1, Ref: ref, State: access.ActionAwaiting, Why: "asked", PlanHash: "p1",
		Plan: access.Plan{Operations: []access.Operation{{Type: access.DeleteAccessEntry, Ref: ref}}, Why: "delete it"}, Ask: access.Ask{Approvers: []string{"bob"}, Quorum: 1, Deadline: day.Add(time.Hour)}}
	put(3, access.Event{V: 1, ID: "e1", Type: "NETWORK_PERMISSION_ENTRY_ADDED", Scope: ref.Scope, Created: day, Actor: alice, Target: "0.0.0.0/0"})
	put(0, access.Change{V: 1, ID: "c1", Ref: ref, Op: access.OpCreated, After: entry, Actor: alice, Events: []string{"e1"}, Occurred: day, Observed: day})
	put(4, access.FindingEvent{V: 1, At: w.now, To: access.FindingOpen, Finding: f})
	put(4, access.FindingEvent{V: 1, At: w.now, To: access.FindingOpen, Finding: other})
	put(2, access.Decision{V: 1, Type: "decision", At: w.now, Action: a})
	w.sources[1].put(w.now, string(vote(t, "bob")))
	w.sources[1].all[0] = Open(w.sources[1].all[0])
	a.Votes, a.State = []access.Ballot{{By: "bob", Vote: access.VoteApprove, Via: "slack", Key: "k", Command: "0123456789abcdef", At: w.now}}, access.ActionRunning
	put(2, access.Decision{V: 1, Type: "intent", At: w.now, Action: a})
	a.Outcome.Requests, a.State = []string{"delete_access_entry 0.0.0.0/0 (intent 1)"}, access.ActionVerifying
	put(2, access.Decision{V: 1, Type: "decision", At: w.now, Action: a})
	a.State, a.Outcome.Verified = access.ActionVerified, w.now
	put(2, access.Decision{V: 1, Type: "outcome", At: w.now, Action: a})
	put(0, access.Change{V: 1, ID: "c2", Ref: ref, Op: access.OpDeleted, Before: entry, Own: "f1-1", Occurred: w.now, Observed: w.now})
	f.State, f.ResolvedAt = access.FindingResolved, w.now
	put(4, access.FindingEvent{V: 1, At: w.now, From: access.FindingOpen, To: access.FindingResolved, Finding: f})
	w.record()
	name := filepath.Join(t.TempDir(), "book")
	b := openBook(t, name)
	if err := b.Sign(w.record().Head(), testKey(1), w.now); err != nil {
		t.Fatal(err)
	}
	return w, Reading{
		Walk: func() iter.Seq2[Record, error] { return w.log.records() }, Get: w.log.Get, Names: w.people,
		Checkpoints: func() iter.Seq2[Line, error] { return lines(read(t, name)) },
	}
}

func gather(t *testing.T, r Reading) Evidence {
	t.Helper()
	e, err := Gather(t.Context(), r, "f1", testKey(1), day.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func asJSON(t *testing.T, e Evidence) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEvidenceTellsTheStory(t *testing.T) {
	_, r := proving(t)
	e := gather(t, r)
	var kinds []string
	for _, s := range e.Steps {
		kinds = append(kinds, s.Kind)
	}
	if got, want := strings.Join(kinds, " "), "event change judgement plan question command decision vote intent write decision read-back read-back judgement"; got != want {
		t.Errorf("it tells of %s, want %s", got, want)
	}
	doc := string(asJSON(t, e))
	if strings.Contains(doc, "a secret of somebody else") {
		t.Error("it tells of another finding")
	}
	var page bytes.Buffer
	if err := e.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"alice@example.com", "bob says approve, by slack", "delete_access_entry 0.0.0.0/0", "Put right and read back", "&lt;script&gt;alert(1)"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.String(), "<script>alert(1)") {
		t.Error("a comment acts in the page")
	}
	if r := CheckEvidence(e, []ed25519.PublicKey{public(testKey(1))}); r.Verdict() != Clean || r.Facts != 10 || r.Checkpoints != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := Gather(t.Context(), r, "f3", testKey(1), day); !errors.Is(err, ErrNoFinding) {
		t.Errorf("of no finding: %v", err)
	}
	r.Names = nil
	if e := gather(t, r); len(e.Names) > 0 || strings.Contains(string(asJSON(t, e)), "alice") {
		t.Error("it names persons unasked")
	}
}

// Every text, number and list of the document counts: by its signature, and for who could sign it
// anew, by the chain.
func TestEvidenceEveryValueCounts(t *testing.T) {
	_, r := proving(t)
	e := gather(t, r)
	var doc any
	if err := json.Unmarshal(asJSON(t, e), &doc); err != nil {
		t.Fatal(err)
	}
	keys := []ed25519.PublicKey{public(testKey(1))}
	changes := 0
	edit(doc, "", func(path string, set func(any), was any) {
		for _, to := range []any{other(was), nil} {
			set(to)
			raw, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			set(was)
			changes++
			back, err := ParseEvidence(raw)
			if err != nil {
				continue
			}
			if r := CheckEvidence(back, keys); r.Verdict() == Clean {
				t.Errorf("%s was %v, is %v, and nobody minds", path, was, to)
			}
			proof := strings.HasPrefix(path, ".facts") || strings.HasPrefix(path, ".entries") || strings.HasPrefix(path, ".steps") || strings.HasPrefix(path, ".about")
			again, err := back.signed(testKey(1))
			if err != nil {
				t.Fatal(err)
			}
			if r := CheckEvidence(again, keys); proof && r.Verdict() != Broken && !same(again, e) {
				t.Errorf("%s was %v, is %v, signed anew, and nobody minds", path, was, to)
			}
		}
	})
	if changes < 200 {
		t.Errorf("%d changes prove nothing", changes)
	}
}

func other(was any) any {
	switch v := was.(type) {
	case string:
		return v + "0"
	case float64:
		return v + 1
	}
	return 7.0
}

// edit calls do for every value below a node.
func edit(node any, path string, do func(path string, set func(any), was any)) {
	switch v := node.(type) {
	case map[string]any:
		for k, was := range v {
			do(path+"."+k, func(to any) { v[k] = to }, was)
			edit(was, path+"."+k, do)
		}
	case []any:
		for i, was := range v {
			do(path+"[]", func(to any) { v[i] = to }, was)
			edit(was, path+"[]", do)
		}
	}
}

func TestEvidenceOfAnotherHand(t *testing.T) {
	_, r := proving(t)
	e := gather(t, r)
	forged, err := e.signed(testKey(9))
	if err != nil {
		t.Fatal(err)
	}
	if r := CheckEvidence(forged, []ed25519.PublicKey{public(testKey(1))}); r.Verdict() != Incomplete {
		t.Errorf("signed by another hand, it is %s", r.Verdict())
	}
	for name, text := range map[string]string{
		"nothing": "", "a page": "<html></html>", "another document": `{"v":1,"type":"x"}`, "of a newer version": `{"v":2,"type":"gatewarden evidence"}`,
		"something behind it": string(asJSON(t, e)) + "{}", "an unknown member": strings.Replace(string(asJSON(t, e)), `"v":`, `"w": 1, "v":`, 1),
	} {
		if _, err := ParseEvidence([]byte(text)); err == nil {
			t.Errorf("%s is taken for evidence", name)
		}
	}
}

// A fact whose entry no checkpoint signs yet is no evidence.
func TestEvidenceNeedsACheckpoint(t *testing.T) {
	_, r := proving(t)
	r.Checkpoints = func() iter.Seq2[Line, error] { return func(func(Line, error) bool) {} }
	if _, err := Gather(t.Context(), r, "f1", testKey(1), day); err == nil || !strings.Contains(err.Error(), "no checkpoint yet") {
		t.Errorf("%v", err)
	}
}

func FuzzParseEvidence(f *testing.F) {
	f.Add([]byte(`{"v":1,"type":"gatewarden evidence","facts":[{"entry":1,"fact":{"source":"GW_DECISIONS@x","seq":1,"body":"{}"}}]}`))
	f.Add([]byte("<p>" + documentOpen + `{"v":1,"type":"gatewarden evidence"}` + documentClose))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := ParseEvidence(text)
		if err != nil {
			return
		}
		if r := CheckEvidence(e, nil); r.Verdict() == Clean {
			t.Error("it is believed without a key")
		}
		if err := e.WriteHTML(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	})
}
