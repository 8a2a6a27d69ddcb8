package remediate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

const keep = 30 * 24 * time.Hour

// quarantineCase is a user of a migration that was put into quarantine at t0, as it is now.
func quarantineCase(now ...access.State) (Case, access.Action) {
	had := user([]string{"readWrite", "sly"}, "main")
	k := kase(userFinding("dbuser/expired-migration-user", RemedyQuarantine, access.DatabaseUser{}, had), append(now, access.CustomRole{Role: "sly"})...)
	k.Policy.Guards.Retention, k.Now = keep, t0.Add(keep)
	before := kase(k.Finding, had)
	a := access.Action{ID: "f-1", State: access.ActionVerified, Plan: MakePlan(before), Outcome: access.Outcome{Verified: t0}}
	return k, a
}

// TestRetention: what stayed in quarantine to the end is proposed for deletion, once and for
// people to decide.
func TestRetention(t *testing.T) {
	quiet := user(nil, "main")
	x509 := quiet
	x509.Auth, x509.Database = access.AuthX509Managed, "$external"
	for _, c := range []struct {
		name string
		now  []access.State
		set  func(*Case, *access.Action)
		want []string
		why  string
	}{
		{"the end", []access.State{quiet}, nil, []string{"delete_database_user admin/shop_app_user"}, "in quarantine since 2026-11-20T12:00:00Z and had readWrite@admin, sly@admin"},
		{"before the end", []access.State{quiet}, func(c *Case, _ *access.Action) { c.Now = c.Now.Add(-1) }, nil, "is kept in quarantine until 2026-12-20T12:00:00Z"},
		{"kept for ever", []access.State{quiet}, func(c *Case, _ *access.Action) { c.Policy.Guards.Retention = 0 }, nil, "kept in quarantine"},
		{"released", []access.State{user([]string{"read"}, "main")}, nil, nil, "in quarantine no longer: it has read@admin"},
		{"gone", nil, nil, nil, "is gone"},
		{"taken back", []access.State{quiet}, func(_ *Case, a *access.Action) { a.State = access.ActionUndone }, nil, "kept in quarantine"},
		{"not read", []access.State{quiet}, func(c *Case, _ *access.Action) { c.Fresh = nil }, nil, "could not be read"},
		{"denied", []access.State{quiet}, func(c *Case, _ *access.Action) {
			c.Fresh[access.KindDatabaseUser] = access.Collection{Status: access.StatusDenied, Reason: "403"}
		}, nil, "could not be read: 403"},
		{"no quarantine", []access.State{quiet}, func(_ *Case, a *access.Action) { a.Plan = deletionOf(world0) }, nil, "put nobody into quarantine"},
	} {
		k, a := quarantineCase(c.now...)
		if c.set != nil {
			c.set(&k, &a)
		}
		p := PlanRetention(k, a)
		if d := cmp.Diff(c.want, said(p.Operations)); d != "" || !strings.Contains(p.Why, c.why) {
			t.Errorf("%s: %s\n%s", c.name, p.Why, d)
		}
		if len(p.Operations) == 0 {
			continue
		}
		if p.Ceiling != asks || len(p.Inverse) > 0 || p.Reversible != "no: it cannot be taken back: the password is gone" {
			t.Errorf("%s: %+v", c.name, p)
		}
		k.Finding.CauseAt = k.Now
		if r := Guard(k, p); r.Guard != GuardCeiling {
			t.Errorf("%s: by itself: %+v", c.name, r)
		}
		p.Ceiling = auto
		if r := Guard(k, p); r.Guard != GuardCeiling || !strings.Contains(r.Why, "never deleted without being asked") {
			t.Errorf("%s: by itself, whatever the plan says: %+v", c.name, r)
		}
	}
	k, a := quarantineCase(quiet)
	a.Plan.Operations[0].Ref.Name = x509.Name()
	k.Fresh[access.KindDatabaseUser] = access.NewCollection(scope, access.KindDatabaseUser, []access.State{x509})
	if p := PlanRetention(k, a); len(p.Operations) != 1 || strings.Contains(p.Reversible, "password") || !strings.HasPrefix(p.Reversible, "no: it cannot be taken back") {
		t.Errorf("of a certificate: %+v", p)
	}
}

// TestQuarantineThereAndBack: whatever a user held, quarantine takes all of it, and its inverse,
// by which a release is made, gives exactly that back: nothing else of the user changes.
func TestQuarantineThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grant := rapid.Custom(func(t *rapid.T) access.RoleGrant {
			return access.RoleGrant{Role: rapid.SampledFrom([]string{"read", "readWrite", "dbAdmin", "sly"}).Draw(t, "role"),
				Database:   rapid.SampledFrom([]string{"admin", "shop", "hr"}).Draw(t, "database"),
				Collection: rapid.SampledFrom([]string{"", "orders", "a.b"}).Draw(t, "collection")}
		})
		u := user(nil, "main")
		u.Roles = access.SortGrants(rapid.SliceOfNDistinct(grant, 1, 6, func(g access.RoleGrant) string { return g.String() + g.Collection }).Draw(t, "roles"))
		before := kase(userFinding("dbuser/break-glass-present", RemedyQuarantine, access.DatabaseUser{}, u), u, access.CustomRole{Role: "sly"})
		p := MakePlan(before)
		gone := Simulate(before.Fresh, p.Operations)
		if r, _ := gone[access.KindDatabaseUser].Find(u.Name()); len(r.Box.State.(access.DatabaseUser).Roles) != 0 {
			t.Fatalf("it still has %+v", r)
		}
		if d := cmp.Diff(before.Fresh, Simulate(gone, p.Inverse)); d != "" {
			t.Fatalf("(-before +after):\n%s", d)
		}
	})
}
