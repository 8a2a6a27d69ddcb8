package rules

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestDatePassedInAGap: a date that passed while nobody watched did not pass while we
// watched, also where the user had been seen before.
func TestDatePassedInAGap(t *testing.T) {
	for _, tc := range []struct {
		name   string
		gap    bool
		passes time.Duration
		want   access.Origin
	}{
		{"watched all the time", false, time.Hour, access.OriginNew},
		{"in the gap", true, time.Hour, access.OriginInherited},
		{"after the gap", true, 4 * time.Hour, access.OriginNew},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, mustLoad(t, testPolicy()))
			u := user("prod_migration_x", true, "readWrite")
			u.Description = "expires=" + t0.Add(tc.passes).Format(time.RFC3339)
			delete(b.inv, access.KindDatabaseUser)
			b.read(access.KindDatabaseUser, u)
			b.judge()
			b.wait(3 * time.Hour)
			if tc.gap {
				c := b.inv[access.KindDatabaseUser]
				c.Watched = b.now
				b.store(access.KindDatabaseUser, c)
			}
			b.judge()
			b.wait(3 * time.Hour)
			b.judge()
			if f := b.finding(expired, "admin/prod_migration_x"); f.Origin != tc.want {
				t.Errorf("origin %q (%s), want %q", f.Origin, f.OriginWhy, tc.want)
			}
		})
	}
}

// TestUnknownByTheRuleItself: an open finding is marked also where every kind can be
// read and it is the rule that cannot tell.
func TestUnknownByTheRuleItself(t *testing.T) {
	b := newBench(t, mustLoad(t, testPolicy()))
	u := user("prod_migration_x", true, "readWrite")
	u.Description = "expires=" + t0.Add(time.Hour).Format(time.RFC3339)
	delete(b.inv, access.KindDatabaseUser)
	b.read(access.KindDatabaseUser, u)
	b.wait(time.Hour)
	b.judge()
	u.Description = "expires=" + t0.Add(48*time.Hour).Format(time.RFC3339)
	b.read(access.KindDatabaseUser, u)
	b.judge()
	if f := b.finding(expired, "admin/prod_migration_x"); !f.Open() || f.Unknown == "" || f.UnknownSince.IsZero() {
		t.Errorf("state %s, unknown %q since %v: want it open and marked, since its age is not known", f.State, f.Unknown, f.UnknownSince)
	}
}
