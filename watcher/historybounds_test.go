package watcher

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

var began = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// spanned is a history that claims everything of the last days.
func spanned(days int) access.History {
	span := []access.Span{{From: began.AddDate(0, 0, -days), Until: began}}
	return access.History{V: access.Version, Scope: project, Feed: span, Logins: span}
}

func by(actor string) access.Event {
	return access.Event{Type: "CLUSTER_READY", Actor: access.Actor{Type: access.ActorAPIKey, Name: actor}}
}

func written(t *testing.T, r *record) access.History {
	t.Helper()
	next := r.close()
	if next == nil {
		t.Fatal("nothing is written")
	}
	return *next
}

// What gives way is what is longest unseen, and the claim ends with its day.
func TestManyActors(t *testing.T) {
	r := openRecord(spanned(100), project, began)
	for i := range mostActors + 10 {
		r.duty(by(fmt.Sprintf("key%05d", i)), began.AddDate(0, 0, -60).Add(time.Duration(i)*time.Minute*10))
	}
	h := written(t, r)
	if _, there := h.Duties["key00009"]; there || len(h.Duties) != mostActors {
		t.Errorf("%d actors", len(h.Duties))
	}
	if want := byDay(began.AddDate(0, 0, -59)); len(h.Feed) != 1 || !h.Feed[0].From.Equal(want) || !h.Logins[0].From.Equal(spanned(100).Logins[0].From) {
		t.Errorf("spans %v, logins %v: want the feed's since %v", h.Feed, h.Logins, want)
	}
	r = openRecord(h, project, began)
	r.duty(by("key09999"), began.AddDate(0, 0, -30))
	if h := written(t, r); len(h.Duties) != mostActors {
		t.Errorf("%d actors after one more", len(h.Duties))
	}
}

// Where more than fit are there on one day, nothing is claimed of that day.
func TestTooManyActorsOfToday(t *testing.T) {
	r := openRecord(spanned(100), project, began)
	for i := range mostActors + 1 {
		r.duty(by(fmt.Sprintf("key%05d", i)), began)
	}
	r.span(&r.doc.Feed, began, true)
	if h := written(t, r); len(h.Feed) != 1 || !h.Feed[0].From.Equal(began) {
		t.Errorf("spans %v", h.Feed)
	}
}

func TestManyDutiesOfOneActor(t *testing.T) {
	r := openRecord(spanned(100), project, began)
	for i := range mostDuties + 1 {
		r.note(first(r, "key"), fmt.Sprintf("TYPE_%d", i), byDay(began))
	}
	r.duty(by("other"), began)
	if h := written(t, r); len(h.Duties) != 1 || len(h.Duties["other"]) != 1 || !h.Feed[0].From.Equal(began) {
		t.Errorf("%d actors, spans %v", len(h.Duties), h.Feed)
	}
}

func first(r *record, actor string) map[string]time.Time {
	if r.doc.Duties[actor] == nil {
		r.doc.Duties[actor] = map[string]time.Time{}
	}
	return r.doc.Duties[actor]
}

// A workload of ever new addresses loses its own old ones and takes nothing from others.
func TestManyAddresses(t *testing.T) {
	h := spanned(100)
	for n := range 20 {
		r := openRecord(h, project, began.AddDate(0, 0, n))
		use := logins("c", "lambda", byDay(r.now))
		for i := range 100 {
			use.Addresses = append(use.Addresses, fmt.Sprintf("203.0.%d.%d", n, i))
		}
		r.login(use)
		r.login(logins("c", "app", byDay(began), "192.0.2.1"))
		h = written(t, r)
	}
	u := h.Users["admin/lambda"]
	if want := byDay(began).AddDate(0, 0, 14); len(u.Addresses) != mostAddresses || !u.Cut.Equal(want) {
		t.Errorf("%d addresses, complete after %v, want %v", len(u.Addresses), u.Cut, want)
	}
	if app := h.Users["admin/app"]; !app.Cut.IsZero() || len(app.Addresses) != 1 || !h.Logins[0].From.Equal(spanned(100).Logins[0].From) {
		t.Errorf("the neighbour: %+v, spans %v", app, h.Logins)
	}
	// One that was given up is not taken in again, and costs no write.
	r := openRecord(h, project, began.AddDate(0, 0, 19))
	old := logins("c", "lambda", byDay(began).AddDate(0, 0, 14), "203.0.1.1")
	if r.login(old); r.close() != nil {
		t.Error("an address that gave way is written again")
	}
}

func TestManyUsers(t *testing.T) {
	r := openRecord(spanned(100), project, began)
	for i := range mostUsers + 1 {
		r.login(logins("c", fmt.Sprintf("user%05d", i), byDay(began).AddDate(0, 0, -5), "192.0.2.1", "192.0.2.2"))
	}
	r.login(logins("c", "app", byDay(began), "192.0.2.1"))
	h := written(t, r)
	if want := byDay(began).AddDate(0, 0, -4); len(h.Users) != mostUsers || !h.Logins[0].From.Equal(want) || len(h.Users["admin/app"].Addresses) != 1 {
		t.Errorf("%d users, spans %v", len(h.Users), h.Logins)
	}
}

func TestManyAddressesOfAll(t *testing.T) {
	r := openRecord(spanned(100), project, began)
	for i := range 200 {
		use := logins("c", fmt.Sprintf("user%03d", i), byDay(began).AddDate(0, 0, -i/100))
		for n := range mostAddresses {
			use.Addresses = append(use.Addresses, fmt.Sprintf("203.0.%d.%d", n/250, n%250))
		}
		r.login(use)
	}
	h := written(t, r)
	all := 0
	for _, u := range h.Users {
		all += len(u.Addresses)
	}
	if all != mostOfAll || len(h.Users) != 200 || !h.Users["admin/user000"].Cut.IsZero() || h.Users["admin/user199"].Cut.IsZero() {
		t.Errorf("%d addresses of %d users", all, len(h.Users))
	}
}

// Names that Atlas would never take are not kept, and nothing is claimed of their day.
func TestVeryLongNames(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	yesterday := began.AddDate(0, 0, -1)
	r := openRecord(spanned(100), project, began)
	r.duty(by(long), yesterday)
	r.duty(access.Event{Type: long, Actor: by("key").Actor}, yesterday)
	r.rotation(long, yesterday)
	r.login(logins("c", long, byDay(yesterday), "192.0.2.1"))
	r.login(logins("c", "app", byDay(yesterday), long))
	h := written(t, r)
	raw, err := json.Marshal(h)
	if err != nil || len(raw) > 1000 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if want := byDay(began); !h.Feed[0].From.Equal(want) || !h.Logins[0].From.Equal(want) || !h.Users["admin/app"].Cut.Equal(byDay(yesterday)) {
		t.Errorf("feed %v, logins %v, %+v", h.Feed, h.Logins, h.Users["admin/app"])
	}
}

func TestManyRotations(t *testing.T) {
	r := openRecord(spanned(300), project, began)
	for i := range mostRotations + 1 {
		r.rotation(fmt.Sprintf("database_user/admin/user%05d", i), began.AddDate(0, 0, -200).Add(time.Duration(i)*time.Minute))
	}
	if h := written(t, r); len(h.Rotations) != mostRotations || !h.Feed[0].From.Equal(byDay(began).AddDate(0, 0, -199)) {
		t.Errorf("%d rotations, spans %v", len(h.Rotations), h.Feed)
	}
}

func TestOldDatesAreForgotten(t *testing.T) {
	old, recent := began.AddDate(0, 0, -399), began.AddDate(0, 0, -300)
	r := openRecord(spanned(399), project, began)
	r.doc.Feed = append([]access.Span{{From: old.AddDate(0, 0, -9), Until: old}}, access.Span{From: recent, Until: began})
	r.duty(by("old"), old)
	r.duty(by("recent"), old)
	r.duty(access.Event{Type: "CLUSTER_DELETED", Actor: by("recent").Actor}, recent)
	r.rotation("database_user/admin/old", old)
	r.login(logins("c", "old", byDay(old), "192.0.2.1"))
	r.login(logins("c", "recent", byDay(old), "192.0.2.1"))
	r.login(logins("c", "recent", byDay(recent), "192.0.2.2"))
	h := written(t, r)
	if len(h.Duties) != 2 || len(h.Rotations) != 1 || len(h.Users) != 2 || len(h.Feed) != 2 {
		t.Fatalf("before: %+v", h)
	}
	r = openRecord(h, project, began.AddDate(0, 0, 2))
	r.span(&r.doc.Feed, r.now, true)
	h = written(t, r)
	if len(h.Duties) != 1 || len(h.Duties["recent"]) != 1 || len(h.Rotations) != 0 || len(h.Users) != 1 || len(h.Users["admin/recent"].Addresses) != 1 {
		t.Errorf("after: %+v", h)
	}
	if len(h.Feed) != 1 || h.Logins[0].From.Before(r.now.Add(-keptFor)) {
		t.Errorf("spans %v, logins %v", h.Feed, h.Logins)
	}
	r = openRecord(h, project, r.now)
	r.duty(by("older"), began.AddDate(-2, 0, 0))
	if r.close() != nil {
		t.Error("a date is kept that nobody asks for")
	}
}

// Any number of gaps leaves a bounded list, in order.
func TestManySpans(t *testing.T) {
	h := access.History{}
	for n := range 3 * mostSpans {
		r := openRecord(h, project, began.Add(time.Duration(n)*24*time.Hour))
		r.span(&r.doc.Feed, r.now, n%2 == 1)
		h = written(t, r)
	}
	if len(h.Feed) != mostSpans {
		t.Errorf("%d spans", len(h.Feed))
	}
	for i, s := range h.Feed {
		if !s.Until.After(s.From) || (i > 0 && !s.From.After(h.Feed[i-1].Until)) {
			t.Errorf("span %d of %v", i, s)
		}
	}
}

// A reading of the logins before the end of the span, by more than clocks differ, takes
// the claim back.
func TestLoginsOfAClockGoneBack(t *testing.T) {
	for back, spans := range map[time.Duration]int{time.Minute: 1, 48 * time.Hour: 2, 200 * 24 * time.Hour: 1} {
		r := openRecord(spanned(100), project, began.Add(-back))
		r.login(logins("c", "app", byDay(began), "192.0.2.1"))
		r.logins(access.Reading{Status: access.StatusComplete, Began: r.now}, access.StatusComplete)
		h := written(t, r)
		if len(h.Logins) != spans || (back > time.Hour && h.Logins[spans-1].Until.After(r.now)) {
			t.Errorf("%v back: %v", back, h.Logins)
		}
	}
}

// A document is never changed in place: a compare-and-set that is lost computes again.
func TestRecordLeavesTheDocumentAlone(t *testing.T) {
	r := openRecord(spanned(9), project, began)
	r.duty(by("key"), began)
	r.login(logins("c", "app", byDay(began), "192.0.2.1"))
	cur := written(t, r)
	before, err := json.Marshal(cur)
	if err != nil {
		t.Fatal(err)
	}
	r = openRecord(cur, project, began.AddDate(0, 0, 500))
	r.duty(by("key"), r.now)
	r.login(logins("c", "app", byDay(r.now), "192.0.2.2"))
	r.rotation("database_user/admin/app", r.now)
	r.span(&r.doc.Feed, r.now, false)
	r.close()
	if after, err := json.Marshal(cur); err != nil || string(after) != string(before) {
		t.Errorf("it was %s and is %s (%v)", before, after, err)
	}
}
