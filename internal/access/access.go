// Package access holds Gatewarden's nouns: what is read from MongoDB Atlas, what
// changed in it, what that is judged to be, and what is done about it.
//
// Read this package first. It imports only the standard library and every other
// package imports it. A type lives here only if it crosses a subject, is stored,
// feeds [Diff], or is configuration that two packages read.
//
// # Shape of the data
//
// A [Scope] (an org or a project) is the unit of reading, judging and locking. One
// complete read of one [Kind] in one scope is a [Collection] of [Resource] records.
// Each resource is a typed [State] carried in a self-describing [Box], so that
// stored and published documents decode without outside knowledge. [Diff] of two
// collections is a list of [Change]; a judgement of a scope is [Findings]; what is
// done about one episode of one [Finding] is an [Action] carrying a [Plan] of typed
// [Operation] values.
//
// # Rules of the wire forms
//
// JSON is additive. Every stored or published document carries v; a program never
// rewrites a document whose v is above its own [Version]. Names are canonical
// ([Ref]); they never enter keys or subjects, only their hashes do. The zero value
// of every enumeration is the harmless one: an unset origin is inherited, an unset
// ceiling is tell, an unset response is observe.
package access

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Version is the v of the documents that this program writes.
const Version = 1

// Callers branch on three questions only: is it temporary, is it forbidden, is it gone.
var (
	// ErrTemporary marks an error that may pass by itself: try again later.
	ErrTemporary = errors.New("temporary")
	// ErrForbidden marks a refusal: the credential lacks a role, or there is none.
	ErrForbidden = errors.New("forbidden")
	// ErrGone marks something that does not exist (any more).
	ErrGone = errors.New("gone")
)

// Scope is an org or a project: "org.<id>" or "prj.<id>". It is a valid KV key
// and a valid pair of subject tokens.
type Scope string

// OrgScope is the scope of the org with this Atlas id.
func OrgScope(id string) Scope { return Scope("org." + id) }

// ProjectScope is the scope of the project (group, in the API) with this Atlas id.
func ProjectScope(id string) Scope { return Scope("prj." + id) }

// ID is the Atlas id of the org or project.
func (s Scope) ID() string { _, id, _ := strings.Cut(string(s), "."); return id }

// IsOrg reports whether the scope is an org.
func (s Scope) IsOrg() bool { return strings.HasPrefix(string(s), "org.") }

// Validate reports what is wrong with a scope that came from outside: it must be
// org. or prj. followed by an Atlas id of 24 lower-case hex digits.
func (s Scope) Validate() error {
	level, id, ok := strings.Cut(string(s), ".")
	if !ok || (level != "org" && level != "prj") || len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "" {
		return fmt.Errorf("scope %q: want org.<id> or prj.<id> with an Atlas id of 24 hex digits", s)
	}
	return nil
}

// Kind is one kind of Atlas resource. The list is closed.
type Kind string

// The kinds of an org.
const (
	KindOrg                  Kind = "org"
	KindOrgSettings          Kind = "org_settings"
	KindOrgMember            Kind = "org_member"
	KindInvitation           Kind = "invitation"
	KindTeam                 Kind = "team"
	KindTeamMember           Kind = "team_member"
	KindAPIKey               Kind = "api_key"
	KindServiceAccount       Kind = "service_account"
	KindServiceAccountSecret Kind = "service_account_secret"
	KindAPIAccessEntry       Kind = "api_access_entry"
	KindIdentityProvider     Kind = "identity_provider"
	KindRoleMapping          Kind = "role_mapping"
	KindFederation           Kind = "federation"
	KindResourcePolicy       Kind = "resource_policy"
)

// The kinds of a project.
const (
	KindProject               Kind = "project"
	KindProjectSettings       Kind = "project_settings"
	KindProjectMember         Kind = "project_member"
	KindTeamGrant             Kind = "team_grant"
	KindProjectKey            Kind = "project_key"
	KindProjectServiceAccount Kind = "project_service_account"
	KindIPAccessEntry         Kind = "ip_access_entry"
	KindPrivateEndpoint       Kind = "private_endpoint"
	KindPeering               Kind = "peering"
	KindDatabaseUser          Kind = "database_user"
	KindCustomRole            Kind = "custom_role"
	KindX509Config            Kind = "x509_config"
	KindDatabaseAuth          Kind = "database_auth"
	KindCluster               Kind = "cluster"
	KindFlexCluster           Kind = "flex_cluster"
	KindFederatedDatabase     Kind = "federated_database"
	KindStreamWorkspace       Kind = "stream_workspace"
	KindAuditing              Kind = "auditing"
	KindAlertConfig           Kind = "alert_config"
	KindIntegration           Kind = "integration"
	KindBackupRestoreJob      Kind = "backup_restore_job"
	KindBackupExportJob       Kind = "backup_export_job"
	KindBackupExportBucket    Kind = "backup_export_bucket"
	KindAccessHistory         Kind = "access_history"
)

// OrgKinds lists the kinds of an org.
func OrgKinds() []Kind {
	return []Kind{
		KindOrg, KindOrgSettings, KindOrgMember, KindInvitation, KindTeam, KindTeamMember, KindAPIKey,
		KindServiceAccount, KindServiceAccountSecret, KindAPIAccessEntry, KindIdentityProvider, KindRoleMapping,
		KindFederation, KindResourcePolicy,
	}
}

// ProjectKinds lists the kinds of a project.
func ProjectKinds() []Kind {
	return []Kind{
		KindProject, KindProjectSettings, KindProjectMember, KindTeamGrant, KindProjectKey,
		KindProjectServiceAccount, KindIPAccessEntry, KindPrivateEndpoint, KindPeering, KindDatabaseUser,
		KindCustomRole, KindX509Config, KindDatabaseAuth, KindCluster, KindFlexCluster, KindFederatedDatabase,
		KindStreamWorkspace, KindAuditing, KindAlertConfig, KindIntegration, KindBackupRestoreJob,
		KindBackupExportJob, KindBackupExportBucket, KindAccessHistory,
	}
}

// Known reports whether k is in the closed list.
func (k Kind) Known() bool {
	return slices.Contains(OrgKinds(), k) || slices.Contains(ProjectKinds(), k)
}

// TargetKinds are the kinds that a database user's scope can name.
func TargetKinds() []Kind {
	return []Kind{KindCluster, KindFlexCluster, KindFederatedDatabase, KindStreamWorkspace}
}

// Ref names one resource. The name is canonical for its kind, for example
// "203.0.113.10/32" or "admin/prod_app_user"; a resource that is its whole scope
// (an org, a project, a union of entries) carries the scope's id as its name.
type Ref struct {
	Scope Scope  `json:"scope"`
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
}

// String is for people: scope, kind and name.
func (r Ref) String() string { return fmt.Sprintf("%s %s %s", r.Scope, r.Kind, r.Name) }

// Hash is a 128-bit digest of the reference, in hex: what keys and subjects carry
// in the place of names.
func (r Ref) Hash() string { return Hash(string(r.Scope), string(r.Kind), r.Name) }

// Hash is a 128-bit digest of the parts, in hex. The parts are length-prefixed, so
// that no two different lists share a digest by concatenation.
func Hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
