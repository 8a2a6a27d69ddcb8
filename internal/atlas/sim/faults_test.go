package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const anEntry = `[{"ipAddress":"192.0.2.9"}]`

func TestFaultAnswers(t *testing.T) {
	for _, c := range []struct {
		kind   FaultKind
		method string
		status int
		code   string
		after  string // Retry-After
		effect bool
	}{
		{Fault429, "POST", 429, "RATE_LIMITED", "17", false},
		{Fault500, "POST", 500, "UNEXPECTED_ERROR", "", false},
		{Fault503, "POST", 503, "SERVICE_UNAVAILABLE", "17", false},
		{FaultApplied500, "POST", 500, "UNEXPECTED_ERROR", "", true},
		{FaultApplied500, "GET", 500, "UNEXPECTED_ERROR", "", false},
		{FaultEmpty200, "POST", 201, "", "", true},
	} {
		t.Run(string(c.kind)+c.method, func(t *testing.T) {
			w := start(t)
			w.SetFaults(Fault{Route: "*", Rate: 1, Kind: c.kind, RetryAfter: 17})
			a := w.as(ownerID, c.method, w.path("{prod}/accessList"), anEntry)
			if a.status != c.status || a.code() != c.code || a.header.Get("Retry-After") != c.after {
				t.Errorf("got %d %s %v", a.status, a.raw, a.header)
			}
			w.SetFaults()
			if got := len(w.Effects()) == 1; got != c.effect {
				t.Errorf("%d effects", len(w.Effects()))
			}
			if r := w.Requests()[0]; r.Status != c.status {
				t.Errorf("logged status %d", r.Status)
			}
		})
	}
}

func TestFaultDenied(t *testing.T) {
	w := start(t)
	w.SetFaults(Fault{Route: "*", Rate: 1, Kind: FaultDenied})
	seen := map[string]int{}
	for range 40 {
		a := w.as(ownerID, "GET", w.path("{prod}/accessList"), nil)
		seen[fmt.Sprint(a.status, " ", a.code())]++
	}
	if len(seen) != 2 || seen["401 USER_UNAUTHORIZED"] == 0 || seen["403 ACCESS_FORBIDDEN"] == 0 {
		t.Errorf("seen %v", seen)
	}
}

func TestFaultLists(t *testing.T) {
	w := start(t)
	w.fill(30)
	for _, c := range []struct {
		kind        FaultKind
		path        string
		rows, total int
	}{
		{FaultEmpty200, "{prod}/accessList", 0, 0},
		{FaultEmpty200, "{prod}/accessList?itemsPerPage=10", 0, 0},
		{FaultShortPage, "{prod}/accessList", 26, 30},
		{FaultShortPage, "{prod}/accessList?itemsPerPage=5", 4, 30},
		{FaultShortPage, "{prod}/databaseUsers", 1, 2},
	} {
		w.SetFaults(Fault{Route: "list*", Rate: 1, Kind: c.kind})
		a := w.as(ownerID, "GET", w.path(c.path), nil)
		if a.status != 200 || len(a.results()) != c.rows || a.body["totalCount"] != float64(c.total) || a.body["results"] == nil {
			t.Errorf("%s %s: %d rows of %v", c.kind, c.path, len(a.results()), a.body["totalCount"])
		}
		if c.kind == FaultEmpty200 && rels(a) != "self" {
			t.Errorf("%s: links %s", c.path, rels(a))
		}
	}
	w.SetFaults(Fault{Route: "*", Rate: 1, Kind: FaultEmpty200})
	if a := w.as(ownerID, "GET", w.path("{prod}/customDBRoles/roles"), nil); a.raw != "[]" {
		t.Errorf("bare array: %s", a.raw)
	}
	if a := w.as(ownerID, "GET", w.path("{prod}/dbAccessHistory/clusters/main"), nil); a.raw != `{"accessLogs":[]}` {
		t.Errorf("access history: %s", a.raw)
	}
	if a := w.as(ownerID, "GET", w.path("{prod}/databaseUsers/admin/app"), nil); a.status != 200 || a.body["username"] != "app" {
		t.Errorf("a single resource: %s", a.raw)
	}
}

func TestFaultSelection(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault Fault
		want  string // statuses of list, list, users, delete, token
	}{
		{"none", Fault{Route: "*", Rate: 0}, "200 200 200 204 200"},
		{"all but tokens", Fault{Route: "*", Rate: 1}, "500 500 500 500 200"},
		{"tokens", Fault{Route: "token", Rate: 1}, "200 200 200 204 500"},
		{"operation", Fault{Route: "listGroupAccessListEntries", Rate: 1}, "500 500 200 204 200"},
		{"glob", Fault{Route: "*DatabaseUsers", Rate: 1}, "200 200 500 204 200"},
		{"methods", Fault{Route: "*", Methods: "POST,DELETE", Rate: 1}, "200 200 200 500 200"},
		{"once", Fault{Route: "*", Rate: 1, Remaining: 1}, "500 200 200 204 200"},
		{"bad glob", Fault{Route: "[", Rate: 1}, "200 200 200 204 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			bearer := "Bearer " + w.token(ownerID)
			c.fault.Kind = Fault500
			w.SetFaults(c.fault)
			var got []string
			for _, r := range []struct{ method, path string }{
				{"GET", "{prod}/accessList"}, {"GET", "{prod}/accessList"}, {"GET", "{prod}/databaseUsers"}, {"DELETE", "{prod}/accessList/203.0.113.7"},
			} {
				got = append(got, fmt.Sprint(w.send(w.request(r.method, w.path(r.path), nil, "Authorization", bearer)).status))
			}
			a := w.tokenCall(tokenPath, ownerID, secrets[ownerID], "application/x-www-form-urlencoded", "grant_type=client_credentials")
			got = append(got, fmt.Sprint(a.status))
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

func TestFaultRateIsSteadyAndSeeded(t *testing.T) {
	hits := func(seed uint64) string {
		w, err := ParseWorld("w", []byte(shop))
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(Options{World: w, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		a.SetFaults(Fault{Route: "*", Rate: 0.2, Kind: Fault500})
		var out strings.Builder
		for range 500 {
			fmt.Fprint(&out, map[bool]int{true: 1}[a.strike("listGroups", "GET") != nil])
		}
		return out.String()
	}
	one := hits(1)
	if n := strings.Count(one, "1"); n < 60 || n > 140 {
		t.Errorf("%d of 500 were struck", n)
	}
	if one != hits(1) || one == hits(2) {
		t.Error("the seed does not decide")
	}
}

// bubble runs f with a world inside a synctest bubble, over the in-process transport.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w, err := ParseWorld("world.yaml", []byte(shop))
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(Options{World: w, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		f(t, &world{a, t, &http.Client{Transport: a.Transport()}})
	})
}

func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		kind    FaultKind
		delay   time.Duration
		took    time.Duration
		effects int
		gaveUp  bool
	}{
		{FaultTimeout, 0, 10 * time.Second, 0, true},
		{FaultTimeout, 3 * time.Second, 3 * time.Second, 0, false},
		{FaultAppliedTimeout, 0, 10 * time.Second, 1, true},
		{FaultAppliedTimeout, 3 * time.Second, 3 * time.Second, 1, false},
		{Fault500, 20 * time.Second, 10 * time.Second, 0, true},
	} {
		t.Run(fmt.Sprint(c.kind, c.delay), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				req := w.request("POST", w.path("{prod}/accessList"), anEntry, "Authorization", "Bearer "+w.token(ownerID))
				w.SetFaults(Fault{Route: "*", Rate: 1, Kind: c.kind, Delay: c.delay})
				w.http.Timeout = 10 * time.Second
				began := time.Now()
				_, err := w.http.Do(req)
				if err == nil || errors.Is(err, context.DeadlineExceeded) != c.gaveUp {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				synctest.Wait()
				if n := len(w.Effects()); n != c.effects {
					t.Errorf("%d effects", n)
				}
				if r := w.Requests()[0]; r.Status != 0 {
					t.Errorf("logged status %d", r.Status)
				}
			})
		})
	}
}

func TestDelayedAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.SetFaults(Fault{Route: "listGroups", Rate: 1, Kind: FaultShortPage, Delay: 4 * time.Second})
		began := time.Now()
		a := w.as(ownerID, "GET", "/groups", nil)
		if len(a.results()) != 1 || time.Since(began) != 4*time.Second {
			t.Errorf("%d rows after %v", len(a.results()), time.Since(began))
		}
	})
}

func TestTransportHonoursCancellationWhileAHookBlocks(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		req := w.request("DELETE", w.path("{prod}/accessList/203.0.113.7"), nil, "Authorization", "Bearer "+w.token(ownerID))
		release := make(chan struct{})
		w.OnRequest(func(Request) { <-release })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.http.Do(req.WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if n := len(w.Effects()); n != 0 {
			t.Errorf("%d effects before", n)
		}
		close(release)
		synctest.Wait()
		if n := len(w.Effects()); n != 1 {
			t.Errorf("%d effects after: the server does not know that the client left", n)
		}
	})
}

// overSocket serves the world by a real server.
func (w *world) overSocket() {
	srv := httptest.NewServer(w.Atlas)
	w.t.Cleanup(srv.Close)
	w.http = &http.Client{Transport: rewrite{srv.URL, srv.Client().Transport}}
}

type rewrite struct {
	to   string
	base http.RoundTripper
}

func (t rewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = strings.TrimPrefix(t.to, "http://")
	return t.base.RoundTrip(r)
}

func TestCutBodies(t *testing.T) {
	for _, socket := range []bool{false, true} {
		w := start(t)
		if socket {
			w.overSocket()
		}
		bearer := "Bearer " + w.token(ownerID)
		w.SetFaults(Fault{Route: "*", Rate: 1, Kind: FaultCut})
		resp, err := w.http.Do(w.request("GET", w.path("{prod}/databaseUsers"), nil, "Authorization", bearer))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || resp.StatusCode != 200 || int64(len(raw)) != resp.ContentLength/2 {
			t.Errorf("socket %t: %d bytes of %d, %v", socket, len(raw), resp.ContentLength, err)
		}
		if _, err := w.http.Do(w.request("DELETE", w.path("{prod}/accessList/203.0.113.7"), nil, "Authorization", bearer)); err == nil {
			t.Errorf("socket %t: an answer without a body cannot be cut, it is lost", socket)
		}
		if n := len(w.Effects()); n != 1 {
			t.Errorf("socket %t: %d effects", socket, n)
		}
	}
}

func TestOverARealSocket(t *testing.T) {
	w := start(t)
	w.overSocket()
	a := w.as(ownerID, "GET", w.path("{prod}/accessList/198.51.100.0%2F24"), nil)
	if a.status != 200 || a.header.Get("Date") != "Mon, 03 Aug 2026 10:00:00 GMT" || a.header.Get("Server") != "mdbws" {
		t.Errorf("got %d %s %v", a.status, a.raw, a.header)
	}
	if a := w.as(ownerID, "DELETE", w.path("{prod}/accessList/198.51.100.0%2F24"), nil); a.status != 204 {
		t.Errorf("delete: %d", a.status)
	}
	w.SetFaults(Fault{Route: "*", Rate: 1, Kind: FaultTimeout, Delay: time.Millisecond})
	if _, err := w.http.Do(w.request("GET", "/orgs", nil, "Authorization", "Bearer x")); err != nil {
		t.Errorf("a fault struck a request without credentials: %v", err)
	}
	bearer := "Bearer " + w.token(ownerID)
	if _, err := w.http.Do(w.request("POST", "/orgs", nil, "Authorization", bearer)); err != nil {
		t.Errorf("a fault struck an unknown route: %v", err)
	}
	if _, err := w.http.Do(w.request("GET", "/orgs", nil, "Authorization", bearer)); err == nil {
		t.Error("no fault")
	}
}

func TestTokenFaults(t *testing.T) {
	for kind, want := range map[FaultKind]int{Fault429: 429, Fault500: 500, Fault503: 503, FaultDenied: 401, FaultApplied500: 500} {
		w := start(t)
		w.SetFaults(Fault{Route: "token", Rate: 1, Kind: kind, RetryAfter: 3})
		a := w.tokenCall(tokenPath, ownerID, secrets[ownerID], "application/x-www-form-urlencoded", "grant_type=client_credentials")
		if a.status != want || a.body["error"] == nil {
			t.Errorf("%s: %d %s", kind, a.status, a.raw)
		}
		if got := w.TokensIssued() == 1; got != (kind == FaultApplied500) {
			t.Errorf("%s: %d tokens issued", kind, w.TokensIssued())
		}
	}
}
