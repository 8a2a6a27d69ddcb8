package config

import (
	"strings"
	"testing"
	"time"
)

func TestAudit(t *testing.T) {
	const orgs = "atlas: {orgs: [{id: 64f000000000000000000001, read: {public_key: {env: A}, private_key: {env: B}}}]}\n"
	const head = orgs + "nats: {store: /data/gw/}\n"
	if f, err := Load("c.yaml", []byte(orgs+"nats: {url: \"nats://127.0.0.1:4222\"}")); err != nil || f.Audit.Folder+f.Audit.Book != "" || f.Audit.Every != time.Minute {
		t.Errorf("on a cluster: %+v, %v", f.Audit, err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "/data/gw.audit /data/gw.audit/book   1m0s 1h0m0s"},
		{"audit: {book: ../b, key: {file: k}, people: {env: P}, every: 10s, verify: 24h}", "/data/gw.audit /etc/b file /etc/gatewarden/k environment variable P 10s 24h0m0s"},
		{"audit: {book: /data/gw/book}", "inside the store /data/gw"},
		{"audit: {key: {file: /data/gw/a/../k}}", "inside the store"},
		{"audit: {key: abc}", "audit.key"},
		{"audit: {every: 0s}", "audit.every"},
		{"audit: {bok: x}", "book"},
	} {
		f, err := Load("/etc/gatewarden/c.yaml", []byte(head+c.text))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			named := func(s Source) string {
				if s.IsZero() {
					return ""
				}
				return s.String()
			}
			a := f.Audit
			got = strings.Join([]string{a.Folder, a.Book, named(a.Key), named(a.People), a.Every.Round(time.Second).String(), a.Verify.String()}, " ")
		}
		if (err == nil && got != c.want) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
