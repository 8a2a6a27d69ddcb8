package atlas

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

const (
	baseURL      = "https://cloud.mongodb.com"
	orgID        = "64f000000000000000000001"
	prodID       = "64f0000000000000000000a1"
	devID        = "64f0000000000000000000a2"
	readerID     = "mdb_sa_id_0123456789abcdef01234501"
	readerSecret = "fake-reader-secret/with+signs"
	writerID     = "mdb_sa_id_0123456789abcdef01234502"
	writerSecret = "fake-writer-secret"
	publicKey    = "fakepubl"
	privateKey   = "00000000-fake-fake-fake-000000000000"

	prod = access.Scope("prj." + prodID)
	org  = access.Scope("org." + orgID)
)

const shopWorld = `
orgs:
  - name: ExampleCorp
    id: 64f000000000000000000001
    serviceAccounts:
      - {clientId: mdb_sa_id_0123456789abcdef01234501, secret: fake-reader-secret/with+signs, name: reader, roles: [ORG_READ_ONLY, "GROUP_DATABASE_ACCESS_ADMIN@*"]}
      - {clientId: mdb_sa_id_0123456789abcdef01234502, secret: fake-writer-secret, name: writer, roles: [ORG_MEMBER, "GROUP_OWNER@*"]}
    apiKeys:
      - {publicKey: fakepubl, privateKey: 00000000-fake-fake-fake-000000000000, desc: legacy, roles: [ORG_MEMBER, "GROUP_OWNER@*"]}
    projects:
      - name: shop-prod
        id: 64f0000000000000000000a1
        tags: [{key: env, value: prod}]
        clusters: [{name: prod-cluster, tags: [{key: team, value: shop}]}, {name: free, instanceSize: M0}]
        flexClusters: [{name: flexy}]
        federatedDatabases: [{name: lake}]
        streamWorkspaces: [{name: flow}]
        accessList:
          - {cidrBlock: 198.51.100.0/24, comment: office}
          - {ipAddress: 203.0.113.7}
        customRoles:
          - roleName: inner
            actions: [{action: FIND, resources: [{db: shop, collection: orders}, {cluster: true}]}]
          - roleName: outer
            inheritedRoles: [{db: admin, role: inner}]
        databaseUsers:
          - {username: prod_app_user, roles: [{roleName: readWrite, databaseName: shop}], scopes: [{name: prod-cluster, type: CLUSTER}], labels: [{key: owner, value: shop}]}
          - {username: CN=service, databaseName: $external, x509Type: CUSTOMER, roles: [{roleName: outer, databaseName: admin}]}
        accessHistory:
          - {clusterName: prod-cluster, username: prod_app_user, ipAddress: 203.0.113.7, authResult: true, timestamp: 2026-08-03T09:00:00Z}
          - {clusterName: prod-cluster, username: prod_app_user, ipAddress: 203.0.113.9, authResult: false, timestamp: 2026-08-03T09:10:00Z}
      - name: shop-dev
        id: 64f0000000000000000000a2
`

// newSim is the shop's Atlas on the clock of the test.
func newSim(t *testing.T, o sim.Options) *sim.Atlas {
	t.Helper()
	if len(o.World.Orgs) == 0 {
		w, err := sim.ParseWorld("shop.yaml", []byte(shopWorld))
		if err != nil {
			t.Fatal(err)
		}
		o.World = w
	}
	o.Seed = 7
	a, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func reader() Credential {
	return Credential{ClientID: Text(readerID), ClientSecret: Text(readerSecret)}
}

func writer() *Credential {
	return &Credential{ClientID: Text(writerID), ClientSecret: Text(writerSecret)}
}

func key() Credential {
	return Credential{PublicKey: Text(publicKey), PrivateKey: Text(privateKey)}
}

// connect builds a client with both credentials; change may alter its options.
func connect(t *testing.T, rt http.RoundTripper, change func(*Options)) *Client {
	t.Helper()
	o := Options{BaseURL: baseURL, Version: "1.2.3", Read: reader(), Write: writer(), Transport: rt}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// transportFunc is a round tripper of a function.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering gives tokens to whoever asks and answers the rest with f.
func answering(f func(*http.Request) (int, string)) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == tokenPath {
			return reply(r, 200, `{"access_token":"fake-token","expires_in":3600,"token_type":"Bearer"}`, nil), nil
		}
		status, body := f(r)
		return reply(r, status, body, nil), nil
	})
}

func reply(r *http.Request, status int, body string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}

// memory is a token store.
type memory struct {
	mu   sync.Mutex
	docs map[string][]byte
}

func (m *memory) GetSealed(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[key], nil
}

func (m *memory) PutSealed(_ context.Context, key string, value []byte, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs == nil {
		m.docs = map[string][]byte{}
	}
	m.docs[key] = value
	return nil
}
