package watcher

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// meaning is what an event type says. Its first kind is the one whose change it
// explains; the others are only read again. An empty op is a hint to read and
// explains nothing; observed leaves no difference and is told as it is.
type meaning struct {
	kinds []access.Kind
	op    access.Op
}

// meanings looks an event type up. A type that it does not know, or whose kind this
// version does not read, has no kinds: it stays a fact.
func meanings(eventType string) meaning {
	one := func(op access.Op, kinds ...access.Kind) meaning { return meaning{kinds, op} }
	switch eventType {
	case "NETWORK_PERMISSION_ENTRY_ADDED":
		return one(access.OpCreated, access.KindIPAccessEntry)
	case "NETWORK_PERMISSION_ENTRY_UPDATED":
		return one(access.OpUpdated, access.KindIPAccessEntry)
	case "NETWORK_PERMISSION_ENTRY_REMOVED":
		return one(access.OpDeleted, access.KindIPAccessEntry)
	case "MONGODB_USER_ADDED":
		return one(access.OpCreated, access.KindDatabaseUser)
	case "MONGODB_USER_UPDATED":
		return one(access.OpUpdated, access.KindDatabaseUser)
	case "MONGODB_USER_X509_CERT_CREATED", "MONGODB_USER_X509_CERT_REVOKED":
		return one(access.OpObserved, access.KindDatabaseUser)
	case "MONGODB_USER_DELETED":
		return one(access.OpDeleted, access.KindDatabaseUser)
	case "MONGODB_ROLE_ADDED":
		return one(access.OpCreated, access.KindCustomRole)
	case "MONGODB_ROLE_UPDATED":
		return one(access.OpUpdated, access.KindCustomRole)
	case "MONGODB_ROLE_DELETED":
		return one(access.OpDeleted, access.KindCustomRole)
	case "CLUSTER_CREATED":
		return one(access.OpCreated, access.KindCluster, access.KindFlexCluster)
	case "CLUSTER_DELETED":
		return one(access.OpDeleted, access.KindCluster, access.KindFlexCluster)
	case "CLUSTER_TAGS_MODIFIED":
		return one(access.OpUpdated, access.KindCluster)
	case "CLUSTER_READY":
		return one("", access.KindCluster, access.KindFlexCluster)
	case "FEDERATED_DATABASE_CREATED":
		return one(access.OpCreated, access.KindFederatedDatabase)
	case "FEDERATED_DATABASE_REMOVED":
		return one(access.OpDeleted, access.KindFederatedDatabase)
	case "STREAM_TENANT_CREATED":
		return one(access.OpCreated, access.KindStreamWorkspace)
	case "STREAM_TENANT_DELETED":
		return one(access.OpDeleted, access.KindStreamWorkspace)
	case "GROUP_CREATED":
		return one(access.OpCreated, access.KindProject)
	case "GROUP_NAME_CHANGED", "GROUP_TAGS_MODIFIED", "GROUP_MOVED":
		return one(access.OpUpdated, access.KindProject)
	case "TAGS_MODIFIED":
		return one("", access.KindProject, access.KindCluster)
	case "ORG_RENAMED":
		return one(access.OpUpdated, access.KindOrg)
	}
	return meaning{}
}

// names lists the canonical names that the event's target can have; none: the event
// does not say which resource of its kind it is about.
func (p Pending) names() []string {
	t := p.Event.Target
	switch p.Kind {
	case access.KindOrg, access.KindProject:
		return []string{p.Event.Scope.ID()}
	case access.KindIPAccessEntry:
		if t == "" {
			return nil
		}
		if c, err := reach.Canonical(t); err == nil {
			return []string{c}
		}
		return []string{t}
	case access.KindDatabaseUser:
		return userNames(t)
	case access.KindCluster, access.KindFlexCluster, access.KindFederatedDatabase, access.KindStreamWorkspace:
		if t != "" {
			return []string{t}
		}
	}
	return nil
}

// userNames: an event has the username without its database. Users with certificates
// managed by Atlas are listed as user389 and told of as CN=user389.
func userNames(t string) []string {
	if t == "" {
		return nil
	}
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
// in one of the collections, else the likeliest.
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
		return ""
	}
	return names[0]
}
