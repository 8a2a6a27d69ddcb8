package daemon

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
)

// TestReplayOfGuards: a replay is made by the guards of the configuration, wherever it is
// made; a replay by others says nothing of them.
func TestReplayOfGuards(t *testing.T) {
	text := strings.NewReplacer("ORG", hookOrg, "STORE", t.TempDir(), "guards: {settle: {critical: 0s, other: 90s}}", `guards:
  settle: {critical: 0s, other: 90s}
  war: {flips: 2, window: 30m}
  ownership: [{tool: terraform, credentials: [mdb_sa_id_1], kinds: [ip_access_entry], where: infra}]
  windows: [{days: [mon], from: "10:00", to: "14:00", zone: Europe/Berlin, projects: ["*-prod"], critical: true}]
  retention: 7d
`).Replace(read(t, "testdata/config.yaml"))
	f, err := config.Load("config.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := build(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(requestOf(s, "test", "30d"))
	var back replayRequest
	if err == nil {
		err = json.Unmarshal(raw, &back)
	}
	if diff := cmp.Diff(s.policy.Guards, back.Guards); err != nil || diff != "" || len(back.Guards.Windows) != 1 {
		t.Errorf("as the daemon is asked (-want +got): %v\n%s", err, diff)
	}
	hash := func(g remediate.Guards) string {
		p := s.policy
		p.Guards = g
		return ruleHash(s.engine.Rules()[0], termsOf(s.rules, p, "test"))
	}
	for name, c := range map[string]struct {
		edit func(*remediate.Guards)
		same bool
	}{
		"as it is":         {func(*remediate.Guards) {}, true},
		"retention":        {func(g *remediate.Guards) { g.Retention = time.Hour }, true},
		"war":              {func(g *remediate.Guards) { g.War.Flips = 9 }, false},
		"no owner":         {func(g *remediate.Guards) { g.Ownership = nil }, false},
		"another window":   {func(g *remediate.Guards) { g.Windows = []access.Window{{Cron: "0 0 * * *", For: time.Hour}} }, false},
		"as it was stored": {func(g *remediate.Guards) { *g = back.Guards }, true},
	} {
		g := s.policy.Guards
		c.edit(&g)
		if (hash(g) == hash(s.policy.Guards)) != c.same {
			t.Errorf("%s: the same terms: %t", name, !c.same)
		}
	}

	now := time.Date(2026, 6, 1, 9, 30, 0, 0, time.UTC) // a Monday, 11:30 in Berlin
	project := access.ProjectScope("00000000000000000000000b")
	m := scan.Moment{Now: now, Finding: access.Finding{
		Rule: "network/open-to-world", Ref: access.Ref{Scope: project, Kind: access.KindIPAccessEntry, Name: "0.0.0.0/0"}, State: access.FindingOpen, Episode: 1,
		Severity: access.Critical, Environment: "prod", Origin: access.OriginNew, Ceiling: access.CeilingAuto, Remedy: remediate.RemedyDeleteEntries, CauseAt: now, OpenedAt: now,
	}, Collections: map[access.Kind]access.Collection{access.KindProject: access.NewCollection(project, access.KindProject, []access.State{access.Project{ID: project.ID(), Title: "shop-prod"}})}}
	if w, _ := responder(s.policy, s.engine)(m); w.Guard != remediate.GuardWindow || w.Outcome != scan.WouldTell {
		t.Errorf("in a freeze: %+v", w)
	}
	m.Now = now.Add(24 * time.Hour)
	m.Finding.CauseAt, m.Finding.Severity, m.Finding.Actor = m.Now, access.High, access.Actor{Type: access.ActorServiceAccount, Name: "mdb_sa_id_1"}
	if w, _ := responder(s.policy, s.engine)(m); w.Guard != remediate.GuardOwnership || w.Outcome != scan.WouldTell || !strings.Contains(w.Why, "change it in infra") {
		t.Errorf("what Terraform made: %+v", w)
	}
}
