package scan_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// robot is a service account that a planting brings, in order: five days old, with a secret
// and an address of the pipelines.
type robot struct {
	account access.ServiceAccount
	secret  access.ServiceAccountSecret
	entry   access.APIAccessEntry
	on      map[*project][]string
	age     time.Duration // 0: there all along
}

func (o *org) robot(title string, roles ...string) robot {
	n := o.next()
	id := "mdb_sa_id_" + hex24(0x30, o.n, n)
	return robot{
		account: access.ServiceAccount{ClientID: id, Title: fmt.Sprintf("%s%d", title, n), Roles: roles, CreatedAt: daysAgo(5)},
		secret:  access.ServiceAccountSecret{ClientID: id, ID: hex24(0x31, o.n, n), CreatedAt: daysAgo(5), ExpiresAt: fleetNow.AddDate(0, 0, 60), LastUsed: onDay(1)},
		entry:   access.APIAccessEntry{Identity: id, Entry: fmt.Sprintf("34.21.0.%d/32", 100+n%50), CreatedAt: daysAgo(5), LastUsed: onDay(1)},
		on:      map[*project][]string{},
		age:     5 * 24 * time.Hour,
	}
}

// old says that the account was there when the watch began; its secret is a month old.
func (r *robot) old() {
	r.age, r.account.CreatedAt, r.secret.CreatedAt, r.entry.CreatedAt = 0, daysAgo(300), daysAgo(30), daysAgo(300)
}

func (o *org) enlist(r robot, rules ...string) {
	add := func(p *place, s access.State) {
		if r.age == 0 {
			p.put(s)
		} else {
			p.add(ago(r.age), s)
		}
	}
	add(o.place, r.account)
	add(o.place, r.secret)
	if r.entry.Entry != "" {
		add(o.place, r.entry)
	}
	for p, roles := range r.on {
		add(p.place, access.ProjectServiceAccount{ClientID: r.account.ClientID, Title: r.account.Title, Roles: access.SortNames(roles)})
	}
	for _, rule := range rules {
		o.want(rule, access.KindServiceAccount, r.account.ClientID)
	}
}

// some is a project of the environment.
func (o *org) some(env string) *project {
	for _, p := range o.projects {
		if p.env == env {
			return p
		}
	}
	panic("an org without " + env)
}

// last is a project of the environment that other plantings leave alone.
func (o *org) last(env string) *project {
	for _, p := range slices.Backward(o.projects) {
		if p.env == env {
			return p
		}
	}
	panic("an org without " + env)
}

// wantSecret expects a finding about the robot's secret.
func (o *org) wantSecret(r robot, rule string) {
	o.want(rule, access.KindServiceAccountSecret, r.secret.Name())
}

func machinePlantings() []orgPlanting {
	out := append(keyPlantings(), sourcePlantings()...)
	out = append(out, usePlantings()...)
	for i := range out {
		if out[i].uses == "" {
			out[i].uses = fmt.Sprintf("machine %d", i)
		}
	}
	return out
}

func keyPlantings() []orgPlanting {
	member := "ORG_MEMBER"
	with := func(env string, roles []string, rules ...string) func(*org) {
		return func(o *org) {
			r := o.robot("robot", member)
			r.on[o.some(env)] = roles
			o.enlist(r, rules...)
		}
	}
	return []orgPlanting{
		{"key/legacy-api-key", "", "", func(o *org) { o.apiKey(access.AtlasRole{Role: member, Org: o.id}) }},
		{"key/owner-role", "API key", "", func(o *org) {
			o.apiKey(access.AtlasRole{Role: "ORG_OWNER", Org: o.id})
			key := o.lastKey()
			o.want("key/owner-role", access.KindAPIKey, key)
			o.want("key/can-reach-data", access.KindAPIKey, key)
		}},
		{"key/owner-role", "API key on a project", "", func(o *org) {
			o.apiKey(access.AtlasRole{Role: member, Org: o.id}, access.AtlasRole{Role: "GROUP_OWNER", Project: o.some("dev").id})
			key := o.lastKey()
			o.want("key/owner-role", access.KindAPIKey, key)
			o.want("key/can-reach-data", access.KindAPIKey, key)
		}},
		{"key/owner-role", "org", "", func(o *org) { o.enlist(o.robot("robot", "ORG_OWNER"), "key/owner-role", "key/can-reach-data") }},
		{"key/owner-role", "project", "", with("staging", []string{"GROUP_OWNER"}, "key/owner-role", "key/can-reach-data")},
		{"key/shared-across-environments", "", "", func(o *org) {
			r := o.robot("robot", member)
			r.on[o.some("prod")], r.on[o.some("dev")] = []string{"GROUP_READ_ONLY"}, []string{"GROUP_READ_ONLY"}
			o.enlist(r, "key/shared-across-environments")
		}},
		{"key/shared-across-environments", "API key", "", func(o *org) {
			o.apiKey(access.AtlasRole{Role: member, Org: o.id}, access.AtlasRole{Role: "GROUP_READ_ONLY", Project: o.some("prod").id}, access.AtlasRole{Role: "GROUP_READ_ONLY", Project: o.some("staging").id})
			o.want("key/shared-across-environments", access.KindAPIKey, o.lastKey())
		}},
		{"key/can-reach-data", "", "", with("prod", []string{"GROUP_DATABASE_ACCESS_ADMIN", "GROUP_NETWORK_ACCESS_MANAGER"}, "key/can-reach-data")},
		{"key/can-reach-data", "by streams", "", with("staging", []string{"GROUP_STREAM_PROCESSING_OWNER", "GROUP_NETWORK_ACCESS_MANAGER"}, "key/can-reach-data")},
		{"key/app-with-admin-access", "", "", func(o *org) {
			r := o.robot("app-shop", member)
			r.on[o.some("dev")] = []string{"GROUP_READ_ONLY"}
			o.enlist(r, "key/app-with-admin-access")
		}},
		{"key/undeclared", "account", "", func(o *org) {
			r := o.robot("robot", member)
			o.enlist(r)
			o.made(ago(5*24*time.Hour), r.account, "SERVICE_ACCOUNT_CREATED", "mallory@example.com")
			o.want("key/undeclared", access.KindServiceAccount, r.account.ClientID)
		}},
		{"key/undeclared", "secret", "", func(o *org) {
			r := o.robot("robot", member)
			r.old()
			o.enlist(r)
			second := r.secret
			second.ID, second.CreatedAt = hex24(0x32, o.n, o.next()), ago(2*time.Hour)
			o.made(ago(2*time.Hour), second, "SERVICE_ACCOUNT_SECRET_ADDED", "mallory@example.com")
			o.want("key/undeclared", access.KindServiceAccountSecret, second.Name())
		}},
	}
}

func (o *org) lastKey() string { return fmt.Sprintf("key%05d", o.serial) }

// apiKey is a legacy key, ten days old, used from a pipeline yesterday.
func (o *org) apiKey(roles ...access.AtlasRole) {
	o.next()
	key := access.APIKey{PublicKey: o.lastKey(), ID: hex24(0x33, o.n, o.serial), Description: "robot", Roles: access.SortRoles(roles)}
	o.add(daysAgo(10), key, access.APIAccessEntry{Identity: key.PublicKey, Entry: fmt.Sprintf("34.21.0.%d/32", 160+o.serial%30), CreatedAt: daysAgo(10), LastUsed: onDay(1)})
	for _, p := range o.projects {
		var here []string
		for _, r := range roles {
			if r.Project == p.id {
				here = append(here, r.Role)
			}
		}
		if here != nil {
			p.add(daysAgo(10), access.ProjectKey{PublicKey: key.PublicKey, ID: key.ID, Description: key.Description, Roles: access.SortNames(here)})
		}
	}
	o.want("key/legacy-api-key", access.KindAPIKey, key.PublicKey)
}

func sourcePlantings() []orgPlanting {
	from := func(entry, rule string) func(*org) {
		return func(o *org) {
			r := o.robot("robot", "ORG_MEMBER")
			r.entry.Entry = entry
			o.enlist(r, rule)
		}
	}
	return []orgPlanting{
		{"key/no-access-list", "none", "", from("", "key/no-access-list")},
		{"key/no-access-list", "the world", "", from("0.0.0.0/0", "key/no-access-list")},
		{"key/no-access-list", "the world in halves", "", func(o *org) {
			r := o.robot("robot", "ORG_MEMBER")
			r.entry.Entry = "0.0.0.0/1"
			o.enlist(r, "key/no-access-list")
			half := r.entry
			half.Entry = "128.0.0.0/1"
			o.add(daysAgo(5), half)
		}},
		{"key/untrusted-source", "not a pipeline", "", from("91.7.7.7/32", "key/untrusted-source")},
		{"key/untrusted-source", "leaves the pipelines' network", "", from("34.21.0.0/23", "key/untrusted-source")},
		{"key/untrusted-source", "on the cluster's list too", "", func(o *org) {
			p, r := o.last("dev"), o.robot("robot", "ORG_MEMBER")
			r.entry.Entry = "34.21.0.77/32"
			r.on[p] = []string{"GROUP_READ_ONLY"}
			if p.world || p.busy["an entry that is the world"] {
				r.entry.Entry = "34.22.0.77/32" // everything overlaps with the world
			} else {
				p.by = o.by
				p.let("34.21.0.0/23")
			}
			o.enlist(r, "key/untrusted-source")
		}},
	}
}

func usePlantings() []orgPlanting {
	return []orgPlanting{
		{"key/over-privileged", "declared", "", func(o *org) {
			r, p := o.robot("ci-dev-more", "ORG_MEMBER"), o.some("dev")
			r.on[p] = []string{"GROUP_CLUSTER_MANAGER"}
			o.enlist(r)
			p.by = o.by
			p.want("key/over-privileged", access.KindProjectServiceAccount, r.account.ClientID)
		}},
		{"key/over-privileged", "declared for the org", "", func(o *org) { o.enlist(o.robot("ci-dev-more", "ORG_READ_ONLY"), "key/over-privileged") }},
		{"key/over-privileged", "evidence", "", func(o *org) {
			r, p := o.robot("robot", "ORG_MEMBER"), o.some("staging")
			r.old()
			r.on[p] = []string{"GROUP_CLUSTER_MANAGER"}
			o.enlist(r)
			p.did(r.account.ClientID, "CLUSTER_UPDATE_SUBMITTED", 200)
			p.by = o.by
			p.want("key/over-privileged", access.KindProjectServiceAccount, r.account.ClientID)
		}},
		{"key/unused", "", "", func(o *org) { // whoever may wait for so long has a secret that lives too long
			r := o.robot("robot", "ORG_MEMBER")
			r.old()
			r.secret.CreatedAt, r.secret.LastUsed, r.entry.LastUsed = daysAgo(130), time.Time{}, time.Time{}
			o.enlist(r, "key/unused")
			o.wantSecret(r, "serviceaccount/secret-too-long-lived")
		}},
		{"key/unused", "API key", "", func(o *org) {
			o.next()
			key := access.APIKey{PublicKey: o.lastKey(), ID: hex24(0x34, o.n, o.serial), Roles: []access.AtlasRole{{Role: "ORG_MEMBER", Org: o.id}}}
			o.put(key, access.APIAccessEntry{Identity: key.PublicKey, Entry: "34.21.0.99/32", CreatedAt: daysAgo(300), LastUsed: onDay(150)})
			for _, rule := range []string{"key/unused", "key/legacy-api-key", "key/too-old"} {
				o.want(rule, access.KindAPIKey, key.PublicKey)
			}
		}},
		{"key/too-old", "", "", func(o *org) {
			r := o.robot("robot", "ORG_MEMBER")
			r.old()
			r.secret.CreatedAt = daysAgo(190)
			o.enlist(r, "key/too-old")
			o.wantSecret(r, "serviceaccount/secret-too-long-lived")
		}},
		{"serviceaccount/secret-expiring", "", "", func(o *org) {
			r := o.robot("robot", "ORG_MEMBER")
			r.secret.ExpiresAt = fleetNow.AddDate(0, 0, 6)
			o.enlist(r)
			o.wantSecret(r, "serviceaccount/secret-expiring")
		}},
		{"serviceaccount/secret-expiring", "it has ended", "", func(o *org) {
			r := o.robot("robot", "ORG_MEMBER")
			r.secret.ExpiresAt = ago(time.Hour)
			o.enlist(r)
			o.wantSecret(r, "serviceaccount/secret-expiring")
		}},
		{"serviceaccount/secret-too-long-lived", "", "", func(o *org) {
			r := o.robot("robot", "ORG_MEMBER")
			r.secret.ExpiresAt = fleetNow.AddDate(1, 0, 0)
			o.enlist(r)
			o.wantSecret(r, "serviceaccount/secret-too-long-lived")
		}},
	}
}
