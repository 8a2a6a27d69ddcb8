package watcher

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Who changed the tags of a cluster is not who renamed the project at the same time, and
// the other way round: the environment that rules judge by hangs on a project's tags.
func TestTagsOfAnotherResourceNameNobody(t *testing.T) {
	at := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	const cluster = "64f0000000000000000000c1"
	for name, tc := range map[string]struct {
		kind         access.Kind
		changed, tag string
		want         access.Actor
	}{
		"a cluster's tags, the project changed": {access.KindProject, projectID, cluster, access.Actor{}},
		"the project's tags, a cluster changed": {access.KindCluster, "main", projectID, access.Actor{}},
		"the project's tags, it changed":        {access.KindProject, projectID, projectID, mallory},
		"a cluster's tags, it changed":          {access.KindCluster, "main", cluster, mallory},
	} {
		recent := []access.RecentChange{{From: at, Until: at.Add(20 * time.Second), Change: access.Change{Ref: access.Ref{Scope: project, Kind: tc.kind, Name: tc.changed}, Op: access.OpUpdated}}}
		m := meanings("TAGS_MODIFIED", false)
		i := slices.IndexFunc(m, func(e effect) bool { return e.kind == tc.kind })
		e := Pending{Event: access.Event{ID: "e", Type: "TAGS_MODIFIED", Scope: project, Target: tc.tag, Actor: mallory}, Kind: m[i].kind, Op: m[i].op, Side: m[i].side, At: at.Add(5 * time.Second)}
		learned, _ := Attribute(recent, []Pending{e})
		if got := learned[0].Change.Actor; got != tc.want {
			t.Errorf("%s: by %q, want %q", name, got.Name, tc.want.Name)
		}
	}
}

// What an event changes is read because of it, and not hours later by a sweep.
func TestEventsReadAllThatTheyChange(t *testing.T) {
	for _, tc := range []struct {
		scope     access.Scope
		eventType string
		kind      access.Kind
	}{
		{project, "MONGODB_USER_X509_CERT_CREATED", access.KindX509Config},
		{project, "MONGODB_USER_X509_CERT_REVOKED", access.KindX509Config},
		{access.OrgScope("64f000000000000000000001"), "JOINED_ORG", access.KindTeamMember},
		{access.OrgScope("64f000000000000000000001"), "ORG_INVITATION_DELETED", access.KindTeamMember},
	} {
		if !slices.Contains(KindsOf(tc.scope, tc.eventType), tc.kind) {
			t.Errorf("%s leaves %s as it was", tc.eventType, tc.kind)
		}
	}
}

// A kind that takes longer than the time between two polls is read by one of them: else
// it would hold all of them, and what changed elsewhere would never be read.
func TestSlowKindHoldsOnePoll(t *testing.T) {
	r := watched(t)
	r.bad[string(project)+"."+string(access.KindCluster)] = access.Reading{Status: access.StatusFailed, Reason: "too many lines"}
	r.sweep()
	r.pass(time.Minute)
	var slow, more, entries atomic.Int32
	r.onRead = func(k access.Kind) {
		switch {
		case k == access.KindIPAccessEntry:
			entries.Add(1)
		case k == access.KindCluster && slow.CompareAndSwap(0, 1):
			r.put(project, entryOf("0.0.0.0/0"))
			r.tell(project, "NETWORK_PERMISSION_ENTRY_ADDED", "0.0.0.0/0", mallory, 0)
			r.now = r.now.Add(20 * time.Second)
			if err := r.try(access.SourceFeed); err != nil {
				t.Errorf("the next poll: %v", err)
			}
		case k == access.KindCluster:
			more.Add(1)
		}
	}
	r.poll()
	if slow.Load() != 1 || more.Load() != 0 || entries.Load() == 0 {
		t.Errorf("the slow kind was read %d times and %d times more meanwhile; the entries %d times", slow.Load(), more.Load(), entries.Load())
	}
	r.onRead = nil
	r.pass(time.Minute)
	delete(r.bad, string(project)+"."+string(access.KindCluster))
	r.poll()
	if m, failing := r.doc().Dirty[access.KindCluster]; failing {
		t.Errorf("afterwards it is not read any more: %+v", m)
	}
}

// A principal is known by every spelling of its address: else its change would be
// nobody's, and it could approve that itself. A look-alike is somebody else.
func TestPrincipalOfAnySpelling(t *testing.T) {
	p := access.Principal{ID: "kim", Email: "Kim@example.com", Atlas: []string{"kim.admin@example.com"}, Owns: []string{"abcdefgh"}}
	for name, want := range map[string]bool{
		"kim@example.com": true, "KIM@Example.com": true, "Kim.Admin@example.com": true, "abcdefgh": true,
		"\u212Aim@example.com": false, "": false, "ABCDEFGH": false,
	} {
		if got := owns(p, name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

// One revocation explains that one user's certificates are gone, and not that all are.
func TestOneRevocationExplainsOneLoss(t *testing.T) {
	var cur access.Collection
	var states []access.State
	for _, user := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		states = append(states, access.X509Config{ProjectID: projectID, User: user})
	}
	cur = access.NewCollection(project, access.KindX509Config, states)
	s := sighting{limits: limits{min: 5, share: 0.3}}
	e := Pending{Event: access.Event{ID: "e", Type: "MONGODB_USER_X509_CERT_REVOKED", Scope: project}, Kind: access.KindX509Config, Op: access.OpDeleted, Side: true}
	for left, suspect := range map[int]bool{0: true, 1: true, 9: false} {
		after := access.NewCollection(project, access.KindX509Config, states[:left])
		if why := s.suspicious(cur, after, []Pending{e}); (why != "") != suspect {
			t.Errorf("%d of 10 are left: %q", left, why)
		}
	}
}
