package access

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"
)

// Every kind of the closed list has a state that survives being stored, also empty.
func TestEveryKindIsStored(t *testing.T) {
	for _, k := range slices.Concat(OrgKinds(), ProjectKinds()) {
		s, err := decodeState(k, []byte(`{}`))
		if err != nil {
			t.Errorf("%s: %v", k, err)
			continue
		}
		if s.Kind() != k {
			t.Errorf("%s decodes as a %s", k, s.Kind())
		}
		src, err := json.Marshal(Box{s})
		if err != nil {
			t.Fatal(err)
		}
		var back Box
		if err := json.Unmarshal(src, &back); err != nil || !reflect.DeepEqual(back.State.Kind(), k) {
			t.Errorf("%s: %s came back as %v, %v", k, src, back, err)
		}
	}
	if _, err := decodeState("wish", []byte(`{}`)); err == nil {
		t.Error("an unknown kind decodes")
	}
}

func TestNames(t *testing.T) {
	for want, s := range map[string]State{
		"o": OrgSettings{OrgID: "o"}, "a@example.com": OrgMember{Username: "a@example.com"}, "b@example.com": Invitation{Username: "b@example.com"},
		"t": Team{ID: "t", Title: "x"}, "t/a@example.com": TeamMember{Team: "t", Username: "a@example.com"}, "abcdefgh": APIKey{PublicKey: "abcdefgh"},
		"c": ServiceAccount{ClientID: "c"}, "c/s": ServiceAccountSecret{ClientID: "c", ID: "s"}, "c/10.0.0.0/8": APIAccessEntry{Identity: "c", Entry: "10.0.0.0/8"},
		"f": Federation{OrgID: "f", ID: "x"}, "i": IdentityProvider{ID: "i"}, "m": RoleMapping{ID: "m"}, "r": ResourcePolicy{ID: "r"},
		"p": ProjectSettings{ProjectID: "p"}, "u": ProjectMember{Username: "u"}, "g": TeamGrant{Team: "g"}, "k": ProjectKey{PublicKey: "k"},
		"s": ProjectServiceAccount{ClientID: "s"}, "AWS/e": PrivateEndpoint{Provider: "AWS", ID: "e"}, "GCP/n": Peering{Provider: "GCP", ID: "n"},
		"x": X509Config{ProjectID: "x"}, "user/d": X509Config{ProjectID: "x", User: "d"}, "l": DatabaseAuth{ProjectID: "l"}, "q": Auditing{ProjectID: "q"},
		"h": AlertConfig{ID: "h"}, "WEBHOOK": Integration{Type: "WEBHOOK"}, "SLACK/1": Integration{Type: "SLACK", ID: "1"},
		"c1/j": BackupRestoreJob{Cluster: "c1", ID: "j"}, "c2/j": BackupExportJob{Cluster: "c2", ID: "j"}, "bucket": BackupExportBucket{ID: "bucket"},
		"c1/admin/app": AccessHistory{Cluster: "c1", Database: "admin", Username: "app"},
	} {
		if got := s.Name(); got != want {
			t.Errorf("%T: %q, want %q", s, got, want)
		}
	}
}

// The dates of the last use make no change, and are seen to have moved.
func TestVolatileDates(t *testing.T) {
	org := OrgScope("64f000000000000000000001")
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	of := func(s State) Collection { return NewCollection(org, s.Kind(), []State{s}) }
	for _, c := range []struct{ before, after State }{
		{OrgMember{Username: "a"}, OrgMember{Username: "a", LastAuth: at}},
		{ServiceAccountSecret{ID: "a", LastUsed: at}, ServiceAccountSecret{ID: "a", LastUsed: at.AddDate(0, 0, 1)}},
		{APIAccessEntry{Entry: "a"}, APIAccessEntry{Entry: "a", LastUsed: at}},
		{AccessHistory{Username: "a", FirstLogin: at}, AccessHistory{Username: "a", FirstLogin: at.AddDate(0, 0, 1), LastLogin: at}},
		{AccessHistory{Username: "a"}, AccessHistory{Username: "a", LastFrom: map[string]time.Time{"192.0.2.1": at}}},
	} {
		before, after := of(c.before), of(c.after)
		if d := Diff(before, after); len(d) != 0 {
			t.Errorf("%T: %v", c.before, d)
		}
		if !Moved(before, after) || Moved(before, before) {
			t.Errorf("%T: moved %v, itself %v", c.before, Moved(before, after), Moved(before, before))
		}
	}
}
