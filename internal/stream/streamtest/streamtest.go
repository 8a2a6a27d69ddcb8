// Package streamtest runs a NATS cluster for tests: three servers of the official library in this
// process, routed over TLS on loopback, with JetStream in the test's folder, out of the same
// configuration files that are deployed.
package streamtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

const (
	size      = 3
	startWait = 20 * time.Second
)

// Cluster is a running one.
type Cluster struct {
	URL string // of all servers, parted by commas
	CA  string // file of the certificate that signed theirs

	t     testing.TB
	dir   string
	confs [size]string
	nodes [size]*server.Server
}

// Start runs the cluster of deploy/nats: node is the text of node.conf, users that of what it
// includes. Every variable in them gets an nkey of its own.
func Start(t testing.TB, node, users string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir()}
	c.CA = c.path("ca.pem")
	if err := c.certificates(); err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\$(GW_)?NATS_[A-Z]+`).FindAllString(node+users, -1) {
		if name == "$NATS_NAME" {
			continue
		}
		public, err := c.nkey(strings.TrimPrefix(name, "$"))
		if err != nil {
			t.Fatal(err)
		}
		node, users = strings.ReplaceAll(node, name, public), strings.ReplaceAll(users, name, public)
	}
	if err := os.WriteFile(c.path("permissions.conf"), []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	c.write(node)
	for i := range size {
		c.Start(i)
	}
	t.Cleanup(func() {
		for i := range size {
			c.Stop(i)
		}
	})
	c.ready()
	return c
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

// Seed is the file with the seed of a user, by the name of its variable: GW_NATS_WATCH.
func (c *Cluster) Seed(user string) string { return c.path(user + ".nk") }

func (c *Cluster) nkey(name string) (public string, err error) {
	if seed, err := os.ReadFile(c.Seed(name)); err == nil {
		pair, err := nkeys.FromSeed(seed)
		if err != nil {
			return "", err
		}
		return pair.PublicKey()
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", err
	}
	seed, err := pair.Seed()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(c.Seed(name), seed, 0o600); err != nil {
		return "", err
	}
	return pair.PublicKey()
}

// write makes each server's file out of node.conf. A part of it that is not found any more is a
// file that this package does not know.
func (c *Cluster) write(node string) {
	clients, routes := c.ports(size), c.ports(size)
	var urls []string
	for i := range size {
		pairs := []string{
			"$NATS_NAME", fmt.Sprintf("nats-%d", i), "0.0.0.0:4222", clients[i], "0.0.0.0:6222", routes[i],
			"http: 127.0.0.1:8222", "", "store_dir: /data", "store_dir: " + fmt.Sprintf("%q", c.path(fmt.Sprintf("store-%d", i))),
			"/etc/nats/tls/tls.crt", c.path("cert.pem"), "/etc/nats/tls/tls.key", c.path("key.pem"), "/etc/nats/tls/ca.crt", c.CA,
		}
		for j := range size {
			pairs = append(pairs, fmt.Sprintf("nats-%d.nats:6222", j), routes[j])
		}
		for k := 0; k < len(pairs); k += 2 {
			if !strings.Contains(node, pairs[k]) {
				c.t.Fatalf("node.conf has no %s", pairs[k])
			}
		}
		c.confs[i] = c.path(fmt.Sprintf("node-%d.conf", i))
		if err := os.WriteFile(c.confs[i], []byte(strings.NewReplacer(pairs...).Replace(node)), 0o600); err != nil {
			c.t.Fatal(err)
		}
		urls = append(urls, "tls://"+clients[i])
	}
	c.URL = strings.Join(urls, ",")
}

// ports are free at this moment.
func (c *Cluster) ports(n int) (out []string) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.t.Fatal(err)
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out
}

// Start starts a server that does not run.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	o, err := server.ProcessConfigFile(c.confs[i])
	if err != nil {
		c.t.Fatal(err)
	}
	o.NoSigs, o.NoLog = true, true
	if c.nodes[i], err = server.NewServer(o); err != nil {
		c.t.Fatal(err)
	}
	go c.nodes[i].Start()
}

// Stop stops a server and waits for its end.
func (c *Cluster) Stop(i int) {
	if c.nodes[i] != nil {
		c.nodes[i].Shutdown()
		c.nodes[i].WaitForShutdown()
		c.nodes[i] = nil
	}
}

// ready waits for a leader that all follow.
func (c *Cluster) ready() {
	c.t.Helper()
	for end := time.Now().Add(startWait); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		led, current := 0, 0
		for _, n := range c.nodes {
			if n.JetStreamIsLeader() {
				led++
			}
			if n.JetStreamEnabled() && n.JetStreamIsCurrent() {
				current++
			}
		}
		if led == 1 && current == size {
			return
		}
	}
	c.t.Fatalf("the cluster has no leader after %s", startWait)
}

// certificates makes an authority and one certificate for all servers.
func (c *Cluster) certificates() error {
	authority, authorityKey, err := certificate(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	if err != nil {
		return err
	}
	cert, key, err := certificate(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "nats"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, authority, authorityKey)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		c.CA: {Type: "CERTIFICATE", Bytes: authority.Raw}, c.path("cert.pem"): {Type: "CERTIFICATE", Bytes: cert.Raw}, c.path("key.pem"): {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// certificate signs a template by a parent; none: by itself.
func certificate(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, signer = template, key
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(raw)
	return cert, key, err
}
