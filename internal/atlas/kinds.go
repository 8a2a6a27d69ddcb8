package atlas

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// source says how a kind is read and how one piece of what Atlas answers becomes states.
type source struct {
	// routes are the operations that reading the kind takes, the first one always.
	routes []route
	// read gets the pieces. A piece that does not decode is odd; the others count.
	read func(*gathering)
	// states decodes one piece; several resources can come of one.
	states func(piece) ([]access.State, error)
	// name is that of a piece that does not decode, as far as it goes.
	name func(piece) string
	// whole: the kind is one document, and without it nothing is known.
	whole bool
}

// piece is one undecoded element with what it was asked for by.
type piece struct {
	raw    json.RawMessage
	scope  access.Scope
	parent string // a key, a cluster, a provider …
}

// one is for the kinds where a piece is a resource.
func one(decode func(json.RawMessage) (access.State, error)) func(piece) ([]access.State, error) {
	return func(p piece) ([]access.State, error) { return single(decode(p.raw)) }
}

// inside is [one] for resources that need to know where they were found.
func inside(decode func(piece) (access.State, error)) func(piece) ([]access.State, error) {
	return func(p piece) ([]access.State, error) { return single(decode(p)) }
}

func single(s access.State, err error) ([]access.State, error) {
	if err != nil {
		return nil, err
	}
	return []access.State{s}, nil
}

func byField(field string) func(piece) string {
	return func(p piece) string { return fieldsOf(p.raw).text(field) }
}

// byUsername names a piece as the state of it is named.
func byUsername(p piece) string { return access.FoldName(fieldsOf(p.raw).text("username")) }

// nameless is for pieces of which several resources come: nothing of the kind counts as
// gone while one of them cannot be read.
func nameless(piece) string { return "" }

// sourceOf is the one table of how kinds are read.
func sourceOf(k access.Kind) (source, bool) {
	if s, ok := orgSource(k); ok {
		return s, true
	}
	return projectSource(k)
}

func orgSource(k access.Kind) (source, bool) {
	federated := []route{getOrgFederation, getConnectedOrg, listConnectedOrgs, listIdentityProviders, listRoleMappings}
	switch k {
	case access.KindOrg:
		return document(getOrg, one(decodeOrg)), true
	case access.KindOrgSettings:
		return document(getOrgSettings, inside(decodeOrgSettings)), true
	case access.KindOrgMember:
		return listed(listOrgUsers, membersWith("ACTIVE"), inside(decodeOrgMember), byUsername), true
	case access.KindInvitation:
		return listed(listOrgUsers, membersWith("PENDING", "INVITATION_EXPIRED", "INVITATION_REJECTED"), inside(decodeInvitation), byUsername), true
	case access.KindTeam:
		return listed(listOrgTeams, nil, inside(decodeTeam), byField("id")), true
	case access.KindTeamMember:
		return listed(listOrgUsers, membersWith("ACTIVE", "PENDING", "INVITATION_EXPIRED"), decodeTeamMembers, nameless), true
	case access.KindAPIKey:
		return listed(listOrgAPIKeys, nil, inside(decodeAPIKey), byField("publicKey")), true
	case access.KindServiceAccount:
		return listed(listOrgAccounts, withManaged(), inside(decodeAccount), byField("clientId")), true
	case access.KindServiceAccountSecret:
		return listed(listOrgAccounts, withManaged(), decodeSecrets, nameless), true
	case access.KindAPIAccessEntry:
		routes := []route{listOrgAPIKeys, listAPIKeyEntries, listOrgAccounts, listAccountEntries}
		return source{routes, readAPIAccess, inside(decodeAPIAccess), nameAPIAccess, false}, true
	case access.KindFederation:
		return source{federated[:3], readFederation, inside(decodeFederation), nameless, false}, true
	case access.KindIdentityProvider:
		return source{[]route{getOrgFederation, listIdentityProviders}, readIdentityProviders, inside(decodeIdentityProvider), byField("id"), false}, true
	case access.KindRoleMapping:
		return source{[]route{getOrgFederation, listRoleMappings}, readRoleMappings, inside(decodeRoleMapping), byField("id"), false}, true
	case access.KindResourcePolicy:
		return source{[]route{listResourcePolicies, listNonCompliant}, readPolicies, inside(decodePolicy), byField("id"), false}, true
	}
	return source{}, false
}

func membersWith(statuses ...string) url.Values { return url.Values{"orgMembershipStatuses": statuses} }

// withManaged asks for the accounts that Atlas manages as well: they hold roles too.
func withManaged() url.Values { return url.Values{"includeSystemManaged": {"true"}} }

func projectSource(k access.Kind) (source, bool) {
	switch k {
	case access.KindProject:
		return document(getGroup, one(decodeProject)), true
	case access.KindProjectSettings:
		return document(getGroupSettings, inside(decodeProjectSettings)), true
	case access.KindProjectMember:
		return listed(listGroupUsers, nil, inside(decodeProjectMember), byUsername), true
	case access.KindTeamGrant:
		return listed(listGroupTeams, nil, inside(decodeTeamGrant), byField("teamId")), true
	case access.KindProjectKey:
		return listed(listGroupAPIKeys, nil, inside(decodeProjectKey), byField("publicKey")), true
	case access.KindProjectServiceAccount:
		return listed(listGroupAccounts, withManaged(), inside(decodeProjectAccount), byField("clientId")), true
	case access.KindIPAccessEntry:
		return listed(listAccessEntries, nil, one(decodeEntry), func(p piece) string { return entryName(fieldsOf(p.raw)) }), true
	case access.KindPrivateEndpoint:
		routes := []route{listEndpointServices, listEndpointIDs}
		return source{routes, readPrivateEndpoints, inside(decodePrivateEndpoint), nameless, false}, true
	case access.KindPeering:
		return source{[]route{listPeers}, readPeerings, inside(decodePeering), namePeering, false}, true
	case access.KindDatabaseUser:
		return listed(listDatabaseUsers, nil, one(decodeUser), func(p piece) string { return userName(fieldsOf(p.raw)) }), true
	case access.KindCustomRole:
		return bare(listCustomRoles, one(decodeRole), byField("roleName")), true
	case access.KindX509Config:
		return source{[]route{getUserSecurity, listDatabaseUsers, listUserCertificates}, readCertificates, inside(decodeCertificates), nameless, false}, true
	case access.KindDatabaseAuth:
		return document(getUserSecurity, inside(decodeDatabaseAuth)), true
	case access.KindAuditing:
		return document(getAuditLog, inside(decodeAuditing)), true
	case access.KindAlertConfig:
		return listed(listAlertConfigs, nil, inside(decodeAlertConfig), byField("id")), true
	case access.KindIntegration:
		return listed(listIntegrations, nil, inside(decodeIntegration), nameless), true
	}
	return targetSource(k)
}

// targetSource are the kinds that data is in, and the ways in which it leaves.
func targetSource(k access.Kind) (source, bool) {
	switch k {
	case access.KindCluster:
		return listed(listClusters, nil, one(decodeCluster), byField("name")), true
	case access.KindFlexCluster:
		return listed(listFlexClusters, nil, one(decodeFlex), byField("name")), true
	case access.KindFederatedDatabase:
		return bare(listDataFederation, one(decodeFederated), byField("name")), true
	case access.KindStreamWorkspace:
		return listed(listStreams, nil, one(decodeWorkspace), byField("name")), true
	case access.KindBackupRestoreJob:
		return source{[]route{listClusters, listRestoreJobs}, readPerCluster(listRestoreJobs), inside(decodeRestoreJob), nameInCluster, false}, true
	case access.KindBackupExportJob:
		return source{[]route{listClusters, listExportJobs}, readPerCluster(listExportJobs), inside(decodeExportJob), nameInCluster, false}, true
	case access.KindBackupExportBucket:
		return listed(listExportBuckets, nil, inside(decodeExportBucket), byField("_id")), true
	case access.KindAccessHistory:
		return source{[]route{listClusters, clusterAccessHistory}, readHistory, decodeHistory, nameless, false}, true
	}
	return source{}, false
}

// document is a kind that is one document.
func document(r route, states func(piece) ([]access.State, error)) source {
	return source{[]route{r}, func(g *gathering) { g.object(r) }, states, nameless, true}
}

// listed is a kind that is one counted list.
func listed(r route, query url.Values, states func(piece) ([]access.State, error), name func(piece) string) source {
	return source{[]route{r}, func(g *gathering) { g.list(request{route: r, query: query}, "") }, states, name, false}
}

// bare is a kind that is one bare array.
func bare(r route, states func(piece) ([]access.State, error), name func(piece) string) source {
	return source{[]route{r}, func(g *gathering) { g.array(request{route: r}, "") }, states, name, false}
}

// RolesFor are the least roles that reading a kind takes, by the names of Atlas's pages:
// all of them.
func RolesFor(k access.Kind) []string {
	src, _ := sourceOf(k)
	var out []string
	for _, r := range src.routes {
		if !slices.Contains(out, r.role) {
			out = append(out, r.role)
		}
	}
	return out
}
