package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// mediaType is the version of the API that the demo's own requests speak.
const mediaType = "application/vnd.atlas.2023-01-01+json"

// pipeline acts as CI does: over HTTP, with the token of a service account.
func pipeline(acc sim.ServiceAccount) actor {
	return actor{acc.Name, "CI, over the Admin API", func(ctx context.Context, s *set, r request) error {
		token, err := fetchToken(ctx, s.served.url, acc)
		if err != nil {
			return err
		}
		_, err = send(ctx, r.method, s.served.url+"/api/atlas/v2"+r.path, r.body, func(req *http.Request) {
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Accept", mediaType)
			req.Header.Set("Content-Type", mediaType)
		})
		return err
	}}
}

func fetchToken(ctx context.Context, base string, acc sim.ServiceAccount) (string, error) {
	raw, err := send(ctx, http.MethodPost, base+"/api/oauth/token", "grant_type=client_credentials", func(r *http.Request) {
		r.SetBasicAuth(url.QueryEscape(acc.ClientID), url.QueryEscape(acc.Secret))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	if err != nil {
		return "", fmt.Errorf("get a token for %s: %w", acc.Name, err)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&answer); err != nil {
		return "", fmt.Errorf("get a token for %s: %w", acc.Name, err)
	}
	return answer.AccessToken, nil
}

// send makes one request and returns its answer's body; an answer from 300 on is an error.
func send(ctx context.Context, method, address, body string, dress func(*http.Request)) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	dress(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: answer %d: %s", method, req.URL.Path, resp.StatusCode, raw)
	}
	return raw, err
}
