package watcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestAttribute(t *testing.T) {
	base := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return base.Add(time.Duration(s) * time.Second) }
	// change: "op name from until [event cause]", event: "id type target second actor"
	change := func(op access.Op, kind access.Kind, name string, from, until int, used ...string) access.RecentChange {
		r := access.RecentChange{From: at(from), Until: at(until)}
		r.Change = access.Change{ID: name, Ref: access.Ref{Scope: project, Kind: kind, Name: name}, Op: op, Events: used}
		if len(used) > 0 {
			r.Cause = at(from + 1)
			r.Change.Actor, r.Change.Occurred = alice, r.Cause
		}
		return r
	}
	event := func(id, eventType, target string, second int, actor access.Actor) Pending {
		m := meanings(eventType, false)[0]
		return Pending{Event: access.Event{ID: id, Type: eventType, Scope: project, Target: target, Created: at(second), Actor: actor}, Kind: m.kind, Op: m.op, At: at(second)}
	}
	const ip, usr, role = access.KindIPAccessEntry, access.KindDatabaseUser, access.KindCustomRole
	for _, tc := range []struct {
		name    string
		changes []access.RecentChange
		events  []Pending
		want    []string // "index actor events"
		rest    string
	}{
		{"added", []access.RecentChange{change(access.OpCreated, ip, "203.0.113.7/32", 0, 20)},
			[]Pending{event("a", added, "203.0.113.7", 5, mallory)}, []string{"0 mallory a"}, ""},
		{"another name", []access.RecentChange{change(access.OpCreated, ip, "203.0.113.7/32", 0, 20)},
			[]Pending{event("a", added, "203.0.113.8", 5, mallory)}, nil, "a"},
		{"the other operation", []access.RecentChange{change(access.OpCreated, ip, "203.0.113.7/32", 0, 20)},
			[]Pending{event("a", removed, "203.0.113.7", 5, mallory)}, nil, "a"},
		{"long before", []access.RecentChange{change(access.OpCreated, ip, "203.0.113.7/32", 100, 120)},
			[]Pending{event("a", added, "203.0.113.7", 50, mallory)}, nil, "a"},
		{"a little before, nothing better", []access.RecentChange{change(access.OpCreated, ip, "203.0.113.7/32", 100, 120)},
			[]Pending{event("a", added, "203.0.113.7", 95, mallory)}, []string{"0 mallory a"}, ""},
		{"a little before, but explained already", []access.RecentChange{change(access.OpCreated, ip, "203.0.113.7/32", 100, 120, "z")},
			[]Pending{event("a", added, "203.0.113.7", 95, mallory)}, nil, "a"},
		{"a little after, but explained already", []access.RecentChange{change(access.OpUpdated, usr, "admin/app", 100, 120, "z")},
			[]Pending{event("a", updated, "app", 121, mallory)}, nil, "a"},
		{"added, removed, added", []access.RecentChange{change(access.OpCreated, ip, "0.0.0.0/0", 0, 20)},
			[]Pending{event("a", added, "0.0.0.0/0", 5, alice), event("b", removed, "0.0.0.0/0", 6, alice), event("c", added, "0.0.0.0/0", 7, mallory)},
			[]string{"0 mallory c"}, "a b"},
		{"the better event comes late", []access.RecentChange{change(access.OpCreated, ip, "0.0.0.0/0", 0, 20, "z")},
			[]Pending{event("c", added, "0.0.0.0/0", 7, mallory)}, []string{"0 mallory z c"}, ""},
		{"a worse event comes late", []access.RecentChange{change(access.OpCreated, ip, "0.0.0.0/0", 4, 20, "z")},
			[]Pending{event("c", added, "0.0.0.0/0", 4, mallory)}, nil, "c"},
		{"removed and added again with other values", []access.RecentChange{change(access.OpUpdated, usr, "admin/app", 0, 20)},
			[]Pending{event("a", "MONGODB_USER_DELETED", "app", 5, alice), event("b", "MONGODB_USER_ADDED", "app", 6, mallory)},
			[]string{"0 mallory a b"}, ""},
		{"two updates", []access.RecentChange{change(access.OpUpdated, usr, "admin/app", 0, 20)},
			[]Pending{event("b", updated, "app", 6, mallory), event("a", updated, "app", 5, alice)}, []string{"0 mallory a b"}, ""},
		{"added and updated", []access.RecentChange{change(access.OpCreated, usr, "admin/app", 0, 20)},
			[]Pending{event("a", "MONGODB_USER_ADDED", "app", 5, mallory), event("b", updated, "app", 6, alice)}, []string{"0 mallory a b"}, ""},
		{"certificates are listed without CN=", []access.RecentChange{change(access.OpCreated, usr, "$external/user389", 0, 20)},
			[]Pending{event("a", "MONGODB_USER_ADDED", "CN=user389", 5, mallory)}, []string{"0 mallory a"}, ""},
		{"a certificate explains no change of roles", []access.RecentChange{change(access.OpUpdated, usr, "$external/user389", 0, 20)},
			[]Pending{event("a", "MONGODB_USER_X509_CERT_CREATED", "", 5, mallory)}, nil, "a"},
		{"roles have no names: one each", []access.RecentChange{change(access.OpCreated, role, "x", 0, 20), change(access.OpCreated, role, "y", 0, 20)},
			[]Pending{event("a", "MONGODB_ROLE_ADDED", "", 5, mallory), event("b", "MONGODB_ROLE_ADDED", "", 6, mallory)},
			[]string{"0 mallory a", "1 mallory b"}, ""},
		{"roles have no names: two people", []access.RecentChange{change(access.OpCreated, role, "x", 0, 20), change(access.OpCreated, role, "y", 0, 20)},
			[]Pending{event("a", "MONGODB_ROLE_ADDED", "", 5, mallory), event("b", "MONGODB_ROLE_ADDED", "", 6, alice)},
			[]string{"0  a", "1  b"}, ""},
		{"each its own window", []access.RecentChange{change(access.OpUpdated, usr, "admin/app", 0, 20), change(access.OpUpdated, usr, "admin/app", 20, 40)},
			[]Pending{event("b", updated, "app", 30, mallory), event("a", updated, "app", 10, alice)}, []string{"0 alice a", "1 mallory b"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			learned, rest := Attribute(tc.changes, tc.events)
			var got, left []string
			for i, r := range learned {
				name, _, _ := strings.Cut(r.Change.Actor.Name, "@")
				got = append(got, fmt.Sprintf("%d %s %s", i, name, strings.Join(r.Change.Events, " ")))
			}
			slices.Sort(got)
			for _, p := range rest {
				left = append(left, p.Event.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("learned (-want +got):\n%s", diff)
			}
			if strings.Join(left, " ") != tc.rest {
				t.Errorf("rest %v, want %q", left, tc.rest)
			}
		})
	}
}

func TestEventNames(t *testing.T) {
	for _, tc := range []struct {
		kind   access.Kind
		target string
		want   []string
	}{
		{access.KindIPAccessEntry, "203.0.113.7", []string{"203.0.113.7/32"}},
		{access.KindIPAccessEntry, "203.0.113.7/24", []string{"203.0.113.0/24"}},
		{access.KindIPAccessEntry, "sg-0abc", []string{"sg-0abc"}},
		{access.KindIPAccessEntry, "2001:DB8::1", []string{"2001:db8::1/128"}},
		{access.KindIPAccessEntry, "", nil},
		{access.KindDatabaseUser, "app", []string{"admin/app", "$external/app"}},
		{access.KindDatabaseUser, "arn:aws:iam::1:role/x", []string{"$external/arn:aws:iam::1:role/x", "admin/arn:aws:iam::1:role/x"}},
		{access.KindDatabaseUser, "CN=u", []string{"$external/u", "$external/CN=u"}},
		{access.KindDatabaseUser, "", nil},
		{access.KindCustomRole, "", nil},
		{access.KindProject, "", []string{projectID}},
		{access.KindCluster, "prod", []string{"prod"}},
	} {
		p := Pending{Kind: tc.kind, Event: access.Event{Scope: project, Target: tc.target}}
		if diff := cmp.Diff(tc.want, p.names()); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", tc.kind, tc.target, diff)
		}
	}
}
