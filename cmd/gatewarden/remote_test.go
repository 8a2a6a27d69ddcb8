package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

// TestSure: only a yes is one, and where nobody can be asked only --yes.
func TestSure(t *testing.T) {
	for _, c := range []struct {
		yes, terminal bool
		answer        string
		ok            bool
	}{
		{true, false, "", true}, {true, true, "n\n", true}, {false, false, "y\n", false},
		{false, true, "y\n", true}, {false, true, "YES\n", true}, {false, true, " yes", true},
		{false, true, "", false}, {false, true, "\n", false}, {false, true, "n\n", false}, {false, true, "yess\n", false}, {false, true, "\ny\n", false},
	} {
		var asked strings.Builder
		s := sure{c.yes, strings.NewReader(c.answer), c.terminal}
		err := s.ask(&asked, "Approve?")
		if (err == nil) != c.ok || strings.Contains(asked.String(), "Approve? [y/N]") != (c.terminal && !c.yes) {
			t.Errorf("%+v: %v, asked %q", c, err, asked.String())
		}
	}
}

// TestAnswersHaveTheirCodes: what a daemon answers is told with what to do, and its exit code.
func TestAnswersHaveTheirCodes(t *testing.T) {
	t.Setenv(api.TokenVariable, "gwt_x")
	for status, want := range map[int]int{400: exitUsage, 401: exitUsage, 403: exitUsage, 404: exitUsage, 409: exitViolation, 422: exitUsage, 429: exitUnreadable, 503: exitUnreadable} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"type":"urn:gatewarden:problem:x","title":"A title","status":%d,"detail":"what is wrong \u001b[2J","next":"what to do"}`, status)
		}))
		var out, errs strings.Builder
		code := run([]string{"findings", "--server", s.URL}, &out, &errs)
		if s.Close(); code != want || !strings.Contains(errs.String(), "what to do") || strings.Contains(errs.String(), "\x1b") {
			t.Errorf("%d: exit code %d, %q", status, code, errs.String())
		}
	}
	for name, answer := range map[string]string{"another program": "<html>", "a redirect": ""} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if answer == "" {
				http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
				return
			}
			http.Error(w, answer, http.StatusNotFound)
		}))
		var out, errs strings.Builder
		code := run([]string{"findings", "--server", s.URL}, &out, &errs)
		if s.Close(); code != exitUnreadable || !strings.Contains(errs.String(), "is this the admin address of gatewarden") {
			t.Errorf("%s: exit code %d, %q", name, code, errs.String())
		}
	}
}

// TestInstants: a time, a day, or how long from now on.
func TestInstants(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 500, time.UTC)
	for text, want := range map[string]string{
		"2026-12-31T18:00:00Z": "2026-12-31T18:00:00Z", "2026-12-31T18:00+01:00": "2026-12-31T17:00:00Z", "2026-12-31": "2026-12-31T00:00:00Z", "4h": "2026-12-01T16:00:00Z", "7d": "2026-12-08T12:00:00Z", "1d12h": "2026-12-03T00:00:00Z",
	} {
		if got, err := instantOf("until", text, now); err != nil || access.Stamp(got) != want {
			t.Errorf("%s: %s, %v", text, access.Stamp(got), err)
		}
	}
	for _, text := range []string{"", " ", "soon", "d", "-4h", "0h", "0d", "4", "99999999d", "1d-25h"} {
		if got, err := instantOf("until", text, now); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

// TestHostileNames: what Atlas calls things does nothing to a terminal.
func TestHostileNames(t *testing.T) {
	const evil = "evil\x1b[2J\u202e\nname"
	ref := access.Ref{Scope: access.ProjectScope("64f000000000000000000011"), Kind: access.KindDatabaseUser, Name: evil}
	f := api.Finding{Finding: access.Finding{ID: evil, Rule: evil, Ref: ref, Key: evil, State: access.FindingOpen, Severity: access.High, Message: evil, Owner: evil, Unknown: evil, OriginWhy: evil, Actor: access.Actor{Name: evil}}, Project: evil}
	a := api.Action{Action: access.Action{ID: evil, Rule: evil, Ref: ref, State: access.ActionAwaiting, Why: evil, Votes: []access.Ballot{{By: evil, Reason: evil}}, Ask: access.Ask{Approvers: []string{evil}}, Plan: access.Plan{Why: evil, Reversible: evil, Operations: []access.Operation{{Type: access.QuarantineUser, Ref: ref}}, Impact: access.Impact{Says: evil, Ways: []string{evil}}}}, Project: evil}
	for name, write := range map[string]func(*report.Page){
		"findings": func(p *report.Page) { listFindings(p, []api.Finding{f}) }, "finding": func(p *report.Page) { oneFinding(p, f) },
		"actions": func(p *report.Page) { listActions(p, []api.Action{a}) }, "action": func(p *report.Page) { oneAction(p, a) },
		"incidents": func(p *report.Page) {
			incidents(p, []api.Incident{{Place: api.Place{Title: evil}, Incident: access.Incident{Name: evil, By: evil, Reason: evil}}})
		},
		"adoptable": func(p *report.Page) {
			adoptable(p, api.Adoptable{Rule: evil, Says: evil, Asked: []string{evil}, Findings: []api.Adopted{{Name: evil, Left: evil}, {Name: evil, Plan: a.Plan}}}, evil)
		},
	} {
		var out strings.Builder
		p := report.NewPage(&out, report.Options{Width: 60})
		write(p)
		if _, err := p.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(out.String(), "\x1b\u202e") || !strings.Contains(out.String(), "evil") || strings.Contains(out.String(), "\nname") {
			t.Errorf("%s:\n%q", name, out.String())
		}
	}
}

// TestBegins: the beginning of an id names one thing, and never another by chance.
func TestBegins(t *testing.T) {
	all := []string{"abcdef12", "abcdef34", "fedcba12"}
	for id, want := range map[string]string{"abcdef12": "abcdef12", "fedcba": "fedcba12", "fedcb": "", "abcdef": "", "": "", "ffffff": ""} {
		got, err := begins("finding", id, all, func(s string) string { return s }, "list them")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", id, got, err)
		}
		if c, ok := errors.AsType[coded](err); err != nil && (!ok || c.code != exitUsage) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestExtendsWhereItRuns: an incident is extended where it runs, and never opened anew elsewhere.
func TestExtendsWhereItRuns(t *testing.T) {
	shop, org := access.ProjectScope("64f000000000000000000011"), access.OrgScope("64f000000000000000000001")
	at := func(name, title string, scope access.Scope, running bool) api.Incident {
		return api.Incident{Place: api.Place{Scope: scope, Title: title}, Incident: access.Incident{Name: name}, Running: running}
	}
	all := []api.Incident{at("A", "shop", shop, true), at("B", "shop", shop, true), at("B", "Example", org, true), at("C", "shop", shop, false), at("D", "Example", org, true)}
	for _, c := range []struct{ name, project, org, want string }{
		{"A", "", "", shop.ID()}, {"A", "shop", "", shop.ID()}, {"A", shop.ID(), "", shop.ID()}, {"A", "other", "", ""}, {"A", "", org.ID(), ""},
		{"B", "", "", ""}, {"B", "shop", "", shop.ID()}, {"B", "", org.ID(), org.ID()}, {"C", "", "", ""}, {"D", "", "", org.ID()}, {"E", "", "", ""},
	} {
		got, err := running(api.Request{Incident: c.name, Project: c.project, Org: c.org}, all)
		if (err == nil) != (c.want != "") || err == nil && got.Project+got.Org != c.want {
			t.Errorf("%+v: %q, %q, %v", c, got.Project, got.Org, err)
		}
	}
}
