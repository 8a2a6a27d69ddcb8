package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

// PolicyText is a Resource Policy ready to be sent.
type PolicyText = prevent.Text

// PreventionOptions say which Resource Policy is wanted, and for what.
type PreventionOptions struct {
	Rule        string
	Environment string   // its projects, read from Atlas; empty: it is not asked for
	Projects    []string // ids, or patterns of names, which are read from Atlas; none, and no environment: every project
	Scan        ScanOptions
}

// Prevention is the Resource Policy by which Atlas forbids by itself what a rule finds.
// The configuration says what is declared; nil: nothing is. A policy is of an organization:
// for an environment it names the environment's projects, as they are now.
func Prevention(ctx context.Context, f *config.File, o PreventionOptions) (PolicyText, error) {
	given := prevent.Given{Environment: o.Environment}
	list, err := Rules(f)
	if err != nil {
		return PolicyText{}, err
	}
	r, err := ruleOf(list, o.Rule)
	if err != nil {
		return PolicyText{}, err
	}
	given.Params = r.Params
	if given.Projects, err = preventedIn(ctx, f, o); err != nil {
		return PolicyText{}, err
	}
	if f != nil {
		declare(&given, f, o.Environment)
	}
	text, _ := prevent.Policy(o.Rule, given)
	return text, nil
}

// preventedIn are the ids of the projects that a policy is for; none: of all.
func preventedIn(ctx context.Context, f *config.File, o PreventionOptions) ([]string, error) {
	if err := environmentIs(f, o); err != nil {
		return nil, configError{err}
	}
	named := slices.ContainsFunc(o.Projects, func(p string) bool { return !prevent.IsProject(p) })
	switch {
	case len(o.Projects) == 0 && o.Environment == "":
		return nil, nil
	case len(o.Projects) > 0 && !named:
		return o.Projects, nil
	case f == nil:
		i := slices.IndexFunc(o.Projects, func(p string) bool { return !prevent.IsProject(p) })
		return nil, configError{fmt.Errorf("--project %s: it is no id of 24 hexadecimal digits, and names of projects are looked up by --config FILE", o.Projects[i])}
	}
	all, engine, err := readProjects(ctx, f, o.Scan)
	if err != nil {
		return nil, err
	}
	if len(o.Projects) > 0 {
		return byName(all, o.Projects)
	}
	var out []string
	for _, p := range all {
		if env, _ := engine.Environment(p); env == o.Environment {
			out = append(out, p.ID)
		}
	}
	if len(out) == 0 {
		return nil, configError{fmt.Errorf("--environment %s: no project is of it; there are %s", o.Environment, titlesOf(all))}
	}
	return out, nil
}

// environmentIs refuses an environment that says nothing of projects.
func environmentIs(f *config.File, o PreventionOptions) error {
	switch {
	case o.Environment == "" || f == nil && len(o.Projects) > 0:
		return nil
	case f == nil:
		return fmt.Errorf("--environment %s: its projects are known by --config FILE; or name them by --project", o.Environment)
	}
	var names []string
	for _, e := range f.Environments {
		names = append(names, e.Name)
	}
	if !slices.Contains(names, o.Environment) {
		return fmt.Errorf("--environment %s: there is no such environment; there are %s", o.Environment, strings.Join(names, ", "))
	}
	return nil
}

// byName are the ids of the projects that the patterns mean, each of at least one.
func byName(all []access.Project, patterns []string) (out []string, err error) {
	for _, pattern := range patterns {
		before := len(out)
		for _, p := range all {
			if access.Match(pattern, p.Title) || pattern == p.ID {
				out = append(out, p.ID)
			}
		}
		if len(out) == before {
			return nil, configError{fmt.Errorf("--project %s: there is no such project; there are %s", pattern, titlesOf(all))}
		}
	}
	return access.SortNames(out), nil
}

// titlesOf names projects, ten of them at most.
func titlesOf(all []access.Project) string {
	var out []string
	for _, p := range all {
		if len(out) == 10 {
			return strings.Join(out, ", ") + " and others"
		}
		out = append(out, p.Title)
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// readProjects reads the projects of the orgs that are watched, as a scan would.
func readProjects(ctx context.Context, f *config.File, o ScanOptions) (all []access.Project, e *rules.Engine, err error) {
	s, err := build(f)
	if err != nil {
		return nil, nil, configError{err}
	}
	reader, err := newOneLook(f, o)
	if err != nil {
		return nil, nil, err
	}
	for _, org := range reader.orgs {
		projects, listErr := reader.Projects(ctx, org)
		if listErr != nil {
			err = errors.Join(err, fmt.Errorf("list the projects of org %s: %w", org, listErr))
		}
		all = append(all, projects...)
	}
	return all, s.engine, err
}

func declare(g *prevent.Given, f *config.File, environment string) {
	g.Developer, g.Providers, g.Peers = f.Ranges.Developer, f.Ranges.Providers, f.Ranges.Peers
	g.Networks = append(g.Networks, f.Ranges.Shared...)
	for _, n := range f.Networks {
		if environment != "" && n.Environment != environment && n.Environment != "" {
			continue
		}
		for purpose, ranges := range n.Purposes {
			g.Networks = append(g.Networks, ranges...)
			if purpose == "vpn" {
				g.VPN = append(g.VPN, ranges...)
			}
		}
	}
	g.Networks, g.VPN = access.SortNames(g.Networks), access.SortNames(g.VPN)
}
