package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/audit"
)

type auditMetrics struct {
	verified, broken, behind, oldest prometheus.Gauge
}

func newAuditMetrics(reg prometheus.Registerer) *auditMetrics {
	m := &auditMetrics{
		verified: prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_audit_last_verified_timestamp_seconds", Help: "When a verification of the audit's chain last came to its end and found nothing wrong; 0: never since the start."}),
		broken:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_audit_broken", Help: "1 while the last verification of the audit's chain found something wrong."}),
		behind:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_audit_behind", Help: "Facts that are not in the audit's chain yet."}),
		oldest:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "gatewarden_audit_behind_oldest_seconds", Help: "Age of the oldest fact that is not in the audit's chain yet; 0: there is none."}),
	}
	reg.MustRegister(m.verified, m.broken, m.behind, m.oldest)
	return m
}

// measure sets the gauges of how far the chain lags behind the streams.
func (a *auditor) measure(ctx context.Context) {
	n, oldest, err := a.behind(ctx)
	a.trouble("measure", "how far the audit lags behind is not known", err)
	if err != nil {
		return
	}
	a.Metrics.behind.Set(float64(n))
	a.Metrics.oldest.Set(oldest.Seconds())
}

func (a *auditor) behind(ctx context.Context) (facts uint64, oldest time.Duration, err error) {
	streams, err := a.Stream.FactStreams(ctx)
	if err != nil {
		return 0, 0, err
	}
	appender, err := a.appender(ctx, streams) // its end is the chain's, whoever extends it
	if err != nil {
		return 0, 0, err
	}
	for _, s := range streams {
		n, since, err := s.Behind(ctx, appender.Next(s.Name)-1)
		if err != nil {
			return 0, 0, err
		}
		facts += n
		if n > 0 {
			oldest = max(oldest, time.Since(since))
		}
	}
	return facts, oldest, nil
}

// verifyNow verifies, and tells of what came of it.
func (a *auditor) verifyNow(ctx context.Context) {
	r, err := a.verify(ctx)
	a.trouble("verify", "the audit's chain could not be verified", err)
	if err != nil {
		return
	}
	a.mu.Lock()
	was := a.result.Verdict() + first(a.result)
	a.result = r
	a.mu.Unlock()
	if r.Verdict() != audit.Broken {
		a.Metrics.verified.SetToCurrentTime()
		a.Metrics.broken.Set(0)
		a.Logger.Info("the audit's chain is verified", zap.String("verdict", r.Verdict()), zap.Int("entries", r.Entries), zap.Int("facts", r.Facts), zap.Uint64("covered", r.Covered))
		return
	}
	a.Metrics.broken.Set(1)
	if now := r.Verdict() + first(r); now != was {
		a.Logger.Error("the audit's chain is broken: gatewarden audit verify tells all of it", zap.Int("problems", r.Found), zap.String("first", first(r)))
	}
}

// first is a result's first problem.
func first(r audit.Result) string {
	if len(r.Problems) == 0 {
		return ""
	}
	return r.Problems[0].String()
}

// verify lays chain, streams and book side by side.
func (a *auditor) verify(ctx context.Context) (audit.Result, error) {
	book, err := a.lines()
	if err != nil {
		return audit.Result{}, err
	}
	defer book.close()
	end, err := a.log.End(ctx)
	if err != nil {
		return audit.Result{}, err
	}
	sources, err := a.sources(ctx)
	if err != nil {
		return audit.Result{}, err
	}
	return audit.Verify(ctx, audit.Check{
		Chain: a.records(ctx, end), Checkpoints: book.lines, Sources: sources, People: keysOnce{a.people, map[string][]byte{}},
		Keys: []ed25519.PublicKey{a.Key.Public().(ed25519.PublicKey)}, Now: time.Now(), Settle: a.Every + time.Minute,
	})
}

// keysOnce asks for the key of each person once.
type keysOnce struct {
	of    audit.Keyring
	known map[string][]byte
}

// Key implements audit.Keyring.
func (k keysOnce) Key(ctx context.Context, person string) ([]byte, error) {
	if key, ok := k.known[person]; ok {
		return key, nil
	}
	key, err := k.of.Key(ctx, person)
	if err == nil {
		k.known[person] = key
	}
	return key, err
}

// bookLines are the lines of the book, as far as they were written when it was opened.
type bookLines struct {
	lines iter.Seq2[audit.Line, error] // nil: there is no book
	close func()
}

func (a *auditor) lines() (bookLines, error) {
	a.mu.Lock() // no line is being written
	defer a.mu.Unlock()
	f, err := os.Open(a.Book)
	if errors.Is(err, fs.ErrNotExist) {
		return bookLines{close: func() {}}, nil
	}
	if err != nil {
		return bookLines{}, fmt.Errorf("read the checkpoints: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return bookLines{}, errors.Join(fmt.Errorf("read the checkpoints: %w", err), f.Close())
	}
	return bookLines{audit.Lines(io.LimitReader(f, info.Size())), func() { _ = f.Close() }}, nil // only read from
}

// records are the positions of the chain up to one.
func (a *auditor) records(ctx context.Context, end uint64) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for from := uint64(1); from <= end; {
			pos, stored, err := a.log.Next(ctx, from)
			if err != nil {
				yield(audit.Record{}, err)
				return
			}
			if pos == 0 || pos > end || !yield(audit.Record{Pos: pos, Stored: stored}, nil) {
				return
			}
			from = pos + 1
		}
	}
}

// sources are the streams of facts. One that the chain has recorded and that is no more, since
// it was made anew, keeps nothing: what it was asked to keep was purged.
func (a *auditor) sources(ctx context.Context) ([]audit.Source, error) {
	streams, err := a.Stream.FactStreams(ctx)
	if err != nil {
		return nil, err
	}
	var out []audit.Source
	for _, s := range streams {
		out = append(out, audit.Source{Name: s.Name, Messages: recorded(s, s.All(ctx, 1)), First: s.First, Age: s.Age, Drops: s.Drops})
	}
	appender, err := a.appender(ctx, streams)
	if err != nil {
		return out, nil // of a chain that cannot be continued, Verify tells why
	}
	for _, m := range appender.Head().Marks {
		known := slices.ContainsFunc(out, func(s audit.Source) bool { return s.Name == m.Source })
		if known || !a.Stream.IsFactStream(m.Source) {
			continue
		}
		out = append(out, audit.Source{
			Name: m.Source, Messages: func(func(audit.Message, error) bool) {}, Age: streams[0].Age,
			First: func(context.Context) (uint64, error) { return math.MaxUint64, nil },
		})
	}
	return out, nil
}
