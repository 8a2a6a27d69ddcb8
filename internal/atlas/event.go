package atlas

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// decodeEvent never loses an event. A type that is not known stays as it is, a field
// of the wrong type is as if it were not there, and Raw keeps everything. An event
// without an id, or with one that could not be a part of names, gets one from its content;
// one without a time has none here.
func decodeEvent(raw json.RawMessage, scope access.Scope) access.Event {
	f := fieldsOf(raw)
	e := access.Event{
		V: access.Version, ID: f.text("id"), Type: f.text("eventTypeName"), Scope: scope,
		Created: created(f), Actor: actorOf(f), Target: targetOf(f), Project: f.text("groupId"), Raw: bytes.Clone(raw),
	}
	if !plainID.MatchString(e.ID) {
		e.ID = contentID(raw, f)
	}
	if e.Project == "" && !scope.IsOrg() {
		e.Project = scope.ID()
	}
	return e
}

var plainID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// contentID is the same each time the same event is read: links are left out, since
// they depend on the request, and the order of the keys does not matter.
func contentID(raw json.RawMessage, f fields) string {
	if f != nil {
		delete(f, "links")
		if sorted, err := json.Marshal(f); err == nil {
			raw = sorted
		}
	}
	return "content-" + access.Hash("event", string(raw))
}

func created(f fields) time.Time {
	t, err := time.Parse(time.RFC3339, f.text("created"))
	if err != nil {
		return time.Time{}
	}
	if t, err = carried(t.UTC()); err != nil {
		return time.Time{}
	}
	return t
}

// idTime reads the second in which an id was made: its first four bytes.
func idTime(id string) time.Time {
	if len(id) != 24 {
		return time.Time{}
	}
	seconds, err := strconv.ParseUint(id[:8], 16, 32)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

const serviceAccountPrefix = "mdb_sa_id_"

// actorOf says who it was. An employee of MongoDB is one whatever else is said, and a
// delegated actor is one even where the user it acts for is named. Events without any
// trace of an actor are Atlas's own.
func actorOf(f fields) access.Actor {
	a := access.Actor{Address: f.text("remoteAddress")}
	user, key := f.text("username"), f.text("publicKey")
	delegate := fieldsOf(f["delegatePrincipal"])
	switch {
	case string(f["isGlobalAdmin"]) == "true":
		a.Type, a.Name, a.ID = access.ActorEmployee, user, f.text("userId")
	case len(delegate) > 0:
		a.Type, a.Name, a.ID = access.ActorDelegated, or(delegate.text("name"), delegate.text("id")), delegate.text("id")
		a.OnBehalfOf = or(delegate.text("onBehalfOf"), fieldsOf(delegate["onBehalfOf"]).text("name"), user, key)
	case strings.HasPrefix(key, serviceAccountPrefix), strings.HasPrefix(user, serviceAccountPrefix):
		a.Type = access.ActorServiceAccount
		a.Name = user
		if strings.HasPrefix(key, serviceAccountPrefix) {
			a.Name = key
		}
		a.ID = or(f.text("apiKeyId"), a.Name)
	case key != "", f.text("apiKeyId") != "":
		a.Type, a.Name, a.ID = access.ActorAPIKey, key, f.text("apiKeyId")
	case user != "", f.text("userId") != "":
		a.Type, a.Name, a.ID = access.ActorHuman, user, f.text("userId")
	case f != nil && !traceOfActor(f):
		a.Type = access.ActorAtlas
	}
	return a
}

// traceOfActor reports whether anything hints at somebody: then the actor is unknown
// and not Atlas.
func traceOfActor(f fields) bool {
	for _, name := range []string{"userId", "username", "apiKeyId", "publicKey", "delegatePrincipal", "remoteAddress"} {
		if f.has(name) {
			return true
		}
	}
	return false
}

// targetOf is what the event is about, as far as it says. An address comes in its
// canonical spelling, which is the name of its access-list entry. Where the event says
// two parts of a name, both are there: key/address, team/member, database.collection.
func targetOf(f fields) string {
	entry := f.text("whitelistEntry")
	if c, err := canonical(entry); err == nil {
		entry = c
	}
	switch {
	case entry != "":
		return joined("/", f.text("targetPublicKey"), entry)
	case f.text("targetUsername") != "":
		return joined("/", f.text("teamId"), f.text("targetUsername"))
	case f.text("database") != "" || f.text("collection") != "":
		return joined(".", f.text("database"), f.text("collection"))
	}
	for _, name := range []string{
		"dbUserUsername", "targetPublicKey", "teamId", "clusterName", "resourceId", "resourcePolicyId", "alertConfigId",
		"endpointId", "instanceName",
	} {
		if s := f.text(name); s != "" {
			return s
		}
	}
	return ""
}

// joined leaves out what is not said.
func joined(by string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), by)
}

func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
