package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const secretSize = ed25519.SeedSize

// ReadSecret reads 32 bytes, written as hexadecimal digits, from a file that only its owner
// may read. With create, it is made where there is none: by one of several processes that try.
func ReadSecret(name string, create bool) ([]byte, error) {
	f, err := os.Open(name)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err := makeSecret(name); err != nil {
			return nil, fmt.Errorf("make the secret %s: %w", name, err)
		}
		f, err = os.Open(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret %s: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the secret %s: %w", name, err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read the secret %s: its mode is %v: want a plain file that only its owner may read (chmod 0600)", name, info.Mode())
	}
	text := make([]byte, 2*secretSize+2)
	n, _ := f.Read(text)
	secret, err := hex.DecodeString(strings.TrimSuffix(string(text[:n]), "\n"))
	if err != nil || len(secret) != secretSize {
		return nil, fmt.Errorf("read the secret %s: want %d hexadecimal digits and nothing else", name, 2*secretSize)
	}
	return secret, nil
}

// makeSecret gives the name to a file that is whole, and never takes it from another.
func makeSecret(name string) error {
	secret := make([]byte, secretSize)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = fmt.Fprintln(f, hex.EncodeToString(secret))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadKey reads the key that signs checkpoints, from a file as [ReadSecret] reads it.
func ReadKey(name string, create bool) (ed25519.PrivateKey, error) {
	seed, err := ReadSecret(name, create)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
