package daemon

import (
	"context"

	"github.com/gatewarden/gatewarden/internal/audit"
)

// chain verifies the audit: what was killed between an entry and its checkpoint, or in the
// midst of either, lost nothing, repeated nothing, and left nothing that does not agree.
func (e *killEnd) chain(ctx context.Context, d *Daemon) error {
	a, err := d.newAudit()
	if err != nil {
		return err
	}
	r, err := a.verify(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.Problems {
		e.t.Errorf("audit: %s", p)
	}
	for _, u := range r.Unknown {
		if u.Code != "unrecorded" { // published when the last child drained: the next one would record it
			e.t.Errorf("audit: %d × %s", u.Count, u.Says)
		}
	}
	if r.Verdict() == audit.Broken || r.Facts < len(e.changes) || r.Checkpoints < 2 {
		e.t.Errorf("audit: %s", r.Summary())
	}
	e.t.Logf("audit: %s", r.Summary())
	return nil
}
