package daemon

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
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

// Checked is what a configuration without mistakes amounts to.
type Checked struct {
	Summary  string           // a line
	Warnings []config.Problem // in the order of the file
	Skipped  []string         // what was not checked
}

// Check runs the checks that need the rule catalogue and the environment, and starts
// nothing.
func Check(f *config.File) (Checked, error) { return checked(build(f)) }

// CheckOffline is Check where the secrets are not at hand: it reads none of them.
func CheckOffline(f *config.File) (Checked, error) {
	out, err := checked(buildFor(f, access.OwnAccess{}))
	out.Skipped = slices.Concat(secrets(f), []string{"whether Atlas takes the credentials (check --permissions)", "whether a daemon that runs has replayed what reverts", "whether the store and the addresses to listen on can be had"})
	return out, err
}

// secrets are the places of the file that name one.
func secrets(f *config.File) (out []string) {
	at := func(path string) {
		line, _ := f.Position(path)
		out = append(out, fmt.Sprintf("%s (line %d): whether its secrets are there", path, line))
	}
	for i, o := range f.Atlas.Orgs {
		at(fmt.Sprintf("atlas.orgs[%d].read", i))
		if !o.Write.IsZero() {
			at(fmt.Sprintf("atlas.orgs[%d].write", i))
		}
	}
	if !f.Atlas.Webhook.Secret.IsZero() {
		at("atlas.webhook.secret")
	}
	return out
}

func checked(s *settings, err error) (Checked, error) {
	if err != nil {
		return Checked{}, err
	}
	f := s.file
	return Checked{
		Summary: fmt.Sprintf("%s: ok: %d org(s), %d environment(s), %d rules; %s",
			f.Name, len(f.Atlas.Orgs), len(f.Environments), len(s.engine.Rules()), writes(s)),
		Warnings: s.warned,
	}, nil
}

// writes says what would be written, and if nothing, why.
func writes(s *settings) string {
	able := 0
	for _, o := range s.file.Atlas.Orgs {
		if !o.Write.IsZero() {
			able++
		}
	}
	says := func(do access.Mode) bool {
		return slices.ContainsFunc(s.file.Responses, func(r access.Response) bool { return r.Do == do })
	}
	switch {
	case s.policy.DryRun && !s.file.DryRun:
		return "nothing is written: atlas.profile is " + profileOf(s.file).Name
	case s.policy.DryRun:
		return "dry run: nothing is written"
	case able == 0:
		return "nothing is written: no org has write credentials"
	case !says(access.ModeRevert) && !says(access.ModeApprove):
		return "nothing is written: no response says revert or approve"
	case !says(access.ModeRevert):
		return fmt.Sprintf("writes are on in %d of %d org(s), each after people approved it", able, len(s.file.Atlas.Orgs))
	}
	return fmt.Sprintf("writes are on in %d of %d org(s)", able, len(s.file.Atlas.Orgs))
}
