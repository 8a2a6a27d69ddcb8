package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNATS: what the keys of an external cluster become. What is refused is in files.txtar.
func TestNATS(t *testing.T) {
	const atlas = "atlas: {orgs: [{id: 64f0c0ffee64f0c0ffee64f0, read: {public_key: {env: P}, private_key: {file: p}}}]}\n"
	for text, want := range map[string]NATS{
		`nats: {}`:                            {Store: "/var/lib/gatewarden", Prefix: "gw", Replicas: 1},
		`nats: {store: s, prefix: other}`:     {Store: "/etc/s", Prefix: "other", Replicas: 1},
		`nats: {url: "nats://localhost"}`:     {URL: "nats://localhost:4222", Prefix: "gw", Replicas: 3},
		`nats: {url: ["tls://a", "tls://b"]}`: {URL: "tls://a:4222,tls://b:4222", Prefix: "gw", Replicas: 3},
		`nats: {url: "tls://a:1, tls://b:2", replicas: 5, credentials: {file: c}, bootstrap: {nkey: {env: B}}, tls: {ca: ca, cert: c, key: /k}}`: {
			URL: "tls://a:1,tls://b:2", Prefix: "gw", Replicas: 5, Credentials: NATSCredentials{File: "/etc/c"},
			Bootstrap: NATSCredentials{NKey: Source{Env: "B"}}, TLS: NATSTLS{CA: "/etc/ca", Cert: "/etc/c", Key: "/k"},
		},
	} {
		f, err := Load("/etc/gatewarden.yaml", []byte(atlas+text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, f.NATS); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if want.External() != (want.Store == "") {
			t.Errorf("%s: external %t", text, want.External())
		}
	}
}
