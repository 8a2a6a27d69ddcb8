package rules

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestEnvironment(t *testing.T) {
	e := mustLoad(t, testPolicy())
	tag := func(v string) []access.Label { return []access.Label{{Key: "env", Value: v}} }
	for _, c := range []struct {
		project access.Project
		want    string
	}{
		{access.Project{Title: "shop-prod"}, "prod"},
		{access.Project{Title: "shop-dev"}, "dev"},
		{access.Project{Title: "shop"}, ""},
		{access.Project{Title: "shop", Tags: tag("dev")}, "dev"},
		{access.Project{Title: "shop-dev", Tags: tag("prod")}, "prod"},
		{access.Project{Title: "shop-prod", Tags: tag("dev")}, "prod"}, // tag against name: the strictest
		{access.Project{Title: "shop-staging", Tags: tag("qa")}, "staging"},
		{access.Project{Title: "shop-prod-dev"}, "dev"},
		{access.Project{Title: "SHOP-PROD"}, ""},
	} {
		got, why := e.Environment(c.project)
		if got != c.want || why == "" {
			t.Errorf("%+v is %q (%s), want %q", c.project, got, why, c.want)
		}
	}
}

// TestCatchAll: it takes what nothing else matches, and is no second match of the rest.
func TestCatchAll(t *testing.T) {
	p := testPolicy()
	p.Environments = append(p.Environments, access.Environment{Name: "rest", Projects: []string{"*"}, CatchAll: true})
	e := mustLoad(t, p)
	for title, want := range map[string]string{"shop-prod": "prod", "shop-dev": "dev", "shop": "rest"} {
		if got, why := e.Environment(access.Project{Title: title}); got != want || strings.Contains(why, "match it") {
			t.Errorf("%s is %q (%s), want %q", title, got, why, want)
		}
	}
}

func TestHolds(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for _, c := range []struct{ former, now, want string }{
		{"", "dev", "dev"}, {"", "", ""}, {"dev", "prod", "prod"}, {"prod", "dev", "prod"}, {"prod", "", "prod"},
		{"staging", "dev", "staging"}, {"staging", "", "staging"}, {"dev", "", ""}, {"gone", "dev", "dev"}, {"prod", "prod", "prod"},
	} {
		if got := e.Holds(c.former, c.now); got != c.want {
			t.Errorf("from %q to %q: %q holds, want %q", c.former, c.now, got, c.want)
		}
	}
}

func TestIdentity(t *testing.T) {
	p := testPolicy()
	p.Identities = append([]access.Identity{
		{Class: access.ClassSync, Usernames: []string{"prod_app_user"}, Environments: []string{"dev"}},
		{Class: access.ClassReporting, Labels: map[string]string{"team": "bi"}},
		{Class: access.ClassMonitoring},
	}, p.Identities...)
	e := mustLoad(t, p)
	labelled := access.DatabaseUser{Username: "prod_app_user", Labels: []access.Label{{Key: "team", Value: "bi"}}}
	for _, c := range []struct {
		env  string
		user access.DatabaseUser
		want string
	}{
		{"prod", access.DatabaseUser{Username: "prod_app_user"}, access.ClassApp},
		{"dev", access.DatabaseUser{Username: "prod_app_user"}, access.ClassSync},
		{"prod", labelled, access.ClassReporting},
		{"", access.DatabaseUser{Username: "prod_app_user"}, access.ClassApp},
		{"prod", access.DatabaseUser{Username: "CN=x/prod_migration_7,O=y"}, access.ClassMigration},
		{"prod", access.DatabaseUser{Username: "prod_app_user2"}, ""},
	} {
		id, ok := e.Identity(c.env, c.user)
		if id.Class != c.want || ok != (c.want != "") {
			t.Errorf("%s in %q is of class %q, want %q", c.user.Username, c.env, id.Class, c.want)
		}
	}
}
