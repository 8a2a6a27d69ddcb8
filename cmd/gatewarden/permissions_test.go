package main

import (
	"errors"
	"testing"

	"github.com/gatewarden/gatewarden/internal/daemon"
)

// What cannot be found out is exit 3, before what is missing, which is 1.
func TestVerdict(t *testing.T) {
	whole := daemon.Permissions{Org: "a"}
	missing := daemon.Permissions{Org: "b", Read: daemon.Held{Missing: []string{"ORG_READ_ONLY"}}}
	unreadable := daemon.Permissions{Org: "c", Unreadable: []daemon.Unreadable{{Kind: "team"}}}
	unreachable := daemon.Permissions{Org: "d", Failed: "no answer from Atlas"}
	for _, tc := range []struct {
		orgs []daemon.Permissions
		want int
	}{
		{nil, exitOK},
		{[]daemon.Permissions{whole}, exitOK},
		{[]daemon.Permissions{whole, missing}, exitViolation},
		{[]daemon.Permissions{unreadable}, exitViolation},
		{[]daemon.Permissions{missing, unreachable}, exitUnreadable},
	} {
		got := exitOK
		if c, failed := errors.AsType[coded](verdict(tc.orgs)); failed {
			got = c.code
		}
		if got != tc.want {
			t.Errorf("%v: exit %d, want %d", tc.orgs, got, tc.want)
		}
	}
}
