package atlas

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

func inject(a *sim.Atlas, id string, at time.Time, more map[string]any) {
	raw := map[string]any{"id": id, "created": at.UTC().Format(time.RFC3339), "eventTypeName": "CLUSTER_READY", "groupId": prodID}
	for k, v := range more {
		raw[k] = v
	}
	a.InjectEvent(false, prodID, raw)
}

// What a person does in Atlas comes with its type, actor and target.
func TestEventsOfAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		c := connect(t, a.Transport(), nil)
		since := time.Now()
		time.Sleep(time.Second)
		alice := sim.Actor{Username: "alice@example.com", UserID: "aaaaaaaaaaaaaaaaaaaaaaaa", RemoteAddress: "198.51.100.9"}
		status, body := a.Do(alice, "POST", "/groups/"+prodID+"/accessList", `[{"ipAddress":"192.0.2.9"}]`)
		if status > 299 {
			t.Fatalf("%d %s", status, body)
		}
		time.Sleep(time.Second)
		if err := c.Apply(t.Context(), "a-1", access.Operation{Type: access.QuarantineUser, Ref: userRef("admin/prod_app_user")}); err != nil {
			t.Fatal(err)
		}
		got, err := c.Events(t.Context(), prod, since)
		if err != nil || len(got) != 2 {
			t.Fatalf("%v %+v", err, got)
		}
		for i := range got {
			if len(got[i].Raw) == 0 || got[i].ID == "" {
				t.Errorf("%+v", got[i])
			}
			got[i].Raw, got[i].ID = nil, ""
		}
		want := []access.Event{
			{V: 1, Type: "NETWORK_PERMISSION_ENTRY_ADDED", Scope: prod, Created: since.Add(time.Second).UTC(), Target: "192.0.2.9/32", Project: prodID,
				Actor: access.Actor{Type: access.ActorHuman, Name: "alice@example.com", ID: "aaaaaaaaaaaaaaaaaaaaaaaa", Address: "198.51.100.9"}},
			{V: 1, Type: "MONGODB_USER_UPDATED", Scope: prod, Created: since.Add(2 * time.Second).UTC(), Target: "prod_app_user", Project: prodID,
				Actor: access.Actor{Type: access.ActorServiceAccount, Name: writerID, ID: writerID, Address: "127.0.0.1"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Ten thousand events in one second all come, once, while more come in.
func TestEventsBusySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		c := connect(t, a.Transport(), nil)
		start := time.Now()
		time.Sleep(time.Minute)
		for i := range 10_000 {
			inject(a, fmt.Sprintf("%024x", i), start.Add(30*time.Second), nil)
		}
		late := 20_000
		a.SetDisorder(true)
		a.OnAnswered(func(r sim.Request) {
			if r.OperationID == "listGroupEvents" {
				for range 7 {
					inject(a, fmt.Sprintf("%024x", late), time.Now(), nil)
					late++
				}
			}
		})
		got, err := c.Events(t.Context(), prod, start)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for _, e := range got {
			seen[e.ID]++
		}
		for i := range 10_000 {
			if id := fmt.Sprintf("%024x", i); seen[id] != 1 {
				t.Fatalf("event %s came %d times", id, seen[id])
			}
		}
		ordered := slices.IsSortedFunc(got, func(a, b access.Event) int {
			if c := a.Created.Compare(b.Created); c != 0 {
				return c
			}
			return strings.Compare(a.ID, b.ID)
		})
		if !ordered {
			t.Error("not oldest first")
		}
	})
}

// Whether Atlas takes maxDate as inclusive or not, no event is lost, and the pages
// after the first are bounded.
func TestEventsBound(t *testing.T) {
	newest := time.Date(2026, 8, 3, 10, 0, 0, 0, time.UTC)
	for name, before := range map[string]func(at, bound time.Time) bool{
		"inclusive": func(at, bound time.Time) bool { return !at.After(bound) },
		"exclusive": func(at, bound time.Time) bool { return at.Before(bound) },
	} {
		var queries []string
		c := connect(t, answering(func(r *http.Request) (int, string) {
			q := r.URL.Query()
			queries = append(queries, q.Get("maxDate"))
			if q.Get("includeCount") != "false" || q.Get("itemsPerPage") != "500" || q.Get("minDate") != "2026-08-03T09:00:00Z" {
				return 400, "{}"
			}
			bound := newest.Add(time.Hour)
			if s := q.Get("maxDate"); s != "" {
				bound, _ = time.Parse(time.RFC3339, s)
			}
			var all []string
			for i := range 1300 {
				at := newest.Add(-time.Duration(i/400) * time.Second)
				if before(at, bound) {
					all = append(all, fmt.Sprintf(`{"id":"%024x","created":"%s"}`, i, at.Format(time.RFC3339)))
				}
			}
			var page int
			fmt.Sscan(q.Get("pageNum"), &page)
			low := min(len(all), (page-1)*500)
			return 200, fmt.Sprintf(`{"results":[%s],"totalCount":0}`, strings.Join(all[low:min(len(all), low+500)], ","))
		}), nil)
		got, err := c.Events(t.Context(), prod, newest.Add(-time.Hour))
		if err != nil || len(got) != 1300 {
			t.Errorf("%s: %d events, %v", name, len(got), err)
		}
		if diff := cmp.Diff([]string{"", "2026-08-03T10:00:01Z", "2026-08-03T10:00:01Z"}, queries); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Events without id, time or any sense are kept, in their place, and are the same when
// they are read again.
func TestEventsOdd(t *testing.T) {
	pages := []string{
		`{"id":"6a7900000000000000000003","created":"2026-08-03T09:00:30Z","eventTypeName":"NOT_YET_INVENTED","new":{"x":[1]}}`,
		`{"id":"no-time","eventTypeName":"A"}`,
		`{"eventTypeName":"B","created":"2026-08-03T09:00:20Z","links":[{"href":"%d"}]}`,
		`{"created":5,"eventTypeName":{},"id":["x"],"isGlobalAdmin":"yes","username":7}`,
		`"text"`, `null`, `17`,
		fmt.Sprintf(`{"id":"%08x0000000000000001","eventTypeName":"C"}`, time.Date(2026, 8, 3, 9, 0, 5, 0, time.UTC).Unix()),
		`{"id":"6a7900000000000000000001","created":"2026-08-03T09:00:00Z","eventTypeName":"D"}`,
	}
	n := 0
	c := connect(t, answering(func(*http.Request) (int, string) {
		n++
		body := `{"results":[` + strings.Join(pages, ",") + `]}`
		return 200, strings.Replace(body, "%d", fmt.Sprint(n), 1)
	}), nil)
	since := time.Date(2026, 8, 3, 8, 0, 0, 0, time.UTC)
	read := func() (ids, times []string) {
		got, err := c.Events(t.Context(), prod, since)
		if err != nil || len(got) != len(pages) {
			t.Fatalf("%v, %d events", err, len(got))
		}
		for _, e := range got {
			ids = append(ids, e.ID)
			times = append(times, e.Created.Format("05"))
			if len(e.Raw) == 0 {
				t.Errorf("%s: nothing is kept of it", e.ID)
			}
			if e.Actor.Type == access.ActorEmployee {
				t.Errorf("%s: an employee", e.ID)
			}
		}
		return ids, times
	}
	ids, times := read()
	again, timesAgain := read()
	if diff := cmp.Diff(ids, again) + cmp.Diff(times, timesAgain); diff != "" {
		t.Errorf("read again (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"00", "05", "05", "05", "05", "05", "20", "20", "30"}, times); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if unique := len(slices.Compact(slices.Sorted(slices.Values(ids)))); unique != len(pages) {
		t.Errorf("%d different ids", unique)
	}
}

func TestEventsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSim(t, sim.Options{})
		c := connect(t, a.Transport(), nil)
		for name, tc := range map[string]struct {
			scope  access.Scope
			change func()
			want   error
		}{
			"gone":      {"prj.64f0000000000000000000ff", func() {}, access.ErrGone},
			"down":      {prod, func() { a.SetFaults(sim.Fault{Route: "*", Rate: 1, Kind: sim.Fault503}) }, access.ErrTemporary},
			"cut":       {org, func() { a.SetFaults(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultTimeout}) }, access.ErrTemporary},
			"forbidden": {prod, func() { a.SetFaults(sim.Fault{Route: "*", Rate: 1, Kind: sim.FaultDenied}) }, access.ErrForbidden},
		} {
			a.SetFaults()
			tc.change()
			if got, err := c.Events(t.Context(), tc.scope, time.Time{}); !errors.Is(err, tc.want) || got != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	page := strings.TrimSuffix(strings.Repeat(`{"id":"1"},`, 500), ",")
	c := connect(t, answering(func(*http.Request) (int, string) { return 200, `{"results":[` + page + `]}` }), nil)
	if _, err := c.Events(t.Context(), prod, time.Time{}); err == nil {
		t.Error("a feed that repeats itself was taken for read")
	}
	if _, err := c.Events(t.Context(), "nonsense", time.Time{}); err == nil {
		t.Error("a scope that is none was taken")
	}
}
