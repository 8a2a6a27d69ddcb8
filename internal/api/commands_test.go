package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestWhatIsAskedIsWhatIsGiven: of each verb the whole command that goes out.
func TestWhatIsAskedIsWhatIsGiven(t *testing.T) {
	g := newGate(t)
	f, a := g.backend.findings[0], g.backend.actions[0]
	until := began.Add(time.Hour)
	for _, v := range verbs() {
		want := access.Command{V: 1, Verb: v, Scope: prod.Scope, By: "p-admin", Via: "api", How: "token admin", At: began, Until: began.Add(access.CommandLife)}
		switch v {
		case access.VerbVote:
			want.Finding, want.Episode, want.PlanHash, want.Vote = f.ID, 2, a.PlanHash, access.VoteApprove
		case access.VerbUndo, access.VerbRelease:
			want.Finding, want.Episode, want.PlanHash, want.Reason = f.ID, 2, a.PlanHash, "it broke"
		case access.VerbWaive:
			want.Finding, want.Episode, want.Reason, want.Ticket = f.ID, 2, "a test", "SEC-1"
			want.Waiver = &access.Waiver{
				V: 1, Rule: f.Rule, Kind: f.Ref.Kind, Name: "0.0.0.0/0", Project: prod.Scope.ID(), Environment: "prod",
				Owner: "p-admin", Reason: "a test", Ticket: "SEC-1", Granted: began, Until: until, Digest: f.Digest,
			}
		case access.VerbSnooze:
			want.Finding, want.Episode, want.For = f.ID, 2, 2*time.Hour
		case access.VerbAcknowledge:
			want.Finding, want.Episode = f.ID, 2
		case access.VerbFreeze:
			want.Reason = "an audit"
		case access.VerbUnfreeze:
			want.Reason = "it is over"
		case access.VerbExpect:
			want.Reason = "a move"
			want.Expect = &access.Expectation{V: 1, Actor: "alice", Project: prod.Scope.ID(), From: began, Until: until, Reason: "a move", Approved: "p-admin"}
		case access.VerbAdopt:
			want.Reason, want.Rule, want.PlanHash = "cleaning", "network/open-to-world", "h"
		case access.VerbIncident:
			want.Reason, want.Incident, want.For = "it is down", "INC-1", 2*time.Hour
		case access.VerbEndIncident:
			want.Reason, want.Incident = "it is up", "INC-1"
		case access.VerbUnwaive:
			want.Reason, want.Waiver = "it was enough", &access.Waiver{ID: "cmd-1"}
		}
		w := g.ask("admin", "POST", prefix+"/commands", g.body(v))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", v, w.Code, w.Body)
		}
		got := g.backend.given[len(g.backend.given)-1]
		if answer := decoded[Command](t, w); answer.ID != got.ID || answer.State != CommandAccepted || w.Header().Get("Location") != prefix+"/commands/"+got.ID || len(got.ID) < 16 {
			t.Errorf("%s: the answer is %+v at %s", v, answer, w.Header().Get("Location"))
		}
		want.ID = got.ID
		if v == access.VerbWaive {
			want.Waiver.ID = "cmd-" + got.ID
		}
		if want.Expect != nil {
			want.Expect.ID = "cmd-" + got.ID
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v, diff)
		}
	}
}

// TestBadRequests: each is refused, with what to do, and nothing is given.
func TestBadRequests(t *testing.T) {
	g := newGate(t)
	f, a := g.backend.findings[0], g.backend.actions[0]
	resolved, noDigest := g.backend.findings[5], g.backend.findings[1].ID
	g.backend.findings[1].Digest = ""
	vote := func(more string) string { return fmt.Sprintf(`{"verb":"vote","action":%q,%s}`, a.ID, more) }
	late := began.Add(25 * time.Hour).Format(time.RFC3339)
	for _, c := range []struct {
		body, want string
		code       int
	}{
		{``, "want one JSON object", 400}, {`null`, "want one JSON object", 400}, {`[]`, "want one JSON object", 400}, {`{`, "ends too early", 400}, {`{"verb"`, "no JSON", 400}, {`{"verb":"freeze"`, "ends too early", 400},
		{`{"verb":"freeze","reason":"x"}{}`, "comes after it", 400}, {`{"verb":"freeze","reason":"x"} x`, "comes after it", 400},
		{"{\"verb\":\"freeze\",\"reason\":\"\xff\"}", "not UTF-8", 400},
		{`{"verb":"freeze","verb":"unfreeze","reason":"x"}`, "given twice", 400}, {`{"Verb":"freeze","reason":"x"}`, "unknown field", 400},
		{`{"verb":"freeze","reason":"x","by":"root"}`, "unknown field", 400}, {`{"verb":"freeze","reason":"x","via":"slack"}`, "unknown field", 400},
		{`{"verb":"freeze","reason":"x","id":"0123456789abcdef"}`, "unknown field", 400}, {`{"verb":"freeze","reason":"x","at":"2026-12-01T12:00:00Z"}`, "unknown field", 400},
		{`{"verb":"freeze","reason":7}`, "not text", 400}, {`{"verb":"freeze","reason":null}`, "not text", 400}, {`{"verb":"freeze","reason":["x"]}`, "not text", 400}, {`{"verb":"freeze","reason":{}}`, "not text", 400},
		{`{"verb":"erase","reason":"x"}`, "not one that this version knows", 400}, {`{"reason":"x"}`, "not one that this version knows", 400},
		{`{"verb":"freeze"}`, "needs reason", 400}, {`{"verb":"freeze","reason":"  "}`, "blank", 400},
		{`{"verb":"freeze","reason":"x","finding":"y"}`, "takes no finding", 400}, {`{"verb":"freeze","reason":"x","for":"2h"}`, "takes no for", 400},
		{`{"verb":"freeze","reason":"a\u001b[2Jb"}`, "not shown", 400}, {`{"verb":"freeze","reason":"a\nb"}`, "not shown", 400}, {`{"verb":"freeze","reason":"\u202eevil"}`, "not shown", 400}, {`{"verb":"freeze","reason":"a\u200bb"}`, "not shown", 400},
		{`{"verb":"freeze","reason":"` + strings.Repeat("x", maxText+1) + `"}`, "at most 1000", 400}, {`{"verb":"freeze","reason":"x","ticket":"` + strings.Repeat("é", maxName+1) + `"}`, "at most 300", 400},
		{`{"verb":"freeze","reason":"` + strings.Repeat("x", maxBody) + `"}`, "bytes at most", 413},
		{`{"verb":"freeze","reason":"x"}`, "there are 2 orgs", 400}, {`{"verb":"freeze","reason":"x","project":"ecommerce-prod"}`, "2 projects are called", 409},
		{`{"verb":"freeze","reason":"x","project":"nowhere"}`, "no project", 404}, {`{"verb":"freeze","reason":"x","org":"64f0000000000000000000ff"}`, "no org", 404},
		{`{"verb":"freeze","reason":"x","org":"` + orgOne + `","project":"ecommerce-dev"}`, "both", 400},
		{vote(`"vote":"approve"`), "needs planHash", 400}, {vote(`"planHash":"x"`), "needs vote", 400}, {vote(`"planHash":"` + a.PlanHash + `","vote":"abstain"`), "neither", 400},
		{vote(`"planHash":"another","vote":"approve"`), "another plan", 409},
		{`{"verb":"vote","action":"none","planHash":"x","vote":"deny"}`, "no action", 404},
		{`{"verb":"undo","action":"` + a.ID + `","planHash":"another","reason":"x"}`, "another plan", 409},
		{`{"verb":"acknowledge","finding":"` + resolved.ID + `"}`, "is resolved", 409}, {`{"verb":"acknowledge","finding":"none"}`, "no finding", 404},
		{`{"verb":"snooze","finding":"` + f.ID + `","for":"soon"}`, "no duration", 400}, {`{"verb":"snooze","finding":"` + f.ID + `","for":"-1h"}`, "no duration", 400}, {`{"verb":"snooze","finding":"` + f.ID + `","for":"91d"}`, "no duration", 400},
		{`{"verb":"snooze","finding":"` + f.ID + `","for":"0s"}`, "none or too long", 400}, {`{"verb":"snooze","finding":"` + f.ID + `","for":"90d1h"}`, "none or too long", 400}, {`{"verb":"snooze","finding":"` + f.ID + `","for":"1d1d"}`, "no duration", 400},
		{`{"verb":"waive","finding":"` + f.ID + `","reason":"x","until":"` + late + `"}`, "1 d at most", 400}, {`{"verb":"waive","finding":"` + f.ID + `","reason":"x","until":"2026-01-01T00:00:00Z"}`, "over already", 400},
		{`{"verb":"waive","finding":"` + f.ID + `","reason":"x","until":"tomorrow"}`, "not a command", 400}, {`{"verb":"waive","finding":"` + noDigest + `","reason":"x","until":"` + late + `"}`, "does not say which values", 409},
		{`{"verb":"expect","project":"ecommerce-dev","reason":"x","until":"` + late + `"}`, "whatever anybody does", 400}, {`{"verb":"expect","project":"ecommerce-dev","actor":"*","name":"admin/*","reason":"x","until":"` + late + `"}`, "whatever anybody does", 400},
		{`{"verb":"expect","project":"ecommerce-dev","actor":"alice","reason":"x","until":"` + began.Add(31*24*time.Hour).Format(time.RFC3339) + `"}`, "ahead at most", 400},
		{`{"verb":"expect","project":"ecommerce-dev","actor":"alice","reason":"x","until":"2026-01-01T00:00:00Z"}`, "never hold", 400},
		{`{"verb":"expect","project":"ecommerce-dev","actor":"alice","kind":"castle","reason":"x","until":"` + late + `"}`, "kind", 400},
		{`{"verb":"unwaive","waiver":"in-prod","reason":"x"}`, "stands in conf.yaml:7", 409}, {`{"verb":"unwaive","waiver":"everywhere","reason":"x"}`, "stands in conf.yaml:9", 409},
		{`{"verb":"unwaive","waiver":"none","reason":"x"}`, "no waiver", 404}, {`{"verb":"unwaive","waiver":"cmd-1"}`, "needs reason", 400}, {`{"verb":"unwaive","finding":"` + f.ID + `","reason":"x"}`, "needs waiver", 400},
		{`{"verb":"end-incident","reason":"x","project":"ecommerce-dev"}`, "needs incident", 400}, {`{"verb":"end-incident","incident":"INC-1","for":"1h","reason":"x","project":"ecommerce-dev"}`, "takes no for", 400},
	} {
		w := g.ask("admin", "POST", prefix+"/commands", c.body)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%.200s: %d %s, want %d and %q", c.body, w.Code, w.Body, c.code, c.want)
		}
	}
	if n := len(g.backend.given); n > 0 {
		t.Errorf("%d commands were given", n)
	}
	for _, path := range []string{"/findings?state=ajar", "/findings?colour=red", "/findings?severity=grave", "/findings?limit=0", "/findings?limit=1001", "/findings?limit=x", "/findings?after=%00", "/findings?rule=", "/actions?state=x", "/findings?%zz", "/audit?from=now", "/audit?format=xml", "/adoptions/preview"} {
		if w := g.ask("admin", "GET", prefix+path, ""); w.Code != 400 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for path, want := range map[string]int{"/nothing": 404, "/findings/": 404, "/": 404, "/commands/none": 404} {
		if w := g.ask("admin", "GET", prefix+path, ""); w.Code != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "POST"} {
		if w := g.ask("admin", method, prefix+"/findings", ""); w.Code != 405 || w.Header().Get("Allow") != "GET" {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
}

// TestDenialCountsWhateverThePlan: somebody who saw an older plan denies this one, too.
func TestDenialCountsWhateverThePlan(t *testing.T) {
	g := newGate(t)
	w := g.ask("approver", "POST", prefix+"/commands", fmt.Sprintf(`{"verb":"vote","action":%q,"planHash":"another","vote":"deny"}`, g.backend.actions[0].ID))
	if w.Code != 200 || len(g.backend.given) != 1 || g.backend.given[0].PlanHash != "another" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

const key = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// TestIdempotencyKey: the same key is the same command, done once; with another body it is refused.
func TestIdempotencyKey(t *testing.T) {
	for _, v := range verbs() {
		g := newGate(t)
		first := g.ask("admin", "POST", prefix+"/commands", g.body(v), "Idempotency-Key", key)
		g.now = g.now.Add(time.Minute)
		again := g.ask("admin", "POST", prefix+"/commands", g.body(v), "Idempotency-Key", key)
		if first.Code != 200 || again.Code != 200 || again.Body.String() != first.Body.String() || len(g.backend.given) != 1 {
			t.Errorf("%s again: %d commands, %d %s, then %d %s", v, len(g.backend.given), first.Code, first.Body, again.Code, again.Body)
		}
		for _, other := range verbs() {
			if other == v {
				continue
			}
			if w := g.ask("admin", "POST", prefix+"/commands", g.body(other), "Idempotency-Key", key); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s with the key of %s: %d %s", other, v, w.Code, w.Body)
			}
		}
		if n := len(g.backend.given); n != 1 {
			t.Errorf("%s: %d commands", v, n)
		}
		if w := g.ask("admin of org one", "POST", prefix+"/commands", g.body(v), "Idempotency-Key", key); w.Code != 200 { // the same principal
			t.Errorf("%s with another token of the same principal: %d", v, w.Code)
		}
		if roleFor(v) == RoleApprover {
			if w := g.ask("approver", "POST", prefix+"/commands", g.body(v), "Idempotency-Key", key); w.Code != 200 || len(g.backend.given) != 2 {
				t.Errorf("%s by another with the same key: %d, %d commands", v, w.Code, len(g.backend.given))
			}
		}
	}
}

// TestSameKeyOtherWords: each field of a request makes it another one.
func TestSameKeyOtherWords(t *testing.T) {
	for v, edits := range map[access.Verb][][2]string{
		access.VerbVote:        {{`"approve"`, `"deny"`}},
		access.VerbWaive:       {{"a test", "a trial"}, {"SEC-1", "SEC-2"}, {"13:00", "14:00"}},
		access.VerbSnooze:      {{"2h", "3h"}},
		access.VerbFreeze:      {{prod.Scope.ID(), dev.Scope.ID()}, {"an audit", "another"}},
		access.VerbExpect:      {{"alice", "bob"}, {"13:00", "14:00"}, {`"actor"`, `"name":"x","actor"`}, {`"actor"`, `"from":"2026-12-01T12:30:00Z","actor"`}},
		access.VerbAdopt:       {{"open-to-world", "entry-too-broad"}, {`"h"`, `"i"`}},
		access.VerbIncident:    {{"INC-1", "INC-2"}, {"2h", "1h"}},
		access.VerbEndIncident: {{"INC-1", "INC-2"}, {prod.Scope.ID(), dev.Scope.ID()}, {"it is up", "it is fine"}},
		access.VerbUnwaive:     {{"cmd-1", "cmd-2"}, {"it was enough", "no more"}},
	} {
		for _, e := range edits {
			g := newGate(t)
			body := g.body(v)
			g.ask("admin", "POST", prefix+"/commands", body, "Idempotency-Key", key)
			if other := strings.Replace(body, e[0], e[1], 1); other == body {
				t.Errorf("%s has no %s", body, e[0])
			} else if w := g.ask("admin", "POST", prefix+"/commands", other, "Idempotency-Key", key); w.Code != http.StatusUnprocessableEntity || len(g.backend.given) != 1 {
				t.Errorf("%s for %s in %s: %d %s", e[1], e[0], v, w.Code, w.Body)
			}
		}
	}
}

func TestBadKeys(t *testing.T) {
	g := newGate(t)
	for _, k := range []string{"short", strings.Repeat("x", 65), "0123456789abcdef;", "0123456789 abcdef", "0123456789abcdé0"} {
		if w := g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbFreeze), "Idempotency-Key", k); w.Code != 400 {
			t.Errorf("key %q: %d", k, w.Code)
		}
	}
}

// TestUndecided: a command that takes long is answered with where to ask; a repetition of it
// goes out to the byte as it was.
func TestUndecided(t *testing.T) {
	g := newGate(t)
	g.backend.decide = func(access.Command) (access.CommandRecord, error) {
		return access.CommandRecord{}, fmt.Errorf("not yet: %w", access.ErrTemporary)
	}
	w := g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbWaive), "Idempotency-Key", key)
	at := w.Header().Get("Location")
	if w.Code != http.StatusAccepted || w.Header().Get("Retry-After") == "" || decoded[Command](t, w).State != CommandPending {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := g.ask("admin", "GET", at, ""); w.Code != 200 || decoded[Command](t, w).State != CommandPending {
		t.Errorf("asked where it says: %d %s", w.Code, w.Body)
	}
	g.now = g.now.Add(time.Minute)
	g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbWaive), "Idempotency-Key", key)
	if diff := cmp.Diff(g.backend.given[0], g.backend.given[1]); len(g.backend.given) != 2 || diff != "" {
		t.Errorf("the repetition is another command (-first +again):\n%s", diff)
	}
	if w := g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbFreeze), "Idempotency-Key", key); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("another with its key: %d %s", w.Code, w.Body)
	}
	if w := g.ask("viewer of org one", "GET", at, ""); w.Code != 200 {
		t.Errorf("somebody who sees where it is: %d", w.Code)
	}
	if w := g.ask("approver in one, dev", "GET", at, ""); w.Code != 404 {
		t.Errorf("somebody who does not: %d", w.Code)
	}
	c := g.backend.given[0]
	g.backend.records[c.ID] = access.CommandRecord{V: 1, Command: c, Accepted: true, Why: "waived", At: g.now}
	if w := g.ask("admin", "GET", at, ""); decoded[Command](t, w).State != CommandAccepted {
		t.Errorf("once decided: %s", w.Body)
	}
}

// TestRefused: what remediate refuses is a conflict with its words, now and when asked again.
func TestRefused(t *testing.T) {
	g := newGate(t)
	g.backend.decide = func(c access.Command) (access.CommandRecord, error) {
		return access.CommandRecord{V: 1, Command: c, Why: "alice made the change: somebody else decides", At: g.now}, nil
	}
	for range 2 {
		w := g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbVote), "Idempotency-Key", key)
		if p := problemFrom(t, w); w.Code != http.StatusConflict || !strings.Contains(p.Detail, "somebody else decides") || p.Command == nil || p.Command.State != CommandRefused {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if len(g.backend.given) != 1 {
		t.Errorf("%d commands", len(g.backend.given))
	}
}

// TestAnotherProcessHadTheKey: of two processes with one key, the record tells.
func TestAnotherProcessHadTheKey(t *testing.T) {
	g := newGate(t)
	g.backend.decide = func(c access.Command) (access.CommandRecord, error) {
		c.Reason, c.At = "another", c.At.Add(time.Second)
		return access.CommandRecord{V: 1, Command: c, Accepted: true, Why: "done"}, nil
	}
	if w := g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbFreeze), "Idempotency-Key", key); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestManyAtOnce: of repetitions at once all are one command, to the byte.
func TestManyAtOnce(t *testing.T) {
	g := newGate(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbWaive), "Idempotency-Key", key) })
	}
	wg.Wait()
	for _, c := range g.backend.given {
		if diff := cmp.Diff(g.backend.given[0], c); diff != "" {
			t.Errorf("two commands of one key:\n%s", diff)
		}
	}
}

// TestBrokenBackend: trouble of the store is said, and is not a wrong request.
func TestBrokenBackend(t *testing.T) {
	for want, err := range map[int]error{503: errors.New("the store is away"), 403: fmt.Errorf("x: %w", access.ErrForbidden), 404: fmt.Errorf("x: %w", access.ErrGone)} {
		g := newGate(t)
		g.backend.broken = err
		for _, path := range []string{"/findings", "/findings/x", "/actions", "/actions/x", "/places", "/waivers", "/freezes", "/commands/x"} {
			if w := g.ask("admin", "GET", prefix+path, ""); w.Code != want || want == 503 && w.Header().Get("Retry-After") == "" {
				t.Errorf("%s with %v: %d %s", path, err, w.Code, w.Body)
			}
		}
		if w := g.ask("admin", "POST", prefix+"/commands", g.body(access.VerbFreeze)); w.Code != want {
			t.Errorf("a command with %v: %d %s", err, w.Code, w.Body)
		}
	}
}
