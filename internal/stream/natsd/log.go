package natsd

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// serverLog is the server's logger. It passes lines on to zap and keeps the first that
// tells of damage or of a failed write.
type serverLog struct {
	log *zap.Logger

	mu     sync.Mutex
	damage error
	last   string // the last warning or error, as the reason of a failed start
}

// grave are the words by which the server reports damage and failed writes: in its file
// store (recovery, reads, writes) and in the recovery of streams and consumers.
func grave(line string) bool {
	line = strings.ToLower(line)
	for _, word := range []string{
		"corrupt", "malformed", "checksums do not match", "error recreating stream", "error unmarshalling stream",
		"unsupported stream", "critical write error", "permission denied", "out of resources", "out of file resources", "loadblock error",
	} {
		if strings.Contains(line, word) {
			return true
		}
	}
	return false
}

func (l *serverLog) keep(line string) bool {
	bad := grave(line)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = line
	if bad && l.damage == nil {
		l.damage = errors.New("the NATS server reported: " + line)
	}
	return bad
}

func (l *serverLog) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.damage
}

// reason is why the start failed, as far as the server said.
func (l *serverLog) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.damage != nil:
		return l.damage
	case l.last != "":
		return errors.New("the NATS server's last words: " + l.last)
	}
	return errors.New("the NATS server gave no reason")
}

// Noticef implements the server's Logger; as do the others.
func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats server", zap.String("line", fmt.Sprintf(format, v...)))
}

func (l *serverLog) Warnf(format string, v ...any) {
	line := strings.TrimSpace(fmt.Sprintf(format, v...))
	if l.keep(line) {
		l.log.Error("nats server reports damage", zap.String("line", line))
		return
	}
	l.log.Warn("nats server", zap.String("line", line))
}

func (l *serverLog) Errorf(format string, v ...any) {
	line := strings.TrimSpace(fmt.Sprintf(format, v...))
	l.keep(line)
	l.log.Error("nats server", zap.String("line", line))
}

// Fatalf does not end the process: the daemon decides, from the server's state.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.keep("fatal, corrupt or unusable: " + fmt.Sprintf(format, v...))
	l.log.Error("nats server stopped", zap.String("line", fmt.Sprintf(format, v...)))
}

func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}
