package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// verdict is what Load says of a file, as files.txtar has it.
func verdict(name string, src []byte) string {
	f, err := Load(name, src)
	if err != nil {
		return err.Error() + "\n"
	}
	out := "ok\n"
	for _, w := range f.Warnings {
		out += w.String() + "\n"
	}
	return out
}

func TestFiles(t *testing.T) {
	golden := filepath.Join("testdata", "files.txtar")
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	for _, f := range archive.Files {
		base, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		says := verdict(f.Name, f.Data)
		got.Files = append(got.Files, f, txtar.File{Name: base + ".want", Data: []byte(says)})
		t.Run(base, func(t *testing.T) {
			if diff := cmp.Diff(want[base+".want"], says); diff != "" && !*update {
				t.Errorf("what Load says (-want +got; -update rewrites it):\n%s", diff)
			}
			if strings.Contains(says, "hunter2") {
				t.Errorf("a secret is quoted:\n%s", says)
			}
		})
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProblemsAreSortedAndTyped(t *testing.T) {
	_, err := Load("x.yaml", []byte("dry_run: 1\natlas: {}\nzzz: 1\n"))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Fatalf("Load: %v, want three Problems", err)
	}
	if !slices.IsSortedFunc(problems, func(a, b Problem) int { return a.Line - b.Line }) {
		t.Errorf("not in the order of the file:\n%v", err)
	}
	want := Problem{File: "x.yaml", Line: 1, Column: 10, Path: "dry_run", Message: "expected true or false, got a number"}
	if problems[0] != want {
		t.Errorf("first problem\n got %+v\nwant %+v", problems[0], want)
	}
}

var byExports = cmpopts.IgnoreUnexported(File{})

func TestDefaults(t *testing.T) {
	got, err := Load("/etc/gatewarden/gatewarden.yaml", []byte(`
atlas: {orgs: [{id: 64f0c0ffee64f0c0ffee64f0, read: {public_key: {env: PUBLIC}, private_key: {file: private}}}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Name: "/etc/gatewarden/gatewarden.yaml",
		Atlas: Atlas{
			BaseURL: "https://cloud.mongodb.com", Profile: reach.ProfileObserve,
			Orgs: []Org{{ID: "64f0c0ffee64f0c0ffee64f0", Read: Credentials{
				PublicKey: Source{Env: "PUBLIC"}, PrivateKey: Source{File: "/etc/gatewarden/private"},
			}}},
		},
		Guards:   Guards{ProjectHour: 10, OrgHour: 50, SettleOther: 90 * time.Second, War: access.War{Flips: 3, Window: time.Hour}, Retention: 30 * day},
		DryRun:   true,
		Routes:   []Route{{To: []string{SinkLog}}},
		NATS:     NATS{Store: "/var/lib/gatewarden", Prefix: "gw", Replicas: 1},
		Audit:    Audit{Folder: "/var/lib/gatewarden.audit", Book: "/var/lib/gatewarden.audit/book", Every: time.Minute, Verify: time.Hour},
		Schedule: Schedule{FeedActive: 20 * time.Second, FeedIdle: time.Minute, SweepGate: 15 * time.Minute, SweepRest: 6 * time.Hour, Clock: 15 * time.Minute},
		HTTP:     HTTP{Public: ":8080", Ops: ":9090", Admin: "127.0.0.1:9091"},
	}
	if diff := cmp.Diff(want, got, byExports); diff != "" {
		t.Errorf("a minimal file (-want +got):\n%s", diff)
	}
}

func TestExample(t *testing.T) {
	name := filepath.Join("testdata", "example.yaml")
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(name, src)
	if err != nil {
		t.Fatal(err)
	}
	source := func(id, file string) Credentials {
		return Credentials{ClientID: Source{Env: id}, ClientSecret: Source{File: file}}
	}
	want := &File{
		Name: name,
		Atlas: Atlas{BaseURL: "https://cloud.mongodb.com", Profile: reach.ProfileObserve, Orgs: []Org{{
			ID:   "64f0c0ffee64f0c0ffee64f0",
			Read: source("ATLAS_READ_ID", "/run/secrets/atlas-read"), Write: source("ATLAS_WRITE_ID", "/run/secrets/atlas-write"),
		}}},
		Environments: []access.Environment{
			{Name: "prod", Projects: []string{"*-prod"}, Tags: map[string]string{"env": "prod"}},
			{Name: "staging", Projects: []string{"*-staging"}},
			{Name: "dev", Projects: []string{"*-dev"}},
		},
		Identities: []access.Identity{
			{
				Class: "app", Usernames: []string{"*_app_user"}, Environments: []string{"prod"}, Owner: "alice",
				Roles:  []access.RoleGrant{{Role: "readWrite", Database: "ecommerce"}},
				Scopes: []access.UserScope{{Name: "prod-cluster", Type: "CLUSTER"}},
			},
			{Class: "migration", Usernames: []string{"*_migration_*"}, MaxAge: 72 * time.Hour},
			{Class: "break_glass", Usernames: []string{"*_breakglass_*"}, MaxAge: 8 * time.Hour},
			{
				Class: "sync", Labels: map[string]string{"tool": "mirror"}, Until: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
				Roles:  []access.RoleGrant{{Role: "read", Database: "ecommerce", Collection: "orders"}},
				Scopes: []access.UserScope{{Name: "events", Type: "STREAM"}},
			},
		},
		Principals: []access.Principal{{ID: "alice", Email: "alice@example.com", Slack: "U01", Atlas: []string{"alice@example.com"}, Owns: []string{"mdb_sa_id_64f0c0ffee"}}},
		Networks: []access.Network{{Environment: "prod", Purposes: map[string][]string{
			"app": {"203.0.113.0/28"}, "ci": {"198.51.100.7/32"}, "vpn": {}, "private": {"10.0.0.0/8"},
		}}},
		Ranges: access.Ranges{Developer: []string{"192.0.2.0/24"}, Peers: []access.Peer{}},
		Rules: Rules{Paths: []string{"/etc/gatewarden/rules"}, Overrides: map[string]Override{
			"network/entry-too-broad": {Params: map[string]any{"min_prefix_v4": int64(28)}},
		}},
		Responses: []access.Response{
			{Rules: []string{"network/open-to-world"}, Environments: []string{"prod"}, Do: access.ModeRevert, Quorum: 1, Deadline: 4 * time.Hour, Undo: 24 * time.Hour},
			{Rules: []string{"dbuser/*"}, Environments: []string{"prod"}, Do: access.ModeApprove, Approvers: []string{"alice"}, Quorum: 1, Deadline: 4 * time.Hour, OnDeadline: access.LateTicket, Undo: 24 * time.Hour},
			{Environments: []string{"dev"}, Do: access.ModeObserve, Quorum: 1, Deadline: 4 * time.Hour, Undo: 24 * time.Hour},
		},
		Guards:   Guards{ProjectHour: 10, OrgHour: 50, SettleOther: 90 * time.Second, NeverTouch: []string{}, War: access.War{Flips: 3, Window: time.Hour}, Retention: 30 * day},
		DryRun:   true,
		Routes:   []Route{{Environments: []string{"prod"}, Severity: access.High, To: []string{SinkLog}}},
		NATS:     NATS{Store: "/var/lib/gatewarden", Prefix: "gw", Replicas: 1},
		Audit:    Audit{Folder: "/var/lib/gatewarden.audit", Book: "/var/lib/gatewarden.audit/book", Every: time.Minute, Verify: time.Hour},
		Schedule: Schedule{FeedActive: 20 * time.Second, FeedIdle: time.Minute, SweepGate: 15 * time.Minute, SweepRest: 6 * time.Hour, Clock: 15 * time.Minute},
		HTTP:     HTTP{Public: ":8080", Ops: ":9090", Admin: "127.0.0.1:9091"},
	}
	if diff := cmp.Diff(want, got, byExports); diff != "" {
		t.Errorf("the example (-want +got):\n%s", diff)
	}
}

func TestPosition(t *testing.T) {
	f, err := Load("x.yaml", []byte(`atlas:
  orgs:
    - id: 64f0c0ffee64f0c0ffee64f0
      read: {public_key: {env: A}, private_key: {env: B}}
rules:
  override:
    network/entry-too-broad:
      params: {min_prefix_v4: 28, list: [1, {b: 2}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]place{
		"":                                       {1, 1},
		"atlas.orgs[0].id":                       {3, 11},
		"atlas.orgs[0]":                          {3, 7},
		"atlas.base_url":                         {2, 3}, // a default: where atlas stands
		"atlas.orgs[7].id":                       {3, 5}, // not there: where the list stands
		"guards.caps":                            {1, 1},
		"rules.override.network/entry-too-broad": {8, 7},
		"rules.override.network/entry-too-broad.params.min_prefix_v4": {8, 31},
		"rules.override.network/entry-too-broad.params.list[1].b":     {8, 49},
	} {
		if line, col := f.Position(path); (place{line, col}) != want {
			t.Errorf("Position(%q) = %d:%d, want %d:%d", path, line, col, want.line, want.col)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"0s": 0, "90s": 90 * time.Second, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute} {
		got, err := duration().read(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "-1s", "1w", "d", "99999d999999999h", "1h2d", " 1s"} {
		if got, err := duration().read(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"base_url", "profile", "orgs", "dry_run", "do", "to"}
	for got, want := range map[string]string{"baseurl": "base_url", "base-url": "base_url", "porfile": "profile", "org": "orgs", "dry-run": "dry_run", "xx": "", "d": "", "something": "", strings.Repeat("x", 1000): ""} {
		if near := nearest(got, known); near != want {
			t.Errorf("nearest(%q) = %q, want %q", got, near, want)
		}
	}
}
