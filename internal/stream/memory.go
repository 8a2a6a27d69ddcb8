package stream

import (
	"sync"

	"go.uber.org/zap"
)

const memorySize = 4096 // entries; beyond it everything is forgotten, which costs a log line or a few more tries

// memory is what a consumer remembers of its failures: how often each message panicked, and
// which error of each subject is already in the log. It is lost at a restart.
type memory struct {
	mu     sync.Mutex
	panics map[uint64]int
	errs   map[string]string
}

func newMemory() *memory {
	return &memory{panics: make(map[uint64]int), errs: make(map[string]string)}
}

func (f *memory) panicked(m Message) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.panics) > memorySize {
		clear(f.panics)
	}
	f.panics[m.Sequence]++
	return f.panics[m.Sequence]
}

// failed logs an error unless it is the last one of this subject again.
func (f *memory) failed(log *zap.Logger, l lane, m Message, err error) {
	f.mu.Lock()
	if len(f.errs) > memorySize {
		clear(f.errs)
	}
	repeated := f.errs[m.Subject] == err.Error()
	f.errs[m.Subject] = err.Error()
	f.mu.Unlock()
	if !repeated {
		log.Warn("a message was not handled and comes again", zap.String("consumer", l.config.Durable), zap.String("subject", m.Subject),
			zap.Int("delivered", m.Delivered), zap.Error(err))
	}
}

func (f *memory) worked(log *zap.Logger, l lane, m Message) {
	f.mu.Lock()
	_, failed := f.errs[m.Subject]
	delete(f.errs, m.Subject)
	delete(f.panics, m.Sequence)
	f.mu.Unlock()
	if failed {
		log.Info("messages of a subject are handled again", zap.String("consumer", l.config.Durable), zap.String("subject", m.Subject))
	}
}

func (f *memory) forget(m Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.errs, m.Subject)
	delete(f.panics, m.Sequence)
}
