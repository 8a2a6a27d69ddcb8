package daemon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
)

func askAs(h http.Handler, token, method, path, body string, header ...string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestAdminAPI: the API is over this daemon, for the tokens of the configuration in force.
func TestAdminAPI(t *testing.T) {
	token, hash := api.NewToken()
	bounded, boundedHash := api.NewToken()
	auth := func(roles, hash string) string {
		return "  - {name: t" + hash[:8] + ", sha256: " + hash + ", principal: alice, roles: " + roles + "}\n"
	}
	edit := func(conf string) string {
		return conf + "principals: [{id: alice}]\nauth:\n  tokens:\n" + auth("[admin]", hash) + strings.Replace(auth("[admin]", boundedHash), "}", `, projects: ["*-dev"]}`, 1)
	}
	bubble(t, edit, func(t *testing.T, s *stage) {
		s.start()
		if err := s.step(`at 40s as rajesh@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0"}]`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		h := s.daemon.admin()
		for _, path := range []string{"/findings", "/actions", "/history?since=1h", "/replays"} {
			if code, body := askAs(h, "", "GET", "/api/v1"+path, ""); code != 401 {
				t.Errorf("%s by nobody: %d %s", path, code, body)
			}
			if code, body := askAs(h, token, "GET", "/api/v1"+path, ""); code != 200 {
				t.Errorf("%s: %d %s", path, code, body)
			}
		}
		if code, body := askAs(h, bounded, "GET", "/api/v1/history?since=1h", ""); code != 403 {
			t.Errorf("all history to somebody with bounds: %d %.200s", code, body)
		}
		var places api.Page[api.Place]
		if _, body := askAs(h, token, "GET", "/api/v1/places", ""); json.Unmarshal([]byte(body), &places) != nil || len(places.Items) < 2 {
			t.Errorf("places: %s", body)
		}
		for _, p := range places.Items {
			if p.Org == "" || p.Title == "" || p.Scope.Validate() != nil {
				t.Errorf("a place says too little: %+v", p)
			}
		}
		var found api.Page[api.Finding]
		if _, body := askAs(h, token, "GET", "/api/v1/findings?state=all&rule=network/open-to-world&project=ecommerce-prod", ""); json.Unmarshal([]byte(body), &found) != nil || len(found.Items) != 1 {
			t.Fatalf("findings: %s", body)
		}
		id := found.Items[0].ID
		if code, _ := askAs(h, bounded, "GET", "/api/v1/findings/"+id, ""); code != 404 {
			t.Errorf("a finding elsewhere: %d", code)
		}
		if code, body := askAs(h, token, "GET", "/api/v1/actions/"+access.ActionID(id, found.Items[0].Episode), ""); code != 200 || !strings.Contains(body, "delete_access_entry") {
			t.Errorf("its action: %d %s", code, body)
		}
		var whole, served struct{ Paths map[string]any }
		if err := json.Unmarshal([]byte(api.Document()), &whole); err != nil {
			t.Fatal(err)
		}
		if _, body := askAs(h, token, "GET", "/api/v1/openapi.json", ""); json.Unmarshal([]byte(body), &served) != nil || len(served.Paths) != len(whole.Paths) {
			t.Errorf("%d of %d paths that are described are there", len(served.Paths), len(whole.Paths))
		}
		if code, body := askAs(h, bounded, "GET", "/api/v1/audit/verify", ""); code != 403 {
			t.Errorf("the audit to somebody with bounds: %d %s", code, body)
		}
		for _, path := range []string{"/audit/verify", "/audit/facts", "/audit", "/findings/" + id + "/evidence", "/waivers", "/expectations", "/acknowledgements", "/freezes", "/incidents", "/adoptions"} {
			if code, body := askAs(h, token, "GET", "/api/v1"+path, ""); code != 200 {
				t.Errorf("%s: %d %s", path, code, body)
			}
		}
		freeze := `{"verb":"freeze","project":"ecommerce-prod","reason":"an audit"}`
		code, first := askAs(h, token, "POST", "/api/v1/commands", freeze, "Idempotency-Key", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
		if _, again := askAs(h, token, "POST", "/api/v1/commands", freeze, "Idempotency-Key", "01ARZ3NDEKTSV4RRFFQ69G5FAV"); code != 200 || again != first {
			t.Errorf("a freeze: %d %s, and again: %s", code, first, again)
		}
		if _, body := askAs(h, token, "GET", "/api/v1/freezes", ""); !strings.Contains(body, `"reason":"an audit"`) || !strings.Contains(body, `"by":"alice"`) {
			t.Errorf("what is frozen: %s", body)
		}
		if code, body := askAs(h, token, "POST", "/api/v1/commands", strings.Replace(freeze, "freeze", "unfreeze", 1)); code != 409 || !strings.Contains(body, "guards.operators") {
			t.Errorf("unfrozen by somebody who may not: %d %s", code, body)
		}
		if code, body := askAs(h, token, "POST", "/api/v1/commands", strings.Replace(freeze, "an audit", "another", 1), "Idempotency-Key", "01ARZ3NDEKTSV4RRFFQ69G5FAV"); code != 422 {
			t.Errorf("other words with the same key: %d %s", code, body)
		}
		if code, body := askAs(h, token, "GET", "/api/v1/adoptions/preview?rule=network/open-to-world&project=ecommerce-prod", ""); code != 200 || !strings.Contains(body, `"hash"`) {
			t.Errorf("an adoption: %d %s", code, body)
		}
		s.conf = strings.Replace(s.conf, auth("[admin]", hash), "", 1)
		if err := s.daemon.Reload(); err != nil {
			t.Fatal(err)
		}
		if code, _ := askAs(h, token, "GET", "/api/v1/findings", ""); code != 401 {
			t.Errorf("a token that was taken out: %d", code)
		}
		if code, _ := askAs(h, bounded, "GET", "/api/v1/findings", ""); code != 200 {
			t.Errorf("one that stays: %d", code)
		}
	})
}

// TestRolesAreTheSame: what the configuration names is what the API knows.
func TestRolesAreTheSame(t *testing.T) {
	for i, r := range []string{config.RoleViewer, config.RoleApprover, config.RoleAdmin} {
		if api.Roles()[i] != api.Role(r) {
			t.Errorf("%s is %s", r, api.Roles()[i])
		}
	}
}
