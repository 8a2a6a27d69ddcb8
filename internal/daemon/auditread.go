package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/gatewarden/gatewarden/internal/audit"
)

// AuditQuery says which facts of the audit are shown.
type AuditQuery struct {
	audit.Query
	Pseudonyms bool // persons are not named
}

// The formats of an export of the audit.
const (
	ExportNDJSON = "ndjson"
	ExportOCSF   = "ocsf"
)

// errNoAudit is what a process answers that does not keep the chain.
var errNoAudit = errors.New("this process does not have the role audit: ask one that has")

// AuditVerify verifies the whole chain, its checkpoints, and the streams that it tells of.
func (d *Daemon) AuditVerify(ctx context.Context) (audit.Result, error) {
	if d.audit == nil {
		return audit.Result{}, errNoAudit
	}
	return d.audit.verify(ctx)
}

// AuditKey is the public key by which checkpoints and evidence are signed; empty: elsewhere.
func (d *Daemon) AuditKey() string {
	if d.audit == nil {
		return ""
	}
	return d.audit.keyName()
}

// AuditShow gives facts of the chain.
func (d *Daemon) AuditShow(ctx context.Context, q AuditQuery) ([]audit.Exported, error) {
	if d.audit == nil {
		return nil, errNoAudit
	}
	return d.audit.show(ctx, q)
}

// AuditExport writes the facts that were stored from one time to another, as [ExportNDJSON] or
// [ExportOCSF]; zero times do not bound it. Persons stay pseudonyms: an export is read by many.
func (d *Daemon) AuditExport(ctx context.Context, format string, from, to time.Time, w io.Writer) error {
	if d.audit == nil {
		return errNoAudit
	}
	return d.audit.export(ctx, format, from, to, w)
}

// Evidence is what the chain proves of one finding; persons are named in it.
func (d *Daemon) Evidence(ctx context.Context, finding string) (audit.Evidence, error) {
	if d.audit == nil {
		return audit.Evidence{}, errNoAudit
	}
	return d.audit.evidence(ctx, finding, d.audit.people)
}

// AuditErase forgets a person: no pseudonym of theirs can be resolved any more. The person is
// named by a name that the chain may have, or by the id of a declared principal: then all
// the names that are declared for it are erased. It gives the names that there were.
func (d *Daemon) AuditErase(ctx context.Context, person string) ([]string, error) {
	if d.audit == nil {
		return nil, errNoAudit
	}
	names := []string{person}
	for _, p := range d.settings.get().file.Principals {
		if p.ID == person {
			names = append(append(names, p.Email, p.Slack), p.Atlas...)
		}
	}
	return d.audit.erase(ctx, names)
}

func (a *auditor) public() ed25519.PublicKey { return a.Key.Public().(ed25519.PublicKey) }
func (a *auditor) keyName() string           { return audit.KeyName(a.public()) }

// chain is the whole chain as it stands now.
func (a *auditor) chain(ctx context.Context) (iter.Seq2[audit.Record, error], error) {
	end, err := a.log.End(ctx)
	if err != nil {
		return nil, err
	}
	return a.records(ctx, end), nil
}

func (a *auditor) show(ctx context.Context, q AuditQuery) ([]audit.Exported, error) {
	chain, err := a.chain(ctx)
	if err != nil {
		return nil, err
	}
	var names audit.Names = a.people
	if q.Pseudonyms {
		names = nil
	}
	return audit.Show(ctx, chain, q.Query, names)
}

func (a *auditor) export(ctx context.Context, format string, from, to time.Time, w io.Writer) error {
	chain, err := a.chain(ctx)
	if err != nil {
		return err
	}
	r := audit.Range{Since: from, Until: to}
	switch format {
	case ExportNDJSON:
		return audit.Export(ctx, w, chain, r, nil)
	case ExportOCSF:
		return audit.ExportOCSF(ctx, w, chain, r, nil)
	}
	return fmt.Errorf("export the audit as %q: want %s or %s", format, ExportNDJSON, ExportOCSF)
}

// evidence gathers what the chain has on a finding. What is not signed yet is, at once.
func (a *auditor) evidence(ctx context.Context, finding string, names audit.Names) (audit.Evidence, error) {
	if err := a.sign(ctx); err != nil {
		return audit.Evidence{}, err
	}
	book, err := a.lines()
	if err != nil {
		return audit.Evidence{}, err
	}
	defer book.close()
	signed, err := a.signed()
	if err != nil {
		return audit.Evidence{}, err
	}
	a.mu.Lock()
	r := a.result
	a.mu.Unlock()
	reading := audit.Reading{
		Walk: func() iter.Seq2[audit.Record, error] { return a.records(ctx, signed) },
		Get:  a.log.Get, Checkpoints: func() iter.Seq2[audit.Line, error] { return book.lines }, Names: names,
	}
	if r.V != 0 {
		reading.Chain = audit.ChainWord{Verdict: r.Verdict(), At: r.At, Entries: r.Entries, Covered: r.Covered}
	}
	return audit.Gather(ctx, reading, finding, a.Key, time.Now())
}

// signed is the last entry that a checkpoint of the book signs: nothing after it is told of.
func (a *auditor) signed() (seq uint64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.book == nil {
		if a.book, err = audit.OpenBook(a.Book); err != nil {
			return 0, err
		}
	}
	return a.book.Last().Head.Seq, nil
}

func (a *auditor) erase(ctx context.Context, names []string) (erased []string, err error) {
	for _, name := range names {
		if name == "" {
			continue
		}
		was, err := a.people.Erase(ctx, name)
		if err != nil {
			return erased, err
		}
		if was {
			erased = append(erased, name)
		}
	}
	return erased, nil
}
