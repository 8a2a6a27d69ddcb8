package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/notify/slack/slackfake"
)

//go:embed config.yaml
var configTemplate string

// set is what the story is played on: a simulated Atlas that listens, and the daemon.
type set struct {
	atlas    *sim.Atlas
	served   *served
	slack    *slackfake.Slack // nil: the daemon tells nobody in Slack
	dir      string           // credentials and store; removed by close
	log      *os.File
	file     *config.File
	registry *prometheus.Registry
	daemon   *daemon.Daemon
	ended    chan error // holds how the daemon ended, once it has
	stop     context.CancelFunc
	began    time.Time // when the daemon was started
	token    string    // of its admin API
}

// newSet builds the set and starts nothing but the simulated Atlas.
func newSet(ctx context.Context, o options, stdin io.Reader) (s *set, err error) {
	s = &set{registry: prometheus.NewRegistry(), stop: func() {}}
	defer func() {
		if err != nil {
			err = s.end(err)
		}
	}()
	if s.atlas, err = buildAtlas(o, stdin, time.Now()); err != nil {
		return s, err
	}
	if err = playable(s.atlas.Snapshot()); err != nil {
		return s, err
	}
	if o.slackFake {
		if s.slack, err = openSlack(s.atlas.Snapshot(), o.listen); err != nil {
			return s, err
		}
		o.listen = "127.0.0.1:0" // the address is the page's
	}
	if s.served, err = listen(ctx, o, s.atlas); err != nil {
		return s, err
	}
	if s.dir, err = os.MkdirTemp("", "gatewarden-demo-"); err != nil {
		return s, fmt.Errorf("make a temporary folder: %w", err)
	}
	if s.log, err = os.Create(s.dir + ".log"); err != nil {
		return s, fmt.Errorf("make the daemon's log: %w", err)
	}
	s.file, err = s.configure(o)
	return s, err
}

// configure writes the credentials' files and loads the configuration as the daemon's
// owner would.
func (s *set) configure(o options) (*config.File, error) {
	org := s.atlas.Snapshot().Orgs[0]
	read, write := account(org, "gatewarden-read"), account(org, "gatewarden-write")
	token, hash := api.NewToken()
	s.token = token
	values := map[string]string{"TOKEN_HASH": hash, "BASE_URL": s.served.url, "ORG": org.ID, "STORE": strconv.Quote(filepath.Join(s.dir, "store"))}
	secrets := map[string]string{
		"READ_ID": read.ClientID, "READ_SECRET": read.Secret, "WRITE_ID": write.ClientID, "WRITE_SECRET": write.Secret,
	}
	template := configTemplate
	if s.slack != nil {
		template = slackTemplate
		secrets["SLACK_BOT"], secrets["SLACK_APP"] = s.slack.Tokens().BotToken, s.slack.Tokens().AppToken
		values["SLACK_API"], values["GRACE"] = strings.TrimSuffix(s.slack.APIURL(), "/"), grace(o.once).String()
	}
	for name, secret := range secrets {
		path := filepath.Join(s.dir, strings.ToLower(name))
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			return nil, fmt.Errorf("write the credentials: %w", err)
		}
		values[name] = strconv.Quote(path)
	}
	for _, name := range []string{"PUBLIC", "OPS", "ADMIN"} {
		addr, err := freeAddress(listens(o))
		if err != nil {
			return nil, err
		}
		values[name] = addr
	}
	text := os.Expand(template, func(name string) string { return values[name] })
	f, err := config.Load("config.yaml", []byte(text))
	if err != nil {
		return nil, fmt.Errorf("load the demo's configuration: %w", err)
	}
	return f, nil
}

// listens reports whether anybody is to call the daemon.
func listens(o options) bool { return !o.once || o.slackFake }

// freeAddress is a loopback address on which nobody listens; a fixed one where nobody
// will.
func freeAddress(needed bool) (string, error) {
	if !needed {
		return "127.0.0.1:0", nil
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// start starts the daemon. It is the one that cmd/gatewarden runs.
func (s *set) start(ctx context.Context, o options, observe func(any)) (err error) {
	ctx, s.stop = context.WithCancel(ctx)
	s.began = time.Now()
	s.daemon, err = daemon.Start(ctx, daemon.Options{
		File: s.file, Version: "demo", Logger: logTo(s.log), Registry: s.registry, NoListen: !listens(o), Observe: observe,
	})
	if err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.daemon.Wait() }()
	return nil
}

// wait blocks until ctx ends, or the daemon by itself, which is an error.
func (s *set) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.ended:
		s.ended <- nil
		return fmt.Errorf("the daemon ended by itself: %w", err)
	}
}

func logTo(w zapcore.WriteSyncer) *zap.Logger {
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(enc), zapcore.Lock(w), zapcore.InfoLevel))
}

// close stops what runs, in the reverse order, and removes what was written but the log.
func (s *set) close() error {
	var errs []error
	s.stop()
	if s.daemon != nil {
		errs = append(errs, <-s.ended)
	}
	if s.slack != nil {
		errs = append(errs, s.slack.Close())
	}
	if s.served != nil {
		errs = append(errs, s.served.close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(errs...)
}

// gauge is the sum of a metric of the daemon over one label's value.
func (s *set) gauge(name, label, value string) float64 {
	families, err := s.registry.Gather()
	if err != nil {
		return -1
	}
	var sum float64
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label && l.GetValue() == value {
					sum += m.GetGauge().GetValue()
				}
			}
		}
	}
	return sum
}

// end closes the set. The daemon's log stays, and is named, if something went wrong that
// it may explain.
func (s *set) end(err error) error {
	interrupted := errors.Is(err, errInterrupted)
	err = errors.Join(err, s.close())
	switch {
	case s.log == nil:
	case err == nil || interrupted:
		_ = os.Remove(s.log.Name()) // a temporary file; nobody misses the space
	default:
		err = fmt.Errorf("%w; the daemon's log is %s", err, s.log.Name())
	}
	return err
}
