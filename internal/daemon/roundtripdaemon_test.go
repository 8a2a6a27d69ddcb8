package daemon

import (
	stdcmp "cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
)

// shopConfig asks carol and dave about what RULE finds in the shop.
const shopConfig = `
atlas:
  base_url: http://127.0.0.1:1
  profile: owner
  webhook: {url: "https://watch.example.com/atlas", secret: {file: HOOK}}
  orgs:
    - id: ORG
      read:  {client_id: {env: GW_TEST_READ_ID},  client_secret: {env: GW_TEST_READ_SECRET}}
      write: {client_id: {env: GW_TEST_WRITE_ID}, client_secret: {env: GW_TEST_WRITE_SECRET}}
environments: {prod: {projects: ["*-prod"]}, dev: {projects: ["*-dev"]}}
allowed_domains: [example.com]
networks: {prod: {app: [8.8.8.0/28, 8.8.4.0/28]}, developer: [192.0.2.0/24]}
matrix: {platform: {prod: [GROUP_CLUSTER_MANAGER], org: [BILLING]}}
identities: [{class: app, usernames: ["prod_*"], roles: [readWrite@shop], scopes: [orders]}]
principals:
  - {id: alice, email: alice@example.com, atlas: [alice@example.com]}
  - {id: carol, email: carol@example.com, atlas: [carol@example.com]}
  - {id: dave, email: dave@example.com, atlas: [dave@example.com]}
rules: {only: [RULE]}
responses: [{rules: [RULE], do: approve, approvers: [carol, dave]}]
guards: {settle: {critical: 0s, other: 0s}, operators: [carol, dave]}
dry_run: false
nats: {store: STORE}
`

// byDaemon are the violations of brokenThings that are carried out and taken back by the whole
// daemon: those on people, of one operation and of several, and one of each other sort of
// resource.
func byDaemon() []string {
	return []string{
		"made an owner of the org", "made an owner of the project", "given the project", "put into a team", "a team made an owner", "an org role beside the matrix",
		"a member from outside", // was there before: two adopt it
		"a broad entry", "a role too many", "secrets for a year", "an alert is disabled",
	}
}

// TestRemediesByTheDaemon: somebody breaks it, the daemon asks, somebody who may agrees, and it
// is put right in all its operations; somebody takes it back, and everything in the org
// and its projects is as it was when it was broken.
func TestRemediesByTheDaemon(t *testing.T) {
	all, several := brokenThings(), 0
	for _, name := range byDaemon() {
		i := slices.IndexFunc(all, func(b remedyCase) bool { return b.name == name })
		if i < 0 {
			t.Fatalf("there is no %q", name)
		}
		b := all[i]
		if several += min(1, len(b.want)-1); b.back != "" {
			t.Fatalf("%s has no way back: %s", name, b.back)
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { newShop(t, dir, b).trip() })
		})
	}
	if several < 3 {
		t.Errorf("%d of them take several operations", several)
	}
}

// TestRemediesWithoutWayBack: what the way back of a remedy is not, it says; and the daemon
// refuses to take it back for that reason.
func TestRemediesWithoutWayBack(t *testing.T) {
	for _, b := range brokenThings() {
		if b.name != "an invitation to the outside" && b.name != "no scopes" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, dir, b)
				a := s.putRight()
				r := s.command(access.Command{Verb: access.VerbUndo, PlanHash: a.PlanHash, Reason: "it was meant to be"})
				if r.Accepted || !strings.Contains(r.Why, "cannot be taken back: "+b.back) {
					t.Errorf("undo: %+v", r)
				}
				s.stop()
			})
		})
	}
}

// shop is the shop with its daemon, and one thing that breaks in it.
type shop struct {
	*stage
	remedyTrip
	finding access.Finding
	broken  map[string][]access.State
	n       int // commands given
}

func newShop(t *testing.T, dir string, b remedyCase) *shop {
	t.Helper()
	s := newStage(t, dir, read(t, "testdata/remedies.yaml"), strings.ReplaceAll(shopConfig, "RULE", b.rule))
	hook := filepath.Join(dir, "hook")
	if err := os.WriteFile(hook, []byte("fake-hook-secret-of-a-test"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.conf = strings.Replace(s.conf, "HOOK", hook, 1)
	s.conf = strings.Replace(s.conf, "BILLING", "ORG_BILLING_ADMIN", 1) // newStage puts the org's id in the place of its first part
	c, err := atlas.New(atlas.Options{
		BaseURL: "https://cloud.mongodb.com", Version: "test", Transport: s.atlas.Transport(),
		Read: atlas.Credential{ClientID: atlas.Text("mdb_sa_id_64f000000000000000000a01"), ClientSecret: atlas.Text("test-read-secret")},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	s.rest()
	return &shop{stage: s, remedyTrip: remedyTrip{T: t, remedyCase: b, atlas: s.atlas, client: c}}
}

func (s *shop) trip() {
	a := s.putRight()
	var types []access.OperationType
	for _, o := range a.Plan.Operations {
		types = append(types, o.Type)
	}
	if !slices.Equal(types, s.want) || len(a.Outcome.Requests) != len(types) {
		s.Errorf("it wrote %v by %v", types, a.Outcome.Requests)
	}
	bad, good := s.broken, s.everything()
	if cmp.Equal(bad, good) {
		s.Error("nothing was put right")
	}
	for _, by := range s.openers() {
		if r := s.command(access.Command{Verb: access.VerbUndo, By: by, PlanHash: a.PlanHash, Reason: "it was meant to be"}); !r.Accepted {
			s.Fatalf("undo by %s: %s", by, r.Why)
		}
	}
	s.action(access.ActionID(s.finding.ID, s.finding.Episode)+"-"+string(access.PurposeUndo), access.ActionVerified)
	s.action(a.ID, access.ActionUndone)
	if diff := cmp.Diff(bad, s.everything()); diff != "" {
		s.Errorf("taken back (-broken +now):\n%s", diff)
	}
	s.stage.stop()
}

// openers are those whose votes it takes to open it again: two where nobody knows who had
// opened it.
func (s *shop) openers() []string {
	if len(s.do) == 0 {
		return []string{"carol", "dave"}
	}
	return []string{"carol"}
}

// putRight breaks it, waits to be asked, and agrees.
func (s *shop) putRight() access.Action {
	for _, line := range s.do {
		s.perform(line)
	}
	s.broken = s.everything()
	for range 20 {
		time.Sleep(30 * time.Second)
		synctest.Wait()
		var ok bool
		if s.finding, ok = s.stage.finding(s.rule, s.ref.Name); ok && s.finding.Open() {
			break
		}
	}
	if s.finding.ID == "" || s.finding.Ref != s.ref {
		s.Fatalf("%s does not find %s: %+v", s.rule, s.ref, s.finding)
	}
	id := access.ActionID(s.finding.ID, s.finding.Episode)
	if len(s.do) == 0 {
		s.adopt()
		return s.action(id, access.ActionVerified)
	}
	a := s.action(id, access.ActionAwaiting)
	if r := s.command(access.Command{Verb: access.VerbVote, PlanHash: a.PlanHash, Vote: access.VoteApprove}); !r.Accepted {
		s.Fatalf("vote: %s", r.Why)
	}
	return s.action(id, access.ActionVerified)
}

// adopt has two people take on what was there before.
func (s *shop) adopt() {
	s.Helper()
	_, hash, err := s.daemon.remediate.Adoptables(s.Context(), s.ref.Scope, s.rule)
	if err != nil {
		s.Fatal(err)
	}
	for _, by := range []string{"carol", "dave"} {
		if r := s.command(access.Command{Verb: access.VerbAdopt, By: by, Rule: s.rule, PlanHash: hash, Reason: "cleaning up"}); !r.Accepted {
			s.Fatalf("adopt: %s", r.Why)
		}
	}
}

// action is an action once it is in a state.
func (s *shop) action(id string, state access.ActionState) access.Action {
	s.Helper()
	var a access.Action
	for range 20 {
		synctest.Wait()
		var err error
		if a, _, err = s.daemon.actions.Get(s.Context(), id); err != nil {
			s.Fatal(err)
		}
		if a.State == state {
			return a
		}
		time.Sleep(10 * time.Second)
	}
	s.Fatalf("action %s is %q, want %s: %s (%s) %s", id, a.State, state, a.Why, a.Guard, a.Plan.Why)
	return a
}

// command is given, by carol if by nobody else, about the finding.
func (s *shop) command(c access.Command) access.CommandRecord {
	s.Helper()
	s.n++
	now := time.Now()
	c.V, c.ID, c.By, c.Via, c.At, c.Until = access.Version, fmt.Sprintf("roundtrip-command-%d", s.n), stdcmp.Or(c.By, "carol"), "api", now, now.Add(access.CommandLife)
	if c.Scope = s.finding.Ref.Scope; c.Verb != access.VerbAdopt {
		c.Finding, c.Episode = s.finding.ID, s.finding.Episode
	}
	r, err := s.daemon.Submit(s.Context(), c)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// everything is all that can be written to, in the org and its projects.
func (s *shop) everything() map[string][]access.State {
	s.Helper()
	out := map[string][]access.State{}
	for _, scope := range []access.Scope{shopOrg, shopProd, access.ProjectScope("64f0000000000000000000a2")} {
		for _, k := range access.WrittenKinds() {
			if slices.Contains(access.OrgKinds(), k) != scope.IsOrg() {
				continue
			}
			got := s.remedyTrip.client.Read(s.Context(), scope, k)
			if got.Status != access.StatusComplete {
				s.Fatalf("%s of %s: %s %s", k, scope, got.Status, got.Reason)
			}
			for _, r := range access.NewCollection(scope, k, got.States).Resources {
				out[string(scope)+" "+string(k)] = append(out[string(scope)+" "+string(k)], r.Box.State)
			}
		}
	}
	return out
}
