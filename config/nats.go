package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// NATS says where state is kept: in a Store of our own, or in the cluster at URL. It can be
// compared.
type NATS struct {
	Store       string // folder of the embedded server; empty with URL
	URL         string // of the servers, parted by commas; empty with Store
	Prefix      string // of subjects, streams and buckets
	Replicas    int    // of every stream
	Credentials NATSCredentials
	Bootstrap   NATSCredentials // of gatewarden bootstrap alone
	TLS         NATSTLS
}

// External reports whether state is kept in a cluster and not in a store of our own.
func (n NATS) External() bool { return n.URL != "" }

// NATSCredentials are those of a user of NATS: a credentials file, or an nkey's seed. Zero: none.
type NATSCredentials struct {
	File string
	NKey Source
}

// IsZero reports whether there are none.
func (c NATSCredentials) IsZero() bool { return c == NATSCredentials{} }

// NATSTLS are files. A zero CA is those of the system; without Cert and Key the client shows none.
type NATSTLS struct {
	CA, Cert, Key string
}

const defaultStore = "/var/lib/gatewarden"

func natsKeys() *shape {
	urls := nonnil(list(one(natsURLs())))
	urls.alone = true
	return object(
		key("store", one(text("the path of a folder")), "The folder of the embedded server's store; "+defaultStore+" where there is no url."),
		key("url", urls, "The servers of an external cluster, as a list or parted by commas, in place of store. Its streams are set up by gatewarden bootstrap."),
		key("prefix", one(patterned("a letter and up to 15 lower-case letters or digits", `^[a-z][a-z0-9]{0,15}$`)), "What subjects, streams and buckets begin with.").or("gw"),
		key("replicas", one(count().parsed(replicas)), "How many servers keep each stream: 1, 3 or 5. Left out: 3 with url, and always 1 with store."),
		key("credentials", natsCredentialKeys(), "By which the cluster knows this process."),
		key("bootstrap", natsCredentialKeys(), "By which the cluster knows gatewarden bootstrap, which alone may set streams up. A daemon does not read them: leave them out of its file."),
		key("tls", natsTLSKeys(), "How the cluster is known, and how this process shows who it is. With it, or with tls:// in url, nothing is sent in the clear."),
	)
}

func natsCredentialKeys() *shape {
	s := object(
		key("file", one(text("the path of a file")), "A credentials file, as nsc writes it. It is read again at every connection."),
		key("nkey", sourceKeys(), "The seed of an nkey of a user, which begins with SU."),
	)
	s.secret = true
	s.choice = choice{sets: [][]string{{"file"}, {"nkey"}}, want: "{file: PATH} of a credentials file, or {nkey: {file: PATH}} of a seed"}
	return s
}

func natsTLSKeys() *shape {
	return object(
		key("ca", one(text("the path of a file")), "The certificates that sign the servers'. Left out: those of the system."),
		key("cert", one(text("the path of a file")), "The certificate that this process shows."),
		key("key", one(text("the path of a file")), "The key of cert."),
	)
}

// natsURLs are servers, one or several parted by commas. Its errors quote nothing: a URL may hold a password.
func natsURLs() scalar {
	const example = "tls://nats.example.com:4222"
	s := scalar{want: "a URL such as " + example, json: "string"}
	return s.parsed(func(text string) (any, error) {
		var out []string
		for one := range strings.SplitSeq(text, ",") {
			u, err := url.Parse(strings.TrimSpace(one))
			switch {
			case err != nil || u.Hostname() == "" || (u.Scheme != "tls" && u.Scheme != "nats"):
				return nil, errors.New("it is not a URL such as " + example + ", or several parted by commas")
			case u.User != nil:
				return nil, errors.New("it holds a user or password: give nats.credentials")
			case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
				return nil, errors.New("it holds a path, query or fragment: give only scheme, host and port")
			}
			if u.Port() == "" {
				u.Host = net.JoinHostPort(u.Hostname(), "4222")
			}
			out = append(out, u.Scheme+"://"+u.Host)
		}
		return out, nil
	})
}

func replicas(s string) (any, error) {
	n, ok := map[string]int{"1": 1, "3": 3, "5": 5}[s]
	if !ok {
		return nil, fmt.Errorf("%q is not 1, 3 or 5: an even number tolerates no more failures than the odd one below it", s)
	}
	return n, nil
}

func (b *builder) nats(t *tree) NATS {
	n := NATS{
		Store: b.local(as[string](t.get("store"))), Prefix: as[string](t.get("prefix")), Replicas: as[int](t.get("replicas")),
		Credentials: b.natsCredentials(t.get("credentials")), Bootstrap: b.natsCredentials(t.get("bootstrap")), TLS: b.natsTLS(t.get("tls")),
	}
	var urls []string
	for _, item := range t.get("url").items {
		urls = append(urls, as[[]string](item)...)
	}
	n.URL = strings.Join(urls, ",")
	switch {
	case t.get("store").given && t.get("url").given:
		b.at(t.get("url"), "store is given too: keep the embedded server's folder, or the servers of a cluster")
	case t.get("url").given:
		b.inTheClear(t.get("url"), urls, n.TLS)
		if !t.get("replicas").given {
			n.Replicas = 3
		}
	default:
		b.onlyExternal(t)
		if !t.get("store").given {
			n.Store = defaultStore
		}
		n.Replicas = 1
	}
	return n
}

// onlyExternal reports keys that say nothing about an embedded server.
func (b *builder) onlyExternal(t *tree) {
	for _, name := range []string{"credentials", "bootstrap", "tls", "replicas"} {
		if t.get(name).given {
			b.at(t.get(name), "it is of an external cluster: give url, or leave it out")
		}
	}
}

// inTheClear reports servers that would be sent all state unencrypted.
func (b *builder) inTheClear(t *tree, urls []string, tls NATSTLS) {
	for _, text := range urls {
		u, err := url.Parse(text)
		if err == nil && u.Scheme == "nats" && tls == (NATSTLS{}) && !loopback(u.Hostname()) {
			b.at(t, "%s would be sent everything in the clear: use tls://, or give nats.tls; nats:// alone is for a loopback address", u.Host)
		}
	}
}

func (b *builder) natsCredentials(t *tree) NATSCredentials {
	return NATSCredentials{File: b.local(as[string](t.get("file"))), NKey: b.source(t.get("nkey"))}
}

func (b *builder) natsTLS(t *tree) NATSTLS {
	tls := NATSTLS{CA: b.local(as[string](t.get("ca"))), Cert: b.local(as[string](t.get("cert"))), Key: b.local(as[string](t.get("key")))}
	if (tls.Cert == "") != (tls.Key == "") {
		b.at(t, "cert without key, or key without cert: give both")
	}
	return tls
}
