package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/internal/stream/natsd"
)

// How long a start waits for an external cluster, which may be starting, too.
const (
	clusterPatience = time.Minute
	clusterPause    = time.Second
)

// openStream starts the embedded server or connects to the cluster, and asserts the layout.
func (d *Daemon) openStream(ctx context.Context) error {
	f := d.opts.File
	if err := d.opts.checkRoles(); err != nil {
		return err
	}
	o := stream.Options{
		Prefix: f.NATS.Prefix, Replicas: f.NATS.Replicas, External: f.NATS.External(),
		Logger: d.logger.Named("stream"), Registerer: d.registry, Probe: d.opts.Probe, DirtyScope: d.dirtyScope,
	}
	if f.NATS.External() {
		return d.openCluster(ctx, o)
	}
	var err error
	if d.server, err = natsd.Start(natsd.Options{Dir: f.NATS.Store, Logger: d.logger.Named("nats")}); err != nil {
		return err
	}
	if d.conn, err = d.server.Connect(); err != nil {
		return err
	}
	d.stream, err = stream.Open(ctx, d.conn, o)
	return err
}

func (d *Daemon) openCluster(ctx context.Context, o stream.Options) error {
	roles := d.opts.roles()
	dial := dialOf(d.opts.File.NATS, d.opts.File.NATS.Credentials, inbox(d.opts.File.NATS.Prefix, roles), d.logger.Named("nats"))
	dial.Name = "gatewarden " + joined(roles, ",")
	return patiently(ctx, clusterPatience, d.logger, func() (err error) {
		if d.conn == nil {
			if d.conn, err = stream.Connect(dial); err != nil {
				return err
			}
		}
		d.stream, err = stream.Open(ctx, d.conn, o)
		return err
	})
}

// patiently tries again while the error is one that passes.
func patiently(ctx context.Context, patience time.Duration, logger *zap.Logger, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for said := false; ; {
		err := try()
		if err == nil || !errors.Is(err, access.ErrTemporary) {
			return err
		}
		if !said {
			logger.Warn("the NATS cluster is not ready yet", zap.Error(err))
			said = true
		}
		select {
		case <-time.After(clusterPause):
		case <-ctx.Done():
			return err
		}
	}
}

// dialOf is how the configuration says that the cluster is reached.
func dialOf(n config.NATS, c config.NATSCredentials, inbox string, logger *zap.Logger) stream.Dial {
	d := stream.Dial{URL: n.URL, Name: "gatewarden", Inbox: inbox, Credentials: c.File, CA: n.TLS.CA, Cert: n.TLS.Cert, Key: n.TLS.Key, Logger: logger}
	if !c.NKey.IsZero() {
		d.Seed = func() (string, error) {
			secret, err := c.NKey.Resolve()
			return secret.Reveal(), err
		}
	}
	return d
}

// offlineStream opens the state of a daemon that does not answer: its folder, which nobody else
// may hold, or the cluster. done closes it.
func offlineStream(ctx context.Context, f *config.File) (st *stream.Stream, done func() error, err error) {
	var server *natsd.Server
	var conn *nats.Conn
	done = func() error {
		if conn != nil {
			conn.Close()
		}
		if server == nil {
			return nil
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			return fmt.Errorf("close the store: %w", err)
		}
		return nil
	}
	if f.NATS.External() {
		conn, err = stream.Connect(dialOf(f.NATS, f.NATS.Credentials, inbox(f.NATS.Prefix, Roles()), nil))
	} else if server, err = natsd.Start(natsd.Options{Dir: f.NATS.Store}); err == nil {
		conn, err = server.Connect()
	}
	if err == nil {
		st, err = stream.Open(ctx, conn, stream.Options{Prefix: f.NATS.Prefix, Replicas: f.NATS.Replicas, External: f.NATS.External()})
	}
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return st, done, nil
}

// noticeDirty has a scope whose message went to the dead letters read afresh: at once where
// the watcher runs, else by a job for it.
func (d *Daemon) noticeDirty(ctx context.Context, scope access.Scope) error {
	if d.does(RoleWatch) {
		return d.watcher.MarkDirty(ctx, scope, nil, "a message of it went to the dead letters")
	}
	return d.stream.Publish(ctx, access.NewOut(access.TopicPoll, scope, access.Poll{Scope: scope, Source: access.SourceSweep, At: d.fleet.Now()}))
}
