package daemon

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/gatewarden/gatewarden/internal/access"
)

var errNoKey = errors.New("this process cannot give commands: it has no key to sign them: name one under auth.gateway.key, the same for all processes, or its public half under auth.gateways of those that carry commands out")

// keyring makes the process able to sign commands, by the key that is configured, or by one
// that it makes itself and keeps beside the state. On a cluster there is no such place that
// all processes share: without a configured key such a process gives no commands.
func (d *Daemon) keyring() (err error) {
	f := d.opts.File
	switch key := f.Auth.Gateway; {
	case !key.IsZero():
		if d.signs, err = f.Auth.GatewayKey(); err != nil {
			return fmt.Errorf("auth.gateway.key: %w", err)
		}
	case !f.NATS.External():
		d.signs, err = gatewayKey(f.NATS.Store)
	}
	return err
}

// believes has the commands that this process signs believed, beside those of the gateways
// that the configuration names.
func (d *Daemon) believes(s *settings) {
	s.policy.People.Keys = s.file.Auth.Gateways
	if d.signs == nil {
		return
	}
	if public, ok := d.signs.Public().(ed25519.PublicKey); ok {
		s.policy.People.Keys = append([]access.GatewayKey{{Public: public, Gateway: gateway}}, s.policy.People.Keys...)
	}
}
