package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// addOrg turns one organisation of a world into live state.
func (a *Atlas) addOrg(w Org) error {
	o := &org{id: w.ID, name: w.Name, limits: maps.Clone(w.Limits)}
	if o.id == "" {
		o.id = a.derive("org", w.Name)[:24]
	}
	if a.org(o.id) != nil {
		return fmt.Errorf("id %s is taken", o.id)
	}
	for _, p := range w.Projects {
		if err := a.addProject(o, p); err != nil {
			return fmt.Errorf("project %q: %w", p.Name, err)
		}
	}
	a.orgs = append(a.orgs, o)
	if err := a.addIdentities(o, w); err != nil {
		return err
	}
	return a.addFamilies(o, w)
}

// addFamilies builds what each family keeps, in an order in which later ones may name
// what earlier ones made.
func (a *Atlas) addFamilies(o *org, w Org) error {
	settings := map[*project]ProjectSettings{}
	people := map[*project]ProjectPeople{}
	network := map[*project]ProjectNetwork{}
	databaseAuth := map[*project]ProjectDatabaseAuth{}
	alert := map[*project]ProjectAlert{}
	target := map[*project]ProjectTarget{}
	backup := map[*project]ProjectBackup{}
	for i, p := range o.projects {
		settings[p] = w.Projects[i].ProjectSettings
		people[p] = w.Projects[i].ProjectPeople
		network[p] = w.Projects[i].ProjectNetwork
		databaseAuth[p] = w.Projects[i].ProjectDatabaseAuth
		alert[p] = w.Projects[i].ProjectAlert
		target[p] = w.Projects[i].ProjectTarget
		backup[p] = w.Projects[i].ProjectBackup
	}
	a.watchSecrets(o)
	return errors.Join(
		a.buildSettings(o, w.OrgSettings, settings),
		a.buildPeople(o, w.OrgPeople, people),
		a.buildNetwork(o, network),
		a.buildDatabaseAuth(o, databaseAuth),
		a.buildAlert(o, alert),
		a.buildTarget(o, target),
		a.buildBackup(o, backup),
	)
}

func (a *Atlas) addIdentities(o *org, w Org) error {
	for i, s := range w.ServiceAccounts {
		p, err := a.serviceAccount(o, i, s)
		if err != nil {
			return fmt.Errorf("service account %q: %w", s.Name, err)
		}
		if a.clients[p.clientID] != nil {
			return fmt.Errorf("service account %s appears twice", p.clientID)
		}
		if err := a.grant(o, p, s.Roles); err != nil {
			return fmt.Errorf("service account %s: %w", p.clientID, err)
		}
		a.clients[p.clientID] = p
		o.principals = append(o.principals, p)
	}
	for i, k := range w.APIKeys {
		p, err := a.apiKey(o, i, k)
		if err != nil {
			return fmt.Errorf("API key %q: %w", k.Desc, err)
		}
		if a.keys[p.publicKey] != nil {
			return fmt.Errorf("API key %s appears twice", p.publicKey)
		}
		if err := a.grant(o, p, k.Roles); err != nil {
			return fmt.Errorf("API key %s: %w", p.publicKey, err)
		}
		a.keys[p.publicKey] = p
		o.principals = append(o.principals, p)
	}
	return a.addMembers(o, w.Users)
}

func (a *Atlas) serviceAccount(o *org, i int, s ServiceAccount) (*principal, error) {
	p := &principal{
		org: o, name: s.Name, clientID: s.ClientID, description: s.Description, managed: s.SystemManaged,
		created: a.now().Add(-30 * 24 * time.Hour).Truncate(time.Second),
	}
	made := a.derive("service account", o.id, fmt.Sprint(i))
	if p.clientID == "" {
		p.clientID = clientPrefix + made[:24]
	}
	if s.CreatedAt != nil {
		p.created = s.CreatedAt.UTC().Truncate(time.Second)
	}
	known := slices.ContainsFunc(s.Secrets, func(x AccountSecret) bool { return x.Secret == s.Secret })
	if !known && (s.Secret != "" || s.Secrets == nil) {
		first := AccountSecret{Secret: orDefault(s.Secret, secretPrefix+made[24:])}
		s.Secrets = slices.Insert(slices.Clone(s.Secrets), 0, first)
	}
	for n, x := range s.Secrets {
		p.secrets = append(p.secrets, a.worldSecret(p, n, x))
	}
	return p, p.addWorldAddresses(worldAddresses(s.AccessList), a.now())
}

func (a *Atlas) apiKey(o *org, i int, k APIKey) (*principal, error) {
	p := &principal{org: o, name: k.Desc, keyID: k.ID, publicKey: k.PublicKey, privateKey: k.PrivateKey}
	p.completeKey(a.derive("api key", o.id, fmt.Sprint(i)))
	return p, p.addWorldAddresses(worldAddresses(k.AccessList), a.now())
}

// completeKey makes up what a key lacks, of 64 hexadecimal digits.
func (p *principal) completeKey(made string) {
	if p.keyID == "" {
		p.keyID = made[:24]
	}
	if p.publicKey == "" {
		p.publicKey = letters(made[24:32])
	}
	if p.privateKey == "" {
		p.privateKey = fmt.Sprintf("%s-%s-%s-%s-%s", made[32:40], made[40:44], made[44:48], made[48:52], made[52:64])
	}
}

// letters turns hexadecimal digits into the lower-case letters of a public key.
func letters(hex string) string {
	out := []byte(hex)
	for i, c := range out {
		if c >= '0' && c <= '9' {
			out[i] = 'g' + c - '0'
		}
	}
	return string(out)
}

// grant gives roles, resolving project names to ids and "@*" to every project.
func (a *Atlas) grant(o *org, p *principal, roles []Grant) error {
	for _, g := range roles {
		switch {
		case g.GroupID == "":
			p.grants = append(p.grants, g)
		case g.GroupID == anyProject:
			p.grants = append(p.grants, g)
		default:
			i := slices.IndexFunc(o.projects, func(q *project) bool { return q.id == g.GroupID || q.name == g.GroupID })
			if i < 0 {
				return fmt.Errorf("role %s names project %q, which the organisation does not have", g.RoleName, g.GroupID)
			}
			p.grants = append(p.grants, Grant{g.RoleName, o.projects[i].id})
		}
	}
	return nil
}

func (a *Atlas) addProject(o *org, w Project) error {
	p := &project{org: o, id: w.ID, name: w.Name, created: a.now().Add(-30 * 24 * time.Hour).Truncate(time.Second)}
	if p.id == "" {
		p.id = a.derive("project", o.name, w.Name)[:24]
	}
	if a.projects[p.id] != nil {
		return fmt.Errorf("id %s is taken", p.id)
	}
	if w.Created != nil {
		p.created = w.Created.UTC().Truncate(time.Second)
	}
	p.tags, p.limits = slices.Clone(w.Tags), maps.Clone(w.Limits)
	if err := a.addScopeTargets(p, w); err != nil {
		return err
	}
	if err := a.addAccess(p, w); err != nil {
		return err
	}
	for _, l := range w.AccessHistory {
		p.logins = append(p.logins, a.completeLogin(p, l))
	}
	slices.SortStableFunc(p.logins, func(x, y Login) int { return x.Timestamp.Compare(y.Timestamp) })
	a.projects[p.id] = p
	o.projects = append(o.projects, p)
	return nil
}

func (a *Atlas) addAccess(p *project, w Project) error {
	for _, e := range w.AccessList {
		if bad := canonicalEntry(&e); bad != nil {
			return fmt.Errorf("access list entry: %s", bad.detail)
		}
		p.access = append(p.access, &entry{AccessEntry: e})
		a.expect(p, e.DeleteAfterDate)
	}
	for _, r := range w.CustomRoles {
		p.roles = append(p.roles, completeRole(r))
	}
	for _, u := range w.DatabaseUsers {
		u = completeUser(u)
		if bad := checkIdentity(u); bad != nil {
			return fmt.Errorf("database user %q: %s", u.Username, bad.detail)
		}
		p.users = append(p.users, &u)
		a.expect(p, u.DeleteAfterDate)
	}
	return nil
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
