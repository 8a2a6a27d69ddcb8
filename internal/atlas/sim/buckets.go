package sim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

const refillEvery = time.Minute

// bucketSet is a set of endpoints that share a token bucket for each scope value.
type bucketSet struct {
	id, name         string
	scope            string // ORGANIZATION, GROUP or USER
	capacity, refill int
}

type bucketKey struct{ set, scope string }

type bucket struct {
	tokens int
	filled time.Time
}

func bucketSets() map[string]bucketSet {
	out := map[string]bucketSet{}
	for _, s := range []bucketSet{
		{"inspection_user", "Organizations, Event Types and Rate Limits Inspection", "USER", 300, 100},
		{"groups_user", "Projects", "USER", 1200, 500},
		{"org_organization", "Organization", "ORGANIZATION", 500, 250},
		{"orgSettings_organization", "Organization Settings", "ORGANIZATION", 10, 5},
		{"resourcePolicies_organization", "Resource Policies", "ORGANIZATION", 500, 250},
		{"federation_organization", "Federation of one Organization", "ORGANIZATION", 500, 250},
		{"federation_user", "Federation", "USER", 300, 100},
		{"orgEvents_organization", "Organization Events", "ORGANIZATION", 500, 250},
		{"group_group", "Project", "GROUP", 1200, 500},
		{"groupEvents_group", "Project Events", "GROUP", 300, 100},
		{"databaseUsers_group", "Database Users", "GROUP", 10000, 5000},
		{"clusters_group", "Clusters", "GROUP", 10000, 5000},
		{"customDbRoles_group", "Custom Database Roles", "GROUP", 2000, 1000},
		{"accessList_group", "Project IP Access List", "GROUP", 1200, 500},
		{"accessLogs_group", "Access Tracking", "GROUP", 1200, 500},
		{"flexClusters_group", "Flex Clusters", "GROUP", 1200, 500},
		{"dataFederation_group", "Data Federation", "GROUP", 1200, 500},
		{"streams_group", "Streams", "GROUP", 1200, 500},
		{"privateEndpoint_group", "Private Endpoint Services", "GROUP", 4000, 2000},
		{"networkPeering_group", "Network Peering", "GROUP", 2000, 1000},
		{"cloudProviderAccess_group", "Cloud Provider Access", "GROUP", 2000, 1000},
		{"encryptionAtRest_group", "Encryption at Rest", "GROUP", 2000, 1000},
		{"backupPrivateEndpoints_group", "Backup Private Endpoints", "GROUP", 1200, 500}, // a guess
		{"x509Authentication_group", "X.509 Authentication", "GROUP", 1200, 500},
		{"ldapConfiguration_group", "LDAP Configuration", "GROUP", 1200, 500},
		{"maintenanceWindow_group", "Maintenance Windows", "GROUP", 1200, 500}, // a guess
		{"auditLog_group", "Auditing", "GROUP", 1200, 500},
		{"alertConfigs_group", "Alert Configurations", "GROUP", 1200, 500},
		{"alerts_group", "Alerts", "GROUP", 1200, 500},
		{"integrations_group", "Third-Party Integrations", "GROUP", 1200, 500},

		{"orgUsers_organization", "Organization Users", "ORGANIZATION", 500, 250},
		{"orgInvites_organization", "Organization Invitations", "ORGANIZATION", 500, 250},
		{"orgTeams_organization", "Teams", "ORGANIZATION", 1200, 500},
		{"groupUsers_group", "Project Users", "GROUP", 1200, 500},
		{"groupInvites_group", "Project Invitations", "GROUP", 1200, 500},
		{"groupTeams_group", "Project Teams", "GROUP", 1200, 500},
		{"users_user", "MongoDB Cloud Users", "USER", 2500, 2000},
		{"orgApiKeys_organization", "Organization API Keys", "ORGANIZATION", 500, 250},
		{"orgServiceAccounts_organization", "Organization Service Accounts", "ORGANIZATION", 500, 250},
		{"groupApiKeys_group", "Project API Keys", "GROUP", 1200, 500},
		{"groupServiceAccounts_group", "Project Service Accounts", "GROUP", 1200, 500},
		{"cloudBackups_group", "Cloud Backups", "GROUP", 1200, 500}, // not in the reference: a guess
	} {
		out[s.id] = s
	}
	return out
}

// SetRateLimit changes the capacity and refill of an endpoint set, for every scope.
func (a *Atlas) SetRateLimit(set string, capacity, refill int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sets[set]
	s.capacity, s.refill = capacity, refill
	a.sets[set] = s
	for k := range a.buckets {
		if k.set == set {
			delete(a.buckets, k)
		}
	}
}

// take draws a token for the call and says in h what is left.
func (a *Atlas) take(c *call, h http.Header) *problem {
	set := a.sets[c.route.set]
	key := bucketKey{set.id, c.bucketScope(set.scope)}
	b := a.buckets[key]
	if b == nil {
		b = &bucket{tokens: set.capacity, filled: c.at}
		a.buckets[key] = b
	}
	b.fill(set, c.at)
	h.Set("RateLimit-Limit", strconv.Itoa(set.capacity))
	if b.tokens <= 0 {
		h.Set("RateLimit-Remaining", "0")
		return rateLimited(c.path, int(math.Ceil(b.filled.Add(refillEvery).Sub(c.at).Seconds())), set)
	}
	b.tokens--
	h.Set("RateLimit-Remaining", strconv.Itoa(b.tokens))
	return nil
}

func (b *bucket) fill(set bucketSet, now time.Time) {
	if now.Before(b.filled) {
		b.filled = now
	}
	steps := int(now.Sub(b.filled) / refillEvery)
	b.tokens = min(set.capacity, b.tokens+steps*set.refill)
	b.filled = b.filled.Add(time.Duration(steps) * refillEvery)
}

func rateLimited(path string, wait int, set bucketSet) *problem {
	wait = max(wait, 1)
	p := fail(http.StatusTooManyRequests, "RATE_LIMITED_TOKEN_BUCKET",
		"Rate limit exceeded for %s. Retry after %d seconds (capacity %d, refill %d every %d seconds).",
		path, wait, set.capacity, set.refill, int(refillEvery.Seconds()))
	p.header = http.Header{"Retry-After": {strconv.Itoa(wait)}}
	return p
}

// bucketScope is the value that a bucket of the given scope belongs to.
func (c *call) bucketScope(scope string) string {
	switch scope {
	case "GROUP":
		return c.params["groupId"]
	case "ORGANIZATION":
		return c.params["orgId"]
	}
	return c.credential()
}
