package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// TestUsage: what the caller must mend is told and is exit code 2, before anything runs.
func TestUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		stdin string
		code  int
		says  string
	}{
		"help":               {[]string{"-help"}, "", exitOK, "-sim-only"},
		"unknown flag":       {[]string{"-twice"}, "", exitUsage, "twice"},
		"argument":           {[]string{"story"}, "", exitUsage, `"story"`},
		"bad seed":           {[]string{"-seed", "x"}, "", exitUsage, "seed"},
		"sim-only and once":  {[]string{"-sim-only", "-once"}, "", exitUsage, "no story"},
		"tls and story":      {[]string{"-tls", "-once"}, "", exitUsage, "plain HTTP"},
		"sim-only and json":  {[]string{"-sim-only", "-json"}, "", exitUsage, "no story"},
		"sim-only and slack": {[]string{"-sim-only", "-slack-fake"}, "", exitUsage, "no story"},
		"slack's address":    {[]string{"-slack-fake", "-once", "-listen", "256.0.0.1:1"}, "", exitUsage, "256.0.0.1:1"},
		"slack without dev":  {[]string{"-slack-fake", "-once", "-world", "-"}, strings.ReplaceAll(exampleCorp, "ecommerce-dev", "other-dev"), exitUsage, "lacks project ecommerce-dev"},
		"no such world":      {[]string{"-once", "-world", "testdata/none.yaml"}, "", exitUsage, "none.yaml"},
		"unknown key":        {[]string{"-sim-only", "-world", "-"}, "orgs:\n  - nome: x\n", exitUsage, "standard input:2"},
		"no org":             {[]string{"-sim-only", "-world", "-"}, "orgs: []\n", exitUsage, "no org"},
		"bad address":        {[]string{"-sim-only", "-listen", "256.0.0.1:1"}, "", exitUsage, "256.0.0.1:1"},
		"not the story's":    {[]string{"-once", "-world", "-"}, "orgs:\n  - name: Other\n", exitUsage, "database user prod_app_user in ecommerce-prod"},
		"nor with projects":  {[]string{"-once", "-world", "-"}, "orgs:\n  - {name: Other, projects: [{name: ecommerce-prod}]}\n", exitUsage, "project ecommerce-staging"},
		"cannot be built":    {[]string{"-sim-only", "-world", "-"}, "orgs:\n  - {name: O, projects: [{name: p, accessList: [{cidrBlock: x}]}]}\n", exitUsage, "standard input"},
		"world without name": {[]string{"-sim-only", "-world"}, "", exitUsage, "world"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(t.Context(), c.args, strings.NewReader(c.stdin), &out, &errs); code != c.code {
				t.Errorf("exit code %d, want %d; stderr: %s", code, c.code, errs.String())
			}
			if !strings.Contains(errs.String(), c.says) || out.Len() > 0 {
				t.Errorf("stderr %q should say %q, and stdout %q nothing", errs.String(), c.says, out.String())
			}
		})
	}
}

// serveSim runs -sim-only until the test ends, and returns what it printed.
func serveSim(t *testing.T, stdin string, args ...string) coordinates {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append([]string{"-sim-only"}, args...), strings.NewReader(stdin), w, io.Discard)
	}()
	t.Cleanup(func() {
		stop()
		if code := <-done; code != exitOK {
			t.Errorf("exit code %d after the end, want %d", code, exitOK)
		}
	})
	var c coordinates
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSimOnly: the line has all that a client needs, and what it says works.
func TestSimOnly(t *testing.T) {
	for name, c := range map[string]struct {
		stdin    string
		args     []string
		org      string
		projects []string
	}{
		"built in":     {"", nil, "ExampleCorp", []string{"ecommerce-dev", "ecommerce-staging", "ecommerce-prod"}},
		"own world":    {"orgs:\n  - {name: Mine, projects: [{name: a}, {name: b}]}\n", []string{"-world", "-"}, "Mine", []string{"a", "b"}},
		"bare org":     {"orgs:\n  - {name: Bare}\n", []string{"-world", "-", "-seed", "7"}, "Bare", nil},
		"another port": {"", []string{"-listen", "127.0.0.1:0"}, "ExampleCorp", []string{"ecommerce-dev", "ecommerce-staging", "ecommerce-prod"}},
	} {
		t.Run(name, func(t *testing.T) {
			at := serveSim(t, c.stdin, c.args...)
			if at.PublicKey == "" || at.PrivateKey == "" || len(at.Projects) != len(c.projects) {
				t.Errorf("incomplete: %+v, want projects %q", at, c.projects)
			}
			token, err := fetchToken(t.Context(), at.BaseURL, sim.ServiceAccount{ClientID: at.ClientID, Secret: at.ClientSecret})
			if err != nil {
				t.Fatal(err)
			}
			get := func(path string) string {
				raw, err := send(t.Context(), http.MethodGet, at.BaseURL+"/api/atlas/v2"+path, "", func(r *http.Request) {
					r.Header.Set("Authorization", "Bearer "+token)
					r.Header.Set("Accept", mediaType)
				})
				if err != nil {
					t.Fatal(err)
				}
				return string(raw)
			}
			if org := get("/orgs/" + at.OrgID); !strings.Contains(org, c.org) {
				t.Errorf("org %s is %s, want %s", at.OrgID, org, c.org)
			}
			for _, p := range c.projects {
				if got := get("/groups/" + at.Projects[p]); !strings.Contains(got, p) {
					t.Errorf("project %s is %s", p, got)
				}
			}
		})
	}
}

func TestSimOnlySameSeedSameIDs(t *testing.T) {
	world := "orgs:\n  - {name: Mine, projects: [{name: a}]}\n"
	one, two := serveSim(t, world, "-world", "-", "-seed", "3"), serveSim(t, world, "-world", "-", "-seed", "3")
	one.BaseURL, two.BaseURL, one.ControlURL, two.ControlURL = "", "", "", ""
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("the same seed gives other coordinates:\n%s", diff)
	}
	if other := serveSim(t, world, "-world", "-", "-seed", "4"); other.OrgID == one.OrgID {
		t.Errorf("another seed gives the same org id %s", other.OrgID)
	}
}

// TestDates: dates in a world are by the clock of the start.
func TestDates(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"expires={+14s}":     "expires=2026-11-22T09:00:14Z",
		"{-72h}":             "2026-11-19T09:00:00Z",
		"{name: a, b: {+x}}": "{name: a, b: {+x}}",
		"{+1.5h} {+1.5h}":    "2026-11-22T10:30:00Z 2026-11-22T10:30:00Z",
	} {
		if got := dates(text, now); got != want {
			t.Errorf("dates(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestSet: the built-in world holds what the story is about, and the configuration that
// the daemon gets loads without a warning.
func TestSet(t *testing.T) {
	for _, once := range []bool{true, false} {
		s, err := newSet(t.Context(), options{once: once, listen: "127.0.0.1:0", seed: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.file.DryRun || len(s.file.Warnings) > 0 || s.file.Atlas.BaseURL != s.served.url {
			t.Errorf("dry run %v, warnings %v, base URL %s", s.file.DryRun, s.file.Warnings, s.file.Atlas.BaseURL)
		}
		dir, log := s.dir, s.log.Name()
		if err := s.end(nil); err != nil {
			t.Error(err)
		}
		for _, path := range []string{dir, log} {
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("%s is left behind", path)
			}
		}
	}
}

// TestWorldFromFile: a world may come from a file, too.
func TestWorldFromFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.yaml")
	if err := os.WriteFile(file, []byte(exampleCorp), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := buildAtlas(options{world: file, seed: 1}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := playable(a.Snapshot()); err != nil {
		t.Error(err)
	}
}
