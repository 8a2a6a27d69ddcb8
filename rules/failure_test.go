package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// byKey fails to name its finding of a user without roles.
const byKey = `
- id: user/one
  title: t
  why: w
  severity: high
  kind: database_user
  on: state
  when: "user.username.startsWith('bad')"
  key: "string(10 / size(user.roles))"
  message: "'m'"
  remedy: none
  ceiling: tell
  tests:
    - name: a
      given: {database_user: [{username: bad1, roles: [{roleName: read, databaseName: shop}]}, {username: bad2, roles: [{roleName: read, databaseName: shop}]}]}
      want: {admin/bad1: violation, admin/bad2: violation}
    - name: b
      given: {database_user: [{username: good}, {username: good2}]}
      want: {admin/good: pass, admin/good2: pass}
    - name: c
      given: {database_user: [{username: bad1, roles: [{roleName: read, databaseName: shop}]}], status: {database_user: denied}}
      want: {admin/bad1: unknown}
`

func TestFailingKeyKeepsFindings(t *testing.T) {
	b := newBench(t, mustLoad(t, testPolicy(), Source{"u.yaml", []byte(byKey)}))
	b.read(access.KindDatabaseUser, user("bad1", false, "read@shop"))
	b.publish()
	b.judge()
	if n := openOf(b, "user/one"); n != 1 {
		t.Fatalf("%d open", n)
	}
	b.wait(time.Minute)
	b.read(access.KindDatabaseUser, user("bad1", false))
	b.publish()
	b.judge()
	for _, f := range b.doc.Findings {
		if f.Rule == "user/one" {
			if f.State == access.FindingResolved {
				t.Error("resolved, since its key cannot be worked out")
			}
		}
	}
}

func openOf(b *bench, rule string) (n int) {
	for _, f := range b.doc.Findings {
		if f.Rule == rule && f.Open() {
			n++
		}
	}
	return n
}

// byNames fails to work out the names of a user without roles.
const byNames = `
- id: user/names
  title: t
  why: w
  severity: high
  kind: database_user
  on: state
  each_of: {kind: database_user, names: "10 / size(user.roles) > 0 ? [user.username + '!'] : []"}
  when: "true"
  message: "'m'"
  remedy: none
  ceiling: tell
  tests:
    - name: a
      given: {database_user: [{username: bad1, roles: [{roleName: read, databaseName: shop}]}, {username: bad2, roles: [{roleName: read, databaseName: shop}]}]}
      want: {"bad1!": violation, admin/bad1: pass, "bad2!": violation, admin/bad2: pass}
    - name: c
      given: {database_user: [{username: bad1, roles: [{roleName: read, databaseName: shop}]}], status: {database_user: denied}}
      want: {"bad1!": unknown, admin/bad1: unknown}
`

func TestFailingNamesKeepFindings(t *testing.T) {
	b := newBench(t, mustLoad(t, testPolicy(), Source{"u.yaml", []byte(byNames)}))
	b.read(access.KindDatabaseUser, user("bad1", false, "read@shop"))
	b.publish()
	b.judge()
	if n := openOf(b, "user/names"); n != 1 {
		t.Fatalf("%d open", n)
	}
	b.wait(time.Minute)
	b.read(access.KindDatabaseUser, user("bad1", false))
	b.publish()
	b.judge()
	for _, f := range b.doc.Findings {
		if f.Rule == "user/names" && f.State == access.FindingResolved {
			t.Errorf("%s resolved, since the names cannot be worked out: %s", f.Ref.Name, f.Resolution)
		}
	}
}

// odd fails on a user without roles.
const odd = `
- id: user/odd
  title: t
  why: w
  severity: high
  kind: database_user
  on: state
  when: "10 / size(user.roles) > 0"
  message: "'m'"
  remedy: none
  ceiling: tell
  tests:
    - name: a
      given: {database_user: [{username: bad1, roles: [{roleName: read, databaseName: shop}]}, {username: bad2, roles: [{roleName: read, databaseName: shop}]}]}
      want: {admin/bad1: violation, admin/bad2: violation}
    - name: b
      given: {database_user: [{username: bad1, roles: [{roleName: read, databaseName: shop}, {roleName: read, databaseName: a}, {roleName: read, databaseName: b}, {roleName: read, databaseName: c}, {roleName: read, databaseName: d}, {roleName: read, databaseName: e}, {roleName: read, databaseName: f}, {roleName: read, databaseName: g}, {roleName: read, databaseName: h}, {roleName: read, databaseName: i}, {roleName: read, databaseName: j}]}, {username: bad2, roles: [{roleName: read, databaseName: shop}, {roleName: read, databaseName: a}, {roleName: read, databaseName: b}, {roleName: read, databaseName: c}, {roleName: read, databaseName: d}, {roleName: read, databaseName: e}, {roleName: read, databaseName: f}, {roleName: read, databaseName: g}, {roleName: read, databaseName: h}, {roleName: read, databaseName: i}, {roleName: read, databaseName: j}]}]}
      want: {admin/bad1: pass, admin/bad2: pass}
    - name: c
      given: {database_user: [{username: bad1, roles: [{roleName: read, databaseName: shop}]}], status: {database_user: denied}}
      want: {admin/bad1: unknown}
`

func TestFailuresHideNothing(t *testing.T) {
	b := newBench(t, mustLoad(t, testPolicy(), Source{"u.yaml", []byte(odd)}))
	var users []access.State
	for i := range 5 {
		users = append(users, user(fmt.Sprint("aaa", i), false))
	}
	b.read(access.KindDatabaseUser, append(users, user("zzz", false, "read@shop"))...)
	b.publish()
	b.judge()
	if n := openOf(b, "user/odd"); n != 1 {
		t.Errorf("%d open: the sixth is not found", n)
	}
}
