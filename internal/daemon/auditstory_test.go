package daemon

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/audit"
)

var keepEvidence = os.Getenv("GW_KEEP")

// inReverted plays a violation that is put right, and gives the daemon that did it.
func inReverted(t *testing.T, test func(s *stage, finding string)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dir, read(t, "testdata/world.yaml"), strings.Replace(read(t, "testdata/config.yaml"), "responses:", "principals:\n  - {id: alice, email: alice@example.com, atlas: [alice@example.com]}\nresponses:", 1))
		defer s.stop()
		for _, line := range []string{
			"at 0s start",
			`at 1m as alice@example.com POST /groups/{ecommerce-prod}/accessList [{"cidrBlock":"0.0.0.0/0","comment":"quick test"}]`,
			"at 6m nothing",
		} {
			if err := s.step(line); err != nil {
				t.Fatal(err)
			}
		}
		actions, err := s.daemon.AllActions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range actions {
			if a.State == access.ActionVerified {
				test(s, a.Finding)
				return
			}
		}
		t.Fatalf("nothing was put right: %v", actions)
	})
}

func TestAuditAccountsForEveryWrite(t *testing.T) {
	inReverted(t, func(s *stage, finding string) {
		t := s.t
		r, err := s.daemon.AuditVerify(t.Context())
		if err != nil || r.Verdict() != audit.Clean {
			t.Errorf("%s%v %v", r.Summary(), r.Problems, err)
		}
		e, err := s.daemon.Evidence(t.Context(), finding)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		writes := 0
		for _, step := range e.Steps {
			if len(kinds) == 0 || kinds[len(kinds)-1] != step.Kind {
				kinds = append(kinds, step.Kind)
			}
			if step.Kind == audit.StepWrite {
				writes++
			}
		}
		if ours := len(s.atlas.Mutations()); ours != writes || ours == 0 {
			t.Errorf("Atlas counted %d writes, and the evidence has %d", ours, writes)
		}
		if got, want := strings.Join(kinds, " "), "event change judgement plan intent write decision read-back judgement"; got != want {
			t.Errorf("it tells of %s, want %s", got, want)
		}
		provesItself(t, s, e)
	})
}

// provesItself checks a document as JSON and as a page, and everything that is changed in it.
func provesItself(t *testing.T, s *stage, e audit.Evidence) {
	t.Helper()
	key, err := audit.ParseKey(s.daemon.AuditKey())
	if err != nil {
		t.Fatal(err)
	}
	var doc, page bytes.Buffer
	if err := e.WriteJSON(&doc); err != nil {
		t.Fatal(err)
	}
	if err := e.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if keepEvidence != "" {
		if err := os.WriteFile(filepath.Join(keepEvidence, "evidence.html"), page.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(keepEvidence, "evidence.json"), doc.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string][]byte{"JSON": doc.Bytes(), "page": page.Bytes()} {
		back, err := audit.ParseEvidence(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r := audit.CheckEvidence(back, []ed25519.PublicKey{key}); r.Verdict() != audit.Clean {
			t.Errorf("%s: %v", name, r.Problems)
		}
		if r := audit.CheckEvidence(back, nil); r.Verdict() != audit.Incomplete {
			t.Errorf("%s without a key is %s", name, r.Verdict())
		}
		if name == "page" {
			if says := audit.CheckPage(back, text); says != "" {
				t.Errorf("page: %s", says)
			}
			if says := audit.CheckPage(back, bytes.Replace(text, []byte("<h1>"), []byte("<h1>Not "), 1)); says == "" {
				t.Error("a page that was changed is believed")
			}
		}
	}
	if !strings.Contains(page.String(), "alice@example.com") || !strings.Contains(page.String(), "Put right and read back") {
		t.Error("the page does not tell who it was, or how it ended")
	}
}

func TestErasedMeansErased(t *testing.T) {
	inReverted(t, func(s *stage, finding string) {
		t := s.t
		says := func() string {
			all, err := s.daemon.AuditShow(t.Context(), AuditQuery{Query: audit.Query{Finding: finding}})
			if err != nil || len(all) == 0 {
				t.Fatalf("%d facts, %v", len(all), err)
			}
			raw, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		if !strings.Contains(says(), "alice@example.com") {
			t.Error("she is not named before")
		}
		erased, err := s.daemon.AuditErase(t.Context(), "alice")
		if err != nil || len(erased) == 0 {
			t.Fatalf("erased %v, %v", erased, err)
		}
		if strings.Contains(says(), "alice") {
			t.Errorf("she is named after: %s", says())
		}
		for _, format := range []string{ExportNDJSON, ExportOCSF} {
			var out bytes.Buffer
			if err := s.daemon.AuditExport(t.Context(), format, time.Time{}, time.Time{}, &out); err != nil || strings.Contains(out.String(), "alice") || out.Len() == 0 {
				t.Errorf("%s of %d bytes names her, or fails: %v", format, out.Len(), err)
			}
		}
		r, err := s.daemon.AuditVerify(t.Context())
		if err != nil || r.Verdict() != audit.Incomplete || len(r.Unknown) == 0 || r.Unknown[0].Code != "person-erased" {
			t.Errorf("%s%v %v", r.Summary(), r.Problems, err)
		}
		s.stop()
		for _, folder := range []string{"KV_gw_people", "GW_AUDIT"} {
			if err := filepath.WalkDir(filepath.Join(s.dir, "store"), func(path string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() || !strings.Contains(path, folder) {
					return err
				}
				text, err := os.ReadFile(path)
				if bytes.Contains(text, []byte("alice")) {
					t.Errorf("%s names her", path)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
