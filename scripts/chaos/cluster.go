package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
)

const (
	nodeCommand = "node"
	nodes       = 3
)

// runNode is this program as a NATS server.
func runNode(conf string) int {
	o, err := server.ProcessConfigFile(conf)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	o.NoSigs = true
	ns, err := server.NewServer(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ns.ConfigureLogger()
	ns.Start()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	ns.Shutdown()
	ns.WaitForShutdown()
	return 0
}

// cluster is the NATS servers, and a client of this program's own that may do everything.
type cluster struct {
	dir   string
	nodes [nodes]*process
	url   string
	nc    *nats.Conn
	js    jetstream.JetStream
	open  *stream.Stream // once the streams are set up
}

// nodeConf is deploy/nats/node.conf without TLS, all of it on loopback.
const nodeConf = `
server_name: nats-%[1]d
listen: %[2]s
http: %[3]s
jetstream {store_dir: %[4]q, max_file_store: 6GB, max_memory_store: 256MB, sync_interval: always}
cluster {name: chaos, listen: %[5]s, routes: [%[6]s]}
accounts {
  GATEWARDEN {
    jetstream: enabled
    include permissions.conf
  }
  SYS {users: []}
}
system_account: SYS
`

func startCluster(ctx context.Context, dir string) (*cluster, error) {
	c := &cluster{dir: dir}
	if err := c.users(); err != nil {
		return nil, err
	}
	clients, err1 := addresses(nodes)
	routes, err2 := addresses(nodes)
	health, err3 := addresses(nodes)
	self, err4 := os.Executable()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	c.url = "nats://" + strings.Join(clients, ",nats://")
	for i := range nodes {
		conf := filepath.Join(dir, fmt.Sprintf("nats-%d.conf", i))
		text := fmt.Sprintf(nodeConf, i, clients[i], health[i], filepath.Join(dir, fmt.Sprintf("store-%d", i)), routes[i], "nats://"+strings.Join(routes, ", nats://"))
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return nil, err
		}
		var err error
		if c.nodes[i], err = keep(dir, fmt.Sprintf("nats-%d", i), "http://"+health[i]+"/healthz", nil, self, nodeCommand, conf); err != nil {
			return nil, err
		}
	}
	return c, c.connect(ctx)
}

// seed is the file of a user's seed.
func (c *cluster) seed(user string) string { return filepath.Join(c.dir, user+".nk") }

// users makes the deployed permissions those of this run, with one user more.
func (c *cluster) users() error {
	text, err := os.ReadFile("deploy/nats/permissions-all.conf")
	if err != nil {
		return fmt.Errorf("run it from the repository's top folder: %w", err)
	}
	conf := strings.TrimSuffix(strings.TrimSpace(string(text)), "]") + "  {nkey: $GW_NATS_CHAOS}\n]\n"
	for _, user := range []string{"ALL", "BOOTSTRAP", "CHAOS"} {
		pair, err := nkeys.CreateUser()
		if err != nil {
			return err
		}
		seed, err1 := pair.Seed()
		public, err2 := pair.PublicKey()
		if err := errors.Join(err1, err2, os.WriteFile(c.seed(user), seed, 0o600)); err != nil {
			return err
		}
		conf = strings.ReplaceAll(conf, "$GW_NATS_"+user, public)
	}
	return os.WriteFile(filepath.Join(c.dir, "permissions.conf"), []byte(conf), 0o600)
}

func (c *cluster) connect(ctx context.Context) error {
	dial := stream.Dial{URL: c.url, Name: "chaos", Seed: func() (string, error) {
		text, err := os.ReadFile(c.seed("CHAOS"))
		return string(text), err
	}}
	for end := time.Now().Add(30 * time.Second); ; pause(ctx, 100*time.Millisecond) {
		var err error
		if c.nc == nil {
			c.nc, err = stream.Connect(dial)
		}
		if err == nil {
			c.js, err = jetstream.New(c.nc)
		}
		if err == nil && c.well() == nodes {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("the cluster does not come up (see its logs with -keep): %w", errors.Join(err, ctx.Err()))
		}
	}
}

// well is how many servers say that they have caught up.
func (c *cluster) well() (n int) {
	for _, p := range c.nodes {
		if p.well() {
			n++
		}
	}
	return n
}

func (c *cluster) stop() {
	if c.nc != nil {
		c.nc.Close()
	}
	for _, p := range c.nodes {
		if p != nil {
			p.stop()
		}
	}
}

// state opens the buckets, once they are there.
func (c *cluster) state(ctx context.Context) (*stream.Stream, error) {
	if c.open != nil {
		return c.open, nil
	}
	var err error
	c.open, err = stream.Open(ctx, c.nc, stream.Options{Replicas: nodes, External: true})
	return c.open, err
}

// judged is how many projects have findings documents.
func (c *cluster) judged(ctx context.Context) (n int, err error) {
	s, err := c.state(ctx)
	if err != nil {
		return 0, err
	}
	keys, err := stream.Bucket[access.Findings](s, "findings").Keys(ctx)
	for _, k := range keys {
		if strings.HasPrefix(k, "prj.") {
			n++
		}
	}
	return n, err
}

// documents are all documents of a bucket.
func documents[T any](ctx context.Context, c *cluster, bucket string) (all []T, err error) {
	s, err := c.state(ctx)
	if err != nil {
		return nil, err
	}
	kv := stream.Bucket[T](s, bucket)
	keys, err := kv.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		doc, _, err := kv.Get(ctx, k)
		if err != nil {
			return nil, err
		}
		all = append(all, doc)
	}
	return all, nil
}

// facts are all messages of a stream, in order.
func facts[T any](ctx context.Context, c *cluster, name string) (all []T, err error) {
	s, err := c.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if err != nil {
			return nil, fmt.Errorf("read %s %d: %w", name, seq, err)
		}
		var fact T
		if err := json.Unmarshal(m.Data, &fact); err != nil {
			return nil, fmt.Errorf("read %s %d: %w", name, seq, err)
		}
		all = append(all, fact)
	}
	return all, nil
}
