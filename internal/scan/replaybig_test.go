package scan

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// BenchmarkReplay replays 400 days of 500 projects, each of which tells the others something
// new once.
func BenchmarkReplay(t *testing.B) {
	const projects, changes = 500, 500
	var b bytes.Buffer
	end := t0.Add(400 * 24 * time.Hour)
	w, _ := NewHistoryWriter(&b, History{Since: t0, At: end, Orgs: []string{orgID}})
	put := func(scope access.Scope, kind access.Kind, rev uint64, states ...access.State) {
		c := access.NewCollection(scope, kind, states)
		c.FirstRead = t0.Add(-time.Hour)
		for i := range c.Resources {
			c.Resources[i].FirstSeen, c.Resources[i].Baseline = c.FirstRead, true
		}
		if err := w.Collection(c, rev); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range access.OrgKinds() {
		put(org, k, 1)
	}
	id := func(i int) access.Scope { return access.ProjectScope(fmt.Sprintf("%024x", i+100)) }
	for i := range projects {
		for _, k := range access.ProjectKinds() {
			switch k {
			case access.KindProject:
				put(id(i), k, 1, access.Project{ID: id(i).ID(), OrgID: orgID, Title: fmt.Sprintf("p%d-prod", i)})
			case access.KindIPAccessEntry:
				put(id(i), k, 1<<40, entries(fmt.Sprintf("10.%d.%d.0/24", i/250, i%250))...)
			case access.KindDatabaseUser:
				put(id(i), k, 1<<40, user("prod_app_user", true, "read"), user("someone", true, "read"))
			default:
				put(id(i), k, 1)
			}
		}
	}
	for n := range changes {
		s := id(n % projects)
		at := t0.Add(time.Duration(n) * (400 * 24 * time.Hour / changes))
		c := access.Change{V: 1, ID: fmt.Sprintf("%s.ip_access_entry.%d.0", s, n), Ref: access.Ref{Scope: s, Kind: access.KindIPAccessEntry, Name: fmt.Sprintf("9.%d.%d.0/24", n/250, n%250)}, Op: access.OpCreated, After: access.Box{State: access.IPAccessEntry{Entry: fmt.Sprintf("9.%d.%d.0/24", n/250, n%250)}}, Occurred: at, Observed: at}
		if n/projects%2 == 1 {
			c.Op, c.Before, c.After = access.OpDeleted, c.After, access.Box{}
		}
		if err := w.Change(c, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	size, e := b.Len(), mustLoad(t, testPolicy())
	b = bytes.Buffer{}
	for t.Loop() {
		r, err := Replay(name, ReplayOptions{New: Rulebook{Engine: e}})
		if err != nil || r.Changes != changes {
			t.Fatalf("%d findings of %d changes, %v", len(r.Findings), r.Changes, err)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.ReportMetric(float64(t.Elapsed().Milliseconds())/float64(t.N)/changes, "ms/change")
	t.ReportMetric(float64(size>>20), "MiB-of-history")
	t.ReportMetric(float64(m.Sys>>20), "MiB-of-memory")
}
