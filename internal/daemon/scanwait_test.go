package daemon

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

const scanWorld = `
orgs:
  - name: ExampleCorp
    id: 64f000000000000000000001
    serviceAccounts:
      - {clientId: mdb_sa_id_64f000000000000000000a01, secret: fake-read-secret, name: gatewarden-read, roles: [ORG_READ_ONLY]}
    projects:
      - {name: shop-prod, id: 64f0000000000000000000a1}
`

const scanConfig = `
atlas:
  profile: scan
  orgs:
    - id: 64f000000000000000000001
      read: {client_id: {env: SCAN_ID}, client_secret: {env: SCAN_SECRET}}
`

// TestScanWaits: scan after scan with one credential draws the bucket of the org's settings
// down, and each waits for it: what a rate limit put off would look mended. The daemon's
// polling gives way as before.
func TestScanWaits(t *testing.T) {
	t.Setenv("SCAN_ID", "mdb_sa_id_64f000000000000000000a01")
	t.Setenv("SCAN_SECRET", "fake-read-secret")
	synctest.Test(t, func(t *testing.T) {
		w, err := sim.ParseWorld("world.yaml", []byte(scanWorld))
		if err != nil {
			t.Fatal(err)
		}
		a, err := sim.New(sim.Options{World: w, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		a.SetRateLimit("orgSettings_organization", 4, 1)
		f, err := config.Load("config.yaml", []byte(scanConfig))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var longest time.Duration
		found, began := 0, time.Now()
		for n := range 6 {
			r, err := Scan(t.Context(), f, ScanOptions{Version: "test", Transport: a.Transport(), Progress: func(p ScanProgress) {
				mu.Lock()
				defer mu.Unlock()
				longest = max(longest, time.Until(p.Waiting))
			}})
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				found = len(r.Findings)
			}
			if got := r.Totals(); got.Unreadable > 0 || len(r.Findings) != found || found == 0 {
				t.Errorf("scan %d: %d findings, the first had %d; %d reads incomplete", n, len(r.Findings), found, got.Unreadable)
			}
		}
		if took := time.Since(began); took < 30*time.Second || took > 15*time.Minute || longest < time.Second {
			t.Errorf("they took %s, and said that they wait %s", took, longest)
		}
		look, err := newOneLook(f, ScanOptions{Version: "test", Transport: a.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		var polled access.Reading
		for range 3 {
			polled = look.fleet.Read(t.Context(), access.OrgScope("64f000000000000000000001"), access.KindOrgSettings)
		}
		if polled.Status != access.StatusUnread {
			t.Errorf("polling did not give way: %s %q", polled.Status, polled.Reason)
		}
	})
}
