package remediate

import (
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestJudgedHalfWay: a process dies after the first of its writes, and the finding is judged
// anew before the next one looks. It does not name any more what that write took away, and
// the action goes on all the same.
func TestJudgedHalfWay(t *testing.T) {
	halfWay := 0
	for at := 1; ; at++ {
		w, _ := open(t)
		w.let("0.0.0.0/1", "128.0.0.0/1")
		f := w.add(unionFinding(world0, "0.0.0.0/1", "128.0.0.0/1"))
		w.dieAt = at
		died, err := w.act(f)
		if died == "" {
			if err != nil || halfWay == 0 {
				t.Errorf("%d of %d deaths were half way: %v", halfWay, at, err)
			}
			return
		}
		select {
		case <-w.held:
		default:
		}
		if _, there := w.entries[world0]; !there {
			halfWay++
			w.change(f, func(f *access.Finding) {
				f.Evidence.Causes = unionFinding("0.0.0.0/1", "128.0.0.0/1").Evidence.Causes
				for i := range f.Evidence.Causes {
					f.Evidence.Causes[i].Scope = scope
				}
			})
		}
		if a := w.settle(f); a.State != access.ActionVerified && a.State != access.ActionSuperseded {
			t.Errorf("died at %s: it is %s: %s", died, a.State, a.Why)
		}
	}
}
