package daemon

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/remediate"
)

// gateway is the name under which this process signs what its admin API asks for. Where
// one process both signs and obeys, the signature guards against whoever can write to the
// store or publish, and against nothing else: who holds the process holds the key.
const gateway = "api"

const (
	answerWithin = 10 * time.Second // of a command, before whoever asks is told to ask again
	recordsKept  = 7 * 24 * time.Hour
	keyFile      = "gateway.key"
	chatKeyFile  = "slack.key"
	changesPage  = 500
)

// ErrPending is that a command was taken and what becomes of it is not known yet.
var ErrPending = fmt.Errorf("the command is stored and will be done; ask for its record: %w", access.ErrTemporary)

// ErrReused is that another command was given under the same id.
var ErrReused = errors.New("another command was given under this id: choose a new one")

// Submit signs a command, publishes it, and waits for what becomes of it. A command whose id
// was given before is not given again: its record is the answer.
func (d *Daemon) Submit(ctx context.Context, c access.Command) (access.CommandRecord, error) {
	if d.signs == nil {
		return access.CommandRecord{}, errNoKey
	}
	if c.Via == "" {
		c.Via = gateway
	}
	return d.submit(ctx, c, d.signs)
}

// submitChat is Submit of what people ask for in Slack.
func (d *Daemon) submitChat(ctx context.Context, c access.Command) (access.CommandRecord, error) {
	if d.signsChat == nil {
		return access.CommandRecord{}, errNoChatKey
	}
	return d.submit(ctx, c, d.signsChat)
}

func (d *Daemon) submit(ctx context.Context, c access.Command, key ed25519.PrivateKey) (access.CommandRecord, error) {
	if r, ok, err := d.Record(ctx, c.ID); err != nil || ok {
		if ok && !alike(r.Command, c) {
			return r, ErrReused
		}
		return r, err
	}
	raw, err := access.Seal(c, key)
	if err != nil {
		return access.CommandRecord{}, err
	}
	if err := d.stream.Publish(ctx, access.Out{Topic: access.TopicCommand, Scope: c.Scope, ID: "cmd." + c.ID, Body: raw}); err != nil {
		return access.CommandRecord{}, fmt.Errorf("give command %s: %w", c.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		r, ok, err := d.Record(ctx, c.ID)
		switch {
		case ok && !alike(r.Command, c):
			return r, ErrReused
		case ok:
			return r, nil
		case err != nil && ctx.Err() == nil:
			return r, err
		}
		select {
		case <-ctx.Done():
			return access.CommandRecord{}, ErrPending
		case <-time.After(pause):
		}
	}
}

// alike reports whether two commands ask for the same, whenever they were asked.
func alike(a, b access.Command) bool {
	a.At, a.Until, b.At, b.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	x, errX := access.Canonical(a)
	y, errY := access.Canonical(b)
	return errX == nil && errY == nil && x == y
}

// Record is what became of a command; false: nothing yet.
func (d *Daemon) Record(ctx context.Context, id string) (access.CommandRecord, bool, error) {
	r, rev, err := d.records.Get(ctx, remediate.RecordKey(id))
	return r, rev != 0, err
}

// command hands a published command to remediation.
func (d *Daemon) command(ctx context.Context, m stream.Message) error {
	tokens := strings.Split(m.Subject, ".")
	scope := access.Scope(strings.Join(tokens[max(0, len(tokens)-2):], "."))
	return d.remediate.Command(ctx, scope, m.Data, m.Published)
}

// gatewayKey is a key by which this process signs commands: that of a file beside the
// state, made at the first start and readable by nobody else.
func gatewayKey(dir, file string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, file)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return newGatewayKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key that signs commands: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key that signs commands: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key that signs commands, %s, can be read by others (mode %o): remove it, and a new one is made; who has read it can approve", path, info.Mode().Perm())
	}
	return parseGatewayKey(path, raw)
}

func parseGatewayKey(path string, raw []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("the key that signs commands, %s, is not PEM: remove it, and a new one is made", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the key that signs commands, %s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key that signs commands, %s, is a %T and not an Ed25519 key", path, key)
	}
	return private, nil
}

func newGatewayKey(path string) (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key that signs commands: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a key that signs commands: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep the key that signs commands: %w", err)
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("keep the key that signs commands in %s: %w", path, err)
	}
	return private, nil
}

// tend looks after what follows from commands: actions that take others back, incidents that
// have ended, records that nobody asks for any more.
func (d *Daemon) tend(ctx context.Context) {
	if err := d.tended(ctx); err != nil {
		d.warn(ctx, "commands", "what follows from commands cannot be looked after", err)
	}
}

func (d *Daemon) tended(ctx context.Context) error {
	actions, err := d.allActions(ctx, true)
	if err != nil {
		return err
	}
	for _, a := range actions {
		if a.Purpose != "" && !a.State.Done() {
			d.publish(ctx, access.NewOut(access.TopicAction, a.Ref.Scope, access.Act{Scope: a.Ref.Scope, Finding: a.Finding, Action: a.ID, Why: "reconciler"}, a.ID))
		}
	}
	keys, err := d.controls.Keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if scope, ok := strings.CutPrefix(key, "scope."); ok {
			if err := d.endIncidents(ctx, access.Scope(scope)); err != nil {
				return err
			}
		}
		if strings.HasPrefix(key, "cmd.") {
			if err := d.forget(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Daemon) endIncidents(ctx context.Context, scope access.Scope) error {
	return d.remediate.EndIncidents(ctx, scope, meanwhile{d, scope})
}

// meanwhile gives remediation what came about in a scope and, of an org, in its projects.
type meanwhile struct {
	d     *Daemon
	scope access.Scope
}

func (m meanwhile) has(scope access.Scope) bool {
	return scope == m.scope || m.scope.IsOrg() && access.OrgScope(m.d.orgOf(scope)) == m.scope
}

// Findings implements remediate's Meanwhile.
func (m meanwhile) Findings(ctx context.Context) ([]access.Finding, error) {
	all, err := m.d.AllFindings(ctx)
	return slices.DeleteFunc(all, func(f access.Finding) bool { return !m.has(f.Ref.Scope) }), err
}

// Changes implements remediate's Meanwhile.
func (m meanwhile) Changes(ctx context.Context, from, until time.Time) ([]access.Change, error) {
	scopes, err := m.d.watcher.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("list what changed in %s: %w", m.scope, err)
	}
	var out []access.Change
	for _, s := range scopes {
		if !m.has(s) {
			continue
		}
		for after := uint64(0); ; {
			page, last, err := m.d.stream.Changes(ctx, s, after, changesPage)
			if err != nil {
				return nil, fmt.Errorf("list what changed in %s: %w", s, err)
			}
			for _, c := range page {
				if c.Op != access.OpAttributed && !c.Occurred.Before(from) && c.Occurred.Before(until) {
					out = append(out, c)
				}
			}
			if len(page) < changesPage {
				break
			}
			after = last
		}
	}
	return out, nil
}

// forget removes a record that is older than any command can be.
func (d *Daemon) forget(ctx context.Context, key string) error {
	r, rev, err := d.records.Get(ctx, key)
	if err != nil || rev == 0 || d.fleet.Now().Sub(r.At) < recordsKept {
		return err
	}
	if err := d.records.Delete(ctx, key); err != nil {
		return err
	}
	d.logger.Debug("record of a command forgotten", zap.String("command", r.Command.ID))
	return nil
}
