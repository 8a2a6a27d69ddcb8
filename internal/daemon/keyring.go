package daemon

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/remediate"
)

var errNoKey = errors.New("this process cannot give commands: it has no key to sign them: name one under auth.gateway.key, the same for all processes, or its public half under auth.gateways of those that carry commands out")

var errNoChatKey = errors.New("this process cannot give commands from Slack: it has no key to sign them: name one under slack.key, and its public half under auth.gateways of those that carry commands out")

// keyring makes the process able to sign commands, of each gateway by a key of its own: one that is
// configured, or one that it makes itself and keeps beside the state. On a cluster there is no such
// place that all processes share: without a configured key such a process gives no commands.
func (d *Daemon) keyring() (err error) {
	f := d.opts.File
	if d.signs, err = signer(f, f.Auth.Gateway, keyFile); err != nil {
		return fmt.Errorf("auth.gateway.key: %w", err)
	}
	if f.Slack.IsZero() {
		return nil
	}
	if d.signsChat, err = signer(f, f.Slack.Key, chatKeyFile); err != nil {
		return fmt.Errorf("slack.key: %w", err)
	}
	return nil
}

// signer is the configured key, or that of a file beside the state; nil: there is neither.
func signer(f *config.File, configured config.Source, file string) (ed25519.PrivateKey, error) {
	switch {
	case !configured.IsZero():
		return configured.PrivateKey()
	case !f.NATS.External():
		return gatewayKey(f.NATS.Store, file)
	}
	return nil, nil
}

// believes has the commands that this process signs believed, beside those of the gateways
// that the configuration names.
func (d *Daemon) believes(s *settings) {
	s.policy.People.Keys = s.file.Auth.Gateways
	for name, private := range map[string]ed25519.PrivateKey{gateway: d.signs, remediate.ViaChat: d.signsChat} {
		if private == nil {
			continue
		}
		if public, ok := private.Public().(ed25519.PublicKey); ok {
			s.policy.People.Keys = append([]access.GatewayKey{{Public: public, Gateway: name}}, s.policy.People.Keys...)
		}
	}
}
