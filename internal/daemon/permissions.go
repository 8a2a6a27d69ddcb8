package daemon

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// Permissions says what the credentials of one org may do, against the profile.
type Permissions struct {
	Org        string       `json:"org"`
	Name       string       `json:"name,omitempty"`
	Profile    string       `json:"profile"`
	Projects   int          `json:"projects"`
	Read       Held         `json:"read"`
	Write      *Held        `json:"write,omitempty"` // nil: there is none, and the profile wants none
	Unreadable []Unreadable `json:"unreadable,omitempty"`
	NotCovered []string     `json:"notCovered,omitempty"` // kinds outside of the profile, by choice
	Failed     string       `json:"failed,omitempty"`     // why nothing could be found out
}

// Held is what a credential holds of what its side of the profile takes. A role of a
// project says where it is missing or too much: in every project, or in which.
type Held struct {
	Credential string   `json:"credential,omitempty"` // empty: there is none
	Missing    []string `json:"missing,omitempty"`
	More       []string `json:"moreThanNeeded,omitempty"`
	Unknown    string   `json:"unknown,omitempty"` // why its roles cannot be told
}

// Unreadable is a kind that the profile covers and that cannot be read.
type Unreadable struct {
	Kind   access.Kind   `json:"kind"`
	Scope  access.Scope  `json:"scope"`
	Name   string        `json:"name,omitempty"`
	Status access.Status `json:"status"`
	Why    string        `json:"why"`
}

// Complete reports whether nothing is missing.
func (p Permissions) Complete() bool {
	return p.Failed == "" && len(p.Unreadable) == 0 && p.Read.complete() && (p.Write == nil || p.Write.complete())
}

func (h Held) complete() bool { return len(h.Missing) == 0 && h.Unknown == "" }

// CheckPermissions asks Atlas what the credentials can read, and which roles they hold.
// It reads only. In each project it tries one kind for each role that the profile takes,
// in the first one all of them.
func CheckPermissions(ctx context.Context, f *config.File, version string, transport http.RoundTripper) ([]Permissions, error) {
	profile := profileOf(f)
	var out []Permissions
	for _, o := range f.Atlas.Orgs {
		read := credential(o.Read)
		opts := atlas.Options{BaseURL: f.Atlas.BaseURL, Version: version, Read: read, DryRun: true, Transport: transport}
		if !o.Write.IsZero() {
			w := credential(o.Write)
			opts.Write = &w
		}
		c, err := atlas.New(opts)
		if err != nil {
			return nil, configError{fmt.Errorf("org %s: %w", o.ID, err)}
		}
		p := permissions{client: c, profile: profile, org: access.OrgScope(o.ID)}
		p.out = Permissions{Org: o.ID, Profile: profile.Name}
		for _, k := range slices.Concat(access.OrgKinds(), access.ProjectKinds()) {
			if !profile.Covers(k) {
				p.out.NotCovered = append(p.out.NotCovered, string(k))
			}
		}
		p.look(ctx, read, o)
		out = append(out, p.out)
	}
	return out, nil
}

// permissions is one org's check under way.
type permissions struct {
	client   *atlas.Client
	profile  reach.Profile
	org      access.Scope
	out      Permissions
	projects []access.Project
	accounts access.Reading            // of the org
	keys     access.Reading            // of the org
	granted  map[string]access.Reading // project accounts, by project
}

func (p *permissions) look(ctx context.Context, read atlas.Credential, o config.Org) {
	org := p.client.Read(ctx, p.org, access.KindOrg)
	if org.Status != access.StatusComplete {
		p.out.Failed = org.Reason
		return
	}
	if s, ok := org.States[0].(access.Org); ok {
		p.out.Name = s.Title
	}
	var err error
	if p.projects, err = p.client.Projects(ctx, p.org.ID()); err != nil {
		p.out.Failed = err.Error()
		return
	}
	p.out.Projects = len(p.projects)
	p.readable(ctx)
	p.accounts, p.keys = p.client.Read(ctx, p.org, access.KindServiceAccount), p.client.Read(ctx, p.org, access.KindAPIKey)
	p.granted = map[string]access.Reading{}
	p.out.Read = p.held(ctx, name(read), p.profile.Read, p.profile.ReadProjects)
	if o.Write.IsZero() && len(p.profile.Write)+len(p.profile.WriteProjects) == 0 {
		return
	}
	if o.Write.IsZero() {
		p.out.Write = &Held{Missing: slices.Clone(p.profile.Write)}
		for _, role := range p.profile.WriteProjects {
			p.out.Write.Missing = append(p.out.Write.Missing, role+everyProject)
		}
		return
	}
	h := p.held(ctx, name(credential(o.Write)), p.profile.Write, p.profile.WriteProjects)
	if err := p.client.Check(ctx); err != nil { // its secret is wrong, however good its roles are
		h.Unknown = err.Error()
	}
	p.out.Write = &h
}

// name is how Atlas names the credential.
func name(c atlas.Credential) string {
	get := c.ClientID
	if get == nil {
		get = c.PublicKey
	}
	s, err := get()
	if err != nil {
		return ""
	}
	return s
}

// readable tries the profile's kinds.
func (p *permissions) readable(ctx context.Context) {
	for _, k := range p.profile.Kinds(p.org) {
		p.try(ctx, p.org, p.out.Name, k)
	}
	for i, project := range p.projects {
		scope, kinds := access.ProjectScope(project.ID), p.profile.Kinds(access.ProjectScope(project.ID))
		if i > 0 {
			kinds = oneOfEachRole(kinds)
		}
		for _, k := range kinds {
			p.try(ctx, scope, project.Title, k)
		}
	}
}

// oneOfEachRole keeps the first kind of those that the same roles are enough for.
func oneOfEachRole(kinds []access.Kind) (out []access.Kind) {
	seen := map[string]bool{}
	for _, k := range kinds {
		roles := strings.Join(atlas.RolesFor(k), "|")
		if !seen[roles] {
			out = append(out, k)
		}
		seen[roles] = true
	}
	return out
}

func (p *permissions) try(ctx context.Context, scope access.Scope, name string, k access.Kind) {
	r := p.client.Read(ctx, scope, k)
	if r.Status == access.StatusComplete || r.Status == access.StatusUnsupported {
		return
	}
	p.out.Unreadable = append(p.out.Unreadable, Unreadable{Kind: k, Scope: scope, Name: name, Status: r.Status, Why: r.Reason})
}

// held compares the roles that Atlas lists for a credential with those that it needs.
func (p *permissions) held(ctx context.Context, credential string, org, projects []string) Held {
	h := Held{Credential: credential}
	onOrg, onProject, err := p.rolesOf(ctx, credential)
	if err != nil {
		h.Unknown = err.Error()
		return h
	}
	for _, need := range org {
		if !slices.ContainsFunc(onOrg, func(r string) bool { return reach.ContainsOrgRole(r, need) }) {
			h.Missing = append(h.Missing, need)
		}
	}
	for _, r := range onOrg {
		if !slices.ContainsFunc(org, func(need string) bool { return reach.ContainsOrgRole(need, r) }) && r != "ORG_MEMBER" {
			h.More = append(h.More, r)
		}
	}
	missing, more := byRole{}, byRole{}
	for _, project := range p.projects {
		here := slices.Clone(onProject[project.ID])
		for _, r := range onOrg {
			here = append(here, reach.ImpliedProjectRoles(r)...)
		}
		for _, need := range projects {
			if !slices.ContainsFunc(here, func(r string) bool { return reach.ContainsProjectRole(r, need) }) {
				missing[need] = append(missing[need], project.Title)
			}
		}
		for _, r := range onProject[project.ID] {
			if r != "GROUP_READ_ONLY" && !slices.ContainsFunc(projects, func(need string) bool { return reach.ContainsProjectRole(need, r) }) {
				more[r] = append(more[r], project.Title)
			}
		}
	}
	h.Missing, h.More = append(h.Missing, missing.lines(len(p.projects))...), append(h.More, more.lines(len(p.projects))...)
	return h
}

// byRole are names of projects by a role.
type byRole map[string][]string

const everyProject = " on every project"

func (b byRole) lines(projects int) (out []string) {
	for _, role := range slices.Sorted(maps.Keys(b)) {
		if len(b[role]) == projects {
			out = append(out, role+everyProject)
		} else {
			out = append(out, role+" on "+strings.Join(b[role], ", "))
		}
	}
	return out
}

// rolesOf finds the credential among the org's keys or accounts.
func (p *permissions) rolesOf(ctx context.Context, credential string) (org []string, projects map[string][]string, err error) {
	projects = map[string][]string{}
	for _, s := range p.keys.States {
		if k, ok := s.(access.APIKey); ok && k.PublicKey == credential {
			for _, r := range k.Roles {
				if r.Project == "" {
					org = append(org, r.Role)
				} else {
					projects[r.Project] = append(projects[r.Project], r.Role)
				}
			}
			return org, projects, nil
		}
	}
	found := false
	for _, s := range p.accounts.States {
		if a, ok := s.(access.ServiceAccount); ok && a.ClientID == credential {
			org, found = a.Roles, true
		}
	}
	switch {
	case p.accounts.Status != access.StatusComplete:
		return nil, nil, fmt.Errorf("the org's service accounts cannot be listed: %s", p.accounts.Reason)
	case !found:
		return nil, nil, fmt.Errorf("%s is neither a service account nor an API key of this org: give it a role in the org (ORG_MEMBER is enough), or correct the id", credential)
	}
	for _, project := range p.projects {
		r := p.accountsOf(ctx, project.ID)
		if r.Status != access.StatusComplete {
			return nil, nil, fmt.Errorf("the service accounts of %s cannot be listed: %s", project.Title, r.Reason)
		}
		for _, s := range r.States {
			if a, ok := s.(access.ProjectServiceAccount); ok && a.ClientID == credential {
				projects[project.ID] = a.Roles
			}
		}
	}
	return org, projects, nil
}

func (p *permissions) accountsOf(ctx context.Context, project string) access.Reading {
	r, ok := p.granted[project]
	if !ok {
		r = p.client.Read(ctx, access.ProjectScope(project), access.KindProjectServiceAccount)
		p.granted[project] = r
	}
	return r
}
