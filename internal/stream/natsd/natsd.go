// Package natsd is the embedded NATS server: JetStream on a local folder, in this
// process, without any listening socket.
//
// # The store
//
// One process owns the folder at a time. A lock file in it is held (flock) before the
// server touches anything, so that a second process is refused and told who holds it; the
// kernel releases the lock when its holder dies, however it dies. A marker file says
// that the folder is ours: a folder with other content is refused, never written to.
//
// Every write is synced to disk before it is acknowledged (SyncAlways), so that neither
// kill -9 nor a power loss takes an acknowledged message. The folder must be on a local
// disk.
//
// # Damage
//
// The server by itself goes on after damage: it leaves out a stream that it cannot read,
// and cuts a message block at the first bad record. Gatewarden must not, since lost state
// could be taken for "nothing was wrong before". So every message block is verified
// before the server may touch it, and what was recovered is compared with what lies on
// disk; on any difference [Start] refuses, and its error says how to recover. Only an
// incomplete last record of a block passes: that is a write that a kill or a power loss
// interrupted, and nobody was told that it succeeded.
//
// Damage that the server reports while it runs is logged as an error and kept for
// [Server.Err].
package natsd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

const (
	defaultMaxStore = 4 << 30
	maxMemory       = 64 << 20
	maxPayload      = 8 << 20 // a change carries a resource twice, and a custom role of Atlas may pass 1 MiB
	startTimeout    = 30 * time.Second
)

// Options say where the server keeps its store, and how large it may grow.
type Options struct {
	Dir      string      // the store's folder, on a local disk; made with mode 0700 if absent; required
	MaxStore int64       // bytes that the streams may take; default 4 GiB
	Logger   *zap.Logger // nil: silent
}

// Server is a running embedded server.
type Server struct {
	ns   *server.Server
	lock *os.File
	log  *serverLog
}

// Start locks the folder, verifies what is in it, and starts the server. The error of a
// folder that is in use, foreign or damaged says what to do.
func Start(o Options) (_ *Server, err error) {
	if o.Dir == "" {
		return nil, errors.New("start the embedded NATS server: no folder given for its store")
	}
	if o.MaxStore == 0 {
		o.MaxStore = defaultMaxStore
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the store's folder: %w", err)
	}
	lock, err := takeLock(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, log: &serverLog{log: o.Logger}}
	if err := s.start(o); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(o Options) error {
	if err := claim(o.Dir); err != nil {
		return err
	}
	if err := verify(o.Dir, o.Logger); err != nil {
		return err
	}
	ns, err := server.NewServer(&server.Options{
		ServerName:         "gatewarden",
		DontListen:         true,
		JetStream:          true,
		StoreDir:           o.Dir,
		SyncAlways:         true,
		JetStreamMaxMemory: maxMemory,
		JetStreamMaxStore:  o.MaxStore,
		MaxPayload:         maxPayload,
		NoSigs:             true,
	})
	if err != nil {
		return fmt.Errorf("configure the embedded NATS server on %s: %w", o.Dir, err)
	}
	ns.SetLoggerV2(s.log, false, false, false)
	s.ns = ns
	ns.Start()
	if !ns.ReadyForConnections(startTimeout) || !ns.JetStreamEnabled() {
		return fmt.Errorf("start the embedded NATS server on %s: not ready: %w", o.Dir, s.log.reason())
	}
	return s.compare(o.Dir)
}

// compare refuses to go on when the server left out a stream that has messages on disk.
func (s *Server) compare(dir string) error {
	info, err := s.ns.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil {
		return fmt.Errorf("list the streams recovered from %s: %w", dir, err)
	}
	recovered := make(map[string]bool)
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			recovered[stream.Name] = true
		}
	}
	for _, name := range streamsWithData(dir) {
		if !recovered[name] {
			return damaged(dir, fmt.Errorf("stream %s is on disk but was not recovered: %w", name, s.log.reason()))
		}
	}
	return nil
}

// Connect opens an in-process connection that reconnects for ever. Further options come
// after the server's own and override them.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	all := append([]nats.Option{
		nats.InProcessServer(s.ns),
		nats.Name("gatewarden"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
	}, opts...)
	nc, err := nats.Connect("", all...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	return nc, nil
}

// Err is the first damage or failed write that the server reported since its start, nil
// when there was none. It belongs into a health check: the process must be looked after.
func (s *Server) Err() error { return s.log.err() }

// Shutdown stops the server and releases the folder. Connections should be drained
// before. When ctx ends first, the server still stops in the background and the folder
// stays locked until it has.
func (s *Server) Shutdown(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.stop()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the embedded NATS server: %w", ctx.Err())
	}
}

func (s *Server) stop() {
	if s.ns != nil {
		s.ns.Shutdown()
		s.ns.WaitForShutdown()
	}
	s.lock.Close() // the lock goes with it; the file stays, since removing it would let two processes lock two files
}

func streamsDir(dir string) string { return filepath.Join(dir, "jetstream", "$G", "streams") }

// damaged words the refusal of a damaged store.
func damaged(dir string, why error) error {
	return fmt.Errorf("the store %s is damaged: %w. Gatewarden does not start on it, since lost state could be taken for a clean one. "+
		"Restore the folder from a backup; or move it aside and start afresh: then findings, waivers, the history of watching and the audit trail in it are lost, "+
		"and whatever is open in Atlas at that moment counts as inherited and is never reverted by itself", dir, why)
}
