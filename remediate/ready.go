package remediate

import (
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Ready is when the finding may be acted upon at the earliest: its change has settled, and
// the grace of its response has passed. Zero: at once. Before that [Guard] says settle.
func Ready(p Policy, f access.Finding) time.Time { return ready(p, f) }
