package slack

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

func diffed(before, after access.State, most int) string {
	s := notify.Story{Finding: access.Finding{Evidence: access.Evidence{Before: access.Box{State: before}, After: access.Box{State: after}}}}
	r := &rich{}
	diff(r, s, most)
	return strings.ReplaceAll(strings.TrimSpace(plainOf(r)), "      ", "")
}

func TestDiff(t *testing.T) {
	app := access.DatabaseUser{Database: "admin", Username: "app", Auth: access.AuthSCRAM, Roles: []access.RoleGrant{{Role: "read", Database: "shop"}}, Scopes: []access.UserScope{{Name: "c0", Type: "CLUSTER"}}}
	wider := app
	wider.Roles, wider.Scopes, wider.Labels = []access.RoleGrant{{Role: "readWrite", Database: "shop", Collection: "orders"}}, []access.UserScope{}, []access.Label{{Key: "team", Value: "shop"}}
	for _, c := range []struct {
		name          string
		before, after access.State
		most          int
		want          string
	}{
		{"made for good", nil, access.IPAccessEntry{Entry: "0.0.0.0/0"}, 4, "it was not there before\nexpires: never"},
		{"made for a while", nil, access.IPAccessEntry{Entry: "0.0.0.0/0", Comment: "c", DeleteAfterDate: at}, 4, "it was not there before\ncomment: c\nexpires: 2026-11-22T02:13:00Z"},
		{"deleted", access.IPAccessEntry{Entry: "10.0.0.0/8", Comment: "c"}, nil, 4, "it was deleted\ncomment: c"},
		{"made without limits", nil, access.DatabaseUser{Database: "admin", Username: "app", Auth: "scram", Roles: app.Roles, Scopes: []access.UserScope{}}, 4,
			"it was not there before\nauth: scram\nroles: read@shop\nscopes: every cluster of the project"},
		{"roles, scopes and labels", app, wider, 4, "labels: none → team=shop\nroles: − read@shop  + readWrite@shop.orders  \nscopes: c0 → every cluster of the project"},
		{"more than fits", app, wider, 1, "labels: none → team=shop and 2 more fields"},
		{"a switch", access.ProjectSettings{DataExplorer: false}, access.ProjectSettings{DataExplorer: true}, 4, "isDataExplorerEnabled: false → true"},
		{"nothing readable", nil, nil, 4, ""}, {"the same", app, app, 4, ""},
	} {
		if got := diffed(c.before, c.after, c.most); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	if got := item(json.RawMessage(`{"action":"FIND","db":"shop"}`)); got != `{"action":"FIND","db":"shop"}` {
		t.Errorf("a privilege: %s", got)
	}
}

func TestWhoAndHowSure(t *testing.T) {
	for _, c := range []struct {
		actor  access.Actor
		events []string
		source access.Source
		by     []string
		want   string
	}{
		{access.Actor{Type: access.ActorHuman, Name: "a@example.com", Principal: "alice"}, []string{"e"}, access.SourceFeed, nil, "human a@example.com; sure: Atlas's event of the change names them; declared as alice"},
		{access.Actor{Type: access.ActorAPIKey, Name: "abc", Address: "192.0.2.1"}, nil, access.SourceSweep, []string{"alice", "bob"},
			"api key abc from 192.0.2.1; likely: no event of this very change is known; answered for by alice, bob"},
		{access.Actor{}, nil, access.SourceSweep, nil, "not known (the feed has not said); found by a sweep, and no event names anybody yet"},
		{access.Actor{}, nil, access.SourceFeed, nil, "not known (the feed has not said)"},
	} {
		r := &rich{}
		who(r, notify.Story{Finding: access.Finding{Actor: c.actor, Evidence: access.Evidence{Events: c.events, Source: c.source}}, Authors: c.by}, Look{})
		if got := plainOf(r); got != "Who  "+c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

func TestImpactSaysHowGoodItIs(t *testing.T) {
	span := access.Impact{From: at.Add(-48 * time.Hour), To: at}
	with := func(answer string, l access.Logins) access.Impact {
		i := span
		i.Answer, i.Seen = answer, l
		return i
	}
	for _, c := range []struct {
		impact access.Impact
		want   string
	}{
		{with("seen", access.Logins{Quality: access.QualityComplete, Succeeded: 3, Failed: 1}), "4 logins by it in the last 2 d, 1 of them failed (a whole count)"},
		{with("seen", access.Logins{Quality: access.QualityPartial, Why: "20,000 lines", Succeeded: 1}), "1 login by it in the last 2 d at least, since the count is not whole: 20,000 lines"},
		{with("none", access.Logins{Quality: access.QualityComplete}), "no login by it in the last 2 d (a whole count)"},
		{with("", access.Logins{Why: "an M0 tells nothing"}), "unknown: an M0 tells nothing"},
		{access.Impact{Says: "how much it is used is not known: no login to a cluster goes through it"}, "unknown: how much it is used is not known: no login to a cluster goes through it"},
		{access.Impact{}, "unknown: nobody has looked who uses it"},
	} {
		r := &rich{}
		impact(r, c.impact)
		if got := plainOf(r); got != "Would break  "+c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

func TestOwnersInCode(t *testing.T) {
	for owner, want := range map[string]string{
		"": "", "terraform in infra/x, whose credential made it": "the next apply puts it back unless it is changed there", "terraform in infra/x, by its pattern": "look at what the next apply says: it may put it back, or want what was there before",
		"ako in k8s, by its pattern": "the operator puts it back when it reconciles, unless it is changed there", "vault, by its pattern": "its lease takes it away, and the next one is alike: change the role there",
		"custom, by its pattern": "its next run may put it back: change it there too",
	} {
		r := &rich{}
		inCode(r, owner)
		if got := plainOf(r); got != "" && got != "In code  "+owner+"; "+want || got == "" && want != "" {
			t.Errorf("%q: %q", owner, got)
		}
	}
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 102: "102nd", 111: "111th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
