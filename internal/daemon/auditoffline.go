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
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/internal/stream/natsd"
)

// VerifyStopped verifies the audit in the store of a daemon that does not run, by the keys and
// the book of its configuration. It records nothing and makes no key; opening a store may bring its
// layout up to date, as a start of the daemon does. A store in use is refused.
func VerifyStopped(ctx context.Context, f *config.File) (v AuditVerdict, err error) {
	if _, err := os.Stat(filepath.Join(f.NATS.Store, "gatewarden.json")); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("no store of Gatewarden is there")
		}
		return v, fmt.Errorf("open the store %s: %w", f.NATS.Store, err)
	}
	key, people, err := auditSecrets(f.Audit, false)
	if err != nil {
		return v, configError{err}
	}
	server, err := natsd.Start(natsd.Options{Dir: f.NATS.Store, Logger: zap.NewNop()})
	if err != nil {
		return v, err
	}
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		err = errors.Join(err, server.Shutdown(grace))
	}()
	conn, err := server.Connect()
	if err != nil {
		return v, err
	}
	defer conn.Close()
	s, err := stream.Open(ctx, conn, stream.Options{})
	if err != nil {
		return v, err
	}
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
