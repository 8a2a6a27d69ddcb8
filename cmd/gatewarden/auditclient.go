package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/api"
)

const (
	defaultServer = "http://127.0.0.1:9091"
	tokenVariable = "GATEWARDEN_TOKEN"
)

// serverFlag adds the flag that says which daemon is asked.
func serverFlag(c *cobra.Command, server *string) {
	c.Flags().StringVar(server, "server", defaultServer, "the `URL` of the daemon's admin listener; the token is in $"+tokenVariable)
}

// asked sends a request to a daemon and copies its answer. It follows no redirect: the token is
// for the daemon that was named.
func asked(ctx context.Context, server, method, path string, body any, to io.Writer) error {
	ctx = within(ctx)
	base, err := url.Parse(server)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return coded{exitUsage, fmt.Errorf("--server %s: want the URL of the daemon's admin listener, such as %s", server, defaultServer)}
	}
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(server, "/")+"/api/v1"+path, text)
	if err != nil {
		return coded{exitUsage, fmt.Errorf("--server %s: %w", server, err)}
	}
	r.Header.Set("Content-Type", "application/json")
	if token := os.Getenv(tokenVariable); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return coded{exitUnreadable, fmt.Errorf("ask the daemon: %w: is it running, and is %s its admin address?", err, server)}
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	if answer.StatusCode != http.StatusOK {
		return answered(api.ProblemIn(answer, server))
	}
	if _, err := io.Copy(to, answer.Body); err != nil {
		return coded{exitUnreadable, fmt.Errorf("read the answer of the daemon: %w: what came until then is not all", err)}
	}
	return nil
}

// askedFor is asked, for an answer in JSON.
func askedFor[T any](ctx context.Context, server, method, path string, body any) (out T, err error) {
	var text bytes.Buffer
	if err := asked(ctx, server, method, path, body, &text); err != nil {
		return out, err
	}
	if err := json.Unmarshal(text.Bytes(), &out); err != nil {
		return out, coded{exitUnreadable, fmt.Errorf("read the answer of the daemon: %w: is %s the admin address of gatewarden, of this version?", err, server)}
	}
	return out, nil
}

// wholeFinding is the id of a finding that is named by the beginning of one. A whole one is
// taken as it is: the audit knows findings that the daemon has forgotten.
func wholeFinding(ctx context.Context, server, id string) (string, error) {
	if len(id) >= len(access.Hash()) {
		return id, nil
	}
	f, err := findingNamed(within(ctx), &api.Client{Server: server, Token: os.Getenv(tokenVariable)}, id)
	if err != nil {
		return "", answered(err)
	}
	return f.ID, nil
}

// wholeAction is the same of an action.
func wholeAction(ctx context.Context, server, id string) (string, error) {
	if len(id) >= len(access.Hash()) {
		return id, nil
	}
	a, err := actionNamed(within(ctx), &api.Client{Server: server, Token: os.Getenv(tokenVariable)}, id)
	if err != nil {
		return "", answered(err)
	}
	return a.ID, nil
}

func within(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}
