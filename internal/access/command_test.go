package access

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	asked   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ourProj = ProjectScope("64f000000000000000000002")
)

const ourOrg = "64f000000000000000000001"

// gateway is the key of a gateway, the same in every run.
func gateway(name string) (ed25519.PrivateKey, GatewayKey) {
	seed := bytes.Repeat([]byte{name[0]}, ed25519.SeedSize)
	private := ed25519.NewKeyFromSeed(seed)
	return private, GatewayKey{Public: private.Public().(ed25519.PublicKey), Gateway: name, Orgs: []string{ourOrg}}
}

func aVote() Command {
	return Command{
		V: Version, ID: "01JD9A0000000000000000000A", Verb: VerbVote, Scope: ourProj, By: "alice", Via: "slack", How: "slack U1 of T1, by the configuration",
		At: asked, Until: asked.Add(10 * time.Minute), Finding: "f1", Episode: 2, PlanHash: "abc", Vote: VoteApprove,
	}
}

func TestSealedCommandsAreBelieved(t *testing.T) {
	private, key := gateway("slack")
	waiver, expectation := &Waiver{ID: "w"}, &Expectation{ID: "x"}
	for _, change := range []func(*Command){
		func(*Command) {},
		func(c *Command) { c.Vote = VoteDeny },
		func(c *Command) { c.Verb, c.Vote, c.Reason = VerbUndo, "", "it was right" },
		func(c *Command) { c.Verb, c.Vote, c.PlanHash, c.Waiver, c.Reason = VerbWaive, "", "", waiver, "agreed" },
		func(c *Command) {
			c.Verb, c.Vote, c.PlanHash, c.Finding, c.Episode, c.Reason = VerbFreeze, "", "", "", 0, "an incident"
		},
		func(c *Command) { c.Verb, c.Vote, c.PlanHash, c.For = VerbSnooze, "", "", time.Hour },
		func(c *Command) {
			c.Verb, c.Vote, c.PlanHash, c.Finding, c.Episode, c.Expect, c.Reason = VerbExpect, "", "", "", 0, expectation, "a move"
		},
		func(c *Command) {
			c.Verb, c.Vote, c.Finding, c.Episode, c.Rule, c.Reason = VerbAdopt, "", "", 0, "network/open-to-world", "debt"
		},
		func(c *Command) { c.At = c.At.In(time.FixedZone("", 3600)) },
	} {
		c := aVote()
		change(&c)
		raw, err := Seal(c, private)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Unseal(raw, ourProj, ourOrg, []GatewayKey{key}, asked.Add(time.Minute))
		if err != nil {
			t.Errorf("%s: %v", c.Verb, err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("%s (-sealed +opened):\n%s", c.Verb, diff)
		}
	}
}

// Whatever is not what its gateway signed, for this scope and now, is refused, and told why.
func TestForgedCommandsAreRefused(t *testing.T) {
	private, key := gateway("slack")
	other, otherKey := gateway("api")
	sealed := func(by ed25519.PrivateKey, change func(*Command)) []byte {
		c := aVote()
		change(&c)
		raw, err := Seal(c, by)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	same := func(*Command) {}
	whole := sealed(private, same)
	// resigned are bytes that no Seal writes, with a signature that holds.
	resigned := func(payload string, prefix string) []byte {
		raw, err := json.Marshal(Envelope{V: Version, Key: KeyID(key.Public), Payload: []byte(payload), Signature: ed25519.Sign(private, []byte(prefix+payload))})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	payload, err := json.Marshal(aVote())
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*Envelope)) []byte {
		var e Envelope
		if err := json.Unmarshal(whole, &e); err != nil {
			t.Fatal(err)
		}
		change(&e)
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for name, c := range map[string]struct {
		raw   []byte
		scope Scope
		org   string
		keys  []GatewayKey
		now   time.Time
		want  string
	}{
		"another payload":               {raw: changed(func(e *Envelope) { e.Payload = bytes.Replace(e.Payload, []byte("approve"), []byte("deny"), 1) }), want: "wrong signature"},
		"a signature cut off":           {raw: changed(func(e *Envelope) { e.Signature = e.Signature[:63] }), want: "wrong signature"},
		"no signature":                  {raw: changed(func(e *Envelope) { e.Signature = nil }), want: "wrong signature"},
		"signed by nobody whom we know": {raw: sealed(other, func(c *Command) { c.Via = "api" }), want: "not (or no longer) one of those"},
		"the key of another":            {raw: changed(func(e *Envelope) { e.Key = KeyID(otherKey.Public) }), keys: []GatewayKey{key, otherKey}, want: "wrong signature"},
		"a key that was taken out":      {raw: whole, keys: []GatewayKey{otherKey}, want: "not (or no longer) one of those"},
		"no keys":                       {raw: whole, keys: []GatewayKey{}, want: "not (or no longer) one of those"},
		"a key of no length":            {raw: changed(func(e *Envelope) { e.Key = KeyID(nil) }), keys: []GatewayKey{{Gateway: "slack"}}, want: "wrong signature"},
		"one gateway for another":       {raw: sealed(private, func(c *Command) { c.Via = "api" }), want: "signed by the key of slack"},
		"another scope's":               {raw: whole, scope: ProjectScope("64f000000000000000000003"), want: "was published for"},
		"another org's":                 {raw: whole, org: "64f000000000000000000009", want: "does not speak"},
		"of tomorrow":                   {raw: whole, now: asked.Add(-2 * time.Minute), want: "still to come"},
		"of yesterday":                  {raw: whole, now: asked.Add(10 * time.Minute), want: "was void from"},
		"signed as something else":      {raw: resigned(string(payload), "gatewarden checkpoint 1\n"), want: "wrong signature"},
		"a field that nobody knows":     {raw: resigned(strings.Replace(string(payload), `"v":1`, `"v":1,"force":true`, 1), signedAs), want: "force"},
		"a field twice":                 {raw: resigned(strings.Replace(string(payload), `"vote":"approve"`, `"vote":"deny","vote":"approve"`, 1), signedAs), want: "not written as"},
		"a field in capitals":           {raw: resigned(strings.Replace(string(payload), `"vote":`, `"VOTE":`, 1), signedAs), want: "not written as"},
		"with blanks":                   {raw: resigned(" "+string(payload), signedAs), want: "not written as"},
		"two commands":                  {raw: resigned(string(payload)+string(payload), signedAs), want: "something comes after"},
		"an unknown verb":               {raw: resigned(strings.Replace(string(payload), `"verb":"vote"`, `"verb":"delete"`, 1), signedAs), want: "not one that this version knows"},
		"a waiver smuggled in":          {raw: resigned(strings.Replace(string(payload), `"vote":"approve"`, `"vote":"approve","rule":"*"`, 1), signedAs), want: "takes no rule"},
		"another version":               {raw: resigned(strings.Replace(string(payload), `"v":1`, `"v":2`, 1), signedAs), want: "version 2"},
		"an envelope with more":         {raw: append([]byte(`{"trust":true,`), whole[1:]...), want: "trust"},
		"nothing":                       {raw: nil, want: "EOF"},
		"too much":                      {raw: bytes.Repeat([]byte("a"), maxEnvelope+1), want: "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			scope, org, keys, now := ourProj, ourOrg, []GatewayKey{key}, asked.Add(time.Minute)
			if c.scope != "" {
				scope = c.scope
			}
			if c.org != "" {
				org = c.org
			}
			if c.keys != nil {
				keys = c.keys
			}
			if !c.now.IsZero() {
				now = c.now
			}
			got, err := Unseal(c.raw, scope, org, keys, now)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if diff := cmp.Diff(Command{}, got); diff != "" {
				t.Errorf("something came out:\n%s", diff)
			}
		})
	}
}

func TestCommandsThatSayNothingOrTooMuch(t *testing.T) {
	private, _ := gateway("slack")
	for want, change := range map[string]func(*Command){
		"vote needs finding":          func(c *Command) { c.Finding = "" },
		"vote needs episode":          func(c *Command) { c.Episode = 0 },
		"vote needs planHash":         func(c *Command) { c.PlanHash = "" },
		"vote needs vote":             func(c *Command) { c.Vote = "" },
		`vote "maybe"`:                func(c *Command) { c.Vote = "maybe" },
		"vote takes no for":           func(c *Command) { c.For = time.Hour },
		"vote needs by":               func(c *Command) { c.By = "" },
		"vote needs via":              func(c *Command) { c.Via = "" },
		"vote needs id":               func(c *Command) { c.ID = "short" },
		"within 15 min":               func(c *Command) { c.Until = c.At.Add(CommandLife + 1) },
		"must end after it was asked": func(c *Command) { c.Until = c.At },
		"want org.<id> or prj.<id>":   func(c *Command) { c.Scope = "prj.*" },
		"freeze needs a reason": func(c *Command) {
			*c = Command{V: c.V, ID: c.ID, Verb: VerbFreeze, Scope: c.Scope, By: c.By, Via: c.Via, At: c.At, Until: c.Until}
		},
		"not one that this version":      func(c *Command) { c.Verb = "" },
		"a negative duration or episode": func(c *Command) { c.For = -time.Hour },
	} {
		c := aVote()
		change(&c)
		if _, err := Seal(c, private); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// FuzzUnseal: no bytes open, but those that were sealed.
func FuzzUnseal(f *testing.F) {
	private, key := gateway("slack")
	whole, err := Seal(aVote(), private)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, err := Unseal(raw, ourProj, ourOrg, []GatewayKey{key}, asked); err == nil && !bytes.Equal(raw, whole) {
			t.Errorf("%q opened as %+v", raw, c)
		}
	})
}
