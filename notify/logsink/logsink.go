// Package logsink delivers messages to the daemon's own log: one line each, a
// warning while what it tells of is serious and stands. It is the
// sink that is always there, and where what has no other route ends up.
package logsink

import (
	"context"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Name is the sink's name in routes.
const Name = "log"

// Sink writes messages to a log.
type Sink struct{ Logger *zap.Logger }

// Name implements notify.Sink.
func (Sink) Name() string { return Name }

// Deliver implements notify.Sink. It cannot go wrong.
func (s Sink) Deliver(_ context.Context, m notify.Message) error {
	level := zap.InfoLevel
	if m.Finding.Open() && (m.Severity == access.Critical || m.Severity == access.High) {
		level = zap.WarnLevel
	}
	s.Logger.Log(level, "notice",
		zap.String("title", m.Title), zap.String("finding", m.Subject), zap.String("rule", m.Finding.Rule),
		zap.String("scope", string(m.Finding.Ref.Scope)), zap.String("environment", m.Finding.Environment),
		zap.String("severity", string(m.Severity)), zap.String("action_state", string(m.Action.State)), zap.Strings("lines", m.Lines))
	return nil
}
