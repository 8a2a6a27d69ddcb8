package sim

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRequestLog(t *testing.T) {
	w := start(t)
	w.as(readerID, "GET", w.path("{prod}/accessList?itemsPerPage=5"), nil)
	w.Advance(time.Second)
	w.as(ownerID, "DELETE", w.path("{prod}/accessList/203.0.113.7%2F32"), nil, "User-Agent", "gatewarden/1.2.3 (action act-7)")
	w.do("DELETE", w.path("{prod}/databaseUsers/admin/app"), nil)
	prod := apiPrefix + w.path("{prod}")
	want := []Request{
		{Seq: 1, At: epoch, Method: "GET", Path: prod + "/accessList?itemsPerPage=5", OperationID: "listGroupAccessListEntries", Credential: readerID, Status: 200},
		{Seq: 2, At: epoch.Add(time.Second), Method: "DELETE", Path: prod + "/accessList/203.0.113.7%2F32", OperationID: "deleteGroupAccessListEntry",
			UserAgent: "gatewarden/1.2.3 (action act-7)", ActionID: "act-7", Credential: ownerID, Status: 204, Mutating: true},
	}
	ignore := cmpopts.IgnoreUnexported(Request{})
	if d := cmp.Diff(want, w.Requests(), ignore); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[1:], w.Mutations(), ignore); d != "" {
		t.Error(d)
	}
	effects := w.Effects()
	if len(effects) != 2 || effects[0].ActionID != "act-7" || !effects[0].ByHTTP || effects[1].ByHTTP || effects[1].ActionID != "" ||
		effects[0].ProjectID != w.ProjectID("prod") || effects[0].Target != "203.0.113.7/32" || effects[1].Target != "admin/app" ||
		effects[0].OperationID != "deleteGroupAccessListEntry" || effects[1].Seq != 2 {
		t.Errorf("effects %+v", effects)
	}
}

func TestActionID(t *testing.T) {
	for agent, want := range map[string]string{
		"gatewarden/1.0 (action a-1)": "a-1", "gatewarden/dev (action 01J:x/2) more": "01J:x/2",
		"gatewarden/1.0": "", "other/1.0 (action a)": "", "": "", "gatewarden/1.0 (action )": "",
	} {
		if got := actionID(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func TestHooksSurroundTheEffect(t *testing.T) {
	w := start(t)
	var seen []string
	w.OnRequest(func(r Request) { seen = append(seen, fmt.Sprint("before ", r.Status, " ", len(w.Effects()))) })
	w.OnAnswered(func(r Request) { seen = append(seen, fmt.Sprint("after ", r.Status, " ", len(w.Effects()))) })
	w.as(ownerID, "DELETE", w.path("{prod}/accessList/203.0.113.7"), nil)
	if d := cmp.Diff([]string{"before 0 0", "after 204 1"}, seen); d != "" {
		t.Error(d)
	}
}

func TestDoRefusesNonsense(t *testing.T) {
	w := start(t)
	for _, c := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", "/nowhere", nil, 404},
		{"PUT", "/orgs", nil, 405},
		{"GET", "/groups/ffffffffffffffffffffffff", nil, 404},
		{"GET", "/orgs?x=%zz", nil, 400},
		{"POST", "/groups", func() {}, 400},
		{"POST", w.path("{prod}/accessList"), []byte(anEntry), 201},
		{"GET", w.path("{foreign}"), nil, 200},
	} {
		if status, raw := w.Do(Actor{}, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, status, raw, c.status)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests logged", n)
	}
}

// Many clients at once: run with -race.
func TestConcurrency(t *testing.T) {
	w := start(t)
	bearer := "Bearer " + w.token(ownerID)
	w.SetFaults(Fault{Route: "*", Rate: 0.1, Kind: Fault500}, Fault{Route: "*", Rate: 0.1, Kind: FaultApplied500})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 10 {
				req := w.request(http.MethodPost, w.path("{prod}/accessList"), fmt.Sprintf(`[{"ipAddress":"10.%d.0.%d"}]`, i, n), "Authorization", bearer)
				if resp, err := w.http.Do(req); err == nil {
					resp.Body.Close()
				}
				w.Do(Actor{}, "GET", w.path("{prod}/events"), nil)
				w.Snapshot()
				w.Advance(time.Millisecond)
			}
		})
	}
	group.Wait()
	w.SetFaults()
	effects, entries := len(w.Effects()), len(w.do("GET", w.path("{prod}/accessList"), nil).results())
	if got := len(w.Requests()); got != 80 || entries != effects+2 || effects >= 80 {
		t.Errorf("%d requests, %d effects, %d entries", got, effects, entries)
	}
}
