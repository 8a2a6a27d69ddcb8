package reach

import (
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// The profiles: how much of Atlas the credentials of an installation are given.
const (
	ProfileScan      = "scan"      // one look at what a reader of the org sees
	ProfileObserve   = "observe"   // the same for good, with who logged in
	ProfileRemediate = "remediate" // as observe, and puts network access and database users right
	ProfileOwner     = "owner"     // everything that can be read, and may write everything
)

// Profile is a set of kinds with the Atlas roles that reading them takes, no more and no
// less. Kinds outside of it are not covered by choice.
type Profile struct {
	Name string
	// Read are the roles of the read credential: on the org, and on every project.
	Read, ReadProjects []string
	// Write are those of the write credential.
	Write, WriteProjects []string
	covered              []access.Kind
}

// Profiles lists the profiles, the narrowest first.
func Profiles() []Profile {
	observe := slices.Concat(readable(), []access.Kind{access.KindAccessHistory})
	logs := []string{"GROUP_CLUSTER_LOG_VIEWER"}
	return []Profile{
		{Name: ProfileScan, Read: []string{orgReadOnly}, covered: readable()},
		{Name: ProfileObserve, Read: []string{orgReadOnly}, ReadProjects: logs, covered: observe},
		{
			Name: ProfileRemediate, Read: []string{orgReadOnly}, ReadProjects: logs, covered: observe,
			WriteProjects: []string{"GROUP_NETWORK_ACCESS_MANAGER", "GROUP_DATABASE_ACCESS_ADMIN"},
		},
		{Name: ProfileOwner, Read: []string{OrgOwner}, Write: []string{OrgOwner}, covered: slices.Concat(access.OrgKinds(), access.ProjectKinds())},
	}
}

// ProfileNamed finds a profile.
func ProfileNamed(name string) (Profile, bool) {
	all := Profiles()
	i := slices.IndexFunc(all, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	return all[i], true
}

// Covers reports whether the profile reads the kind.
func (p Profile) Covers(k access.Kind) bool { return slices.Contains(p.covered, k) }

// Covered are the kinds that the profile reads.
func (p Profile) Covered() []access.Kind { return slices.Clone(p.covered) }

// Kinds are those of a scope that the profile covers.
func (p Profile) Kinds(scope access.Scope) []access.Kind {
	all := access.ProjectKinds()
	if scope.IsOrg() {
		all = access.OrgKinds()
	}
	return slices.DeleteFunc(all, func(k access.Kind) bool { return !p.Covers(k) })
}

// readable are the kinds that Organization Read Only is enough for, by the role that the
// official document asks for at each operation.
func readable() []access.Kind {
	more := []access.Kind{
		access.KindFederation, access.KindIdentityProvider, access.KindRoleMapping, // Organization Owner
		access.KindX509Config, access.KindDatabaseAuth, access.KindAuditing, // Project Owner
		access.KindBackupRestoreJob, access.KindBackupExportJob, // Project Backup Manager
		access.KindAccessHistory, // Project Cluster Log Viewer, or Project Database Access Admin
	}
	return slices.DeleteFunc(slices.Concat(access.OrgKinds(), access.ProjectKinds()), func(k access.Kind) bool { return slices.Contains(more, k) })
}
