package watcher

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// about is what an event says of the resource that it is about: the names that it can
// have, the likeliest first, or how its name begins or ends (a team's id without a
// member, a member without a team). With none of them it may be any of its kind.
type about struct {
	names          []string
	prefix, suffix string
}

// named reports whether the event says the whole name.
func (a about) named() bool { return len(a.names) > 0 }

// open reports whether the event says nothing of the name.
func (a about) open() bool { return !a.named() && a.prefix == "" && a.suffix == "" }

func (a about) fits(name string) bool {
	if a.named() {
		return slices.Contains(a.names, name)
	}
	return strings.HasPrefix(name, a.prefix) && strings.HasSuffix(name, a.suffix)
}

func exactly(names ...string) about { return about{names: names} }

// atlasID is what Atlas gives to teams, clusters and the like.
var atlasID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// single lists the kinds of which a scope has one, under the scope's id.
func single(k access.Kind) bool {
	return slices.Contains([]access.Kind{
		access.KindOrg, access.KindOrgSettings, access.KindFederation, access.KindProject, access.KindProjectSettings,
		access.KindAuditing, access.KindDatabaseAuth,
	}, k)
}

// about reads the event's target as a name of the pending kind.
func (p Pending) about() about {
	t := p.Event.Target
	if single(p.Kind) {
		if p.Op == access.OpObserved && t != "" {
			return exactly(t) // what was looked at in it, as a collection of documents
		}
		if p.Side && atlasID.MatchString(t) {
			return exactly(t) // the tags of a cluster say nothing of its project
		}
		return exactly(p.Event.Scope.ID())
	}
	if p.Kind == access.KindX509Config {
		return p.certified()
	}
	if t == "" {
		return about{}
	}
	switch p.Kind {
	case access.KindIPAccessEntry:
		if c, err := reach.Canonical(t); err == nil {
			return exactly(c)
		}
	case access.KindDatabaseUser:
		return exactly(userNames(t)...)
	case access.KindCustomRole:
		return about{}
	case access.KindCluster, access.KindFlexCluster, access.KindFederatedDatabase, access.KindStreamWorkspace:
		if t == p.Event.Scope.ID() {
			return exactly(t) // the tags of the project, and of no cluster
		}
		if atlasID.MatchString(t) {
			return about{} // an event about tags has the id, and the state's name is another
		}
	case access.KindOrgMember, access.KindProjectMember, access.KindInvitation:
		return exactly(access.FoldName(t))
	case access.KindTeamMember:
		return member(t)
	case access.KindAPIAccessEntry:
		if c, err := reach.Canonical(t); err == nil {
			return about{suffix: "/" + c}
		}
		return owned(t)
	case access.KindServiceAccountSecret, access.KindBackupRestoreJob, access.KindBackupExportJob:
		return owned(t)
	case access.KindPrivateEndpoint, access.KindPeering:
		return about{suffix: "/" + t} // the provider is not told
	}
	return exactly(t)
}

// certified is for the certificates of a project: its own authorities under its id, and
// those that Atlas issued to a user, of whom not every event tells the name.
func (p Pending) certified() about {
	switch user := strings.TrimPrefix(p.Event.Target, "CN="); {
	case !strings.HasPrefix(p.Event.Type, "MONGODB_USER_"):
		return exactly(p.Event.Scope.ID())
	case user == "":
		return about{prefix: "user/"}
	default:
		return exactly("user/" + user)
	}
}

// owned is for names of two parts of which t has both or the first: a key and its
// address, a cluster and its job.
func owned(t string) about {
	if strings.Contains(t, "/") {
		return exactly(t)
	}
	return about{prefix: t + "/"}
}

// member is for a team and a member of it: t has both, or one of them.
func member(t string) about {
	if team, user, both := strings.Cut(t, "/"); both {
		return exactly(team + "/" + access.FoldName(user))
	}
	if atlasID.MatchString(t) {
		return about{prefix: t + "/"}
	}
	return about{suffix: "/" + access.FoldName(t)}
}

// names lists the canonical names that the event's target can have; none: the event
// does not say, or not all of it.
func (p Pending) names() []string { return p.about().names }

// userNames: an event has the username without its database. Users with certificates
// managed by Atlas are listed as user389 and told of as CN=user389.
func userNames(t string) []string {
	names := []string{"admin/" + t, "$external/" + t}
	if bare, ok := strings.CutPrefix(t, "CN="); ok {
		return []string{"$external/" + bare, "$external/" + t}
	}
	if strings.HasPrefix(t, "arn:") || strings.Contains(t, "=") {
		slices.Reverse(names)
	}
	return names
}

// name is the one name to publish the event under: of the candidates the one that is
// in one of the collections, else the likeliest; where the event has but a part of a
// name, that part.
func (p Pending) name(known ...access.Collection) string {
	names := p.names()
	for _, c := range known {
		for _, n := range names {
			if _, ok := c.Find(n); ok {
				return n
			}
		}
	}
	if len(names) == 0 {
		return p.Event.Target
	}
	return names[0]
}
