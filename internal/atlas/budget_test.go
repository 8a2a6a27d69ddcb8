package atlas

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// Polling leaves half of every bucket; what is urgent goes at once, also then.
func TestBudgetYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		a.SetRateLimit("customDbRoles_group", 20, 5)
		reg := prometheus.NewRegistry()
		c := connect(t, a.Transport(), func(o *Options) { o.Registerer = reg })
		start := time.Now()
		for range 10 {
			if got := c.Read(t.Context(), prod, access.KindCustomRole); got.Status != access.StatusComplete {
				t.Fatalf("%s %q", got.Status, got.Reason)
			}
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("the first half took %s", d)
		}
		for range 3 {
			if got := c.Read(Urgent(t.Context()), prod, access.KindCustomRole); got.Status != access.StatusComplete {
				t.Fatalf("urgent: %s %q", got.Status, got.Reason)
			}
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("urgent reads waited %s", d)
		}
		began := c.Read(t.Context(), prod, access.KindCustomRole).Began
		if d := time.Since(start); d < 50*time.Second || d > 3*time.Minute {
			t.Errorf("polling below half waited %s", d)
		}
		if time.Since(began) > 2*time.Second {
			t.Errorf("began %s ago, before it waited", time.Since(began))
		}
		if got := c.Read(t.Context(), access.ProjectScope(devID), access.KindCustomRole); got.Status != access.StatusComplete {
			t.Errorf("another project: %s", got.Status)
		}
		if ratio := testutil.ToFloat64(c.metrics.ratio); ratio <= 0 || ratio >= 1 {
			t.Errorf("ratio %f", ratio)
		}
		limited := 0
		for _, r := range a.Requests() {
			if r.Status == 429 {
				limited++
			}
		}
		if n := testutil.ToFloat64(c.metrics.requests.WithLabelValues("listGroupCustomDbRoleRoles", "200")); n != 15 || limited > 0 {
			t.Errorf("%f requests counted, %d refused", n, limited)
		}
	})
}

// A poll that waits for its budget ends with its context.
func TestBudgetContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		a.SetRateLimit("clusters_group", 2, 1)
		c := connect(t, a.Transport(), nil)
		c.Read(t.Context(), prod, access.KindCluster)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		got := c.Read(ctx, prod, access.KindCluster)
		if got.Status != access.StatusFailed || time.Since(start) != 10*time.Second {
			t.Errorf("%s %q after %s", got.Status, got.Reason, time.Since(start))
		}
	})
}

// Retry-After is obeyed, by everything that draws on the bucket.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		rt := transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == tokenPath {
				return reply(r, 200, `{"access_token":"fake","expires_in":3600}`, nil), nil
			}
			at = append(at, time.Since(start))
			if len(at) == 1 {
				return reply(r, 429, `{"errorCode":"RATE_LIMITED"}`, http.Header{"Retry-After": {"45"}}), nil
			}
			if len(at) == 3 {
				return reply(r, 429, `{"errorCode":"RATE_LIMITED"}`, http.Header{"Retry-After": {"3600"}}), nil
			}
			return reply(r, 200, `[]`, nil), nil
		})
		c := connect(t, rt, nil)
		if got := c.Read(t.Context(), prod, access.KindCustomRole); got.Status != access.StatusComplete || len(at) != 2 || at[1] < 45*time.Second {
			t.Errorf("%s at %v", got.Status, at)
		}
		got := c.Read(Urgent(t.Context()), prod, access.KindCustomRole)
		if got.Status != access.StatusFailed || time.Since(start) > 2*time.Minute || len(at) != 3 {
			t.Errorf("an hour's Retry-After: %s %q after %s, %v", got.Status, got.Reason, time.Since(start), at)
		}
	})
}

// A write does not wait: its sender has just checked that it may be made now.
func TestWriteNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		a.SetFaults(sim.Fault{Route: "deleteGroupAccessListEntry", Rate: 1, Kind: sim.Fault429, RetryAfter: 30, Remaining: 1})
		c := connect(t, a.Transport(), nil)
		start := time.Now()
		for range 2 {
			if err := c.Apply(t.Context(), "a-1", deleteOp("203.0.113.7/32")); !errors.Is(err, access.ErrTemporary) {
				t.Errorf("%v", err)
			}
		}
		if d := time.Since(start); d > 0 || len(a.Mutations()) != 1 {
			t.Errorf("%s, %d requests", d, len(a.Mutations()))
		}
		time.Sleep(31 * time.Second)
		if err := c.Apply(t.Context(), "a-1", deleteOp("203.0.113.7/32")); err != nil {
			t.Error(err)
		}
	})
}

// /rateLimits tells how fast buckets refill.
func TestRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		a.SetRateLimit("accessList_group", 40, 17)
		c := connect(t, a.Transport(), nil)
		got, err := c.RateLimits(t.Context(), prod)
		i := slices.IndexFunc(got, func(l RateLimit) bool { return l.Set == "accessList_group" })
		want := RateLimit{Set: "accessList_group", Scope: "GROUP", Capacity: 40, Refill: 17, Every: time.Minute}
		if err != nil || i < 0 || got[i] != want {
			t.Fatalf("%v %+v", err, got)
		}
		if l := c.budget.limit(&bucket{set: "accessList"}); l != (limit{17, time.Minute}) {
			t.Errorf("the budget has %+v", l)
		}
		if got, err := c.RateLimits(t.Context(), org); err != nil || len(got) == 0 {
			t.Errorf("of an org: %v %+v", err, got)
		}
	})
}

func TestEventTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := connect(t, newSim(t, sim.Options{}).Transport(), nil).EventTypes(t.Context())
		i := slices.IndexFunc(got, func(e EventType) bool { return e.Name == "MONGODB_USER_ADDED" })
		if err != nil || i < 0 {
			t.Fatalf("%v %+v", err, got)
		}
		alertable := slices.ContainsFunc(got, func(e EventType) bool { return e.Alertable })
		if got[i].Alertable || !alertable {
			t.Errorf("%+v, one alertable: %t", got[i], alertable)
		}
	})
}

// Check names the credential that is wrong, and what to do.
func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Options)
		want   []string
	}{
		"good":         {func(*Options) {}, nil},
		"dry run":      {func(o *Options) { o.DryRun = true }, nil},
		"keys":         {func(o *Options) { k := key(); o.Read, o.Write = k, &k }, nil},
		"read secret":  {func(o *Options) { o.Read.ClientSecret = Text("fake-wrong") }, []string{"check the read credential", readerID, "invalid_client", "make a new secret"}},
		"write secret": {func(o *Options) { o.Write.ClientSecret = Text("fake-wrong") }, []string{"check the write credential", writerID, "make a new secret"}},
		"write key": {func(o *Options) { o.Write = &Credential{PublicKey: Text(publicKey), PrivateKey: Text("fake-wrong")} },
			[]string{"check the write credential", publicKey, "not accepted", "make a new one"}},
		"no file": {func(o *Options) {
			o.Read.ClientSecret = func() (string, error) { return "", errors.New("open /run/secrets/x: no such file") }
		}, []string{"check the read credential", "read the client secret", "no such file"}},
		"empty file": {func(o *Options) { o.Read.ClientSecret = Text("") }, []string{"read the client secret", "empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := connect(t, newSim(t, sim.Options{}).Transport(), tc.change).Check(t.Context())
				if (err != nil) != (tc.want != nil) || err != nil && !errors.Is(err, access.ErrForbidden) {
					t.Fatalf("%v", err)
				}
				for _, part := range tc.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%v: no %q", err, part)
					}
				}
			})
		})
	}
}

// Clients that share a registry, as after a reload, share the metrics.
func TestMetricsShared(t *testing.T) {
	reg := prometheus.NewRegistry()
	rt := answering(func(*http.Request) (int, string) { return 200, `[]` })
	for range 2 {
		connect(t, rt, func(o *Options) { o.Registerer = reg }).Read(t.Context(), prod, access.KindCustomRole)
	}
	want := `
# HELP gatewarden_atlas_requests_total Requests to Atlas by operation and HTTP status code (error: no answer).
# TYPE gatewarden_atlas_requests_total counter
gatewarden_atlas_requests_total{code="200",route="listGroupCustomDbRoleRoles"} 2
gatewarden_atlas_requests_total{code="200",route="token"} 2
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "gatewarden_atlas_requests_total"); err != nil {
		t.Error(err)
	}
}

// Polling that yields does not wait for a bucket that is low: the kind is unread, nothing
// is asked, and what is urgent is still answered.
func TestBudgetPutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		a.SetRateLimit("customDbRoles_group", 20, 5)
		a.SetRateLimit("groupEvents_group", 2, 1)
		c := connect(t, a.Transport(), nil)
		for range 10 {
			c.Read(Yielding(t.Context()), prod, access.KindCustomRole)
		}
		asked, start := len(a.Requests()), time.Now()
		if got := c.Read(Yielding(t.Context()), prod, access.KindCustomRole); got.Status != access.StatusUnread || !strings.Contains(got.Reason, "put off") {
			t.Errorf("%s %q", got.Status, got.Reason)
		}
		if time.Since(start) > time.Second || len(a.Requests()) != asked {
			t.Errorf("it took %s and %d requests", time.Since(start), len(a.Requests())-asked)
		}
		if got := c.Read(Urgent(Yielding(t.Context())), prod, access.KindCustomRole); got.Status != access.StatusComplete {
			t.Errorf("urgent: %s %q", got.Status, got.Reason)
		}
		if _, err := c.Events(Yielding(t.Context()), prod, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Events(Yielding(t.Context()), prod, time.Time{}); !errors.Is(err, access.ErrTemporary) || time.Since(start) > time.Second {
			t.Errorf("the feed: %v after %s", err, time.Since(start))
		}
		time.Sleep(2 * time.Minute)
		if got := c.Read(Yielding(t.Context()), prod, access.KindCustomRole); got.Status != access.StatusComplete {
			t.Errorf("later: %s %q", got.Status, got.Reason)
		}
	})
}

// One look waits for its bucket and says so; where others keep that low it goes in the end.
func TestBudgetPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		a.SetRateLimit("customDbRoles_group", 20, 7)
		c := connect(t, a.Transport(), nil)
		var told []time.Duration
		patient := Patient(t.Context(), func(until time.Time) { told = append(told, time.Until(until)) })
		read := func(ctx context.Context) access.Reading { return c.Read(ctx, prod, access.KindCustomRole) }
		for range 10 {
			read(Urgent(t.Context()))
		}
		start := time.Now()
		if got := read(patient); got.Status != access.StatusComplete || time.Since(start) < 50*time.Second || time.Since(start) > patience {
			t.Errorf("%s %q after %s", got.Status, got.Reason, time.Since(start))
		}
		if len(told) == 0 || told[0] <= 0 || told[0] > refillEvery {
			t.Errorf("it was told %v", told)
		}
		busy, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for pause(busy, 8*time.Second) == nil { // as fast as it refills
				read(Urgent(busy))
			}
		}()
		for range 9 {
			read(Urgent(t.Context()))
		}
		start = time.Now()
		got := read(patient)
		if d := time.Since(start); got.Status != access.StatusComplete || d < patience-refillEvery || d > patience+longestBlock {
			t.Errorf("among others: %s %q after %s", got.Status, got.Reason, d)
		}
	})
}
