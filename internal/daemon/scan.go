package daemon

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/scan"
)

// ScanOptions say where a scan looks and what it leaves behind.
type ScanOptions struct {
	Version   string
	Transport http.RoundTripper  // nil: http.DefaultTransport
	Guest     bool               // the credential is that of whoever looks, and none of Gatewarden's own
	From      string             // a saved inventory is judged in place of Atlas
	Save      string             // the inventory is kept there
	Progress  func(ScanProgress) // nil: nobody asks
}

// ScanProgress is how far a scan has come and what it has cost.
type ScanProgress struct {
	Scopes, Reads, Done int
	Calls               int
	Budget              float64   // largest part used of one of Atlas's rate limits, 0 to 1
	Waiting             time.Time // until then a rate limit holds something back; past: nothing is
}

// Scan judges the installation once. It reads only, with any credential.
func Scan(ctx context.Context, f *config.File, o ScanOptions) (report.Report, error) {
	own, err := ownAccess(f)
	if err != nil && o.From == "" { // judging what was kept takes no credential
		return report.Report{}, configError{err}
	}
	if o.Guest {
		own = access.OwnAccess{}
	}
	s, err := buildFor(f, own)
	if err != nil {
		return report.Report{}, configError{err}
	}
	began := time.Now()
	inv, effort, err := inventory(ctx, f, o, s)
	if err != nil {
		return report.Report{}, err
	}
	if o.Save != "" {
		if err := scan.Save(o.Save, inv); err != nil {
			return report.Report{}, err
		}
	}
	r := scan.Judge(s.engine, inv, s.file.Waivers)
	r.Unmatched = placedUnmatched(s.file, scan.Unmatched(s.engine, inv))
	if o.From != "" {
		r.Source = o.From
		return r, nil
	}
	r.Effort = effort
	r.Effort.Took = time.Since(began).Seconds()
	return r, nil
}

func inventory(ctx context.Context, f *config.File, o ScanOptions, s *settings) (scan.Inventory, report.Effort, error) {
	if o.From != "" {
		inv, err := scan.Open(o.From)
		if err != nil {
			err = configError{err}
		}
		return inv, report.Effort{}, err
	}
	reader, err := newOneLook(f, o)
	if err != nil {
		return scan.Inventory{}, report.Effort{}, err
	}
	inv, err := scan.Take(ctx, reader, scan.Options{
		Version: o.Version, Profile: f.Atlas.Profile, Orgs: reader.orgs, Kinds: scanned(s),
		Progress: reader.progressed,
	})
	return inv, report.Effort{Calls: int(reader.calls.Load()), Budget: reader.budget()}, err
}

// scanned are the kinds that rules or the pictures of a report rest on, as far as the
// profile covers them.
func scanned(s *settings) func(access.Scope) []access.Kind {
	profile := profileOf(s.file)
	return func(scope access.Scope) []access.Kind {
		kinds := s.engine.Kinds(scope)
		for _, k := range scan.Pictured(scope) {
			if profile.Covers(k) && !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
		return kinds
	}
}

// oneLook reads Atlas for a scan: by the read credentials, with a transport that lets
// nothing pass that changes, and with patience. The daemon's polling gives a low bucket up
// and comes back to it; a scan does not come back, and what it left out would look mended.
type oneLook struct {
	*fleet
	calls    *atomic.Int64
	registry *prometheus.Registry
	show     func(ScanProgress) // nil: nobody asks

	mu    sync.Mutex
	shown ScanProgress
}

func newOneLook(f *config.File, o ScanOptions) (*oneLook, error) {
	l := &oneLook{show: o.Progress, fleet: &fleet{clients: map[string]*atlas.Client{}, owner: map[access.Scope]string{}}, calls: &atomic.Int64{}, registry: prometheus.NewRegistry()}
	next := o.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	for _, org := range f.Atlas.Orgs {
		c, err := atlas.New(atlas.Options{
			BaseURL: f.Atlas.BaseURL, Version: o.Version, Read: credential(org.Read), DryRun: true, Transport: counting{next, l.calls},
			Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"org": org.ID}, l.registry),
		})
		if err != nil {
			return l, configError{fmt.Errorf("org %s: %w", org.ID, err)}
		}
		l.clients[org.ID], l.orgs = c, append(l.orgs, org.ID)
	}
	return l, nil
}

// Projects implements scan's Reader, and remembers whose the projects are.
func (l *oneLook) Projects(ctx context.Context, org string) ([]access.Project, error) {
	c, err := l.client(ctx, access.OrgScope(org))
	if err != nil {
		return nil, err
	}
	out, err := c.Projects(atlas.Patient(ctx, l.waiting), org)
	l.fleet.mu.Lock()
	defer l.fleet.mu.Unlock()
	for _, p := range out {
		l.owner[access.ProjectScope(p.ID)] = org
	}
	return out, err
}

// Read implements scan's Reader.
func (l *oneLook) Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading {
	c, err := l.client(ctx, scope)
	if err != nil {
		return access.Reading{Status: access.StatusFailed, Reason: err.Error(), Began: l.Now()}
	}
	return c.Read(atlas.Patient(ctx, l.waiting), scope, kind)
}

func (l *oneLook) progressed(p scan.Progress) {
	l.tell(func(s *ScanProgress) { s.Scopes, s.Reads, s.Done = p.Scopes, p.Reads, p.Done })
}

func (l *oneLook) waiting(until time.Time) {
	l.tell(func(s *ScanProgress) {
		if until.After(s.Waiting) {
			s.Waiting = until
		}
	})
}

// tell shows how far the scan has come, with what has changed.
func (l *oneLook) tell(change func(*ScanProgress)) {
	if l.show == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.shown)
	l.shown.Calls, l.shown.Budget = int(l.calls.Load()), l.budget()
	l.show(l.shown)
}

// budget is the largest part used of one of Atlas's token buckets.
func (l *oneLook) budget() float64 {
	used := 0.0
	families, err := l.registry.Gather()
	if err != nil {
		return 0
	}
	for _, f := range families {
		if f.GetName() != "gatewarden_atlas_budget_ratio" {
			continue
		}
		for _, m := range f.GetMetric() {
			used = max(used, 1-m.GetGauge().GetValue())
		}
	}
	return used
}

// counting counts the requests that go out.
type counting struct {
	http.RoundTripper
	n *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.RoundTripper.RoundTrip(r)
}
