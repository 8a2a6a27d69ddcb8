package rules

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// A critical change must be announced to its rule by name: "*/*" names none.
func TestCriticalIsAnnouncedByName(t *testing.T) {
	for _, rule := range []string{"", "*", "*/*", "*-*", "**/**", "*w*"} {
		p := testPolicy()
		p.Own = access.OwnAccess{Credentials: []string{"mdb_sa_id_gw"}}
		p.Profile = "remediate"
		p.Principals = []access.Principal{{ID: "rajesh", Email: "rajesh@example.com"}, {ID: "alice", Email: "alice@example.com"}}
		p.Expectations = []access.Expectation{{V: 1, ID: "tidy", Actor: "alice", Rule: rule, From: t0, Until: t0.Add(time.Hour), Reason: "r", Approved: "rajesh"}}
		e := mustLoad(t, p)
		org := access.OrgScope("0000000000000000000000a1")
		s := access.ServiceAccountSecret{ClientID: "mdb_sa_id_gw", ID: "s2"}
		ref := access.Ref{Scope: org, Kind: access.KindServiceAccountSecret, Name: s.Name()}
		c := access.Change{ID: "c", Ref: ref, Op: access.OpCreated, After: access.Box{State: s}, Occurred: t0.Add(time.Minute), Observed: t0.Add(time.Minute), Actor: access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}}
		in := Input{Scope: org, Now: t0.Add(2 * time.Minute), Changes: []access.Change{c}, Collections: map[access.Kind]access.Collection{
			ref.Kind: access.NewCollection(org, ref.Kind, []access.State{s}),
		}}
		told := 0
		for _, v := range e.Evaluate(in) {
			if v.Rule != "watch/own-access" || v.Answer != access.AnswerViolation {
				continue
			}
			if told++; v.Severity != access.Critical {
				t.Errorf("rule %q: a second secret of our own credential is %s", rule, v.Severity)
			}
		}
		if told == 0 {
			t.Errorf("rule %q: a second secret of our own credential is nothing", rule)
		}
	}
}

// One announced change of a user must not cover what another one does to the same user later.
func TestAnnouncementCoversItsChangeOnly(t *testing.T) {
	p := testPolicy()
	p.Principals = []access.Principal{{ID: "rajesh", Email: "rajesh@example.com"}, {ID: "alice", Email: "alice@example.com"}}
	p.Expectations = []access.Expectation{{V: 1, ID: "tidy", Actor: "alice", Name: "admin/shop_app_user", From: t0, Until: t0.Add(time.Hour), Reason: "r", Approved: "rajesh"}}
	e := mustLoad(t, p)
	rule := "dbuser/any-database-role"
	user := func(roles ...string) access.DatabaseUser {
		u := access.DatabaseUser{Database: "admin", Username: "shop_app_user", Auth: access.AuthSCRAM}
		for _, r := range roles {
			u.Roles = append(u.Roles, access.RoleGrant{Role: r, Database: "admin"})
		}
		u.Roles = access.SortGrants(u.Roles)
		return u
	}
	step := func(doc access.Findings, id string, at time.Duration, who string, before, after access.DatabaseUser) (access.Findings, access.Finding) {
		in := waivedWorld(t0.Add(at + time.Minute))
		put := access.NewCollection(prj, access.KindDatabaseUser, []access.State{after})
		put.FirstRead = t0.Add(-time.Hour)
		r := &put.Resources[0]
		r.FirstSeen, r.ChangedAt, r.Cause = t0.Add(-time.Hour), t0.Add(at), id
		r.Actor = access.Actor{Type: access.ActorHuman, Name: who}
		in.Collections[access.KindDatabaseUser] = put
		c := access.Change{ID: id, Ref: access.Ref{Scope: prj, Kind: access.KindDatabaseUser, Name: after.Name()}, Op: access.OpUpdated, Before: access.Box{State: before}, After: access.Box{State: after},
			Occurred: t0.Add(at), Observed: t0.Add(at), Actor: r.Actor}
		in.Changes = []access.Change{c}
		in.Standing, in.Open = doc.Standing, doc.Findings
		in.Collections[access.KindIPAccessEntry] = access.NewCollection(prj, access.KindIPAccessEntry, nil)
		doc, _ = e.Advance(doc, in, e.Evaluate(in))
		for _, f := range doc.Findings {
			if f.Rule == rule {
				return doc, f
			}
		}
		return doc, access.Finding{}
	}
	doc, f := step(access.Findings{}, "c1", time.Minute, "alice@example.com", user("read"), user("readAnyDatabase"))
	if f.Expected != "tidy" {
		t.Fatalf("want it announced: %q", f.Expected)
	}
	_, f = step(doc, "c2", 3*time.Hour, "mallory@example.com", user("readAnyDatabase"), user("readAnyDatabase", "readWriteAnyDatabase", "dbAdminAnyDatabase"))
	if f.Expected != "" || f.Episode != 2 || f.Evidence.Change != "c2" || f.Actor.Name != "mallory@example.com" || f.Origin != access.OriginNew {
		t.Errorf("episode %d, by %s, change %s, %s", f.Episode, f.Actor.Name, f.Evidence.Change, f.Origin)
		t.Errorf("two hours after its end %q is announced by %q", f.Message, f.Expected)
	}
}
