package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// receiver is a client whose requests end here.
type receiver struct {
	got    []*http.Request
	bodies []string
	status int
	err    error
	before func()
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.before != nil {
		r.before()
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.got, r.bodies = append(r.got, req), append(r.bodies, string(body))
	if r.err != nil {
		return nil, r.err
	}
	return &http.Response{StatusCode: r.status, Status: fmt.Sprint(r.status, " ", http.StatusText(r.status)), Body: http.NoBody, Request: req}, nil
}

func (r *receiver) client() *http.Client { return &http.Client{Transport: r} }

func eventsOf(deliveries []Delivery) string {
	var out []string
	for _, d := range deliveries {
		out = append(out, d.Event)
	}
	return strings.Join(out, " ")
}

// opens makes an address of the project dev allowed.
func (w *world) opens(ip string) {
	w.t.Helper()
	if a := w.do("POST", w.path("{dev}/accessList"), `[{"ipAddress":"`+ip+`"}]`); a.status != 201 {
		w.t.Fatalf("opening %s: %d %s", ip, a.status, a.raw)
	}
}

func TestWebhook(t *testing.T) {
	w := startWorld(t, guarded)
	to := &receiver{status: 204}
	w.opens("192.0.2.9")
	sent, err := w.Deliver(t.Context(), to.client())
	if sent != 1 || err != nil || len(to.got) != 1 {
		t.Fatalf("%d sent, %v", sent, err)
	}
	req, body := to.got[0], to.bodies[0]
	if req.Method != "POST" || req.URL.String() != hookAddress || req.Header.Get("Content-Type") != "application/json" || req.Header.Get("X-MMS-Event") != "alert.inform" {
		t.Errorf("%s %s %v", req.Method, req.URL, req.Header)
	}
	// The signature of these bytes, by another implementation.
	if got := signature("fake-secret-1260", []byte("{}")); got != "Kk3ex/mHtdFpBiA/g3KL5O3JCiA=" {
		t.Errorf("signature %s", got)
	}
	if got := req.Header.Get("X-MMS-Signature"); got != signature("fake-secret-1260", []byte(body)) {
		t.Errorf("signature %s of %s", got, body)
	}
	var alert map[string]any
	if err := json.Unmarshal([]byte(body), &alert); err != nil {
		t.Fatal(err)
	}
	listed := w.as(readerID, "GET", w.path("{dev}/alerts"), nil).results()[0]
	if s, _ := alert["humanReadable"].(string); !strings.HasSuffix(s, "dev, organization: ExampleCorp") {
		t.Errorf("humanReadable %q", s)
	}
	delete(alert, "humanReadable")
	links := rowsOf(alert["links"])
	delete(alert, "links")
	delete(listed, "links")
	if d := cmp.Diff(listed, alert); d != "" || !strings.HasPrefix(links[0]["href"].(string), uiBase) {
		t.Errorf("%s %v", d, links)
	}
	want := map[string]any{
		"id": alert["id"], "groupId": w.ProjectID("dev"), "orgId": w.OrgID("ExampleCorp"), "alertConfigId": hookConfig,
		"eventTypeName": "NETWORK_PERMISSION_ENTRY_ADDED", "status": "CLOSED", "created": "2026-08-03T10:00:00Z",
		"updated": "2026-08-03T10:00:00Z", "resolved": "2026-08-03T10:00:00Z", "lastNotified": "2026-08-03T10:00:00Z",
	}
	if d := cmp.Diff(want, alert); d != "" {
		t.Error(d)
	}
	if sent, err := w.Deliver(t.Context(), to.client()); sent != 0 || err != nil {
		t.Errorf("sent again: %d %v", sent, err)
	}
	log := w.WebhookLog()
	if len(log) != 1 || log[0].URL != hookAddress || log[0].AlertID != alert["id"] || log[0].Status != 204 || log[0].Err != nil || !log[0].At.Equal(epoch) {
		t.Errorf("log %v", log)
	}
}

// What an alert configuration does not ask for makes no alert.
func TestNoWebhook(t *testing.T) {
	for name, do := range map[string]func(*world){
		"another project": func(w *world) { w.do("POST", w.path("{prod}/accessList"), `[{"ipAddress":"192.0.2.9"}]`) },
		"another type": func(w *world) {
			w.do("POST", w.path("{dev}/databaseUsers"), `{"username":"n","databaseName":"admin","password":"fake-password","roles":[]}`)
		},
		"a refused write": func(w *world) { w.do("POST", w.path("{dev}/accessList"), `[{"ipAddress":"x"}]`) },
		"a disabled configuration": func(w *world) {
			w.do("PATCH", w.path("{dev}/alertConfigs/"+hookConfig), `{"enabled":false}`)
			w.opens("192.0.2.9")
		},
		"a matcher that does not fit": func(w *world) {
			w.do("PUT", w.path("{dev}/alertConfigs/"+hookConfig), `{"eventTypeName":"NETWORK_PERMISSION_ENTRY_ADDED","matchers":[{"fieldName":"CLUSTER_NAME","operator":"EQUALS","value":"main"}],"notifications":[{"typeName":"WEBHOOK"}]}`)
			w.opens("192.0.2.9")
		},
	} {
		w := startWorld(t, guarded)
		do(w)
		if d := w.Deliveries(); len(d) != 0 {
			t.Errorf("%s: %v", name, d)
		}
		if rows := w.as(readerID, "GET", w.path("{dev}/alerts"), nil).results(); len(rows) != 1 {
			t.Errorf("%s: alerts %v", name, rows)
		}
	}
}

// The time of the last notification is of those that reach somebody, in whichever way.
func TestLastNotified(t *testing.T) {
	for _, c := range []struct{ notifications, want string }{
		{`{"typeName":"GROUP","emailEnabled":true}`, "2026-08-03T10:00:00Z"},
		{`{"typeName":"GROUP","emailEnabled":true,"delayMin":5}`, ""},
		{`{"typeName":"GROUP","emailEnabled":false,"smsEnabled":true}`, "2026-08-03T10:00:00Z"},
		{`{"typeName":"GROUP","emailEnabled":false,"smsEnabled":false}`, ""},
		{`{"typeName":"EMAIL","emailAddress":"a@example.com"},{"typeName":"WEBHOOK"}`, "2026-08-03T10:00:00Z"},
	} {
		w := startWorld(t, guarded)
		w.do("PUT", w.path("{dev}/alertConfigs/"+hookConfig), `{"eventTypeName":"NETWORK_PERMISSION_ENTRY_ADDED","enabled":true,"notifications":[`+c.notifications+`]}`)
		w.opens("192.0.2.9")
		rows := w.do("GET", w.path("{dev}/alertConfigs/"+hookConfig+"/alerts"), nil).results()
		if got, _ := rows[0]["lastNotified"].(string); got != c.want {
			t.Errorf("%s: %q, want %q", c.notifications, got, c.want)
		}
	}
}

func TestWebhookDelay(t *testing.T) {
	w := startWorld(t, guarded)
	w.SetWebhookDelay(90 * time.Second)
	w.opens("192.0.2.9")
	if at, waiting := w.NextDelivery(); !waiting || !at.Equal(epoch.Truncate(time.Second).Add(90*time.Second)) {
		t.Errorf("next %v %t", at, waiting)
	}
	if d := w.Deliveries(); len(d) != 0 {
		t.Errorf("too early: %v", d)
	}
	a := w.do("GET", w.path("{dev}/alertConfigs/"+hookConfig+"/alerts"), nil)
	if rows := a.results(); len(rows) != 1 || rows[0]["lastNotified"] != nil {
		t.Errorf("alerts %s", a.raw)
	}
	w.Advance(90 * time.Second)
	if d := w.Deliveries(); eventsOf(d) != "alert.inform" {
		t.Errorf("in time: %v", d)
	}
	if _, waiting := w.NextDelivery(); waiting {
		t.Error("taken, and still waiting")
	}
}

// A condition opens one alert, which its end, or that of its configuration, closes.
func TestConditions(t *testing.T) {
	w := startWorld(t, guarded)
	p := w.projects[w.ProjectID("dev")]
	record := func(kind string) {
		w.record(&p.feed, w.now(), Actor{}, kind, object{"groupId": p.id}, nil)
	}
	status := func() string {
		return fmt.Sprint(w.do("GET", w.path("{dev}/alerts"), nil).results()[0]["status"])
	}
	record("USERS_WITHOUT_MULTI_FACTOR_AUTH") // open already
	record("ALL_USERS_HAVE_MULTI_FACTOR_AUTH")
	if d := w.Deliveries(); eventsOf(d) != "alert.close" || d[0].AlertID != openAlert || status() != "CLOSED" {
		t.Errorf("closing: %s %s", eventsOf(d), status())
	}
	record("USERS_WITHOUT_MULTI_FACTOR_AUTH")
	record("USERS_WITHOUT_MULTI_FACTOR_AUTH")
	if d := w.Deliveries(); eventsOf(d) != "alert.open" || status() != "OPEN" {
		t.Errorf("opening: %s %s", eventsOf(d), status())
	}
	config := w.do("GET", w.path("{dev}/alertConfigs"), nil).results()[1]["id"].(string)
	w.do("DELETE", w.path("{dev}/alertConfigs/"+config), nil)
	if d := w.Deliveries(); eventsOf(d) != "alert.cancel" || status() != "CANCELLED" {
		t.Errorf("cancelling: %s %s", eventsOf(d), status())
	}
	if rows := w.do("GET", w.path("{dev}/alerts?status=CLOSED"), nil).results(); len(rows) != 1 {
		t.Errorf("closed alerts %v", rows)
	}
	if a := w.do("GET", w.path("{dev}/alerts/"+openAlert+"/alertConfigs"), nil); a.status != 200 || len(a.results()) != 0 {
		t.Errorf("configurations of an alert whose one is gone: %d %s", a.status, a.raw)
	}
}

func TestWebhookFailures(t *testing.T) {
	w := startWorld(t, guarded)
	for i, c := range []struct {
		to   receiver
		want string
	}{
		{receiver{status: 503}, "503"}, {receiver{err: errors.New("no route")}, "no route"},
	} {
		w.opens(fmt.Sprint("192.0.2.", i))
		sent, err := w.Deliver(t.Context(), c.to.client())
		if sent != 0 || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hooks.example.com") {
			t.Errorf("%d %v", sent, err)
		}
		if d := w.Deliveries(); len(d) != 0 {
			t.Errorf("tried again: %v", d)
		}
		log := w.WebhookLog()
		if last := log[len(log)-1]; last.Status != c.to.status || last.Err == nil {
			t.Errorf("log %v", last)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	w.opens("192.0.2.77")
	if _, err := w.Deliver(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with no time: %v", err)
	}
	if d := w.Deliveries(); eventsOf(d) != "alert.inform" {
		t.Errorf("what there was no time for: %v", d)
	}
}

func TestOnWebhook(t *testing.T) {
	w := startWorld(t, guarded)
	to, calls := &receiver{status: 200}, 0
	w.OnWebhook(func() {
		calls++
		if _, err := w.Deliver(t.Context(), to.client()); err != nil {
			t.Error(err)
		}
	})
	to.before = func() { w.do("GET", w.path("{dev}/accessList"), nil) } // a receiver that asks back
	w.opens("192.0.2.9")
	w.as(ownerID, "POST", w.path("{dev}/accessList"), `[{"ipAddress":"192.0.2.10"}]`)
	w.as(ownerID, "GET", w.path("{dev}/accessList"), nil)
	if calls != 2 || len(to.got) != 2 {
		t.Errorf("%d calls, %d webhooks", calls, len(to.got))
	}
}

// A project that is deleted takes its settings along; what it had to say is still sent.
func TestDeletedProjectWebhooks(t *testing.T) {
	w := startWorld(t, guarded)
	dev := w.path("{dev}")
	w.opens("192.0.2.9")
	if a := w.do("DELETE", dev, nil); a.status != 202 {
		t.Fatalf("delete: %d %s", a.status, a.raw)
	}
	for _, path := range []string{"/alerts", "/alertConfigs", "/integrations", "/auditLog", "/userSecurity", "/databaseUsers/batch/certs"} {
		if a := w.as(ownerID, "GET", dev+path, nil); a.status != 404 || a.code() != "GROUP_NOT_FOUND" {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	if got := eventsOf(w.Deliveries()); got != "alert.inform" {
		t.Errorf("deliveries %q", got)
	}
	w.Advance(300 * 24 * time.Hour)
	if got := kinds(w.events("{org}")); got != "GROUP_DELETED" {
		t.Errorf("events of the organisation: %s", got)
	}
}
