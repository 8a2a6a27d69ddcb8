package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// coordinates are what somebody needs to use the simulated Atlas. The credentials are an
// owner's, where there is one, else the first in the world.
type coordinates struct {
	BaseURL      string            `json:"base_url"`
	OrgID        string            `json:"org_id"`
	Projects     map[string]string `json:"projects"`
	ClientID     string            `json:"client_id"`
	ClientSecret string            `json:"client_secret"`
	PublicKey    string            `json:"public_key"`
	PrivateKey   string            `json:"private_key"`
	Accounts     []identity        `json:"accounts"`              // every service account of the org
	ControlURL   string            `json:"control_url"`           // people who click, the clock, a look inside: see sim.Control
	Certificate  string            `json:"certificate,omitempty"` // what the server shows, in PEM, with -tls
}

// identity is a service account with its roles, "ROLE" or "ROLE@project id".
type identity struct {
	Name         string   `json:"name"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"`
	Roles        []string `json:"roles"`
}

// locate looks the coordinates of the first org up. It must have a credential of each
// kind.
func locate(baseURL string, w sim.World) coordinates {
	org := w.Orgs[0]
	c := coordinates{BaseURL: baseURL, OrgID: org.ID, Projects: map[string]string{}, ControlURL: baseURL + controlPath}
	for _, s := range org.ServiceAccounts {
		a := identity{Name: s.Name, ClientID: s.ClientID, ClientSecret: s.Secret}
		for _, g := range s.Roles {
			a.Roles = append(a.Roles, strings.TrimSuffix(g.RoleName+"@"+g.GroupID, "@"))
		}
		c.Accounts = append(c.Accounts, a)
	}
	for _, p := range org.Projects {
		c.Projects[p.Name] = p.ID
	}
	acc := org.ServiceAccounts[owner(org.ServiceAccounts, func(s sim.ServiceAccount) []sim.Grant { return s.Roles })]
	key := org.APIKeys[owner(org.APIKeys, func(k sim.APIKey) []sim.Grant { return k.Roles })]
	c.ClientID, c.ClientSecret, c.PublicKey, c.PrivateKey = acc.ClientID, acc.Secret, key.PublicKey, key.PrivateKey
	return c
}

func owner[T any](list []T, roles func(T) []sim.Grant) int {
	owns := func(v T) bool {
		return slices.ContainsFunc(roles(v), func(g sim.Grant) bool { return g.RoleName == "ORG_OWNER" })
	}
	return max(0, slices.IndexFunc(list, owns))
}

// simOnly serves the simulated Atlas until ctx ends.
func simOnly(ctx context.Context, o options, stdin io.Reader, stdout io.Writer) error {
	atlas, err := buildAtlas(o, stdin, time.Now())
	if err != nil {
		return err
	}
	stop := deliver(ctx, atlas)
	defer stop()
	s, err := listen(ctx, o, controlled(atlas))
	if err != nil {
		return err
	}
	where := locate(s.url, atlas.Snapshot())
	where.Certificate = s.certificate
	line, err := json.Marshal(where)
	if err != nil {
		return errors.Join(err, s.close())
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
		return errors.Join(fmt.Errorf("print the coordinates: %w", err), s.close())
	}
	<-ctx.Done()
	return s.close()
}

// controlPath is where the simulator's own controls are, beside the API.
const controlPath = "/_sim"

// controlled is the simulated Atlas with its controls beside it.
func controlled(a *sim.Atlas) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(controlPath+"/", http.StripPrefix(controlPath, a.Control()))
	mux.Handle("/", a)
	return mux
}

// deliver sends the webhooks that Atlas would send, to loopback addresses only, until
// ctx ends or stop is called.
func deliver(ctx context.Context, a *sim.Atlas) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	due := make(chan struct{}, 1)
	a.OnWebhook(func() {
		select {
		case due <- struct{}{}:
		default: // it is awake already
		}
	})
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dialLoopback}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-due:
				if _, err := a.Deliver(ctx, client); err != nil {
					continue // it is in the log of webhooks, and Atlas does not try again
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

// dialLoopback keeps a simulator from calling anybody but its neighbours.
func dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("call %s: the simulated Atlas sends webhooks to loopback addresses only", host)
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// served is a handler that listens.
type served struct {
	url         string
	certificate string // in PEM; "" without TLS
	server      *http.Server
	done        chan error
}

func listen(ctx context.Context, o options, h http.Handler) (*served, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("%w: listen on %s: %w", errUsage, o.listen, err)
	}
	url, shown := "http://"+l.Addr().String(), ""
	if o.tls {
		c, err := newCertificate(time.Now(), l.Addr())
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l, url, shown = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{c.pair}}), "https://"+l.Addr().String(), c.pem
	}
	s := &served{url: url, certificate: shown, server: &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}, done: make(chan error, 1)}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

// close ends all connections: a simulated Atlas owes nobody an answer.
func (s *served) close() error {
	err := s.server.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
