package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/rules"
)

// api is the admin API over this daemon.
func (d *Daemon) api() *api.Server {
	known := &knownCallers{d: d}
	return api.New(api.Options{Backend: &apiBackend{Daemon: d}, Auth: known.auth, Logger: d.logger.Named("api"), Now: d.fleet.Now})
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

// Waivers implements api.Decisions.
func (b *apiBackend) Waivers(ctx context.Context) (access.Waivers, error) {
	stored, _, err := b.waivers.Get(ctx, rules.WaiversKey)
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
	kept := stream.Bucket[access.Control](b.stream, "control")
	keys, err := kept.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list what is decided: %w", err)
	}
	out := map[access.Scope]access.Control{}
	for _, k := range keys {
		scope, ok := strings.CutPrefix(k, "scope.")
		if !ok {
			continue
		}
		c, _, err := kept.Get(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("load what is decided for %s: %w", scope, err)
		}
		out[access.Scope(scope)] = c
	}
	return out, nil
}

// Submit implements api.Commands. Nobody decides commands yet: all are refused, with the reason.
func (b *apiBackend) Submit(_ context.Context, c access.Command) (access.CommandRecord, error) {
	return access.CommandRecord{}, fmt.Errorf("command %s: this version decides no commands: %w", c.ID, access.ErrForbidden)
}

// Command implements api.Commands.
func (b *apiBackend) Command(ctx context.Context, id string) (access.CommandRecord, bool, error) {
	r, rev, err := stream.Bucket[access.CommandRecord](b.stream, "control").Get(ctx, "cmd."+access.Hash(id))
	return r, rev != 0, err
}
