package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/internal/scan"
)

// client asks the admin API of the stage's daemon without a socket.
func (s *stage) client() *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		s.daemon.admin().ServeHTTP(w, r)
		return w.Result(), nil
	})}
}

// replay replays by the stage's configuration with some of it edited.
func (s *stage) replay(o ReplayOptions, edits ...string) Replayed {
	s.t.Helper()
	conf := s.conf
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(conf, edits[i]) {
			s.t.Fatalf("the configuration does not say %q", edits[i])
		}
		conf = strings.Replace(conf, edits[i], edits[i+1], 1)
	}
	former := s.conf
	s.conf = conf
	f, err := s.load()
	s.conf = former
	if err != nil {
		s.t.Fatal(err)
	}
	if o.Client == nil {
		o.Client = s.client()
	}
	r, err := Replay(s.t.Context(), f, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// wide is a rule of the file's owner: what it finds no built-in rule does.
const wide = `id: mine/wide
title: Wide entry
why: what one address does not need, one address should not have.
severity: medium
kind: ip_access_entry
on: state
params: {most: 1000}
when: exposure.v4 > params.most
message: "'The entry ' + entry.entry + ' lets in ' + string(exposure.v4) + ' addresses.'"
remedy: delete-entries
ceiling: auto
controls: [CC6.6]
references: [https://www.mongodb.com/docs/atlas/security/ip-access-list/]
tests:
  - {name: wide, given: {environment: prod, ip_access_entry: [4.0.0.0/8]}, want: {4.0.0.0/8: violation}}
  - {name: wider, given: {environment: dev, ip_access_entry: [0.0.0.0/0]}, want: {0.0.0.0/0: violation}}
  - {name: a subnet, given: {environment: prod, ip_access_entry: [203.0.113.0/28]}, want: {203.0.113.0/28: pass}}
  - {name: narrow, given: {environment: prod, ip_access_entry: [203.0.113.10/32]}, want: {203.0.113.10/32: pass}}
  - {name: unreadable, given: {environment: prod, ip_access_entry: [4.0.0.0/8], status: {ip_access_entry: denied}}, want: {4.0.0.0/8: unknown}}
`

func ownRules(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

var story = []string{
	`at 0s start`,
	`at 40s as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"debugging"}]`,
	`at 3m as rajesh@example.com POST /groups/{ecommerce-prod}/databaseUsers {"username":"prod_migration_1","databaseName":"admin","password":"not-a-real-one-1","roles":[{"roleName":"readWrite","databaseName":"ecommerce"}],"scopes":[{"name":"prod-cluster","type":"CLUSTER"}],"deleteAfterDate":"{+100m}"}`,
	`at 5m as rajesh@example.com PATCH /groups/{ecommerce-prod}/databaseUsers/admin/prod_app_user {"scopes":[]}`,
	`at 8m as alice@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"dev"}]`,
	`at 20m as alice@example.com DELETE /groups/{ecommerce-dev}/accessList/0.0.0.0%2F0`,
	`at 30m as alice@example.com POST /groups/{ecommerce-dev}/accessList [{"cidrBlock":"4.0.0.0/8","comment":"wide"}]`,
	`at 50m as alice@example.com PATCH /groups/{ecommerce-dev}/databaseUsers/admin/dev_app_user {"roles":[{"roleName":"atlasAdmin","databaseName":"admin"}]}`,
}

func (s *stage) play(lines []string) {
	s.t.Helper()
	for _, line := range lines {
		if err := s.step(line); err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
	}
}

// told are the findings of a daemon or a replay, each with its last episode.
func (s *stage) told() (out []string) {
	s.t.Helper()
	all, err := s.daemon.AllFindings(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range all {
		out = append(out, fmt.Sprintf("%s %s #%d %s %s origin=%q env=%s open=%t by=%s", f.Rule, f.Ref, f.Episode, f.Severity, f.CauseAt.UTC().Format(time.RFC3339), f.Origin, f.Environment, f.Open(), f.Actor.Name))
	}
	slices.Sort(out)
	return out
}

func retold(r Replayed) (out []string) {
	last := map[string]ReplayFinding{}
	for _, f := range r.Findings {
		if f.Difference != scan.OnlyOld {
			last[f.ID] = f
		}
	}
	for _, f := range last {
		out = append(out, fmt.Sprintf("%s %s #%d %s %s origin=%q env=%s open=%t by=%s", f.Rule, f.Ref, f.Episode, f.Severity, f.CauseAt.UTC().Format(time.RFC3339), f.Origin, f.Environment, f.ClosedAt.IsZero(), f.Actor))
	}
	slices.Sort(out)
	return out
}

// TestReplayTellsWhatTheDaemonTold: the daemon ran, things happened, it put some of them
// right; a replay of its history by the same configuration lists exactly the findings that
// it had, one by a stricter configuration lists what that would have found besides.
func TestReplayTellsWhatTheDaemonTold(t *testing.T) {
	own := ownRules(t, wide)
	bubble(t, nil, func(t *testing.T, s *stage) {
		s.play(story)
		time.Sleep(70 * time.Minute)
		synctest.Wait()
		mine := []string{"dry_run: false", "dry_run: false\nrules: {only: [network/open-to-world, network/transient-open-to-world, dbuser/unscoped, dbuser/expired-migration-user, dbuser/atlas-admin-app, \"mine/*\"]}"}
		same := s.replay(ReplayOptions{Since: "3d"})
		told := s.told()
		if diff := cmp.Diff(told, retold(same)); diff != "" || len(told) < 4 {
			t.Errorf("findings (-daemon +replay):\n%s", diff)
		}
		if same.Against != "" || same.OpenedOnlyByNew() != 0 {
			t.Errorf("compared with %q, %d only by the new", same.Against, same.OpenedOnlyByNew())
		}
		stricter := s.replay(ReplayOptions{Since: "3d", Rules: []string{own}}, mine...)
		want := []string{"mine/wide 0.0.0.0/0 only_new", "mine/wide 0.0.0.0/0 only_new", "mine/wide 4.0.0.0/8 only_new"}
		if diff := cmp.Diff(want, differences(stricter)); diff != "" || stricter.Against == "" {
			t.Errorf("compared with %q (-want +got):\n%s", stricter.Against, diff)
		}
		laxer := s.replay(ReplayOptions{Since: "3d"}, "dry_run: false", "dry_run: false\nrules: {override: {network/open-to-world: {environments: [prod]}}}")
		if diff := cmp.Diff([]string{"network/open-to-world 0.0.0.0/0 only_old"}, differences(laxer)); diff != "" {
			t.Errorf("by fewer rules (-want +got):\n%s", diff)
		}
		s.sameFromFile(own, told, mine)
	})
}

// TestReplayByAllRules: the same with every rule there is.
func TestReplayByAllRules(t *testing.T) {
	edit := func(conf string) string {
		return strings.Replace(conf, "dry_run: false", "dry_run: false\nrules: {only: [\"*\"]}", 1)
	}
	bubble(t, edit, func(t *testing.T, s *stage) {
		s.play(story)
		time.Sleep(70 * time.Minute)
		synctest.Wait()
		told := s.told()
		if diff := cmp.Diff(told, retold(s.replay(ReplayOptions{Since: "3d"}))); diff != "" || len(told) < 10 {
			t.Errorf("%d findings (-daemon +replay):\n%s", len(told), diff)
		}
	})
}

func differences(r Replayed) (out []string) {
	for _, f := range r.Findings {
		if f.Difference != "" {
			out = append(out, f.Rule+" "+f.Ref.Name+" "+string(f.Difference))
		}
	}
	slices.Sort(out)
	return out
}

// sameFromFile checks that what was exported gives the same as what was asked, and so does
// the store once the daemon has stopped, up to when it was read.
func (s *stage) sameFromFile(own string, told, mine []string) {
	t := s.t
	export := filepath.Join(s.dir, "history")
	asked := encoded(t, s.replay(ReplayOptions{Since: "1d", Export: export, Rules: []string{own}}, mine...))
	info, err := os.Stat(export)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export: %v %v", info, err)
	}
	if kept := encoded(t, s.replay(ReplayOptions{From: export, Rules: []string{own}}, mine...)); !bytes.Equal(asked, kept) {
		t.Errorf("(-asked +kept):\n%s", cmp.Diff(string(asked), string(kept)))
	}
	if text, err := os.ReadFile(export); err != nil || bytes.Contains(text, []byte("not-a-real-one")) || bytes.Contains(text, []byte("test-read-secret")) {
		t.Errorf("the export holds a secret, or is not there: %v", err)
	}
	if text, err := os.ReadFile(export); err != nil || !bytes.Contains(text, []byte(`{"use":{"v":1,"scope":"prj.`)) {
		t.Errorf("the export holds no history of use: %v", err)
	}
	s.stop()
	refused := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED })}
	var notes []string
	out := s.replay(ReplayOptions{Since: "1d", Client: refused, Note: func(text string) { notes = append(notes, text) }})
	if diff := cmp.Diff(told, retold(out)); diff != "" || len(notes) != 1 || !strings.Contains(notes[0], "no daemon answers") {
		t.Errorf("out of the store, with %v (-daemon +replay):\n%s", notes, diff)
	}
}

func encoded(t *testing.T, r Replayed) []byte {
	t.Helper()
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestReplayOfResponses: what each response would have come to, by the guards of the
// executor, dry run left out of account.
func TestReplayOfResponses(t *testing.T) {
	edit := func(conf string) string { return strings.Replace(conf, "dry_run: false", "dry_run: true", 1) }
	bubble(t, edit, func(t *testing.T, s *stage) {
		s.play(story)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		r := s.replay(ReplayOptions{Since: "1d"})
		var got []string
		for _, f := range r.Findings {
			if f.Would != nil && (f.Would.Outcome == scan.WouldRevert || f.Would.Guard != "") && (strings.HasPrefix(f.Rule, "network/") || strings.HasPrefix(f.Rule, "dbuser/")) {
				got = append(got, fmt.Sprintf("%s %s %s %s %v", f.Rule, f.Ref.Name, f.Would.Outcome, f.Would.Guard, f.Would.Operations))
			}
		}
		slices.Sort(got)
		t.Log(strings.Join(got, "\n"))
		for _, want := range []string{"network/open-to-world 0.0.0.0/0 revert  [delete_access_entry 0.0.0.0/0]"} {
			if !slices.Contains(got, want) {
				t.Errorf("no %s", want)
			}
		}
		if effects := s.atlas.Effects(); slices.ContainsFunc(effects, func(e sim.Effect) bool { return e.ByHTTP }) {
			t.Error("it wrote")
		}
	})
}
