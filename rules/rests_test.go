package rules

import (
	"fmt"
	"strings"
	"testing"
)

// TestRestsOnWhatItReads: a rule whose answers change with resources of another kind says
// that it reads the kind.
func TestRestsOnWhatItReads(t *testing.T) {
	const rule = `id: mine/targets
title: a title
why: a reason
kind: database_user
%swhen: "targets.count %s 0"
message: user.username
tests:
  - name: there
    given: {database_user: [{username: a}, {username: b}], cluster: [{name: c}], ip_access_entry: [203.0.113.1/32]}
    want: {admin/a: %[3]s, admin/b: %[3]s}
  - name: not there
    given: {database_user: [{username: a}, {username: b}]}
    want: {admin/a: %[4]s, admin/b: %[4]s}
  - name: unreadable
    given: {database_user: [{username: a}], status: {database_user: denied}}
    want: {admin/a: unknown}
`
	for name, c := range map[string]struct{ reads, op, some, none, want string }{
		"said":              {"reads: [cluster, flex_cluster]\n", "==", "pass", "violation", ""},
		"a violation at no": {"", "==", "pass", "violation", "f.yaml:1:1: rule mine/targets: it rests on cluster (test \"there\": admin/a is pass, and without them violation), and would take a list that cannot be read for an empty one: add cluster to reads"},
		"a pass at none":    {"reads: [flex_cluster]\n", ">", "violation", "pass", "f.yaml:5:8: rule mine/targets: it rests on cluster"},
		"it does not":       {"", ">=", "violation", "violation", "none 0"},
	} {
		_, err := Load(testPolicy(), Source{"f.yaml", []byte(fmt.Sprintf(rule, c.reads, c.op, c.some, c.none))})
		got := fmt.Sprint(err)
		if (err == nil) != (c.want == "") || !strings.Contains(got, c.want) || c.want == "none 0" && strings.Contains(got, "rests on") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
