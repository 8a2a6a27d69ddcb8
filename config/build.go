package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// builder makes the types that the stages use out of the walked tree, and checks what
// takes more than one value to see.
type builder struct {
	*reporter
	folder       string // where relative paths start
	environments []string
	principals   []access.Principal
	grouped      map[string][]string
}

func (b *builder) file(t *tree) *File {
	f := &File{DryRun: true}
	f.Atlas = b.atlas(t.get("atlas"))
	f.Environments = b.environmentMap(t.get("environments"))
	f.Identities = each(t.get("identities"), b.identity)
	b.contradictions(t.get("identities"), f.Identities)
	b.principals = each(t.get("principals"), b.principal)
	f.Principals = b.principals
	b.unique(t.get("principals"), "id")
	b.unique(t.get("principals"), "slack")
	f.Groups = b.groups(t.get("groups"))
	b.grouped = f.Groups
	f.Networks, f.Ranges = b.networks(t.get("networks"))
	f.Matrix = b.matrix(t.get("matrix"))
	f.Sensitive = b.sensitive(t.get("sensitive"))
	f.AllowedDomains = b.distinct(t.get("allowed_domains"))
	f.Rules = b.rules(t.get("rules"))
	f.Waivers = each(t.get("waivers"), b.waiver)
	b.unique(t.get("waivers"), "id")
	f.Expectations = each(t.get("expectations"), b.expectation)
	b.unique(t.get("expectations"), "id")
	f.Responses = each(t.get("responses"), b.response)
	f.Guards = b.guards(t.get("guards"))
	if dry, ok := t.get("dry_run").leaf.(bool); ok {
		f.DryRun = dry
	}
	f.Routes = each(t.get("routes"), b.route)
	if !t.get("routes").given {
		f.Routes = []Route{{To: []string{SinkLog}}}
	}
	f.Slack = b.slack(t.get("slack"))
	b.sinks(t.get("routes"), f.Slack, t.get("slack").given)
	f.NATS = b.nats(t.get("nats"))
	f.Audit = b.audit(t.get("audit"), f.NATS.Store)
	f.Schedule = b.schedule(t.get("schedule"))
	f.HTTP = b.http(t.get("http"))
	f.Auth = b.auth(t.get("auth"), f.Atlas.Orgs)
	return f
}

// each builds the elements of a list: nil where the file has no list.
func each[T any](t *tree, build func(*tree) T) []T {
	if !t.given {
		return nil
	}
	out := []T{}
	for _, item := range t.items {
		out = append(out, build(item))
	}
	return out
}

// leaves are the values of a list of scalars, those that could be read.
func leaves[T any](t *tree) []T {
	if !t.given {
		return nil
	}
	out := []T{}
	for _, item := range t.items {
		if v, ok := item.leaf.(T); ok {
			out = append(out, v)
		}
	}
	return out
}

// pairs are the values of a table of text: nil where the file has none.
func pairs(t *tree) map[string]string {
	if len(t.keys) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, k := range t.keys {
		out[k] = as[string](t.sub[k])
	}
	return out
}

// unique reports elements of a list that say the same under a key.
func (b *builder) unique(t *tree, name string) {
	seen := map[string]string{}
	for _, item := range t.items {
		v, ok := item.get(name).leaf.(string)
		if first, twice := seen[v]; ok && twice {
			b.at(item.get(name), "%q is given twice, first as %s", v, first)
			continue
		}
		seen[v] = item.get(name).path
	}
}

// local is a path of the file system, from the file's folder.
func (b *builder) local(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(b.folder, path)
}

func (b *builder) atlas(t *tree) Atlas {
	b.unique(t.get("orgs"), "id")
	return Atlas{
		BaseURL: as[string](t.get("base_url")),
		Profile: as[string](t.get("profile")),
		Orgs: each(t.get("orgs"), func(o *tree) Org {
			return Org{as[string](o.get("id")), b.credentials(o.get("read")), b.credentials(o.get("write"))}
		}),
		Webhook: b.webhook(t.get("webhook")),
	}
}

func (b *builder) webhook(t *tree) Webhook {
	w := Webhook{URL: as[string](t.get("url")), Secret: b.source(t.get("secret"))}
	if w.URL != "" && w.Secret.IsZero() {
		b.at(t, "url without secret: an unsigned webhook is never believed; name the secret by env or file")
	}
	return w
}

func (b *builder) credentials(t *tree) Credentials {
	return Credentials{
		ClientID: b.source(t.get("client_id")), ClientSecret: b.source(t.get("client_secret")),
		PublicKey: b.source(t.get("public_key")), PrivateKey: b.source(t.get("private_key")),
	}
}

func (b *builder) source(t *tree) Source {
	return Source{Env: as[string](t.get("env")), File: b.local(as[string](t.get("file")))}
}

func (b *builder) environmentMap(t *tree) (out []access.Environment) {
	b.environments = t.keys
	for i, name := range t.keys {
		e := t.sub[name]
		switch {
		case slices.Contains(reserved(), name):
			b.at(e, "%s has a meaning of its own under networks: give the environment another name", name)
		case name == access.MatrixOrg:
			b.at(e, "%s has a meaning of its own under matrix: give the environment another name", name)
		}
		if as[bool](e.get("catch_all")) && i < len(t.keys)-1 {
			b.at(e.get("catch_all"), "a catch-all comes after every other environment: move it to the end")
		}
		out = append(out, b.environment(name, e))
		b.sameTags(e, out)
	}
	return out
}

// sameTags reports tags that an earlier environment has too: they tell them apart no more.
func (b *builder) sameTags(t *tree, all []access.Environment) {
	e := all[len(all)-1]
	for _, other := range all[:len(all)-1] {
		if len(e.Tags) > 0 && maps.Equal(e.Tags, other.Tags) {
			b.at(t.get("tags"), "the same tags as %s has: a tag decides over a name, so give each environment tags of its own", other.Name)
		}
	}
}

func (b *builder) environment(name string, t *tree) access.Environment {
	named := as[bool](t.get("catch_all"))
	e := access.Environment{Name: name, Projects: leaves[string](t.get("projects")), Tags: pairs(t.get("tags")), CatchAll: named}
	for _, p := range t.get("projects").items {
		if s := as[string](p); everything(s) && !named {
			b.at(p, "%q matches every project: name the environment a catch-all with catch_all: true", s)
		}
	}
	empty := len(t.get("projects").items) == 0 && len(e.Tags) == 0
	switch {
	case named && empty:
		e.Projects = []string{"*"}
	case named && (len(e.Tags) > 0 || !slices.Equal(e.Projects, []string{"*"})):
		b.at(t.get("catch_all"), "a catch-all takes every project: leave projects and tags out")
	case empty && t.sub != nil:
		b.at(t, "it matches no project: give projects, tags, or catch_all: true")
	}
	return e
}

// everything reports whether a pattern of names matches all of them.
func everything(pattern string) bool {
	return strings.Contains(pattern, "*") && strings.Trim(pattern, "*") == ""
}

// names are names of declared environments; others are reported.
func (b *builder) names(t *tree) []string {
	for _, item := range t.items {
		b.known(item, as[string](item))
	}
	return leaves[string](t)
}

func (b *builder) known(t *tree, name string) {
	switch {
	case name == "" || slices.Contains(b.environments, name):
	case len(b.environments) == 0:
		b.at(t, "unknown environment %q: environments declares none", name)
	default:
		b.at(t, "unknown environment %q: environments declares %s%s", name, orList(b.environments), meant(name, b.environments))
	}
}

func (b *builder) identity(t *tree) access.Identity {
	i := access.Identity{
		Class:        as[string](t.get("class")),
		Usernames:    leaves[string](t.get("usernames")),
		Labels:       pairs(t.get("labels")),
		Environments: b.names(t.get("environments")),
		Roles:        leaves[access.RoleGrant](t.get("roles")),
		MaxAge:       as[time.Duration](t.get("max_age")),
		Until:        as[time.Time](t.get("until")),
		Owner:        as[string](t.get("owner")),
		Machines:     leaves[string](t.get("machines")),
		AtlasRoles:   b.distinct(t.get("atlas_roles")),
	}
	i.Scopes = each(t.get("scopes"), func(s *tree) access.UserScope {
		if s.sub == nil {
			return as[access.UserScope](s)
		}
		return access.UserScope{Name: as[string](s.get("name")), Type: as[string](s.get("type"))}
	})
	if t.sub != nil && len(t.get("usernames").items) == 0 && len(t.get("labels").keys) == 0 && len(t.get("machines").items) == 0 {
		b.at(t, "it matches nobody: give usernames, labels or machines")
	}
	return i
}

func (b *builder) principal(t *tree) access.Principal {
	return access.Principal{
		ID:    as[string](t.get("id")),
		Email: as[string](t.get("email")),
		Slack: as[string](t.get("slack")),
		Atlas: leaves[string](t.get("atlas")),
		Owns:  leaves[string](t.get("owns")),
	}
}

func (b *builder) rules(t *tree) Rules {
	r := Rules{}
	r.Only = leaves[string](t.get("only"))
	for _, p := range leaves[string](t.get("paths")) {
		r.Paths = append(r.Paths, b.local(p))
	}
	for _, id := range t.get("override").keys {
		if r.Overrides == nil {
			r.Overrides = map[string]Override{}
		}
		r.Overrides[id] = b.override(t.get("override").sub[id])
	}
	return r
}

func (b *builder) override(t *tree) Override {
	o := Override{Severity: as[access.Severity](t.get("severity")), Environments: b.names(t.get("environments"))}
	o.Ceiling, o.HasCeiling = t.get("ceiling").leaf.(access.Ceiling)
	o.AcceptRisk = as[bool](t.get("accept_risk"))
	for _, name := range t.get("params").keys {
		if o.Params == nil {
			o.Params = map[string]any{}
		}
		o.Params[name] = t.get("params").sub[name].leaf
	}
	return o
}

func (b *builder) response(t *tree) access.Response {
	r := access.Response{
		Rules:        leaves[string](t.get("rules")),
		Environments: b.names(t.get("environments")),
		Severities:   leaves[access.Severity](t.get("severities")),
		Owners:       leaves[string](t.get("owners")),
		Do:           as[access.Mode](t.get("do")),
		Grace:        as[time.Duration](t.get("grace")),
		Approvers:    b.people(t.get("approvers")),
		Quorum:       as[int](t.get("quorum")),
		Deadline:     as[time.Duration](t.get("deadline")),
		OnDeadline:   as[access.Late](t.get("on_deadline")),
		Escalate:     b.people(t.get("escalate")),
		Undo:         as[time.Duration](t.get("undo")),
		Remedy:       as[string](t.get("remedy")),
	}
	b.answerable(t, r)
	return r
}

// people are ids of principals and names of groups: who is none of them could never decide.
func (b *builder) people(t *tree) []string {
	for _, item := range t.items {
		if name := as[string](item); name != "" && !slices.Contains(b.principalIDs(), name) && len(b.grouped[name]) == 0 {
			known := slices.Concat(b.principalIDs(), slices.Sorted(maps.Keys(b.grouped)))
			b.at(item, "%q is no principal and no group%s", name, meant(name, known))
		}
	}
	return leaves[string](t)
}

// members are the principals that a list of ids and groups means.
func (b *builder) members(list []string) []string {
	var out []string
	for _, name := range list {
		if members, ok := b.grouped[name]; ok {
			out = append(out, members...)
		} else {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// answerable refuses questions that nobody can ever answer.
func (b *builder) answerable(t *tree, r access.Response) {
	switch {
	case r.Do == access.ModeApprove && len(r.Approvers) == 0:
		b.at(t.get("do"), "do: approve, and approvers names nobody: nobody would ever be asked")
	case r.OnDeadline == access.LateEscalate && len(r.Escalate) == 0:
		b.at(t.get("on_deadline"), "on_deadline: escalate, and escalate names nobody")
	case len(r.Approvers) > 0 && r.Quorum > len(b.members(r.Approvers)):
		b.at(t.get("quorum"), "a quorum of %d is never reached by %d approvers", r.Quorum, len(b.members(r.Approvers)))
	}
}

func (b *builder) guards(t *tree) Guards {
	caps, settle := t.get("caps"), t.get("settle")
	return Guards{
		ProjectHour: as[int](caps.get("project_hour")), OrgHour: as[int](caps.get("org_hour")),
		SettleCritical: as[time.Duration](settle.get("critical")), SettleOther: as[time.Duration](settle.get("other")),
		NeverTouch: leaves[string](t.get("never_touch")), Operators: b.people(t.get("operators")), Retention: as[time.Duration](t.get("retention")),
		War: b.war(t.get("war")), Ownership: each(t.get("ownership"), b.ownership), Windows: each(t.get("windows"), b.window),
	}
}

func (b *builder) route(t *tree) Route {
	return Route{b.names(t.get("environments")), as[access.Severity](t.get("severity")), leaves[string](t.get("to"))}
}

func (b *builder) schedule(t *tree) Schedule {
	feed, sweep := t.get("feed"), t.get("sweep")
	return Schedule{
		FeedActive: as[time.Duration](feed.get("active")), FeedIdle: b.notBelow(feed, "idle", "active"),
		SweepGate: as[time.Duration](sweep.get("gate")), SweepRest: b.notBelow(sweep, "rest", "gate"),
		Clock: as[time.Duration](t.get("clock")),
	}
}

// notBelow is the slower of two intervals.
func (b *builder) notBelow(t *tree, slow, fast string) time.Duration {
	s, ok := t.get(slow).leaf.(time.Duration)
	f, also := t.get(fast).leaf.(time.Duration)
	if ok && also && s < f {
		b.at(t.get(slow), "%s, shorter than %s, which is %s: make it as long at least", s, fast, f)
	}
	return s
}

func (b *builder) http(t *tree) HTTP {
	seen := map[string]string{}
	for _, name := range []string{"public", "ops", "admin"} {
		addr := as[string](t.get(name))
		if addr == "" || strings.HasSuffix(addr, ":0") { // 0: the system picks a free port
			continue
		}
		if other, twice := seen[addr]; twice {
			b.at(t.get(name), "%q is the address of %s already: give it another port", addr, other)
		}
		seen[addr] = name
	}
	return HTTP{as[string](t.get("public")), as[string](t.get("ops")), as[string](t.get("admin"))}
}
