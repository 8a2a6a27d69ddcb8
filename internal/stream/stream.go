package stream

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	requestTimeout    = 10 * time.Second // of one request to the server
	defaultStoreBytes = 4 << 30
	minStoreBytes     = 64 << 20
	defaultRetention  = 400 * 24 * time.Hour
	defaultGrace      = 25 * time.Second
)

// Options are those of [Open]. The zero value is one embedded server with the defaults.
type Options struct {
	Prefix     string        // of subjects and buckets, upper-cased of streams; default "gw"
	Replicas   int           // of every stream; default 1
	StoreBytes int64         // budget of the store; the streams take at most 80 % of it; default 4 GiB
	Retention  time.Duration // of facts; default 400 days
	Grace      time.Duration // that running handlers have after Run's context ended; default 25 s

	// External is a cluster whose streams and consumers [Bootstrap] sets up under an identity of its
	// own: Open and Run change nothing there, and say what is missing.
	External bool

	Logger     *zap.Logger           // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept but not registered

	// Probe is called at every step of the stage pattern with "<bucket>:before-cas", ":after-cas",
	// ":after-publish-<n>" (the n-th message of this outbox, from 1), ":before-clear", ":after-clear",
	// and "<topic>:received", "<topic>:before-ack", "<topic>:after-ack". The bucket is the full
	// name, gw_watch. Tests kill the process here. Nil: none.
	Probe func(point string)

	// DirtyScope is told the scope of a message that went to the dead letters: it must be
	// looked at afresh. Nil: nobody is told.
	DirtyScope func(ctx context.Context, scope access.Scope)
}

// Stream is the connection to the state and the messages. Its methods may be called concurrently.
type Stream struct {
	o       Options
	nc      *nats.Conn
	js      jetstream.JetStream
	streams map[string]jetstream.Stream // by full name; never changed after Open
	pack    *zstd.Encoder
	unpack  *zstd.Decoder
	metrics *metrics

	allowed context.Context // ends, with the reason, when the server denies us anything
	deny    context.CancelCauseFunc
}

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)

func (o *Options) fill() error {
	if o.Prefix == "" {
		o.Prefix = "gw"
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.StoreBytes == 0 {
		o.StoreBytes = defaultStoreBytes
	}
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Probe == nil {
		o.Probe = func(string) {}
	}
	if o.DirtyScope == nil {
		o.DirtyScope = func(context.Context, access.Scope) {}
	}
	switch {
	case !validPrefix.MatchString(o.Prefix):
		return fmt.Errorf("open the stream: prefix %q: want a letter and up to 15 lower-case letters or digits", o.Prefix)
	case o.Replicas < 1 || o.Replicas > 5:
		return fmt.Errorf("open the stream: %d replicas: want 1 to 5", o.Replicas)
	case o.StoreBytes < minStoreBytes:
		return fmt.Errorf("open the stream: a store of %d bytes: want at least %d", o.StoreBytes, int64(minStoreBytes))
	case o.Retention < time.Hour:
		return fmt.Errorf("open the stream: retention of %v: want at least an hour", o.Retention)
	}
	return nil
}

// Open asserts the streams and buckets on the server behind nc and returns the Stream on them. It
// refuses a server that is too old, and a layout above [Layout]. With [Options.External] it only
// looks, and refuses what is missing or of an older layout, too. It takes over nc's error handler.
func Open(ctx context.Context, nc *nats.Conn, o Options) (*Stream, error) {
	s, err := connected(ctx, nc, o)
	if err != nil {
		return nil, err
	}
	for _, want := range s.configs() {
		if o.External {
			s.streams[want.Name], err = s.expect(ctx, want)
		} else {
			s.streams[want.Name], _, err = s.assert(ctx, want)
		}
		if err != nil {
			return nil, err
		}
	}
	if s.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, err
	}
	return s, nil
}

// connected is a Stream that knows the server and none of its streams yet.
func connected(ctx context.Context, nc *nats.Conn, o Options) (*Stream, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(requestTimeout))
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	s := &Stream{o: o, nc: nc, js: js, streams: make(map[string]jetstream.Stream)}
	s.allowed, s.deny = context.WithCancelCause(context.WithoutCancel(ctx))
	nc.SetErrorHandler(s.asyncError)
	if err := s.checkServer(ctx); err != nil {
		return nil, err
	}
	s.pack, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	s.unpack, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(1<<30), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return s, nil
}

func (s *Stream) checkServer(ctx context.Context) error {
	info, err := s.account(ctx)
	if err != nil {
		return err
	}
	if info.API.Level < apiLevel {
		return fmt.Errorf("the NATS server has API level %d and Gatewarden needs %d: upgrade the server to 2.12 or newer", info.API.Level, apiLevel)
	}
	return nil
}

func (s *Stream) account(ctx context.Context) (*jetstream.AccountInfo, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	info, err := s.js.AccountInfo(ctx)
	if err != nil {
		return nil, s.trouble("ask JetStream for its account", err)
	}
	return info, nil
}

// Health is nil when the server answers and JetStream is on.
func (s *Stream) Health(ctx context.Context) error {
	if !s.nc.IsConnected() {
		return fmt.Errorf("NATS is not connected (%v): %w", s.nc.Status(), access.ErrTemporary)
	}
	_, err := s.account(ctx)
	return err
}

// Usage is the size and the limit, in bytes, of the fullest stream or bucket of those that
// refuse when they are full. At the limit nothing that needs it is stored any more, and no
// write to Atlas may start.
func (s *Stream) Usage(ctx context.Context) (bytes, limit uint64, err error) {
	infos, err := s.infos(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, info := range infos {
		if info.Config.Discard != jetstream.DiscardNew {
			continue
		}
		b, m := info.State.Bytes, uint64(info.Config.MaxBytes)
		if limit == 0 || float64(b)/float64(m) > float64(bytes)/float64(limit) {
			bytes, limit = b, m
		}
	}
	return bytes, limit, nil
}

// infos is the state of all our streams and buckets, by one request.
func (s *Stream) infos(ctx context.Context) ([]*jetstream.StreamInfo, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	list := s.js.ListStreams(ctx)
	var all []*jetstream.StreamInfo
	for info := range list.Info() {
		if _, ours := s.streams[info.Config.Name]; ours {
			all = append(all, info)
		}
	}
	if err := list.Err(); err != nil {
		return nil, s.trouble("read the state of the streams", err)
	}
	return all, nil
}

func (s *Stream) info(ctx context.Context, st jetstream.Stream, opts ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	info, err := st.Info(ctx, opts...)
	if err != nil {
		return nil, s.trouble("read the state of stream "+st.CachedInfo().Config.Name, err)
	}
	return info, nil
}

// temporary wraps an error of the connection or the server.
func temporary(doing string, err error) error {
	return fmt.Errorf("stream: %s: %w: %w", doing, access.ErrTemporary, err)
}

// last reads the last message of a subject, or of a pattern, through the leader: nil if there is none.
func (s *Stream) last(ctx context.Context, st jetstream.Stream, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := s.request(ctx)
	defer cancel()
	msg, err := st.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, s.trouble("read "+subject, err)
	}
	return msg, nil
}
