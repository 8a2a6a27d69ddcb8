package access

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const project = Scope("prj.64f000000000000000000001")

// collections generates collections of database users and of access list entries
// with few names, so that two of them overlap.
func collections() *rapid.Generator[Collection] {
	return rapid.Custom(func(t *rapid.T) Collection {
		if rapid.Bool().Draw(t, "users") {
			return NewCollection(project, KindDatabaseUser, rapid.SliceOf(users()).Draw(t, "states"))
		}
		return NewCollection(project, KindIPAccessEntry, rapid.SliceOf(entries()).Draw(t, "states"))
	})
}

func users() *rapid.Generator[State] {
	return rapid.Custom(func(t *rapid.T) State {
		grant := rapid.Custom(func(t *rapid.T) RoleGrant {
			return RoleGrant{Role: rapid.SampledFrom([]string{"read", "readWrite", "atlasAdmin"}).Draw(t, "role"), Database: rapid.SampledFrom([]string{"admin", "shop"}).Draw(t, "db")}
		})
		return DatabaseUser{
			Database: "admin", Username: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), Auth: AuthSCRAM,
			Roles:       SortGrants(rapid.SliceOf(grant).Draw(t, "roles")),
			Scopes:      SortScopes(rapid.SliceOf(rapid.Just(UserScope{"prod", "CLUSTER"})).Draw(t, "scopes")),
			Description: rapid.SampledFrom([]string{"", "x"}).Draw(t, "description"),
		}
	})
}

func entries() *rapid.Generator[State] {
	return rapid.Custom(func(t *rapid.T) State {
		return IPAccessEntry{
			Entry:   rapid.SampledFrom([]string{"0.0.0.0/0", "10.0.0.0/8", "203.0.113.10/32"}).Draw(t, "entry"),
			Comment: rapid.SampledFrom([]string{"", "office", "vpn"}).Draw(t, "comment"),
		}
	})
}

func states(c Collection) []State {
	var out []State
	for _, r := range c.Resources {
		out = append(out, r.Box.State)
	}
	return out
}

func TestDiffOfItselfIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := collections().Draw(t, "a")
		if d := Diff(a, a); len(d) != 0 {
			t.Fatalf("Diff(a, a) = %v", d)
		}
	})
}

func TestDiffAppliedGivesTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := collections().Draw(t, "a"), collections().Draw(t, "b")
		b.Kind = a.Kind
		if len(a.Resources) > 0 && len(b.Resources) > 0 && a.Resources[0].Box.Kind() != b.Resources[0].Box.Kind() {
			return
		}
		if diff := cmp.Diff(states(b), states(Apply(Diff(a, b), a))); diff != "" {
			t.Fatalf("Apply(Diff(a, b), a) differs from b (-want +got):\n%s", diff)
		}
	})
}

func TestDiffIgnoresOrderAndDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		read := rapid.SliceOfDistinct(entries(), State.Name).Draw(t, "read")
		again := append(rapid.Permutation(read).Draw(t, "shuffled"), read...)
		a, b := NewCollection(project, KindIPAccessEntry, read), NewCollection(project, KindIPAccessEntry, again)
		if d := Diff(a, b); len(d) != 0 {
			t.Fatalf("a shuffled, repeated read makes changes: %v", d)
		}
	})
}

func TestDiffFields(t *testing.T) {
	before := NewCollection(project, KindCluster, []State{Cluster{ID: "1", Cluster: "c", StateName: "IDLE"}, Cluster{ID: "2", Cluster: "d"}})
	volatile := NewCollection(project, KindCluster, []State{Cluster{ID: "1", Cluster: "c", StateName: "UPDATING"}, Cluster{ID: "2", Cluster: "d"}})
	if d := Diff(before, volatile); len(d) != 0 {
		t.Errorf("a volatile field makes a change: %v", d)
	}
	after := NewCollection(project, KindCluster, []State{Cluster{ID: "1", Cluster: "c", Paused: true}, Cluster{ID: "3", Cluster: "e"}})
	got := Diff(before, after)
	want := []Change{
		{V: 1, Ref: Ref{project, KindCluster, "c"}, Op: OpUpdated, Before: before.Resources[0].Box, After: after.Resources[0].Box, Fields: []string{"paused"}},
		{V: 1, Ref: Ref{project, KindCluster, "d"}, Op: OpDeleted, Before: before.Resources[1].Box},
		{V: 1, Ref: Ref{project, KindCluster, "e"}, Op: OpCreated, After: after.Resources[1].Box},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
}

// TestGolden pins the wire form of what crosses subjects and is stored.
func TestGolden(t *testing.T) {
	at := time.Date(2026, 11, 22, 2, 13, 0, 0, time.UTC)
	entry := Ref{project, KindIPAccessEntry, "0.0.0.0/0"}
	user := DatabaseUser{Database: "admin", Username: "prod_app_user", Auth: AuthSCRAM, Roles: []RoleGrant{{"readWrite", "ecommerce", ""}}, Scopes: []UserScope{}}
	alice := Actor{Type: ActorHuman, Name: "alice@example.com", Address: "198.51.100.7"}
	change := Change{
		V: 1, ID: string(project) + ".ip_access_entry.7.0", Ref: entry, Op: OpCreated, After: Box{IPAccessEntry{Entry: "0.0.0.0/0", Comment: "debug"}},
		Actor: alice, Events: []string{"6a79"}, Type: "NETWORK_PERMISSION_ENTRY_ADDED", Occurred: at, Observed: at.Add(time.Second), Source: SourceFeed,
	}
	finding := Finding{
		V: 1, ID: FindingID("network/open-to-world", entry, ""), Rule: "network/open-to-world", Ref: entry, State: FindingOpen, Episode: 1,
		Severity: Critical, Message: "0.0.0.0/0 opens the project to the world", Environment: "prod", Origin: OriginNew, Remedy: "delete-entries",
		Ceiling: CeilingAuto, Evidence: Evidence{Change: change.ID, After: change.After, Causes: []Ref{entry}}, Actor: alice, CauseAt: at, OpenedAt: at,
	}
	plan := Plan{
		Operations: []Operation{{Type: DeleteAccessEntry, Ref: entry, Before: change.After}},
		Inverse:    []Operation{{Type: CreateAccessEntry, Ref: entry, Entry: IPAccessEntry{Entry: "0.0.0.0/0", Comment: "debug"}}},
		Reversible: "yes", Ceiling: CeilingAuto,
	}
	action := Action{
		V: 1, ID: ActionID(finding.ID, 1), Finding: finding.ID, Episode: 1, Rule: finding.Rule, Ref: entry, State: ActionVerified, Do: ModeRevert,
		Plan: plan, PlanHash: plan.Hash(finding.Rule, entry, 1), Created: at, Steps: []Step{{At: at, To: ActionProposed}},
		Outcome: Outcome{Verified: at, ExposedFrom: at, ExposedUntil: at, Logins: Logins{Quality: QualityComplete}},
	}
	collection := Collection{
		V: 1, Scope: project, Kind: KindDatabaseUser, Status: StatusComplete, FirstRead: at,
		Resources: []Resource{{Box: Box{user}, FirstSeen: at, Baseline: true}},
	}
	for name, doc := range map[string]any{
		"change": &change, "finding": &finding, "action": &action, "collection": &collection,
		"event":         &Event{V: 1, ID: "6a79", Type: "SOMETHING_NEW", Scope: project, Created: at, Actor: alice, Raw: json.RawMessage(`{"x":1}`)},
		"findings":      &Findings{V: 1, Scope: project, Findings: map[string]Finding{finding.ID: finding}, Judged: Judged{At: at, Inventory: map[Kind]uint64{KindIPAccessEntry: 8}, ChangeSeq: 3}},
		"finding_event": &FindingEvent{V: 1, At: at, To: FindingOpen, Finding: finding},
		"decision":      &Decision{V: 1, Type: "outcome", At: at, Action: action, Message: "deleted"},
		"out":           &Out{Topic: TopicChange, Scope: project, Keys: []string{"ip_access_entry"}, ID: change.ID, Body: json.RawMessage(`{}`)},
		"history": &History{
			V: 1, Scope: project, Feed: []Span{{at.AddDate(0, 0, -9), at.AddDate(0, 0, -2)}, {at.AddDate(0, 0, -1), at}}, Logins: []Span{{at.AddDate(0, 0, -1), at}},
			Users:     map[string]Use{"admin/prod_app_user": {First: at.Truncate(24 * time.Hour), Last: at.Truncate(24 * time.Hour), Addresses: map[string]time.Time{"8.8.8.1": at.Truncate(24 * time.Hour)}, Cut: at.AddDate(0, 0, -3).Truncate(24 * time.Hour)}},
			Duties:    map[string]map[string]time.Time{"alice@example.com": {"NETWORK_PERMISSION_ENTRY_ADDED": at.Truncate(24 * time.Hour)}},
			Rotations: map[string]time.Time{"database_user/admin/prod_app_user": at},
		},
		"waivers": &Waivers{
			V: 1, Waivers: []Waiver{{V: 1, ID: "cmd-01JD9A0000000000000000000B", Rule: finding.Rule, Kind: entry.Kind, Name: entry.Name, Project: project.ID(), Owner: "alice", Agreed: []string{"alice", "bob"}, Reason: "a load test", Granted: at, Until: at.Add(time.Hour), Digest: "d1"}},
			Expectations:     []Expectation{{V: 1, ID: "cmd-01JD9A0000000000000000000C", Name: "198.51.100.0/24", Project: project.ID(), From: at, Until: at.Add(time.Hour), Reason: "a move", Approved: "olga"}},
			Acknowledgements: []Acknowledgement{{Finding: finding.ID, Episode: 1, By: "alice", At: at}},
			Proposed: []Proposal{{
				Finding: finding.ID, Episode: 1, Rule: finding.Rule, Ref: entry, Digest: "d2", At: at, Until: at.Add(time.Hour), Needs: 1,
				Votes: []Ballot{{By: "alice", Vote: VoteApprove, Via: "slack", Key: "0123456789abcdef", Command: "01JD9A0000000000000000000A", At: at, Reason: "a load test", Signed: []byte("{}")}},
			}},
		},
		"change_without": &Change{V: 1, ID: "e1", Ref: entry, Op: OpObserved, Occurred: at, Observed: at, Source: SourceFeed},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, doc) })
	}
}

func golden(t *testing.T, name string, doc any) {
	got, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("wire form (-want +got):\n%s", diff)
	}
	if err := json.Unmarshal(want, doc); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(doc, "", "  ")
	if err != nil || string(again) != string(got) {
		t.Errorf("decoding and encoding gives something else: %s (%v)", again, err)
	}
}

func TestUnknownKindIsRefused(t *testing.T) {
	var b Box
	if err := json.Unmarshal([]byte(`{"kind":"teapot","state":{}}`), &b); err == nil {
		t.Error("a kind outside the list decodes")
	}
}

func TestPlanHash(t *testing.T) {
	user := Ref{project, KindDatabaseUser, "admin/app"}
	state := func(description string, roles ...RoleGrant) Box {
		return Box{DatabaseUser{Database: "admin", Username: "app", Roles: roles, Description: description}}
	}
	plan := func(before Box, roles ...RoleGrant) Plan {
		return Plan{Operations: []Operation{{Type: SetUserRoles, Ref: user, Before: before, Roles: roles}}}
	}
	admin, rw := RoleGrant{"atlasAdmin", "admin", ""}, RoleGrant{"readWrite", "shop", ""}
	base := plan(state("", admin), rw).Hash("r", user, 1)
	for name, c := range map[string]struct {
		hash string
		same bool
	}{
		"same":                {plan(state("", admin), rw).Hash("r", user, 1), true},
		"untouched field":     {plan(state("new words", admin), rw).Hash("r", user, 1), true},
		"other before-value":  {plan(state("", admin, rw), rw).Hash("r", user, 1), false},
		"other after-value":   {plan(state("", admin), rw, admin).Hash("r", user, 1), false},
		"other episode":       {plan(state("", admin), rw).Hash("r", user, 2), false},
		"other rule":          {plan(state("", admin), rw).Hash("q", user, 1), false},
		"no operation at all": {Plan{}.Hash("r", user, 1), false},
	} {
		if (c.hash == base) != c.same {
			t.Errorf("%s: hash equal = %v, want %v", name, c.hash == base, c.same)
		}
	}
}

func TestOperations(t *testing.T) {
	ref := Ref{project, KindDatabaseUser, "admin/app"}
	for _, c := range []struct {
		op    Operation
		valid bool
	}{
		{Operation{Type: SetUserScopes, Ref: ref}, false},
		{Operation{Type: SetUserScopes, Ref: ref, Scopes: []UserScope{{"c", "CLUSTER"}}}, true},
		{Operation{Type: SetUserRoles, Ref: ref}, false},
		{Operation{Type: QuarantineUser, Ref: ref}, true},
		{Operation{Type: CreateAccessEntry, Ref: ref}, false},
		{Operation{Type: "drop_everything", Ref: ref}, false},
		{Operation{}, false},
	} {
		if err := c.op.Validate(); (err == nil) != c.valid {
			t.Errorf("Validate(%+v) = %v, want valid %v", c.op, err, c.valid)
		}
	}
	roles := func(g ...RoleGrant) Box { return Box{DatabaseUser{Database: "admin", Username: "app", Roles: g}} }
	rw := RoleGrant{"readWrite", "shop", ""}
	for _, c := range []struct {
		op   Operation
		now  Box
		want bool
	}{
		{Operation{Type: DeleteAccessEntry}, Box{}, true},
		{Operation{Type: DeleteAccessEntry}, Box{IPAccessEntry{Entry: "0.0.0.0/0"}}, false},
		{Operation{Type: QuarantineUser}, roles(), true},
		{Operation{Type: QuarantineUser}, roles(rw), false},
		{Operation{Type: QuarantineUser}, Box{}, false},
		{Operation{Type: SetUserRoles, Roles: []RoleGrant{rw, rw}}, roles(rw), true},
		{Operation{Type: SetUserRoles, Roles: []RoleGrant{rw}}, roles(), false},
	} {
		if got := c.op.Achieved(c.now); got != c.want {
			t.Errorf("%s on %v: achieved = %v, want %v", c.op.Type, c.now, got, c.want)
		}
	}
}

// TestZeroValuesAreHarmless: what nobody set must not make anything happen.
func TestZeroValuesAreHarmless(t *testing.T) {
	var f Finding
	if f.Origin != OriginInherited || f.Ceiling != CeilingTell || (Response{}).Do != ModeObserve || (Verdict{}).Answer != AnswerUnknown {
		t.Error("a zero value is not the harmless one")
	}
	if c := CeilingAuto.Min("nonsense"); c != CeilingTell {
		t.Errorf("an unknown ceiling allows %q", c)
	}
	if got := CeilingAuto.Min(CeilingAsk); got != CeilingAsk {
		t.Errorf("Min(auto, ask) = %q", got)
	}
}

func TestScope(t *testing.T) {
	for s, want := range map[Scope]bool{
		project: true, OrgScope("64f0000000000000000000aa"): true,
		"": false, "prj": false, "prj.x": false, "team.64f000000000000000000001": false, project + ".x": false, "prj.64F000000000000000000001": false,
	} {
		if (s.Validate() == nil) != want {
			t.Errorf("Validate(%q) = %v", s, s.Validate())
		}
	}
	if Hash("a", "bc") == Hash("ab", "c") {
		t.Error("two different lists share a digest")
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(append(OrgKinds(), ProjectKinds()...))))); n != 38 {
		t.Errorf("%d kinds, DESIGN has 38", n)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"*", "a/b", true}, {"", "", true}, {"", "a", false}, {"dbuser/*", "dbuser/unscoped", true}, {"dbuser/*", "network/x", false},
		{"*_app_*", "prod_app_user", true}, {"*_app", "prod_app_user", false}, {"a*b*c", "a-b-b-c", true}, {"a", "ab", false}, {"ab", "a", false}, {"a**b", "ab", true}, {"*_app_user", "x_app_user2", false}, {"[a]", "[a]", true}, {"[a]", "a", false}, {"?", "a", false}, {"*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	} {
		if got := Match(c.pattern, c.s); got != c.want {
			t.Errorf("%q on %q: %t", c.pattern, c.s, got)
		}
	}
}
