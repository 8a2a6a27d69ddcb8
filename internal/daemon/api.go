package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/rules"
)

// api is the admin API over this daemon.
func (d *Daemon) api() *api.Server {
	known := &knownCallers{d: d}
	b := &apiBackend{Daemon: d}
	o := api.Options{Backend: b, Adopter: b, More: d.auditRoutes(), Auth: known.auth, Logger: d.logger.Named("api"), Now: d.fleet.Now}
	if d.audit != nil {
		o.Auditor = apiAuditor{d}
	}
	return api.New(o)
}

// knownCallers knows who may call by the configuration in force: a token that is taken out of
// it is refused from the reload on.
type knownCallers struct {
	d *Daemon

	mu   sync.Mutex
	of   *config.File
	made *api.Auth
}

func (k *knownCallers) auth() *api.Auth {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.d.settings.get().file; f != k.of {
		k.of, k.made = f, api.NewAuth(callers(f, k.d.fleet.Now))
	}
	return k.made
}

// callers are those that the configuration lets call.
func callers(f *config.File, now func() time.Time) api.AuthOptions {
	out := api.AuthOptions{Principals: f.Principals, Now: now}
	for _, t := range f.Auth.Tokens {
		out.Tokens = append(out.Tokens, api.Token{Name: t.Name, SHA256: t.SHA256, Principal: t.Principal, Grant: grant(t.Roles, t.Reach)})
	}
	if o := f.Auth.OIDC; o.Issuer != "" {
		out.OIDC = api.OIDC{Issuer: o.Issuer, Audience: o.Audience, GroupsClaim: o.GroupsClaim, PrincipalClaim: o.PrincipalClaim, Groups: map[string]api.Grant{}}
		for group, roles := range o.Roles {
			out.OIDC.Groups[group] = grant(roles, o.Reaches[group])
		}
	}
	return out
}

func grant(roles []string, r config.Reach) api.Grant {
	g := api.Grant{Orgs: r.Orgs, Projects: r.Projects, Owners: r.Owners}
	for _, role := range roles {
		g.Roles = append(g.Roles, api.Role(role))
	}
	return g
}

// apiBackend is the daemon as the API needs it.
type apiBackend struct {
	*Daemon

	mu     sync.Mutex
	places []api.Place
	at     time.Time
}

const placesKept = 5 * time.Second

// Places implements api.Judgements: every scope that was ever judged. Names change rarely, and
// every request asks.
func (b *apiBackend) Places(ctx context.Context) ([]api.Place, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.places == nil || now.Sub(b.at) > placesKept {
		places, err := b.readPlaces(ctx)
		if err != nil {
			return nil, err
		}
		b.places, b.at = places, now
	}
	return b.places, nil
}

func (b *apiBackend) readPlaces(ctx context.Context) ([]api.Place, error) {
	keys, err := b.findings.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list orgs and projects: %w", err)
	}
	out := []api.Place{}
	for _, k := range keys {
		doc, _, err := b.findings.Get(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("load what %s is called: %w", k, err)
		}
		p := api.Place{Scope: access.Scope(k), Org: b.orgOf(access.Scope(k)), Environment: doc.Environment}
		if n := len(doc.Called); n > 0 {
			p.Title = doc.Called[n-1].Title
		}
		out = append(out, p)
	}
	return out, nil
}

// Action implements api.Lookup.
func (b *apiBackend) Action(ctx context.Context, id string) (access.Action, bool, error) {
	a, rev, err := b.actions.Get(ctx, id)
	return a, rev != 0, err
}

// Waivers implements api.Decisions.
func (b *apiBackend) Waivers(ctx context.Context) (access.Waivers, error) {
	stored, _, err := b.waivers.Get(ctx, access.WaiversKey)
	if err != nil {
		return access.Waivers{}, fmt.Errorf("load waivers: %w", err)
	}
	f := b.settings.get().file
	stored.Waivers = slices.Concat(f.Waivers, rules.Dated(stored.Waivers, b.fleet.Now()))
	stored.Expectations = slices.Concat(f.Expectations, stored.Expectations)
	return stored, nil
}

// Controls implements api.Decisions.
func (b *apiBackend) Controls(ctx context.Context) (map[access.Scope]access.Control, error) {
	keys, err := b.controls.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list what is decided: %w", err)
	}
	out := map[access.Scope]access.Control{}
	for _, k := range keys {
		scope, ok := strings.CutPrefix(k, "scope.")
		if !ok {
			continue
		}
		c, _, err := b.controls.Get(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("load what is decided for %s: %w", scope, err)
		}
		out[access.Scope(scope)] = c
	}
	return out, nil
}

// Submit implements api.Commands. Of an id that was given before the record is the answer:
// what it was given for the API sees there.
func (b *apiBackend) Submit(ctx context.Context, c access.Command) (access.CommandRecord, error) {
	r, err := b.Daemon.Submit(ctx, c)
	if errors.Is(err, ErrReused) {
		return r, nil
	}
	return r, err
}

// Command implements api.Commands.
func (b *apiBackend) Command(ctx context.Context, id string) (access.CommandRecord, bool, error) {
	return b.Record(ctx, id)
}

// Adoptable implements api.Adopter.
func (b *apiBackend) Adoptable(ctx context.Context, rule string, scope access.Scope) (api.Adoptable, error) {
	list, hash, err := b.remediate.Adoptables(ctx, scope, rule)
	if err != nil {
		return api.Adoptable{}, err
	}
	out := api.Adoptable{Rule: rule, Scope: scope, Hash: hash, Findings: []api.Adopted{}}
	acted := 0
	for _, x := range list {
		out.Findings = append(out.Findings, api.Adopted{Action: x.Action, Finding: x.Finding, Name: x.Name, Plan: x.Plan, PlanHash: x.PlanHash, Left: x.Left})
		if x.Left == "" {
			acted++
		}
	}
	out.Says = fmt.Sprintf("%d of %d inherited findings would be acted on", acted, len(list))
	c, _, err := b.controls.Get(ctx, "scope."+string(scope))
	if err != nil {
		return api.Adoptable{}, fmt.Errorf("load who asked for it: %w", err)
	}
	for _, a := range c.Adoptions {
		if a.Rule == rule && a.Hash == hash {
			for _, v := range a.Votes {
				out.Asked = append(out.Asked, v.By)
			}
		}
	}
	return out, nil
}
