package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
)

// TestPlanSettings: each setting that decides what is read and written is told of where it
// differs, at its line, whether the old configuration is a file's or a daemon's; and what
// people froze is said beside it.
func TestPlanSettings(t *testing.T) {
	const guards = "guards: {settle: {critical: 0s, other: 90s}}"
	edits := []string{
		guards, `guards: {settle: {critical: 30s, other: 10s}, caps: {project_hour: 9, org_hour: 51}, never_touch: ["x*"], operators: [alice],
  war: {flips: 5, window: 2h}, ownership: [{tool: terraform, credentials: [mdb_sa_id_64f000000000000000000b01], names: ["y*"]}], retention: 7d,
  windows: [{name: release, environments: [prod], days: [fri], from: "17:00", to: "23:00"}]}
principals: [{id: alice, email: alice@example.com, atlas: [alice@example.com]}]`,
		"dry_run: false", "dry_run: true", "profile: remediate", "profile: observe",
	}
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.start()
		s.rest()
		now := s.edited("new.yaml", edits...)
		told := func(p report.Preview) (out []string) {
			for _, x := range p.Settings {
				if x.File != "new.yaml" || x.Line < 1 {
					t.Errorf("%s stands at %s:%d", x.Path, x.File, x.Line)
				}
				out = append(out, fmt.Sprintf("%s %t", x.Path, x.Arms))
			}
			slices.Sort(out)
			return out
		}
		want := []string{
			"atlas.profile false", "dry_run false", "guards.caps.org_hour true", "guards.caps.project_hour false", "guards.never_touch false", "guards.operators false",
			"guards.ownership false", "guards.retention false", "guards.settle.critical false", "guards.settle.other true", "guards.war false", "guards.windows false",
		}
		asked := s.planned(now)
		if diff := cmp.Diff(want, told(asked)); diff != "" {
			t.Errorf("of the daemon's (-want +got):\n%s", diff)
		}
		transport, _ := s.lookAt()
		live, err := Plan(t.Context(), now, PlanOptions{Old: s.edited("old.yaml"), Live: true, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, told(live)); diff != "" {
			t.Errorf("of a file's (-want +got):\n%s", diff)
		}
		note := func(p report.Preview, text string) bool {
			return slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, text) })
		}
		if !note(asked, "change windows") || note(asked, "frozen") {
			t.Errorf("notes %v", asked.Notes)
		}
		org := access.OrgScope(s.atlas.OrgID("ExampleCorp"))
		if _, err := s.daemon.controls.Update(t.Context(), "scope."+string(org), func(c access.Control, _ uint64) (*access.Control, []access.Out, error) {
			c.V, c.Freeze, c.Stopped = access.Version, access.Freeze{On: true, By: "alice", Reason: "a migration"}, []access.Stop{{Rule: "dbuser/unscoped", Why: "it did harm"}}
			return &c, nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		if frozen := s.planned(now); !note(frozen, "writes are frozen in ExampleCorp") || !note(frozen, "dbuser/unscoped writes nothing by itself in ExampleCorp") {
			t.Errorf("notes %v", frozen.Notes)
		}
	})
}
