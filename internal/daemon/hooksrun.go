package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
)

// HookOptions say what Hooks does. File is required.
type HookOptions struct {
	File      *config.File
	Version   string
	Transport http.RoundTripper // nil: the network

	Install, Remove bool     // neither: only the plan
	Projects        []string // names or ids; none: all of the orgs
	EvenInDryRun    bool     // write though the configuration says not to
	Renew           bool     // write the secret anew
}

// hooksAtOnce is how many projects are seen to at the same time.
const hooksAtOnce = 4

// errUnverified marks that what was read back is not what was written.
var errUnverified = errors.New("what is read back is not what was wished for")

// IsUnverified reports whether an error of Hooks means that a write had no effect.
func IsUnverified(err error) bool { return errors.Is(err, errUnverified) }

// Hooks plans, installs or removes what has Atlas wake the daemon: in every project the
// WEBHOOK integration and one alert configuration an event of [wakingEvents]. What it
// did is read back. It takes what points to atlas.webhook.url for its own and touches
// nothing else; doing it twice changes nothing. An error is of one project or more; the
// steps of the others are complete.
func Hooks(ctx context.Context, o HookOptions) ([]HookStep, error) {
	h, err := newHooker(ctx, o)
	if err != nil {
		return nil, err
	}
	steps, errs := make([][]HookStep, len(h.projects)), make([]error, len(h.projects))
	var group errgroup.Group
	group.SetLimit(hooksAtOnce)
	for i, p := range h.projects {
		group.Go(func() error {
			steps[i], errs[i] = h.project(ctx, p)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs, one a project
	return slices.Concat(steps...), errors.Join(errs...)
}

// hooker is one run of Hooks.
type hooker struct {
	HookOptions
	target   atlas.HookTarget
	types    map[string][]atlas.EventType // by org
	clients  map[string]*atlas.Client
	projects []access.Project
}

func newHooker(ctx context.Context, o HookOptions) (*hooker, error) {
	f := o.File
	if err := hooksFit(o); err != nil {
		return nil, configError{err}
	}
	h := &hooker{HookOptions: o, types: map[string][]atlas.EventType{}, clients: map[string]*atlas.Client{}}
	h.target = atlas.HookTarget{URL: f.Atlas.Webhook.URL, Secret: func() (string, error) {
		key, err := f.Atlas.Webhook.Key()
		return key.Reveal(), err
	}}
	for _, org := range f.Atlas.Orgs {
		opts := atlasOptions(f, org)
		opts.Version, opts.Transport, opts.DryRun = o.Version, o.Transport, !o.Install && !o.Remove
		c, err := atlas.New(opts)
		if err != nil {
			return nil, configError{fmt.Errorf("org %s: %w", org.ID, err)}
		}
		if err := h.discover(ctx, org.ID, c); err != nil {
			return nil, fmt.Errorf("org %s: %w", org.ID, err)
		}
	}
	return h, h.choose()
}

// hooksFit says what the configuration lacks.
func hooksFit(o HookOptions) error {
	f := o.File
	if f.Atlas.Webhook.URL == "" || f.Atlas.Webhook.Secret.IsZero() {
		return fmt.Errorf("%s: hooks need atlas.webhook.url and atlas.webhook.secret: say where Atlas reaches %s of http.public, and what it signs with", f.Name, webhookPath)
	}
	if _, err := f.Atlas.Webhook.Key(); err != nil {
		return fmt.Errorf("%s: atlas.webhook.secret: %w", f.Name, err)
	}
	if !o.Install && !o.Remove {
		return nil
	}
	if policy(f, access.OwnAccess{}).DryRun && !o.EvenInDryRun {
		return fmt.Errorf("%s: this writes to Atlas, and the configuration says that nothing is written (dry_run, or a profile that only observes): "+
			"set dry_run: false and profile: remediate, or say --even-in-dry-run, which writes integrations and alert configurations and nothing else", f.Name)
	}
	for _, org := range f.Atlas.Orgs {
		if org.Write.IsZero() {
			return fmt.Errorf("%s: org %s has no write credentials: this needs some with the roles Project Owner (integrations) and Project Alerts Manager (alert configurations)", f.Name, org.ID)
		}
	}
	return nil
}

func (h *hooker) discover(ctx context.Context, org string, c *atlas.Client) error {
	projects, err := c.Projects(ctx, org)
	if err != nil {
		return err
	}
	if h.types[org], err = c.EventTypes(ctx); err != nil {
		return err
	}
	for _, p := range projects {
		h.clients[p.ID] = c
		p.OrgID = org
		h.projects = append(h.projects, p)
	}
	return nil
}

// choose keeps the projects that are asked for.
func (h *hooker) choose() error {
	if len(h.Projects) == 0 {
		return nil
	}
	all := h.projects
	h.projects = nil
	for _, name := range h.Projects {
		i := slices.IndexFunc(all, func(p access.Project) bool { return p.ID == name || p.Title == name })
		if i < 0 {
			return configError{fmt.Errorf("--project %s: the configured orgs have no project of this name or id", name)}
		}
		if !slices.ContainsFunc(h.projects, func(p access.Project) bool { return p.ID == all[i].ID }) {
			h.projects = append(h.projects, all[i])
		}
	}
	return nil
}

// project plans for one project, carries it out, and reads back.
func (h *hooker) project(ctx context.Context, p access.Project) ([]HookStep, error) {
	scope := access.ProjectScope(p.ID)
	wish := hookWish{url: h.target.URL, events: offered(h.types[p.OrgID], scope), renew: h.Renew}
	w, err := h.read(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("project %s: %w", p.Title, err)
	}
	steps := planInstall(w, wish)
	if h.Remove {
		steps = planRemove(w, wish.url)
	}
	if h.Install || h.Remove {
		err = h.carryOut(ctx, scope, w, steps)
		err = h.verify(ctx, scope, wish, steps, err)
	}
	for i := range steps {
		steps[i].Project, steps[i].ProjectID = p.Title, p.ID
	}
	if err != nil {
		return steps, fmt.Errorf("project %s: %w", p.Title, err)
	}
	return steps, nil
}

func (h *hooker) read(ctx context.Context, scope access.Scope) (w wiring, err error) {
	c := h.clients[scope.ID()]
	in, there, err := c.WebhookIntegration(ctx, scope)
	if err != nil {
		return w, err
	}
	if there {
		w.integration = &in
	}
	w.configs, err = c.AlertConfigs(ctx, scope)
	return w, err
}

// carryOut makes every write once. One whose effect is open is left to the reading back;
// any other failure ends it.
func (h *hooker) carryOut(ctx context.Context, scope access.Scope, w wiring, steps []HookStep) error {
	var open []error
	for _, s := range steps {
		if s.Do == HookLeave {
			continue
		}
		err := h.write(ctx, scope, w, s)
		if err != nil && !errors.Is(err, access.ErrTemporary) {
			return err
		}
		open = append(open, err)
		if s.What == hookIntegration && s.Do == HookCreate {
			if w, err = h.read(ctx, scope); err != nil { // the configurations name it by id
				return err
			}
		}
	}
	return errors.Join(open...)
}

func (h *hooker) write(ctx context.Context, scope access.Scope, w wiring, s HookStep) error {
	c := h.clients[scope.ID()]
	switch {
	case s.What == hookIntegration && s.Do == HookRemove:
		return c.DeleteWebhookIntegration(ctx, scope)
	case s.What == hookIntegration:
		return c.SetWebhookIntegration(ctx, scope, h.target, s.Do == HookChange)
	case s.Do == HookRemove:
		return c.DeleteAlertConfig(ctx, scope, s.ID)
	case w.ours(h.target.URL):
		return c.SetAlertConfig(ctx, scope, s.ID, s.Event, w.integration.ID, nil)
	}
	return c.SetAlertConfig(ctx, scope, s.ID, s.Event, "", &h.target)
}

// verify reads back, and marks the steps that show. What shows forgives a write of which it
// was open whether it took effect; a refusal stays one.
func (h *hooker) verify(ctx context.Context, scope access.Scope, wish hookWish, steps []HookStep, wrote error) error {
	w, err := h.read(ctx, scope)
	if err != nil {
		return errors.Join(wrote, fmt.Errorf("read back: %w", err))
	}
	wish.renew = false // a secret cannot be read back
	rest := planInstall(w, wish)
	if h.Remove {
		rest = planRemove(w, wish.url)
	}
	refused := wrote != nil && !errors.Is(wrote, access.ErrTemporary)
	var missing []string
	for i, s := range steps {
		if s.Do == HookLeave {
			continue
		}
		stands := slices.ContainsFunc(rest, func(r HookStep) bool { return r.What == s.What && r.Event == s.Event && r.Do != HookLeave })
		steps[i].Done = !stands && !(refused && h.Renew)
		if stands {
			missing = append(missing, strings.TrimSpace(s.What+" "+s.Event))
		}
	}
	switch {
	case refused:
		return wrote
	case len(missing) == 0:
		return nil
	}
	return errors.Join(wrote, fmt.Errorf("read back: %s: %w", strings.Join(missing, ", "), errUnverified))
}
