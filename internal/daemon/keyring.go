package daemon

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const publicFile = "gateway.pub"

var errNoKey = errors.New("this process cannot give commands: it has no key to sign them: name the folder with " + keyFile + " under nats.keys")

// keyring makes the process able to sign commands, and to believe those that its like signed.
// With a store of its own it makes the key that it needs. On a cluster the key comes from outside and is
// the same for all: gateway.key for who gives commands, gateway.pub is enough for who carries them out.
func (d *Daemon) keyring() (err error) {
	n := d.opts.File.NATS
	switch {
	case !n.External():
		d.signs, err = gatewayKey(n.Store)
	case n.Keys == "":
		return nil
	default:
		err = d.sharedKeys(n.Keys)
	}
	if err == nil && d.signs != nil {
		d.believed = append(d.believed, d.signs.Public().(ed25519.PublicKey))
	}
	return err
}

func (d *Daemon) sharedKeys(dir string) (err error) {
	if _, missing := os.Stat(filepath.Join(dir, keyFile)); missing == nil {
		d.signs, err = gatewayKey(dir)
	}
	if err != nil {
		return err
	}
	path := filepath.Join(dir, publicFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if d.signs == nil {
			return fmt.Errorf("nats.keys: there is neither %s nor %s in %s: make one with openssl genpkey -algorithm ed25519", keyFile, publicFile, dir)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the key of those who sign commands: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return fmt.Errorf("the key of those who sign commands, %s, is not PEM: make it with openssl pkey -pubout", path)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("the key of those who sign commands, %s: %w", path, err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("the key of those who sign commands, %s, is a %T and not an Ed25519 key", path, key)
	}
	d.believed = append(d.believed, public)
	return nil
}
