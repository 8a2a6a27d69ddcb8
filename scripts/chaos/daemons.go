package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const daemonConf = `
atlas:
  base_url: http://%[1]s
  profile: remediate
  orgs:
    - id: %[2]s
      read:  {client_id: {env: GW_CHAOS_READ_ID},  client_secret: {env: GW_CHAOS_READ_SECRET}}
      write: {client_id: {env: GW_CHAOS_WRITE_ID}, client_secret: {env: GW_CHAOS_WRITE_SECRET}}
environments:
  prod: {projects: ["*-prod"]}
  ask:  {projects: ["*-ask"]}
identities:
  - {class: app, usernames: ["*_app_user"], roles: [readWrite@ecommerce]}
  - {class: migration, usernames: ["*_migration_*"], max_age: 72h}
principals: [{id: alice}, {id: bob}, {id: rajesh, atlas: [rajesh@example.com]}]
rules: {only: [network/open-to-world, dbuser/unscoped, dbuser/expired-migration-user, dbuser/atlas-admin-app]}
responses:
  - {environments: [prod], do: revert}
  - {environments: [ask], do: approve, approvers: [alice, bob], deadline: 30s, on_deadline: notify}
guards: {operators: [alice, bob], settle: {critical: 0s, other: 1s}, war: {flips: 0}, caps: {project_hour: 100000, org_hour: 100000}}
dry_run: false
nats: {url: %[3]q, credentials: {nkey: {file: ALL.nk}}, bootstrap: {nkey: {file: BOOTSTRAP.nk}}}
auth: {gateway: {key: {file: keys/gateway.key}}, tokens: [{name: chaos, sha256: %[7]s, principal: alice, roles: [admin]}]}
audit: {book: audit-%[6]d/book, key: {file: keys/audit}, people: {file: keys/people}, every: 2s}
schedule: {feed: {active: 1s, idle: 1s}, sweep: {gate: 20s, rest: 40s}, clock: 5s}
http: {ops: %[4]q, admin: %[5]q}
`

// startDaemons builds the program, sets the cluster up and starts three daemons that each do everything.
func (sc *scene) startDaemons(ctx context.Context) error {
	program := filepath.Join(sc.dir, "gatewarden")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/gatewarden").CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemon: %w: %s", err, out)
	}
	key, err := sc.gatewayKey()
	if err != nil {
		return err
	}
	sc.voter = &voter{key: key}
	at, err := addresses(2 * daemons)
	if err != nil {
		return err
	}
	for i := range daemons {
		conf := filepath.Join(sc.dir, fmt.Sprintf("daemon-%d.yaml", i))
		ops, admin := at[2*i], at[2*i+1]
		if err := os.WriteFile(conf, []byte(fmt.Sprintf(daemonConf, sc.town.address, sc.town.org, sc.cluster.url, ops, admin, i, tokenHash())), 0o600); err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(sc.dir, fmt.Sprintf("audit-%d", i)), 0o700); err != nil {
			return err
		}
		if i == 0 {
			if out, err := exec.CommandContext(ctx, program, "bootstrap", "--config", conf).CombinedOutput(); err != nil {
				return fmt.Errorf("set up the streams: %w: %s", err, out)
			} else if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); len(lines) > 0 {
				say("bootstrap: %s", lines[len(lines)-1])
			}
		}
		d, err := keep(sc.dir, fmt.Sprintf("daemon-%d", i), "http://"+ops+"/readyz", sc.town.secrets(), program, "run", "--config", conf)
		if err != nil {
			return err
		}
		sc.daemons, sc.admin = append(sc.daemons, d), append(sc.admin, admin)
	}
	return sc.until(ctx, time.Minute, func() string {
		for _, d := range sc.daemons {
			if !d.well() {
				return d.name + " is not ready"
			}
		}
		return ""
	})
}

// gatewayKey makes the key that signs commands, and what the audit needs.
func (sc *scene) gatewayKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(sc.dir, "keys")
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	err = errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "gateway.key"), text, 0o600))
	for _, name := range []string{"audit", "people"} {
		secret := make([]byte, ed25519.SeedSize)
		_, randErr := rand.Read(secret)
		err = errors.Join(err, randErr, os.WriteFile(filepath.Join(dir, name), []byte(hex.EncodeToString(secret)), 0o600))
	}
	return key, err
}
