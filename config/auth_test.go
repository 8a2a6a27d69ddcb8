package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGatewayKey: a key is read from a file or the environment, and what is none is refused
// in words that quote nothing of it.
func TestGatewayKey(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := pkcs8(t, key)
	for name, c := range map[string]struct{ text, want string }{
		"good":         {good, ""},
		"no PEM":       {"hunter2", "not one PRIVATE KEY in PEM"},
		"two keys":     {good + good, "not one PRIVATE KEY in PEM"},
		"a public key": {strings.ReplaceAll(good, "PRIVATE", "PUBLIC"), "not one PRIVATE KEY in PEM"},
		"no PKCS #8":   {"-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n", "not PKCS #8"},
		"ECDSA":        {pkcs8(t, other), "want Ed25519"},
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GW_TEST_KEY", c.text)
		for _, from := range []Source{{File: file}, {Env: "GW_TEST_KEY"}} {
			got, err := Auth{Gateway: from}.GatewayKey()
			switch {
			case c.want == "" && (err != nil || !got.Equal(key)):
				t.Errorf("%s from %s: %v", name, from, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVy")):
				t.Errorf("%s from %s: %v, want %q", name, from, err, c.want)
			}
		}
	}
	if got, err := (Auth{}).GatewayKey(); got != nil || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
	if _, err := (Auth{Gateway: Source{File: filepath.Join(t.TempDir(), "none")}}).GatewayKey(); err == nil || !strings.Contains(err.Error(), "mount it there") {
		t.Errorf("no file: %v", err)
	}
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}
