package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// The client runs a life against the simulated Atlas, and it notices when the service is
// made to misbehave.
func TestClient(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "atlas.json")
	if err := writeSpec(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		misbehave func(r *http.Request, status int, body string) (int, string)
		want      string // in the output; empty: all holds
	}{
		"as it is": {nil, ""},
		"forgets what was sent": {func(r *http.Request, status int, body string) (int, string) {
			return status, strings.ReplaceAll(body, `"comment":"made by the second client"`, `"comment":"another"`)
		}, "comment: sent"},
		"another type": {func(r *http.Request, status int, body string) (int, string) {
			return status, strings.ReplaceAll(body, `"ipAddress":"203.0.113.31"`, `"ipAddress":["203.0.113.31"]`)
		}, "ipAddress: is a list, not a string"},
		"a key of no document": {func(r *http.Request, status int, body string) (int, string) {
			return status, strings.ReplaceAll(body, `"cidrBlock":"203.0.113.31/32"`, `"cidrBlock":"203.0.113.31/32","extra":1`)
		}, "extra: unknown key"},
		"another status": {func(r *http.Request, status int, body string) (int, string) {
			if r.Method == "DELETE" && strings.Contains(r.URL.Path, "/accessList/") && status == http.StatusNoContent {
				return http.StatusOK, "{}"
			}
			return status, body
		}, "(deleteGroupAccessListEntry): answered 200"},
		"an event without its actor": {func(r *http.Request, status int, body string) (int, string) {
			if strings.HasSuffix(r.URL.Path, "/events") {
				body = strings.NewReplacer("mdb_sa_id_0123456789abcdef01234567", "somebody", "abcdefgh", "somebody").Replace(body)
			}
			return status, body
		}, "there is one without its name"},
		"a list that keeps what was deleted": {func(r *http.Request, status int, body string) (int, string) {
			if r.Method == "GET" && strings.HasSuffix(r.URL.Path, "/accessList") {
				body = `{"links":[],"results":[{"cidrBlock":"203.0.113.31/32","ipAddress":"203.0.113.31"}],"totalCount":1}`
			}
			return status, body
		}, "no longer holds what was deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			through := func(h http.Handler) http.Handler {
				if c.misbehave == nil {
					return h
				}
				return spoiling(h, c.misbehave)
			}
			patience := "30s"
			if c.misbehave != nil {
				patience = "1s"
			}
			var out bytes.Buffer
			code, err := run(t.Context(), []string{"-spec", spec, "-only", "access list entry, address", "-patience", patience}, &out, through)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && code != 0 || c.want != "" && (code != 1 || !strings.Contains(out.String(), c.want)) {
				t.Errorf("exit %d, want %q in:\n%s", code, c.want, out.String())
			}
		})
	}
}

func spoiling(h http.Handler, misbehave func(*http.Request, int, string) (int, string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		status, body := misbehave(r, rec.Code, rec.Body.String())
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(status)
		if status != http.StatusNoContent {
			io.WriteString(w, body)
		}
	})
}
