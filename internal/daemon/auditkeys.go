package daemon

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/audit"
)

// auditSecrets are the key that signs and the secret of the table of persons. With create, what the
// configuration does not name is made in the folder beside the store.
func auditSecrets(a config.Audit, create bool) (key ed25519.PrivateKey, people []byte, err error) {
	if a.Folder == "" && (a.Key.IsZero() || a.People.IsZero() || a.Book == "") {
		return nil, nil, errors.New("a process that keeps the audit on a cluster needs audit.book, a file of its own, audit.key, and audit.people, which is the same for all")
	}
	if create && a.Folder != "" && (a.Key.IsZero() || a.People.IsZero() || filepath.Dir(a.Book) == a.Folder) {
		if err := os.MkdirAll(a.Folder, 0o700); err != nil {
			return nil, nil, fmt.Errorf("make the folder of the audit's keys: %w; or name audit.book, audit.key and audit.people", err)
		}
	}
	seed, err := auditSecret(a.Key, filepath.Join(a.Folder, "key"), create)
	if err != nil {
		return nil, nil, fmt.Errorf("audit.key: %w", err)
	}
	if people, err = auditSecret(a.People, filepath.Join(a.Folder, "people"), create); err != nil {
		return nil, nil, fmt.Errorf("audit.people: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), people, nil
}

func auditSecret(s config.Source, otherwise string, create bool) ([]byte, error) {
	if s.IsZero() {
		return audit.ReadSecret(otherwise, create)
	}
	text, err := s.Resolve()
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(text.Reveal())
	if err != nil || len(secret) != ed25519.SeedSize {
		return nil, fmt.Errorf("read a secret from %s: want %d hexadecimal digits and nothing else, as openssl rand -hex %d prints them", s, 2*ed25519.SeedSize, ed25519.SeedSize)
	}
	return secret, nil
}

// auditFits refuses secrets that the configuration names and that are none.
func auditFits(f *config.File) error {
	var wrong config.Problems
	for path, s := range map[string]config.Source{"audit.key": f.Audit.Key, "audit.people": f.Audit.People} {
		if s.IsZero() {
			continue
		}
		if _, err := auditSecret(s, "", false); err != nil {
			line, col := f.Position(path)
			wrong = append(wrong, config.Problem{File: f.Name, Line: line, Column: col, Path: path, Message: err.Error()})
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// machineName reports whether a name is declared as a machine's or a team's: our own
// credentials, machine identities by their patterns, what principals own, groups and teams.
// Database users of people stay persons, whatever pattern they match.
func machineName(s *settings) func(string) bool {
	names := map[string]bool{}
	for _, id := range s.rules.Own.Credentials {
		names[id] = true
	}
	for _, p := range s.file.Principals {
		for _, id := range p.Owns {
			names[id] = true
		}
	}
	for name := range s.file.Groups {
		names[name] = true
	}
	for _, t := range s.file.Matrix {
		names[t.Team] = true
	}
	var patterns []string
	for _, i := range s.file.Identities {
		patterns = append(patterns, i.Machines...)
		switch i.Class {
		case access.ClassHuman, access.ClassPlatformAdmin, access.ClassBreakGlass:
		default:
			patterns = append(patterns, i.Usernames...)
		}
	}
	return func(name string) bool {
		if names[name] {
			return true
		}
		for _, p := range patterns {
			if !access.MostlyAll(p) && access.Match(p, name) {
				return true
			}
		}
		return false
	}
}

// newAudit is the daemon's auditor.
func (d *Daemon) newAudit() (*auditor, error) {
	c := d.opts.File.Audit
	key, people, err := auditSecrets(c, true)
	if err != nil {
		return nil, configError{err}
	}
	var mu sync.Mutex
	var of *settings
	var machine func(string) bool
	return newAuditor(auditOptions{
		Stream: d.stream, Key: key, Secret: people, Book: c.Book, Every: c.Every, Verify: c.Verify,
		Logger: d.logger.Named("audit"), Metrics: newAuditMetrics(d.registry), Probe: d.opts.Probe,
		Machine: func(name string) bool {
			mu.Lock()
			defer mu.Unlock()
			if now := d.settings.get(); now != of {
				of, machine = now, machineName(now)
			}
			return machine(name)
		},
	})
}
