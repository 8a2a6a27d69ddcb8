package daemon

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/stream"
)

// TestRolesCoverEverything: each bucket has one writer, and each worker of the daemon one role.
func TestRolesCoverEverything(t *testing.T) {
	writers := map[string][]Role{}
	for _, r := range Roles() {
		for _, b := range accessOf(r).Write {
			writers[b] = append(writers[b], r)
		}
	}
	for _, bucket := range strings.Fields("watch inventory history facts findings actions waivers control replays deliveries cards locks") {
		if len(writers[bucket]) != 1 {
			t.Errorf("bucket %s is written by %v, want one role", bucket, writers[bucket])
		}
		delete(writers, bucket)
	}
	if len(writers) > 0 {
		t.Errorf("this test knows no buckets %v", writers)
	}
	s := newStage(t, t.TempDir(), read(t, "testdata/world.yaml"), read(t, "testdata/config.yaml"))
	s.start()
	defer s.stop()
	for _, w := range s.daemon.workers() {
		var roles []Role
		for _, r := range Roles() {
			if slices.ContainsFunc(accessOf(r).Work, func(m stream.Worker) bool { return m.Topic == w.Topic && m.Durable == w.Durable }) {
				roles = append(roles, r)
			}
		}
		if len(roles) != 1 {
			t.Errorf("the worker %s of %s has roles %v, want one: see accessOf", w.Durable, w.Topic, roles)
		}
	}
	if all, own, listed := len(s.daemon.workers()), len(s.daemon.ownWorkers()), len(together(Roles()).Work); own != all || listed != all {
		t.Errorf("%d workers, %d with a role, %d in the table", all, own, listed)
	}
}

func TestPermissionFilesAreCurrent(t *testing.T) {
	for file, want := range map[string]string{
		"permissions.conf": NATSPermissions("gw", EachRole()...), "permissions-all.conf": NATSPermissions("gw", Roles()),
	} {
		name := "../../deploy/nats/" + file
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if read(t, name) != want {
			t.Errorf("%s is not what the table of roles gives: go test ./internal/daemon -run TestPermissionFiles -update writes it", name)
		}
	}
}

func TestParseRoles(t *testing.T) {
	for text, want := range map[string]string{
		"": "watch,rules,remediate,notify,slack,audit,api", "all": "watch,rules,remediate,notify,slack,audit,api", "rules, watch,rules": "watch,rules", "api": "api",
		"watcher": `there is no role "watcher"`, "watch,": `there is no role ""`,
	} {
		roles, err := ParseRoles(text)
		got := joined(roles, ",")
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestRolesNeedACluster(t *testing.T) {
	s := newStage(t, t.TempDir(), read(t, "testdata/world.yaml"), read(t, "testdata/config.yaml"))
	f, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{File: f, Roles: []Role{RoleWatch}, NoListen: true}); err == nil || !IsConfig(err) || !strings.Contains(err.Error(), "does everything") {
		t.Errorf("one role on a store of its own: %v", err)
	}
	if _, err := Bootstrap(t.Context(), BootstrapOptions{File: f}); err == nil || !IsConfig(err) {
		t.Errorf("a bootstrap of a store of its own: %v", err)
	}
}
