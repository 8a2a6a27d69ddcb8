package daemon

import (
	"errors"
	"fmt"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/rules"
)

// configError marks what the owner of the configuration must mend.
type configError struct{ error }

// Unwrap gives the error itself.
func (c configError) Unwrap() error { return c.error }

// IsConfig reports whether an error of Start means that the configuration or the rules
// are wrong, and not that something is unreachable.
func IsConfig(err error) bool {
	_, ok := errors.AsType[configError](err)
	return ok
}

// Check runs the checks that need the rule catalogue and the environment, and starts
// nothing. It returns a line that says what the configuration amounts to.
func Check(f *config.File) (string, error) {
	s, err := build(f)
	if err != nil {
		return "", err
	}
	writes := "dry run: nothing is written"
	if !s.policy.DryRun {
		writes = "writes are on"
	}
	return fmt.Sprintf("%s: ok: %d org(s), %d environment(s), %d rules (%s); %s",
		f.Name, len(f.Atlas.Orgs), len(f.Environments), len(s.engine.Rules()), short(s.engine), writes), nil
}

func short(e *rules.Engine) string { return e.Hash()[:12] }
