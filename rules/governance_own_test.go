package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

func ownPolicy() Policy {
	p := testPolicy()
	p.Own = access.OwnAccess{Credentials: []string{"mdb_sa_id_watch", "mdb_sa_id_write"}, Write: []string{"mdb_sa_id_write"}, Addresses: []string{"203.0.113.0/28"}}
	p.Profile = "remediate"
	return p
}

// TestOwnAccessIsBoth: one id finds what our credential holds and what was done with it,
// and each finding is judged by its own part.
func TestOwnAccessIsBoth(t *testing.T) {
	account := access.ServiceAccount{ClientID: "mdb_sa_id_watch", Roles: []string{"ORG_READ_ONLY"}}
	more := account
	more.Roles = []string{"ORG_OWNER", "ORG_READ_ONLY"}
	b := newGovBook(mustLoad(t, ownPolicy()).Only("watch/own-access"), govOrg, account)
	c := b.observed(access.KindServiceAccount, "SERVICE_ACCOUNT_ROLES_CHANGED", time.Minute)
	c.Op, c.Ref.Name, c.Before, c.After, c.Fields = access.OpUpdated, account.ClientID, access.Box{State: account}, access.Box{State: more}, []string{"roles"}
	c.ID = "org.x.service_account.1.0"
	c.Actor = access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}
	b.in.Now = t0.Add(2 * time.Minute)
	b.read(access.KindServiceAccount, more)
	if diff := cmp.Diff([]string{"watch/own-access open", "watch/own-access open " + c.ID}, b.judge(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ref := access.Ref{Scope: govOrg, Kind: access.KindServiceAccount, Name: account.ClientID}
	for key, want := range map[string]string{"": "holds ORG_OWNER", c.ID: "gained ORG_OWNER, by mallory@example.com"} {
		in := b.in
		in.Standing, in.Open = b.doc.Standing, b.doc.Findings
		if v := b.e.Judge(in, "watch/own-access", ref, key); v.Answer != access.AnswerViolation || !strings.Contains(v.Message, want) {
			t.Errorf("key %q: %+v", key, v)
		}
	}
	b.read(access.KindServiceAccount, account)
	b.in.Now = t0.Add(time.Hour)
	if diff := cmp.Diff([]string{"watch/own-access resolved"}, b.judge()); diff != "" {
		t.Errorf("the state ends, and what was done stays told (-want +got):\n%s", diff)
	}
	b.in.Now = t0.Add(31 * 24 * time.Hour)
	if diff := cmp.Diff([]string{"watch/own-access resolved " + c.ID}, b.judge()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOwnActTurnsOut: who did it may be told later; then it is judged, and if nobody tells
// it is let go.
func TestOwnActTurnsOut(t *testing.T) {
	b := newGovBook(mustLoad(t, ownPolicy()).Only("watch/own-access"), prj)
	made := func(id string) access.Change {
		c := b.observed(access.KindDatabaseUser, "", time.Minute)
		c.Op, c.ID, c.Ref.Name, c.After = access.OpCreated, id, "admin/x", access.Box{State: access.DatabaseUser{Username: "x", Database: "admin"}}
		c.Actor = access.Actor{}
		return c
	}
	a := made("prj.x.database_user.1.0")
	b.in.Now = t0.Add(2 * time.Minute)
	if got := b.judge(a); len(got) != 0 || len(b.doc.Standing) != 1 {
		t.Fatalf("told %v, %d wait", got, len(b.doc.Standing))
	}
	late := a
	late.Op, late.Rev, late.After, late.Actor = access.OpAttributed, 1, access.Box{}, access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_write"}
	if diff := cmp.Diff([]string{"watch/own-access open " + a.ID}, b.judge(late)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	other := made("prj.x.database_user.2.0")
	b.judge(other)
	b.in.Now = t0.Add(time.Hour)
	if got := b.judge(); len(got) != 0 || len(b.doc.Standing) != 1 {
		t.Errorf("told %v, %d stand", got, len(b.doc.Standing))
	}
}

func TestOwnAct(t *testing.T) {
	p := ownPolicy()
	p.Hooks = []string{"watch.example.com"}
	e := mustLoad(t, p).Only("watch/own-access")
	ours := access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_write"}
	hook := access.Box{State: access.Integration{Type: "WEBHOOK", ID: "i", Target: "watch.example.com"}}
	for name, c := range map[string]struct {
		change access.Change
		found  bool
	}{
		"a role":                      {access.Change{Op: access.OpUpdated, Ref: access.Ref{Kind: access.KindCustomRole}, Actor: ours}, true},
		"on behalf of ours":           {access.Change{Op: access.OpCreated, Ref: access.Ref{Kind: access.KindIPAccessEntry}, Actor: access.Actor{Type: access.ActorDelegated, Name: "tool", OnBehalfOf: "mdb_sa_id_write"}}, true},
		"what reads should not do":    {access.Change{Op: access.OpCreated, Ref: access.Ref{Kind: access.KindIPAccessEntry}, Actor: access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_watch"}}, true},
		"another's hook":              {access.Change{Op: access.OpCreated, Ref: access.Ref{Kind: access.KindIntegration}, Actor: ours, After: access.Box{State: access.Integration{Type: "WEBHOOK", Target: "watch.example.com.evil.test"}}}, true},
		"our own hook":                {access.Change{Op: access.OpCreated, Ref: access.Ref{Kind: access.KindIntegration}, Actor: ours, After: hook}, false},
		"our own hook taken away":     {access.Change{Op: access.OpDeleted, Ref: access.Ref{Kind: access.KindIntegration}, Actor: ours, Before: hook}, false},
		"an action of ours":           {access.Change{Op: access.OpDeleted, Ref: access.Ref{Kind: access.KindIPAccessEntry}, Actor: ours, Own: "a", Intended: "a"}, false},
		"a trace of one":              {access.Change{Op: access.OpObserved, Ref: access.Ref{Kind: access.KindIPAccessEntry}, Actor: ours, Intended: "a"}, false},
		"a token that we asked for":   {access.Change{Op: access.OpObserved, Type: "OAUTH_TOKEN_ISSUED", Ref: access.Ref{Kind: access.KindOrgSettings}, Actor: ours}, false},
		"a name that begins like one": {access.Change{Op: access.OpCreated, Ref: access.Ref{Kind: access.KindIPAccessEntry}, Actor: access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_write2"}}, false},
		"a person":                    {access.Change{Op: access.OpCreated, Ref: access.Ref{Kind: access.KindIPAccessEntry}, Actor: access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}}, false},
	} {
		scope := prj
		if ofOrg(c.change.Ref.Kind) {
			scope = govOrg
		}
		b := newGovBook(e, scope)
		c.change.Ref.Scope, c.change.Ref.Name, c.change.ID, c.change.Occurred, c.change.Observed = scope, "x", "c", t0, t0
		found := slices.Contains(b.judge(c.change), "watch/own-access open c")
		if found != c.found {
			t.Errorf("%s: found %t", name, found)
		}
	}
}

func TestOwnNeeds(t *testing.T) {
	for _, c := range []struct {
		profile, credential string
		org, project        []string
		beyond              []string
		lacks               string
	}{
		{"observe", "mdb_sa_id_watch", []string{"ORG_READ_ONLY"}, []string{"GROUP_CLUSTER_LOG_VIEWER"}, nil, ""},
		{"observe", "mdb_sa_id_watch", []string{"ORG_MEMBER", "ORG_READ_ONLY"}, []string{"GROUP_READ_ONLY"}, nil, ""},
		{"observe", "mdb_sa_id_watch", []string{"ORG_MEMBER"}, nil, nil, "ORG_READ_ONLY"},
		{"observe", "mdb_sa_id_watch", []string{"ORG_READ_ONLY", "ORG_BILLING_ADMIN"}, []string{"GROUP_OWNER"}, []string{"GROUP_OWNER", "ORG_BILLING_ADMIN"}, ""},
		{"observe", "mdb_sa_id_watch", []string{"ORG_READ_ONLY", "ORG_NEW_ROLE"}, []string{"GROUP_NEW_ROLE"}, []string{"GROUP_NEW_ROLE", "ORG_NEW_ROLE"}, ""},
		{"remediate", "mdb_sa_id_watch", []string{"ORG_READ_ONLY"}, []string{"GROUP_DATABASE_ACCESS_ADMIN"}, []string{"GROUP_DATABASE_ACCESS_ADMIN"}, ""},
		{"remediate", "mdb_sa_id_write", []string{"ORG_MEMBER"}, []string{"GROUP_DATABASE_ACCESS_ADMIN", "GROUP_NETWORK_ACCESS_MANAGER"}, nil, ""},
		{"remediate", "mdb_sa_id_write", []string{"ORG_MEMBER"}, []string{"GROUP_DATABASE_ACCESS_ADMIN", "GROUP_ACCESS_MANAGER"}, []string{"GROUP_ACCESS_MANAGER"}, ""},
		{"owner", "mdb_sa_id_write", []string{"ORG_OWNER"}, []string{"GROUP_OWNER"}, nil, ""},
		{"owner", "mdb_sa_id_watch", []string{"ORG_READ_ONLY"}, nil, nil, "ORG_OWNER"},
	} {
		p := ownPolicy()
		p.Profile = c.profile
		n := (&world{policy: newPolicy(p)}).govNeeds(c.credential)
		lacks := strings.Join(govLacking(n.least, c.org, func(a, b string) bool { return a == b || a == "ORG_OWNER" }), ",")
		if got := n.beyond(c.org, c.project); !slices.Equal(got, c.beyond) || lacks != c.lacks {
			t.Errorf("%s of %s with %v %v: %v too much, lacks %q", c.credential, c.profile, c.org, c.project, got, lacks)
		}
	}
}

// TestOwnRotationIsByAPerson: whoever is merely called what the owner is called has not
// rotated our credential for its owner.
func TestOwnRotationIsByAPerson(t *testing.T) {
	p := ownPolicy()
	p.Principals = []access.Principal{{ID: "alice", Email: "alice@example.com", Atlas: []string{"alice@corp.example.com", "abcdefgh", "mdb_sa_id_ci"}, Owns: []string{"mdb_sa_id_watch"}}}
	e := mustLoad(t, p).Only("watch/own-access")
	for name, tc := range map[string]struct {
		by   access.Actor
		want access.Severity
	}{
		"the owner":                       {access.Actor{Type: access.ActorHuman, Name: "alice@example.com"}, access.Info},
		"under another name":              {access.Actor{Type: access.ActorHuman, Name: "Alice@corp.example.com"}, access.Info},
		"somebody else":                   {access.Actor{Type: access.ActorHuman, Name: "mallory@example.com"}, access.Critical},
		"a key that is declared for hers": {access.Actor{Type: access.ActorAPIKey, Name: "abcdefgh"}, access.Critical},
		"a service account likewise":      {access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_ci"}, access.Critical},
		"an assistant that is called so":  {access.Actor{Type: access.ActorDelegated, Name: "alice@example.com"}, access.Critical},
		"an assistant of hers":            {access.Actor{Type: access.ActorDelegated, Name: "assistant", OnBehalfOf: "alice@example.com"}, access.Critical},
		"an employee who is called so":    {access.Actor{Type: access.ActorEmployee, Name: "alice@example.com"}, access.Critical},
		"Atlas itself":                    {access.Actor{Type: access.ActorAtlas}, access.Critical},
	} {
		secret := access.ServiceAccountSecret{ClientID: "mdb_sa_id_watch", ID: "s2"}
		c := access.Change{
			ID: "org.x.service_account_secret.1.0", Ref: access.Ref{Scope: govOrg, Kind: access.KindServiceAccountSecret, Name: secret.Name()}, Op: access.OpCreated,
			After: access.Box{State: secret}, Occurred: t0, Observed: t0, Actor: tc.by,
		}
		in := Input{Scope: govOrg, Now: t0.Add(time.Minute), Changes: []access.Change{c}, Collections: map[access.Kind]access.Collection{}}
		var got []access.Severity
		for _, v := range e.Evaluate(in) {
			if v.Answer == access.AnswerViolation && v.Key == c.ID {
				got = append(got, v.Severity)
			}
		}
		if !slices.Equal(got, []access.Severity{tc.want}) {
			t.Errorf("%s: %v, want %s", name, got, tc.want)
		}
	}
}
