package sim

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

// trace judges what a request that succeeded left behind: nothing by a GET, an event by
// what changes something, and nothing more by the same PATCH or PUT again.
func (e *exam) trace(r ready, p party, feeds map[string]happened, before string) {
	e.t.Helper()
	if e.op.method == http.MethodGet {
		e.is("GET changes nothing", same(before, r.footprint()))
		return
	}
	found := newEvents(feeds, r.feeds())
	e.is("event written", e.events(r, p, found))
	for _, h := range found {
		e.is("event valid", e.eventDiffers(h))
	}
	if e.op.method == http.MethodPatch || e.op.method == http.MethodPut {
		settled := r.footprint()
		a := r.as(p, e)
		why := same(settled, r.footprint())
		if a.status/100 != 2 {
			why = fmt.Sprintf("%d %s", a.status, a.raw)
		}
		e.is("a repeated write is silent", why)
	}
	if p == e.owner {
		e.later(r)
	}
}

// events compares what was written with what the sample says.
func (e *exam) events(r ready, p party, found []happened) string {
	want := slices.Clone(e.sample.events)
	if len(want) == 0 && e.sample.quiet == "" {
		return fmt.Sprintf("the sample does not say which event is written; there is %s", list(found))
	}
	for _, h := range found {
		i := slices.IndexFunc(want, func(x expectedEvent) bool { return x.feed == h.feed && x.kind == h.raw["eventTypeName"] })
		if i < 0 {
			return fmt.Sprintf("%s %s in the feeds: %s", h.feed, h.raw["eventTypeName"], list(found))
		}
		if why := e.eventIs(r, p, want[i], h.raw); why != "" {
			return why
		}
		want = slices.Delete(want, i, i+1)
	}
	if len(want) > 0 {
		return fmt.Sprintf("no %s %s in the feeds: %s", want[0].feed, want[0].kind, list(found))
	}
	return ""
}

func list(found []happened) string {
	out := []string{}
	for _, h := range found {
		out = append(out, fmt.Sprintf("event %s %v", h.feed, h.raw["eventTypeName"]))
	}
	sort.Strings(out)
	return "[" + strings.Join(out, ", ") + "]"
}

// eventIs checks the actor and the fields that the sample names.
func (e *exam) eventIs(r ready, p party, want expectedEvent, raw map[string]any) string {
	for key, value := range want.fields {
		value, err := r.names.expand(value)
		if err != nil {
			return err.Error()
		}
		if got := fmt.Sprint(raw[key]); got != value {
			return fmt.Sprintf("%s has %s %q, want %q", want.kind, key, got, value)
		}
	}
	_, human := raw["username"]
	switch key, _ := raw["apiKeyId"].(string); {
	case want.nobody && (human || raw["publicKey"] != nil):
		return fmt.Sprintf("%s has an actor: %v", want.kind, raw)
	case !want.nobody && (human || raw["publicKey"] != p.id || isID(key) != p.digest):
		return fmt.Sprintf("%s names another actor than %s: %v", want.kind, p.id, raw)
	}
	return ""
}

// later lets time pass and judges every event there is: what the setup did, and what
// Atlas does by itself.
func (e *exam) later(r ready) {
	e.t.Helper()
	for _, d := range []time.Duration{time.Hour, 8 * 24 * time.Hour, 60 * 24 * time.Hour} {
		r.Advance(d)
		r.Snapshot()
	}
	for _, h := range r.feeds() {
		e.is("event valid", e.eventDiffers(h))
	}
}

// inOrgFeed are the types that an organisation's feed has with a project.
var inOrgFeed = []string{
	"GROUP_CREATED", "GROUP_DELETED", "GROUP_MOVED", "TEAM_ADDED_TO_GROUP", "TEAM_REMOVED_FROM_GROUP", "TEAM_ROLES_MODIFIED", "GROUP_TAGS_MODIFIED",
	"RESOURCE_POLICY_VIOLATED", // a guess
}

// told is what an event of a kind has to say, by the start of its type.
var told = []struct{ prefix, field string }{
	{"NETWORK_PERMISSION_ENTRY_", "whitelistEntry"},
	{"MONGODB_USER_ADDED", "dbUserUsername"}, {"MONGODB_USER_UPDATED", "dbUserUsername"}, {"MONGODB_USER_DELETED", "dbUserUsername"},
	{"API_KEY_", "targetPublicKey"}, {"API_KEY_ACCESS_LIST_ENTRY_", "whitelistEntry"},
	{"TEAM_", "teamId"},
	{"JOINED_", "targetUsername"}, {"REMOVED_FROM_", "targetUsername"}, {"INVITED_TO_", "targetUsername"}, {"USER_ROLES_CHANGED_AUDIT", "targetUsername"},
	{"GROUP_TAGS_MODIFIED", "resourceId"}, {"GROUP_TAGS_MODIFIED", "resourceType"}, {"CLUSTER_TAGS_MODIFIED", "resourceId"},
	{"RESOURCE_POLICY_", "resourcePolicyId"},
	{"ALERT_CONFIG_", "alertConfigId"}, {"ALERT_ACKNOWLEDGED_AUDIT", "alertId"}, {"ALERT_UNACKNOWLEDGED_AUDIT", "alertId"},
}

// eventDiffers judges an event by the document and by what the feeds are known to say.
func (e *exam) eventDiffers(h happened) string {
	kind := fmt.Sprint(h.raw["eventTypeName"])
	e.mu.Lock()
	e.written[kind] = true
	e.mu.Unlock()
	groupID, hasGroup := h.raw["groupId"]
	orgID, hasOrg := h.raw["orgId"]
	switch {
	case h.ofOrg && orgID != h.scope, !h.ofOrg && groupID != h.scope, !h.ofOrg && hasOrg:
		return fmt.Sprintf("%s of %s has groupId %v and orgId %v", kind, h.feed, groupID, orgID)
	case h.ofOrg && hasGroup != slices.Contains(inOrgFeed, kind):
		return fmt.Sprintf("%s of %s has groupId %v", kind, h.feed, groupID)
	}
	for _, x := range told {
		if value, _ := h.raw[x.field].(string); strings.HasPrefix(kind, x.prefix) && value == "" {
			return fmt.Sprintf("%s has no %s: %v", kind, x.field, h.raw)
		}
	}
	raw := deep(h.raw)
	why := e.doc.event(h.ofOrg, raw)
	for _, k := range e.known {
		if why == "" {
			return ""
		}
		if k.events != nil && k.events(raw) {
			e.differ(e.sample.family, k)
			why = e.doc.event(h.ofOrg, raw)
		}
	}
	return why
}
