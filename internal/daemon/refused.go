package daemon

import (
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/rules"
)

// tellRefused counts the rules that have mistakes and are not in force, and tells of each
// mistake with its place. That they are not is also a finding, of watch/rule-failing.
func (d *Daemon) tellRefused(e *rules.Engine) {
	refused := e.Refused()
	d.metrics.refused.Set(float64(len(refused)))
	for _, r := range refused {
		for _, p := range r.Problems {
			d.logger.Error("a rule is refused and not in force; all others are", zap.String("rule", r.Name()), zap.String("why", p.String()))
		}
	}
}
