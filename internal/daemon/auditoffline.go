package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/audit"
)

// VerifyStopped verifies the audit without a daemon, by the keys and the book of its
// configuration: in the store of one that does not run, or on the cluster. It records nothing and
// makes no key; opening a store may bring its layout up to date, as a start of the daemon does. A
// store in use is refused.
func VerifyStopped(ctx context.Context, f *config.File) (v AuditVerdict, err error) {
	if !f.NATS.External() {
		if _, err := os.Stat(filepath.Join(f.NATS.Store, "gatewarden.json")); errors.Is(err, fs.ErrNotExist) {
			return v, fmt.Errorf("open the store %s: no store of Gatewarden is there", f.NATS.Store)
		} else if err != nil {
			return v, fmt.Errorf("open the store: %w", err)
		}
	}
	key, people, err := auditSecrets(f.Audit, false)
	if err != nil {
		return v, configError{err}
	}
	s, done, err := offlineStream(ctx, f)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, done()) }()
	a, err := newAuditor(auditOptions{
		Stream: s, Key: key, Secret: people, Book: f.Audit.Book, Every: f.Audit.Every, Machine: func(string) bool { return false },
		Logger: zap.NewNop(), Metrics: newAuditMetrics(prometheus.NewRegistry()),
	})
	if err != nil {
		return v, err
	}
	r, err := a.verify(ctx)
	return AuditVerdict{r.Verdict(), a.keyName(), r}, err
}

// EvidenceFile is what a document of evidence is worth.
type EvidenceFile struct {
	audit.EvidenceResult
	Verdict string `json:"verdict"`
	Page    string `json:"page,omitempty"` // what is wrong with the page that carries it
}

// CheckEvidence checks a document of evidence, or a page that carries one, by itself. keys are the
// public keys that the reader knows from elsewhere, in hexadecimal digits.
func CheckEvidence(text []byte, keys []string) (EvidenceFile, error) {
	var known []ed25519.PublicKey
	for _, k := range keys {
		key, err := audit.ParseKey(k)
		if err != nil {
			return EvidenceFile{}, configError{err}
		}
		known = append(known, key)
	}
	e, err := audit.ParseEvidence(text)
	if err != nil {
		return EvidenceFile{}, err
	}
	r := audit.CheckEvidence(e, known)
	out := EvidenceFile{EvidenceResult: r, Verdict: r.Verdict()}
	if audit.IsPage(text) {
		out.Page = audit.CheckPage(e, text)
	}
	return out, nil
}
