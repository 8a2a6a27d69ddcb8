package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/api"
)

// Addresses are where the listeners listen; an empty one does not.
type Addresses struct {
	Public string // for webhooks: listens when there is a secret to know them by
	Ops    string // health, readiness, metrics
	Admin  string // reload, pprof: keep it on loopback
}

// serve opens every listener before serving any, and closes them all when ctx ends.
func (d *Daemon) serve(ctx context.Context, at Addresses) error {
	type site struct {
		addr    string
		handler http.Handler
		net.Listener
	}
	sites := []site{{addr: at.Ops, handler: d.ops()}, {addr: at.Admin, handler: d.byRole(d.admin())}}
	if d.listensToOthers() {
		sites = append(sites, site{addr: at.Public, handler: d.public()})
	}
	sites = slices.DeleteFunc(sites, func(s site) bool { return s.addr == "" })
	for i, s := range sites {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
		if err != nil {
			for _, open := range sites[:i] {
				_ = open.Close() // the error that led here is the one to tell
			}
			return fmt.Errorf("listen on %s: %w: change http.* in the configuration, or stop what holds the address", s.addr, err)
		}
		sites[i].Listener = l
	}
	for _, s := range sites {
		l, addr := s.Listener, s.addr
		srv := &http.Server{Handler: s.handler, MaxHeaderBytes: 64 << 10, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute}
		d.logger.Info("listening", zap.String("address", l.Addr().String()))
		d.group.Go(func() error {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", addr, err)
			}
			return nil
		})
		d.group.Go(func() error {
			<-ctx.Done()
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := srv.Shutdown(grace); err != nil {
				return srv.Close()
			}
			return nil
		})
	}
	return nil
}

// listensToOthers reports whether somebody outside is expected to call: Atlas, or Slack.
func (d *Daemon) listensToOthers() bool {
	return d.does(RoleWatch) && !d.opts.File.Atlas.Webhook.Secret.IsZero() || d.slack != nil && len(d.opts.File.Slack.SigningSecrets) > 0
}

// ops serves liveness (the process runs: never depends on Atlas or NATS), readiness
// (with the reason when it is not) and metrics.
func (d *Daemon) ops() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := d.notReady(); why != "" {
			http.Error(w, "not ready: "+why, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
		for _, p := range d.slackProblems() {
			fmt.Fprintln(w, "slack: "+p)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{}))
	return mux
}

// admin serves what an operator on the machine may do.
func (d *Daemon) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /-/reload", func(w http.ResponseWriter, _ *http.Request) {
		if err := d.Reload(); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		fmt.Fprintln(w, "reloaded")
	})
	v1 := d.api()
	mux.Handle("/api/v1/", v1)
	mux.Handle("GET /api/v1/history", v1.Protect(api.RoleViewer, http.HandlerFunc(d.serveHistory)))
	mux.Handle("GET /api/v1/replays", v1.Protect(api.RoleViewer, http.HandlerFunc(d.serveReplays)))
	mux.Handle("POST /api/v1/replays", v1.Protect(api.RoleAdmin, http.HandlerFunc(d.takeReplay)))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return local(http.NewCrossOriginProtection().Handler(mux))
}

// local refuses what a page in a browser of this machine asks for under a name of its own
// that leads here: of who calls at a loopback address, nothing else tells it apart.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if at != nil && at.IP.IsLoopback() && host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "this address answers as localhost, or by its number", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, body any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return // the client went away; there is nobody to tell
	}
}
