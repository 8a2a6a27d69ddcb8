package watcher

import (
	"slices"
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
