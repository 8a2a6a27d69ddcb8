package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

//go:embed world.yaml
var exampleCorp string

// buildAtlas builds the simulated Atlas from the world that the flags name.
func buildAtlas(o options, stdin io.Reader, now time.Time) (*sim.Atlas, error) {
	name, text, err := worldText(o.world, stdin)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	w, err := sim.ParseWorld(name, []byte(dates(text, now)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if len(w.Orgs) == 0 {
		return nil, fmt.Errorf("%w: %s: there is no org in it", errUsage, name)
	}
	addKeys(&w.Orgs[0])
	a, err := sim.New(sim.Options{World: w, Seed: o.seed})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errUsage, name, err)
	}
	return a, nil
}

func worldText(file string, stdin io.Reader) (name, text string, err error) {
	var raw []byte
	switch file {
	case "":
		return "world.yaml", exampleCorp, nil
	case "-":
		file = "standard input"
		raw, err = io.ReadAll(stdin)
	default:
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return "", "", fmt.Errorf("read the world: %w", err)
	}
	return file, string(raw), nil
}

// dates fills in {+14s} and {-72h}: dates by the clock of the start.
func dates(text string, now time.Time) string {
	return regexp.MustCompile(`\{[+-][0-9a-z.]+\}`).ReplaceAllStringFunc(text, func(m string) string {
		d, err := time.ParseDuration(strings.Trim(m, "{}"))
		if err != nil {
			return m
		}
		return now.Add(d).UTC().Format(time.RFC3339)
	})
}

// addKeys gives an org without a service account or an API key an owner of that kind, so
// that whoever brings a world can always use it.
func addKeys(org *sim.Org) {
	owner := []sim.Grant{{RoleName: "ORG_OWNER"}, {RoleName: "GROUP_OWNER", GroupID: "*"}}
	if len(org.Projects) == 0 {
		owner = owner[:1]
	}
	if len(org.ServiceAccounts) == 0 {
		org.ServiceAccounts = []sim.ServiceAccount{{Name: "demo", Roles: owner}}
	}
	if len(org.APIKeys) == 0 {
		org.APIKeys = []sim.APIKey{{Desc: "demo", Roles: owner}}
	}
}

// account is the service account of that name; the zero one if there is none.
func account(org sim.Org, name string) sim.ServiceAccount {
	i := slices.IndexFunc(org.ServiceAccounts, func(s sim.ServiceAccount) bool { return s.Name == name })
	if i < 0 {
		return sim.ServiceAccount{}
	}
	return org.ServiceAccounts[i]
}

// project is the project of that name as it stands now.
func project(w sim.World, name string) (sim.Project, bool) {
	for _, o := range w.Orgs {
		for _, p := range o.Projects {
			if p.Name == name {
				return p, true
			}
		}
	}
	return sim.Project{}, false
}

// playable says what a world lacks that the story is about.
func playable(w sim.World) error {
	var lacks []string
	for _, name := range []string{"terraform-ci", "gatewarden-read", "gatewarden-write"} {
		if account(w.Orgs[0], name).ClientID == "" {
			lacks = append(lacks, "service account "+name)
		}
	}
	for _, name := range []string{staging, prod} {
		if _, ok := project(w, name); !ok {
			lacks = append(lacks, "project "+name)
		}
	}
	p, _ := project(w, prod)
	for _, name := range []string{appUser, reportingUser, migrationUser, oldSinUser} {
		if !slices.ContainsFunc(p.DatabaseUsers, func(u sim.DatabaseUser) bool { return u.Username == name }) {
			lacks = append(lacks, "database user "+name+" in "+prod)
		}
	}
	if !slices.ContainsFunc(p.CustomRoles, func(r sim.CustomRole) bool { return r.RoleName == chainRole }) {
		lacks = append(lacks, "custom role "+chainRole+" in "+prod)
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%w: the story cannot be played in this world, which lacks: %s; -sim-only takes any world", errUsage, strings.Join(lacks, ", "))
	}
	return nil
}
