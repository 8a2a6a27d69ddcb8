package daemon

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas"
	"github.com/gatewarden/gatewarden/internal/reach"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

// settings are what a reload replaces as a whole: everything here was built from one
// file before anything was swapped.
type settings struct {
	file   *config.File
	engine *rules.Engine
	policy remediate.Policy
	routes []notify.Route
	warned []config.Problem // what is allowed and probably not meant, or holds otherwise than the file says

	rules   rules.Policy   // that the engine was built by,
	sources []rules.Source // and the rules of the file's owner: a replay builds it again
}

// build checks what needs more than the file: the rules, and that the environment and
// files that it names are there.
func build(f *config.File) (*settings, error) { return buildWith(f, rules.Load) }

// buildSound is build that leaves out the rules of users that have mistakes: a daemon that
// does not start watches nothing.
func buildSound(f *config.File) (*settings, error) { return buildWith(f, rules.LoadSound) }

// loader is [rules.Load] or [rules.LoadSound].
type loader func(rules.Policy, ...rules.Source) (*rules.Engine, error)

func buildWith(f *config.File, load loader) (*settings, error) {
	own, unset := ownAccess(f)
	s, err := buildOf(f, own, load)
	if err := errors.Join(unset, webhookFits(f), auditFits(f), err); err != nil {
		return nil, err // both: where secrets are not at hand, the rules are checked all the same
	}
	return s, nil
}

// buildFor is build for an installation whose own credentials are these. It reads no secret.
func buildFor(f *config.File, own access.OwnAccess) (*settings, error) {
	return buildOf(f, own, rules.Load)
}

func buildOf(f *config.File, own access.OwnAccess, load loader) (*settings, error) {
	f = dated(f, time.Now())
	user, err := configuredRules(f)
	if err != nil {
		return nil, err
	}
	overrides := map[string]rules.Override{}
	for id, o := range f.Rules.Overrides {
		r := rules.Override{Severity: o.Severity, Environments: o.Environments, Params: o.Params, AcceptRisk: o.AcceptRisk}
		if o.HasCeiling {
			r.Ceiling = &o.Ceiling
		}
		overrides[id] = r
	}
	given := rules.Policy{
		Environments: f.Environments, Identities: f.Identities, Networks: f.Networks, Ranges: f.Ranges, Principals: f.Principals, Groups: f.Groups,
		Matrix: f.Matrix, Sensitive: f.Sensitive, Domains: f.AllowedDomains, Waivers: f.Waivers, Expectations: f.Expectations,
		Overrides: overrides, Own: own, Profile: profileOf(f).Name, Hooks: ownHooks(f), Covered: profileOf(f).Covered(),
	}
	engine, err := load(given, user...)
	if err != nil {
		return nil, placed(f, err)
	}
	if engine, err = chosen(f, engine); err != nil {
		return nil, err
	}
	if err := responsesFit(f, engine); err != nil {
		return nil, err
	}
	if err := waiversFit(f, engine); err != nil {
		return nil, err
	}
	s := &settings{file: f, engine: engine, policy: policy(f, own), rules: given, sources: user, warned: warnings(f, engine)}
	s.policy.Production = engine.Production
	for _, r := range f.Routes {
		s.routes = append(s.routes, notify.Route{Environments: r.Environments, Severity: r.Severity, To: r.To})
	}
	return s, nil
}

// webhookFits refuses a secret that is not there, or short enough to be guessed.
func webhookFits(f *config.File) error {
	if f.Atlas.Webhook.Secret.IsZero() {
		return nil
	}
	if _, err := f.Atlas.Webhook.Key(); err != nil {
		const path = "atlas.webhook.secret"
		line, col := f.Position(path)
		return config.Problems{{File: f.Name, Line: line, Column: col, Path: path, Message: err.Error()}}
	}
	return nil
}

// responsesFit refuses a response whose rules do not exist, or that asks for a revert of
// rules of which none can be reverted: its owner would believe to be protected.
func responsesFit(f *config.File, e *rules.Engine) error {
	var wrong config.Problems
	for i, r := range f.Responses {
		for j, pattern := range r.Rules {
			path := fmt.Sprintf("responses[%d].rules[%d]", i, j)
			line, col := f.Position(path)
			matching, best := matching(e, pattern)
			switch {
			case e.MayMean(pattern): // a rule that was refused, which is said
			case len(matching) == 0:
				wrong = append(wrong, config.Problem{File: f.Name, Line: line, Column: col, Path: path,
					Message: fmt.Sprintf("%q matches no rule%s; gatewarden rules list names them all", pattern, e.Meant(pattern))})
			case r.Do == access.ModeApprove && r.Remedy == "" && remediless(e, matching):
				wrong = append(wrong, config.Problem{File: f.Name, Line: line, Column: col, Path: path,
					Message: fmt.Sprintf("do: approve, but %s names no remedy: say which one people are asked about, with remedy: %s", strings.Join(matching, ", "), strings.Join(access.ChosenRemedies(), ", "))})
			case r.Do == access.ModeRevert && best == access.CeilingTell:
				wrong = append(wrong, config.Problem{File: f.Name, Line: line, Column: col, Path: path,
					Message: fmt.Sprintf("do: revert, but %s can only be told of: use do: notify for it", strings.Join(matching, ", "))})
			}
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// remediless reports whether none of the rules names a remedy.
func remediless(e *rules.Engine, ids []string) bool {
	return !slices.ContainsFunc(e.Rules(), func(r rules.Rule) bool {
		return slices.Contains(ids, r.ID) && r.Remedy != "" && r.Remedy != remediate.RemedyNone
	})
}

// chosen is the engine of the rules that the configuration wants judged.
func chosen(f *config.File, e *rules.Engine) (*rules.Engine, error) {
	if f.Rules.Only == nil {
		return e, nil
	}
	var ids []string
	var wrong config.Problems
	for i, pattern := range f.Rules.Only {
		found, _ := matching(e, pattern)
		if len(found) == 0 && !e.MayMean(pattern) {
			path := fmt.Sprintf("rules.only[%d]", i)
			line, col := f.Position(path)
			wrong = append(wrong, config.Problem{File: f.Name, Line: line, Column: col, Path: path,
				Message: fmt.Sprintf("%q matches no rule%s; gatewarden rules list names them all", pattern, e.Meant(pattern))})
		}
		ids = append(ids, found...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return e.Only(ids...), nil
}

// ownHooks is the host at which our webhook is reached.
func ownHooks(f *config.File) []string {
	u, err := url.Parse(f.Atlas.Webhook.URL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Host}
}

// waiversFit refuses waivers and expectations of rules that do not exist, and waivers that
// say to hold longer than any of their rules allows by its severity.
func waiversFit(f *config.File, e *rules.Engine) error {
	var wrong config.Problems
	at := func(path, format string, args ...any) {
		line, col := f.Position(path)
		wrong = append(wrong, config.Problem{File: f.Name, Line: line, Column: col, Path: path, Message: fmt.Sprintf(format, args...)})
	}
	for i, w := range f.Waivers {
		path := fmt.Sprintf("waivers[%d]", i)
		ids, _ := matching(e, w.Rule)
		longest, severity := e.LongestWaiver(ids, w.Environment)
		switch {
		case e.MayMean(w.Rule): // a rule that was refused, which is said
		case len(ids) == 0:
			at(path+".rule", "%q matches no rule%s; gatewarden rules list names them all", w.Rule, e.Meant(w.Rule))
		case w.Until.Sub(w.Granted) > longest:
			at(path+".until", "a finding of severity %s is waived for %s at most, from %s to %s: shorten it, and renew it if it is still needed",
				severity, days(longest), w.Granted.Format(time.RFC3339), w.Granted.Add(longest).Format(time.RFC3339))
		}
	}
	for i, x := range f.Expectations {
		if ids, _ := matching(e, x.Rule); x.Rule != "" && len(ids) == 0 && !e.MayMean(x.Rule) {
			at(fmt.Sprintf("expectations[%d].rule", i), "%q matches no rule%s; gatewarden rules list names them all", x.Rule, e.Meant(x.Rule))
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }

// matching lists the rules that a pattern means, and the strongest ceiling among them.
func matching(e *rules.Engine, pattern string) (ids []string, best access.Ceiling) {
	for _, r := range e.Rules() {
		if access.Match(pattern, r.ID) {
			ids = append(ids, r.ID)
			if !best.Allows(r.Ceiling) {
				best = r.Ceiling
			}
		}
	}
	return ids, best
}

func policy(f *config.File, own access.OwnAccess) remediate.Policy {
	return remediate.Policy{
		Responses: f.Responses, DryRun: f.DryRun || len(profileOf(f).Write)+len(profileOf(f).WriteProjects) == 0,
		Caps:       remediate.Caps{ProjectHour: f.Guards.ProjectHour, OrgHour: f.Guards.OrgHour},
		Settle:     remediate.Settle{Critical: f.Guards.SettleCritical, Other: f.Guards.SettleOther},
		NeverTouch: f.Guards.NeverTouch, Own: own, Networks: f.Networks,
		People: remediate.People{Principals: f.Principals, Groups: f.Groups, Operators: f.Guards.Operators},
		Guards: remediate.Guards{Ownership: f.Guards.Ownership, War: f.Guards.War, Windows: f.Guards.Windows, Retention: f.Guards.Retention},
	}
}

// ownAccess lists our own credentials by their public halves.
func ownAccess(f *config.File) (access.OwnAccess, error) {
	var own access.OwnAccess
	for i, o := range f.Atlas.Orgs {
		for name, c := range map[string]config.Credentials{"read": o.Read, "write": o.Write} {
			if c.IsZero() {
				continue
			}
			id, _, err := c.Resolve()
			if err != nil {
				line, col := f.Position(fmt.Sprintf("atlas.orgs[%d].%s", i, name))
				return own, fmt.Errorf("%s:%d:%d: %s credentials of org %s: %s", f.Name, line, col, name, o.ID, strings.ReplaceAll(err.Error(), "\n", "; "))
			}
			own.Credentials = append(own.Credentials, id)
			if name == "write" {
				own.Write = append(own.Write, id)
			}
		}
	}
	slices.Sort(own.Credentials)
	slices.Sort(own.Write)
	return own, nil
}

// clients builds one Atlas client an org. Credentials are read when they are used, so
// that a rotated file is picked up.
func (d *Daemon) clients(f *config.File) (map[string]*atlas.Client, []string, error) {
	out, orgs := map[string]*atlas.Client{}, []string(nil)
	for _, o := range f.Atlas.Orgs {
		opts := atlasOptions(f, o)
		opts.Version, opts.Transport, opts.Tokens, opts.DryRun = d.opts.Version, d.opts.Transport, d.stream, policy(f, access.OwnAccess{}).DryRun
		opts.Logger = d.logger.Named("atlas").With(zap.String("org", o.ID))
		opts.Registerer = prometheus.WrapRegistererWith(prometheus.Labels{"org": o.ID}, d.registry)
		c, err := atlas.New(opts)
		if err != nil {
			return nil, nil, fmt.Errorf("org %s: %w", o.ID, err)
		}
		out[o.ID], orgs = c, append(orgs, o.ID)
	}
	return out, orgs, nil
}

// atlasOptions are those that the file says.
func atlasOptions(f *config.File, o config.Org) atlas.Options {
	opts := atlas.Options{BaseURL: f.Atlas.BaseURL, Read: credential(o.Read)}
	if !o.Write.IsZero() {
		w := credential(o.Write)
		opts.Write = &w
	}
	return opts
}

func credential(c config.Credentials) atlas.Credential {
	get := func(s config.Source) atlas.Secret {
		return func() (string, error) {
			v, err := s.Resolve()
			return v.Reveal(), err
		}
	}
	if c.ServiceAccount() {
		return atlas.Credential{ClientID: get(c.ClientID), ClientSecret: get(c.ClientSecret)}
	}
	return atlas.Credential{PublicKey: get(c.PublicKey), PrivateKey: get(c.PrivateKey)}
}

// current is the settings in force.
type current struct{ p atomic.Pointer[settings] }

func (c *current) get() *settings { return c.p.Load() }

// Reload loads the file again, builds everything and only then swaps it. A mistake
// leaves what was running in force. Rules, environments, identities, responses, guards
// and routes reload; what is bound at start (Atlas, store, listeners, dry run turned
// off) needs a restart, and a file that changes it is refused.
func (d *Daemon) Reload() error {
	err := d.reload()
	if err != nil {
		d.metrics.reloadFailed.Set(1)
		d.logger.Error("the new configuration is refused and the old one stays in force", zap.Error(err))
		return err
	}
	d.metrics.reloadFailed.Set(0)
	d.logger.Info("configuration reloaded", zap.String("rules", d.settings.get().engine.Hash()))
	d.clock(d.ctx, "reload")
	if d.does(RoleRules) {
		d.checkReplays(d.ctx)
	}
	return nil
}

func (d *Daemon) reload() error {
	if d.opts.Load == nil {
		return fmt.Errorf("reload: the daemon was started without a file")
	}
	f, err := d.opts.Load()
	if err != nil {
		return err
	}
	s, err := build(f)
	if err != nil {
		return err
	}
	if what := needsRestart(d.settings.get().file, f); what != "" {
		return fmt.Errorf("reload %s: %s changed, which needs a restart", f.Name, what)
	}
	s.policy.Org = d.orgOf
	d.believes(s)
	before := d.settings.get()
	d.settings.p.Store(s)
	d.tellWarnings(before)
	d.tellRefused(s.engine)
	return nil
}

func needsRestart(old, f *config.File) string {
	switch {
	case old.Atlas.BaseURL != f.Atlas.BaseURL || !slices.Equal(old.Atlas.Orgs, f.Atlas.Orgs) || old.Atlas.Profile != f.Atlas.Profile:
		return "atlas"
	case old.Atlas.Webhook.Secret.IsZero() != f.Atlas.Webhook.Secret.IsZero():
		return "whether there is an atlas.webhook.secret"
	case old.NATS != f.NATS:
		return "nats"
	case old.Audit != f.Audit:
		return "audit"
	case slackRestarts(old.Slack, f.Slack):
		return "who we are in slack (team, enterprise, app, tokens, key or api)"
	case old.HTTP != f.HTTP:
		return "http"
	case old.Schedule != f.Schedule:
		return "schedule"
	case old.DryRun && !f.DryRun:
		return "dry_run from true to false"
	}
	return ""
}

// profileOf is the profile that the configuration names.
func profileOf(f *config.File) reach.Profile {
	p, ok := reach.ProfileNamed(f.Atlas.Profile)
	if !ok {
		p, _ = reach.ProfileNamed(reach.ProfileObserve) // the configuration takes no other name
	}
	return p
}
