package sim

import (
	"cmp"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

// feed is the activity feed of one organisation or project, oldest event first.
type feed struct {
	events []*event
	byID   map[string]*event
}

type event struct {
	id      string
	kind    string
	created time.Time // whole seconds
	visible time.Time
	seq     uint64
	raw     object
}

// SetVisibility makes events that happen from now on visible that much later.
func (a *Atlas) SetVisibility(delay time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visibility = delay
}

// SetLate makes that share of the events that happen from now on visible later still.
func (a *Atlas) SetLate(probability float64, by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lateRate, a.lateBy = probability, by
}

// SetDisorder shuffles events of the same second, the same way every time.
func (a *Atlas) SetDisorder(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.disorder = on
}

// InjectEvent puts a raw event into a feed as it is. It sorts by its "created", where
// that can be read, and by now where not. An unknown id does nothing.
func (a *Atlas) InjectEvent(scopeIsOrg bool, id string, raw map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.feedOf(scopeIsOrg, id)
	if f == nil {
		return
	}
	text := func(key string) string { s, _ := raw[key].(string); return s }
	created, err := time.Parse(time.RFC3339, text("created"))
	if err != nil {
		created = a.now()
	}
	f.add(&event{
		id: text("id"), kind: text("eventTypeName"), created: created.Truncate(time.Second),
		visible: a.now(), seq: a.nextSeq(), raw: maps.Clone(raw),
	})
}

func (a *Atlas) feedOf(scopeIsOrg bool, id string) *feed {
	if scopeIsOrg {
		if o := a.org(id); o != nil {
			return &o.feed
		}
		return nil
	}
	if p := a.projects[id]; p != nil {
		return &p.feed
	}
	return nil
}

func (a *Atlas) nextSeq() uint64 {
	a.counters["event order"]++
	return a.counters["event order"]
}

// add keeps the feed sorted by created. A clock may go back, so it is not always an
// append.
func (f *feed) add(e *event) {
	if f.byID == nil {
		f.byID = map[string]*event{}
	}
	if e.id != "" && f.byID[e.id] == nil {
		f.byID[e.id] = e
	}
	i := sort.Search(len(f.events), func(i int) bool { return f.events[i].created.After(e.created) })
	f.events = slices.Insert(f.events, i, e)
}

// projectEvent writes into the project's feed: groupId and no orgId.
func (c *call) projectEvent(kind string, extra object) {
	c.a.record(&c.project.feed, c.at, c.actor, kind, object{"groupId": c.project.id}, extra)
}

// orgEvent writes into the organisation's feed. groupID is for the few kinds that carry
// one.
func (c *call) orgEvent(kind, groupID string, extra object) {
	scope := object{"orgId": c.org.id}
	if groupID != "" {
		scope["groupId"] = groupID
	}
	c.a.record(&c.org.feed, c.at, c.actor, kind, scope, extra)
}

// record writes an event that happened at the given time.
func (a *Atlas) record(f *feed, at time.Time, who Actor, kind string, scope, extra object) {
	id := a.nextID("event")
	raw := object{
		"id": id, "created": at.UTC().Truncate(time.Second).Format(time.RFC3339),
		"eventTypeName": kind, "isGlobalAdmin": who.GlobalAdmin,
	}
	for _, part := range []object{scope, extra, who.fields()} {
		for k, v := range part {
			raw[k] = v
		}
	}
	visible := at.Add(a.visibility)
	if a.lateRate > 0 && a.chance("late event") < a.lateRate {
		visible = visible.Add(a.lateBy)
	}
	f.add(&event{id: id, kind: kind, created: at.Truncate(time.Second), visible: visible, seq: a.nextSeq(), raw: raw})
	a.alertOn(f, at, kind, raw)
}

// listEvents answers both feeds, newest first.
func (c *call) listEvents() (answer, *problem) {
	p, bad := c.page()
	if bad != nil {
		return answer{}, bad
	}
	filter, bad := c.eventFilter()
	if bad != nil {
		return answer{}, bad
	}
	found := c.a.visibleEvents(c.scopeFeed(), c.at, filter)
	low := min(len(found), (p.num-1)*p.size)
	high := min(len(found), low+p.size)
	rows := make([]any, 0, high-low)
	for _, e := range found[low:high] {
		rows = append(rows, c.eventView(e))
	}
	return c.pageOf(http.StatusOK, p, rows, len(found)), nil
}

func (c *call) scopeFeed() *feed {
	if c.project != nil {
		return &c.project.feed
	}
	return &c.org.feed
}

// visibleEvents selects events newest first. Among equal seconds the later one comes
// first, or a shuffled order where disorder is on.
func (a *Atlas) visibleEvents(f *feed, now time.Time, filter eventFilter) []*event {
	var out []*event
	for i := len(f.events) - 1; i >= 0 && !f.events[i].created.Before(filter.from); i-- {
		if e := f.events[i]; !e.visible.After(now) && filter.keeps(e) {
			out = append(out, e)
		}
	}
	if a.disorder {
		slices.SortStableFunc(out, func(x, y *event) int {
			return cmp.Or(y.created.Compare(x.created), cmp.Compare(a.shuffleKey(x), a.shuffleKey(y)))
		})
	}
	return out
}

func (a *Atlas) shuffleKey(e *event) uint64 {
	h := fnv.New64a()
	h.Write([]byte{byte(e.seq), byte(e.seq >> 8), byte(e.seq >> 16), byte(a.seed)})
	return h.Sum64()
}

// eventFilter is what the query selects. The dates are inclusive (a guess).
type eventFilter struct {
	from, to                  time.Time
	kinds, excluded, clusters []string
}

func (c *call) eventFilter() (eventFilter, *problem) {
	f := eventFilter{kinds: c.query["eventType"], excluded: c.query["excludedEventType"], clusters: c.query["clusterNames"]}
	var bad *problem
	if f.from, bad = c.dateQuery("minDate"); bad != nil {
		return f, bad
	}
	if f.to, bad = c.dateQuery("maxDate"); bad != nil {
		return f, bad
	}
	if !f.to.IsZero() && f.to.Before(f.from) {
		return f, badDateRange()
	}
	for _, k := range slices.Concat(f.kinds, f.excluded) {
		if _, known := c.a.eventTypes[k]; !known {
			return f, badEventType(k)
		}
	}
	return f, nil
}

func (f eventFilter) keeps(e *event) bool {
	cluster, _ := e.raw["clusterName"].(string)
	switch {
	case !f.to.IsZero() && e.created.After(f.to),
		len(f.kinds) > 0 && !slices.Contains(f.kinds, e.kind),
		slices.Contains(f.excluded, e.kind),
		len(f.clusters) > 0 && !slices.Contains(f.clusters, cluster):
		return false
	}
	return true
}

func badDateRange() *problem {
	return bad("INVALID_DATE_RANGE", "The specified maxDate is before the specified minDate.")
}

func badEventType(k string) *problem {
	return bad("INVALID_ENUM_VALUE", "An invalid enumeration value %s was specified.", k)
}

func (c *call) dateQuery(name string) (time.Time, *problem) {
	s := c.query.Get(name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := parseDate(s)
	if err != nil {
		return time.Time{}, bad("INVALID_DATE_FORMAT", "The date %s of parameter %s is not in ISO 8601 format.", s, name)
	}
	return t, nil
}

// parseDate reads ISO 8601 in any zone; a plus sign in a query may have become a blank.
func parseDate(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1))
	return t.UTC(), err
}

// eventView adds the links (an org event's are odd, as the real ones) and, on demand, raw.
func (c *call) eventView(e *event) any {
	out := make(object, len(e.raw)+2)
	for k, v := range e.raw {
		out[k] = v
	}
	if _, has := out["links"]; !has && e.id != "" {
		group := "null"
		if c.project != nil {
			group = c.project.id
		}
		out["links"] = c.self("/groups/" + group + "/events/" + e.id)
	}
	if isTrue(c.query.Get("includeRaw")) {
		out["raw"] = object{"_t": "AUDIT", "id": e.id, "cre": e.raw["created"], "severity": "INFO"}
	}
	return out
}

func (c *call) getEvent() (answer, *problem) {
	id := c.params["eventId"]
	e := c.scopeFeed().byID[id]
	if e == nil || e.visible.After(c.at) {
		if c.project != nil {
			return answer{}, missing("EVENT_NOT_FOUND", "No event with ID %s exists in group %s.", id, c.project.id)
		}
		return answer{}, missing("ORG_EVENT_NOT_FOUND", "No event with ID %s exists in organization %s.", id, c.org.id)
	}
	return ok(c.eventView(e))
}
