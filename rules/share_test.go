package rules

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/access/accesstest"
)

// still is an inventory that nothing changes, by <scope>.<kind>.
type still map[string]access.Collection

func (i still) Get(_ context.Context, key string) (access.Collection, uint64, error) {
	return i[key], 0, nil
}

func (i still) set(scope access.Scope, kind access.Kind, states ...access.State) {
	c := access.NewCollection(scope, kind, states)
	c.FirstRead = t0
	i[string(scope)+"."+string(kind)] = c
}

type quiet struct{}

func (quiet) Dirty(context.Context, access.Scope) (map[access.Kind]time.Time, error) { return nil, nil }

func (quiet) Changes(_ context.Context, _ access.Scope, after uint64, _ int) ([]access.Change, uint64, error) {
	return nil, after, nil
}

// sharers is an org with two projects, and a stage that nobody drives but the test.
type sharers struct {
	t     *testing.T
	stage *Stage
	inv   still
	facts *accesstest.Shelf[access.Facts]
	now   time.Time
	outs  []access.Out
}

const (
	orgID  = "00000000000000000000000a"
	prodID = "00000000000000000000000b"
	devID  = "00000000000000000000000c"
)

func newSharers(t *testing.T, e *Engine) *sharers {
	s := &sharers{t: t, inv: still{}, now: t0}
	s.facts = accesstest.NewShelf[access.Facts](&s.outs)
	s.stage = NewStage(StageOptions{
		Engine: func() *Engine { return e }, Findings: accesstest.NewShelf[access.Findings](&s.outs), Inventory: s.inv, Dirty: quiet{}, Changes: quiet{},
		Told: accesstest.NewShelf[access.Contribution](&s.outs), Facts: s.facts, Now: func() time.Time { return s.now }, Stale: func() time.Duration { return time.Hour },
	})
	org := access.OrgScope(orgID)
	for _, k := range access.OrgKinds() {
		s.inv.set(org, k)
	}
	s.inv.set(org, access.KindOrgMember, access.OrgMember{Username: "alice@example.com"}, access.OrgMember{Username: "rajesh@example.com"})
	for _, id := range []string{prodID, devID} {
		scope := access.ProjectScope(id)
		for _, k := range access.ProjectKinds() {
			s.inv.set(scope, k)
		}
		s.inv.set(scope, access.KindProject, access.Project{ID: id, OrgID: orgID, Title: map[string]string{prodID: "shop-prod", devID: "shop-dev"}[id]})
	}
	return s
}

// settle judges the scopes and whatever asks to be judged for it, and says how many
// judgements that took.
func (s *sharers) settle(scopes ...access.Scope) (judged int) {
	s.t.Helper()
	for ; len(scopes) > 0; judged++ {
		if judged > 50 {
			s.t.Fatal("it never comes to rest")
		}
		if err := s.stage.Eval(s.t.Context(), access.Eval{Scope: scopes[0]}); err != nil {
			s.t.Fatal(err)
		}
		scopes = scopes[1:]
		for _, o := range s.outs {
			var job access.Eval
			if o.Topic == access.TopicEval && json.Unmarshal(o.Body, &job) == nil {
				scopes = append(scopes, job.Scope)
			}
		}
		s.outs = nil
	}
	return judged
}

func TestScopesHearOfEachOther(t *testing.T) {
	s := newSharers(t, mustLoad(t, testPolicy()))
	prod, dev, org := access.ProjectScope(prodID), access.ProjectScope(devID), access.OrgScope(orgID)
	s.inv.set(prod, access.KindIPAccessEntry, access.IPAccessEntry{Entry: "203.0.113.7/32"}, access.IPAccessEntry{Entry: "198.51.100.1/32"})
	s.inv.set(dev, access.KindIPAccessEntry, access.IPAccessEntry{Entry: "203.0.113.7/32"})
	s.inv.set(prod, access.KindProjectMember, access.ProjectMember{Username: "alice@example.com"})
	s.settle(prod, dev)

	got := s.facts.Docs[string(prod)]
	want := []access.SharedEntry{{Entry: "203.0.113.7/32", Projects: []access.ProjectNote{{Scope: dev, Title: "shop-dev", Environment: "dev"}}}}
	if diff := cmp.Diff(want, got.Shared); diff != "" {
		t.Errorf("shared with production (-want +got):\n%s", diff)
	}
	if got := namesIn(got.Org[access.KindOrgMember]); !slices.Equal(got, []string{"alice@example.com"}) {
		t.Errorf("production hears of members %v, and only alice has to do with it", got)
	}
	if n := s.settle(prod, dev, org); n != 3 {
		t.Errorf("%d judgements where nothing is new: want 3", n)
	}
	c := s.inv[string(dev)+"."+string(access.KindIPAccessEntry)]
	c.Status, c.Reason = access.StatusDenied, "no role"
	s.inv[string(dev)+"."+string(access.KindIPAccessEntry)] = c
	s.settle(dev)
	if why := s.facts.Docs[string(prod)].Unread[access.KindIPAccessEntry]; why == "" {
		t.Error("production does not hear that the other project cannot tell of its entries")
	}
	if why := s.facts.Docs[string(dev)].Unread[access.KindIPAccessEntry]; why != "" {
		t.Errorf("the project hears of itself: %s", why)
	}
	c = s.inv[string(org)+"."+string(access.KindOrgMember)]
	c.Status, c.Reason = access.StatusFailed, "500"
	s.inv[string(org)+"."+string(access.KindOrgMember)] = c
	s.settle(org)
	if got := s.facts.Docs[string(prod)].Org[access.KindOrgMember]; got.Status != access.StatusFailed || len(got.Resources) != 1 {
		t.Errorf("production hears of members %s with %d records: want failed, with the last content", got.Status, len(got.Resources))
	}
}

func namesIn(c access.Collection) (out []string) {
	for _, r := range c.Resources {
		out = append(out, r.Name())
	}
	return out
}

// TestProjectThatCouldNeverBeRead: which org it is of nobody knows, so none is clean.
func TestProjectThatCouldNeverBeRead(t *testing.T) {
	e := mustLoad(t, testPolicy())
	s := newSharers(t, e)
	prod, dev, org := access.ProjectScope(prodID), access.ProjectScope(devID), access.OrgScope(orgID)
	s.inv.set(prod, access.KindDatabaseUser, access.DatabaseUser{Database: "admin", Username: "app", Auth: access.AuthSCRAM})
	s.inv.set(org, access.KindOrg, access.Org{ID: orgID, Title: "shop"})
	for _, k := range access.ProjectKinds() {
		s.inv[string(dev)+"."+string(k)] = access.Collection{V: 1, Scope: dev, Kind: k, Status: access.StatusDenied, Reason: "no role"}
	}
	s.settle(prod, dev, org)
	snap, err := s.stage.load(t.Context(), e, access.Eval{Scope: org}, access.Findings{})
	if err != nil {
		t.Fatal(err)
	}
	v := e.Judge(snap.in, "dbuser/shared-across-environments", access.Ref{Scope: org, Kind: access.KindOrg, Name: orgID}, "")
	if v.Answer != access.AnswerUnknown {
		t.Errorf("%s (%s) with a project of which nothing can be read", v.Answer, v.Why)
	}
	if _, told := s.facts.Docs[string(dev)]; told {
		t.Error("a project of no known org is told of this one's")
	}
}

// answer is what a judgement of the scope now says of a rule, and of what it is about.
func (s *sharers) answer(e *Engine, rule string, ref access.Ref) access.Verdict {
	s.t.Helper()
	snap, err := s.stage.load(s.t.Context(), e, access.Eval{Scope: ref.Scope}, access.Findings{})
	if err != nil {
		s.t.Fatal(err)
	}
	return e.Judge(snap.in, rule, ref, "")
}

// TestOldWordIsUnknown: while the org, or one project of it, is not judged for too long,
// nobody passes by what it told; a violation stays one. Its next word is believed at once.
func TestOldWordIsUnknown(t *testing.T) {
	e := mustLoad(t, testPolicy())
	prod, dev, org := access.ProjectScope(prodID), access.ProjectScope(devID), access.OrgScope(orgID)
	const shared, users = "network/shared-across-environments", "dbuser/shared-across-environments"
	entry := func(name string) access.Ref {
		return access.Ref{Scope: prod, Kind: access.KindIPAccessEntry, Name: name}
	}
	whole := access.Ref{Scope: org, Kind: access.KindOrg, Name: orgID}
	steps := []struct {
		name       string
		after      time.Duration
		judged     []access.Scope
		stuck      []access.Scope // judged, and nobody else
		own, ours  access.Answer  // of an entry of production's own, of one that dev has too
		names      access.Answer  // of the org: database users of one name
		membership access.Status  // as production hears of it
	}{
		{"all were judged", 0, []access.Scope{prod, dev}, nil, access.AnswerPass, access.AnswerViolation, access.AnswerPass, access.StatusComplete},
		{"for as long as it may", time.Hour, nil, nil, access.AnswerPass, access.AnswerViolation, access.AnswerPass, access.StatusComplete},
		{"the lanes stand still", time.Second, nil, nil, access.AnswerUnknown, access.AnswerViolation, access.AnswerUnknown, access.StatusUnread},
		{"all but dev", time.Hour, nil, []access.Scope{prod, org}, access.AnswerUnknown, access.AnswerViolation, access.AnswerUnknown, access.StatusComplete},
		{"dev, too", 0, []access.Scope{dev}, nil, access.AnswerPass, access.AnswerViolation, access.AnswerPass, access.StatusComplete},
	}
	s := newSharers(t, e)
	s.inv.set(org, access.KindOrg, access.Org{ID: orgID, Title: "shop"})
	s.inv.set(prod, access.KindIPAccessEntry, access.IPAccessEntry{Entry: "203.0.113.7/32"}, access.IPAccessEntry{Entry: "198.51.100.1/32"})
	s.inv.set(dev, access.KindIPAccessEntry, access.IPAccessEntry{Entry: "203.0.113.7/32"})
	for _, st := range steps {
		s.now = s.now.Add(st.after)
		for _, scope := range st.stuck { // nobody follows the messages
			if err := s.stage.Eval(t.Context(), access.Eval{Scope: scope}); err != nil {
				t.Fatal(err)
			}
			s.outs = nil
		}
		if st.judged != nil {
			s.settle(st.judged...)
		}
		own, ours, names := s.answer(e, shared, entry("198.51.100.1/32")), s.answer(e, shared, entry("203.0.113.7/32")), s.answer(e, users, whole)
		if own.Answer != st.own || ours.Answer != st.ours || names.Answer != st.names {
			t.Errorf("%s: an own entry %q (%s), a shared one %q (%s), names of users %q (%s); want %q, %q, %q", st.name,
				own.Answer, own.Why, ours.Answer, ours.Why, names.Answer, names.Why, st.own, st.ours, st.names)
		}
		if got := Lately(s.facts.Docs[string(prod)], s.now, time.Hour).Org[access.KindOrgMember]; got.Status != st.membership {
			t.Errorf("%s: members of the org are %s (%s), want %s", st.name, got.Status, got.Reason, st.membership)
		}
	}
}

// TestWordOfNoTimeIsOld: what was stored before times were, is not believed until it is told
// anew.
func TestWordOfNoTimeIsOld(t *testing.T) {
	e := mustLoad(t, testPolicy())
	s := newSharers(t, e)
	prod, dev := access.ProjectScope(prodID), access.ProjectScope(devID)
	s.settle(prod, dev)
	f := s.facts.Docs[string(prod)]
	f.At = time.Time{}
	s.facts.Docs[string(prod)] = f
	if got := Lately(f, s.now, time.Hour); got.Org[access.KindOrgMember].Status != access.StatusUnread || got.Unread[access.KindIPAccessEntry] == "" {
		t.Errorf("members %s, entries of others unread %q", got.Org[access.KindOrgMember].Status, got.Unread[access.KindIPAccessEntry])
	}
	if got := Lately(f, s.now, 0); got.Org[access.KindOrgMember].Status != access.StatusComplete {
		t.Error("without a limit any age is believed")
	}
	s.settle(access.OrgScope(orgID))
	if got := s.facts.Docs[string(prod)].At; !got.Equal(s.now) {
		t.Errorf("renewed at %v, want %v", got, s.now)
	}
}

// TestRenewalIsCheap: what did not change is written again when half of its time is over,
// and nobody is judged for it.
func TestRenewalIsCheap(t *testing.T) {
	e := mustLoad(t, testPolicy())
	s := newSharers(t, e)
	prod, dev, org := access.ProjectScope(prodID), access.ProjectScope(devID), access.OrgScope(orgID)
	s.settle(prod, dev, org)
	told := s.stage.Told.(*accesstest.Shelf[access.Contribution])
	for i, ago := range []time.Duration{0, 15, 30, 0, 15, 30, 0} { // minutes since it was written
		if n := s.settle(prod, dev, org); n != 3 {
			t.Errorf("tick %d: %d judgements, want 3", i, n)
		}
		want := s.now.Add(-ago * time.Minute)
		if got := s.facts.Docs[string(prod)].At; !got.Equal(want) {
			t.Errorf("tick %d: the facts of production are of %v, want %v", i, got, want)
		}
		if got := told.Docs[ToldKey(dev)].At; !got.Equal(want) {
			t.Errorf("tick %d: the word of dev is of %v, want %v", i, got, want)
		}
		s.now = s.now.Add(15 * time.Minute)
	}
}
