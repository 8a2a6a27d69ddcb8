package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestSimOnlyTLS: a client that trusts the printed certificate, and only such a one, gets
// answers, and links that are https too.
func TestSimOnlyTLS(t *testing.T) {
	at := serveSim(t, "", "-tls")
	if !strings.HasPrefix(at.BaseURL, "https://127.0.0.1:") || !strings.HasPrefix(at.ControlURL, at.BaseURL) {
		t.Fatalf("%+v", at)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(at.Certificate)) {
		t.Fatalf("no certificate in %q", at.Certificate)
	}
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer trusting.CloseIdleConnections()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		url := strings.Replace(at.BaseURL, "127.0.0.1", host, 1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/oauth/token", strings.NewReader("grant_type=client_credentials"))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(at.ClientID, at.ClientSecret)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := trusting.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var token struct {
			Value string `json:"access_token"`
		}
		err = json.NewDecoder(resp.Body).Decode(&token)
		resp.Body.Close()
		if err != nil || token.Value == "" {
			t.Errorf("%s: %d, %v", host, resp.StatusCode, err)
		}
	}
	if resp, err := (&http.Client{Transport: &http.Transport{}}).Get(at.BaseURL); err == nil {
		resp.Body.Close()
		t.Error("a client that does not know the certificate took it")
	}
}
