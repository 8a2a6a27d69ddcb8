package remediate

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

func controlKey(scope access.Scope) string { return "scope." + string(scope) }

// controls is what commands have decided for the scope and for its org, read through the
// leader. A project whose org is not known yet has none but its own: nothing of it is written
// then either, since its caps cannot be counted.
func (s *Stage) controls(ctx context.Context, p Policy, scope access.Scope) (access.Control, error) {
	c, _, err := s.Controls.Get(ctx, controlKey(scope))
	if err != nil {
		return c, fmt.Errorf("read what holds in %s: %w", scope, err)
	}
	above, err := s.above(ctx, p, scope)
	return together(c, above), err
}

// above is what commands have decided for the org of a project; of an org, nothing is above it.
func (s *Stage) above(ctx context.Context, p Policy, scope access.Scope) (access.Control, error) {
	if scope.IsOrg() || p.Org == nil {
		return access.Control{}, nil
	}
	org := p.Org(scope)
	if org == "" {
		return access.Control{}, nil
	}
	c, _, err := s.Controls.Get(ctx, controlKey(access.OrgScope(org)))
	if err != nil {
		return c, fmt.Errorf("read what holds in the org of %s: %w", scope, err)
	}
	return c, nil
}

// together is what holds in a project by its own control and by that of its org.
func together(c, above access.Control) access.Control {
	if above.Freeze.On {
		c.Freeze = above.Freeze
	}
	c.Incidents = slices.Concat(c.Incidents, above.Incidents)
	c.Stopped = slices.Concat(c.Stopped, above.Stopped)
	return c
}
