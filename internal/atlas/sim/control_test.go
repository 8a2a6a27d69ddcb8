package sim

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestControl(t *testing.T) {
	w := start(t)
	h := w.Control()
	ask := func(method, path, body string) (int, string) {
		t.Helper()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
		return rec.Code, rec.Body.String()
	}
	status, raw := ask("POST", "/do", `{"actor":{"username":"alice@example.com","remoteAddress":"192.0.2.1"},"method":"POST","path":"`+w.path("{prod}/accessList")+`","body":[{"cidrBlock":"0.0.0.0/0"}]}`)
	var done struct {
		Status int
		Body   struct{ TotalCount int }
	}
	if err := json.Unmarshal([]byte(raw), &done); err != nil || status != 200 || done.Status != 201 || done.Body.TotalCount != 3 {
		t.Errorf("do: %d %s %v", status, raw, err)
	}
	if e := w.events("{prod}")[0]; e["eventTypeName"] != "NETWORK_PERMISSION_ENTRY_ADDED" || e["username"] != "alice@example.com" {
		t.Errorf("event %v", e)
	}
	before := w.now()
	if status, raw := ask("POST", "/advance", `{"by":"2h"}`); status != 200 || w.now().Sub(before).Hours() < 2 {
		t.Errorf("advance: %d %s", status, raw)
	}
	for path, body := range map[string]string{"/advance": `{"by":"soon"}`, "/do": `{"whatever":1}`, "/visibility": `[]`} {
		if status, raw := ask("POST", path, body); status != 400 || raw == "" {
			t.Errorf("%s %s: %d %s", path, body, status, raw)
		}
	}
	if status, raw := ask("GET", "/world", ""); status != 200 || !strings.Contains(raw, "0.0.0.0/0") {
		t.Errorf("world: %d %s", status, raw)
	} else if _, err := ParseWorld("world", []byte(raw)); err != nil {
		t.Errorf("the world does not parse: %v", err)
	}
	if status, raw := ask("GET", "/effects", ""); status != 200 || !strings.Contains(raw, "createGroupAccessListEntry") {
		t.Errorf("effects: %d %s", status, raw)
	}
	if status, raw := ask("GET", "/webhooks", ""); status != 200 || strings.TrimSpace(raw) != "[]" {
		t.Errorf("webhooks: %d %s", status, raw)
	}
	ask("POST", "/login", `{"projectId":"`+w.ProjectID("prod")+`","cluster":"main","username":"app","authSource":"admin","ipAddress":"192.0.2.7","ok":true}`)
	if a := w.do("GET", w.path("{prod}/dbAccessHistory/clusters/main"), nil); !strings.Contains(a.raw, "192.0.2.7") {
		t.Errorf("login: %s", a.raw)
	}
}
