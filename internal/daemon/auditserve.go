package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/audit"
)

// AuditVerdict is what a verification is answered with.
type AuditVerdict struct {
	Verdict string       `json:"verdict"`
	Key     string       `json:"key"` // public, that signs checkpoints and evidence
	Result  audit.Result `json:"result"`
}

// Erased is what an erasure is answered with.
type Erased struct {
	Names []string `json:"names"` // that there were
}

// auditRoutes are what the audit answers, beside the API's own: the chain is of everything, so they
// are for those without bounds. A process without the role audit has none.
func (d *Daemon) auditRoutes() []api.Route {
	if d.audit == nil {
		return nil
	}
	return []api.Route{
		{Method: "GET", Path: "/audit/verify", Role: api.RoleViewer, Handler: http.HandlerFunc(d.serveVerify)},
		{Method: "GET", Path: "/audit/facts", Role: api.RoleViewer, Handler: http.HandlerFunc(d.serveFacts)},
		{Method: "GET", Path: "/evidence/{finding}", Role: api.RoleViewer, Handler: http.HandlerFunc(d.serveEvidence)},
		{Method: "POST", Path: "/audit/erasures", Role: api.RoleAdmin, Handler: http.HandlerFunc(d.serveErase)},
	}
}

// byRole answers what the API serves where the role api runs, and what the audit does where the
// role audit does.
func (d *Daemon) byRole(admin http.Handler) http.Handler {
	ofAPI, ofAudit := d.withRole(RoleAPI, "/api/", admin), d.withRole(RoleAudit, "/api/", admin)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/audit/") || strings.HasPrefix(r.URL.Path, "/api/v1/evidence/") {
			ofAudit.ServeHTTP(w, r)
			return
		}
		ofAPI.ServeHTTP(w, r)
	})
}

// unbounded takes the deadline off an answer: a chain may be long.
func unbounded(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a writer without deadlines needs none
}

func (d *Daemon) serveVerify(w http.ResponseWriter, r *http.Request) {
	unbounded(w)
	got, err := d.AuditVerify(r.Context())
	answer(w, AuditVerdict{got.Verdict(), d.AuditKey(), got}, err)
}

func (d *Daemon) serveFacts(w http.ResponseWriter, r *http.Request) {
	q, err := auditQuery(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	unbounded(w)
	facts, err := d.AuditShow(r.Context(), q)
	out := []AuditFact{}
	for _, x := range facts {
		out = append(out, AuditFact{x, x.Says()})
	}
	answer(w, out, err)
}

// AuditFact is a fact of the chain, and what it says in one line.
type AuditFact struct {
	audit.Exported
	Says string `json:"says"`
}

// auditQuery reads what facts are asked for.
func auditQuery(v url.Values) (q AuditQuery, err error) {
	known := map[string]func(string) error{
		"entry":      func(s string) (err error) { q.Entry, err = strconv.ParseUint(s, 10, 64); return err },
		"limit":      func(s string) (err error) { q.Limit, err = strconv.Atoi(s); return err },
		"since":      func(s string) (err error) { q.Since, err = time.Parse(time.RFC3339, s); return err },
		"until":      func(s string) (err error) { q.Until, err = time.Parse(time.RFC3339, s); return err },
		"pseudonyms": func(s string) (err error) { q.Pseudonyms, err = strconv.ParseBool(s); return err },
		"finding":    func(s string) error { q.Finding = s; return nil },
		"action":     func(s string) error { q.Action = s; return nil },
		"source":     func(s string) error { q.Source = s; return nil },
	}
	for name, values := range v {
		set, ok := known[name]
		if !ok || len(values) != 1 {
			return q, fmt.Errorf("%s: want each of entry, finding, action, source, since, until, limit and pseudonyms once at most", name)
		}
		if err := set(values[0]); err != nil {
			return q, fmt.Errorf("%s=%s: %w", name, values[0], err)
		}
	}
	if q.Limit < 0 || q.Limit > 10_000 {
		return q, errors.New("limit: want 1 to 10000")
	}
	return q, nil
}

func (d *Daemon) serveErase(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var body struct {
		Person string `json:"person"`
	}
	dec := json.NewDecoder(io.LimitReader(r.Body, 64<<10))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil || kind != "application/json" || body.Person == "" {
		http.Error(w, `want {"person": "a name"} as application/json`, http.StatusBadRequest)
		return
	}
	names, err := d.AuditErase(r.Context(), body.Person)
	d.logger.Info("a person was erased from the audit", zap.Int("names", len(names)), zap.Bool("whole", err == nil))
	if names == nil {
		names = []string{}
	}
	answer(w, Erased{names}, err)
}

// apiAuditor implements api.Auditor.
type apiAuditor struct{ d *Daemon }

// Audit writes the facts of a time, oldest first.
func (a apiAuditor) Audit(ctx context.Context, w io.Writer, from, to time.Time, format string) error {
	return a.d.AuditExport(ctx, format, from, to, w)
}

// Evidence writes the evidence of a finding, as json or html.
func (a apiAuditor) Evidence(ctx context.Context, w io.Writer, finding, format string) error {
	e, err := a.d.Evidence(ctx, finding)
	switch {
	case errors.Is(err, audit.ErrNoFinding):
		return fmt.Errorf("%w: %w", access.ErrGone, err)
	case err != nil:
		return err
	case format == "html":
		return e.WriteHTML(w)
	}
	return e.WriteJSON(w)
}

func (d *Daemon) serveEvidence(w http.ResponseWriter, r *http.Request) {
	unbounded(w)
	e, err := d.Evidence(r.Context(), r.PathValue("finding"))
	switch {
	case errors.Is(err, audit.ErrNoFinding):
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	write, kind := e.WriteJSON, "application/json"
	if r.URL.Query().Get("format") == "html" {
		write, kind = e.WriteHTML, "text/html; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	_ = write(w) // the client went away; there is nobody to tell
}
