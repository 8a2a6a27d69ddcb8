package daemon

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

	"github.com/gatewarden/gatewarden/internal/api"
)

// server is the admin API of a running daemon, as seen by a command.
type server struct {
	base   string
	client *http.Client
}

func (s server) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.base, "/")+path, body)
	if err != nil {
		return nil, configError{fmt.Errorf("ask the daemon at %s: %w", s.base, err)}
	}
	if token := os.Getenv(api.TokenVariable); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10)) // the status is there without it
	why := strings.TrimSpace(string(text))
	if answer.StatusCode == http.StatusNotFound {
		why += ": is this the admin address of gatewarden, of this version?"
	}
	return nil, fmt.Errorf("ask the daemon at %s: %s: %s", s.base, answer.Status, why)
}

// history copies the history since a time.
func (s server) history(ctx context.Context, since string, w io.Writer) error {
	answer, err := s.do(ctx, http.MethodGet, "/api/v1/history?since="+url.QueryEscape(since), nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("read the history from the daemon at %s: %w", s.base, err)
	}
	return nil
}

// present copies what the daemon knows to be true now, and what it does.
func (s server) present(ctx context.Context, w io.Writer) error {
	answer, err := s.do(ctx, http.MethodGet, "/api/v1/history?since=1m&findings=true", nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("read what is true now from the daemon at %s: %w", s.base, err)
	}
	return nil
}

// replay has the daemon replay its history, too, and take down what comes of it.
func (s server) replay(ctx context.Context, by replayRequest) (out TakenDown, err error) {
	raw, err := json.Marshal(by)
	if err != nil {
		return out, fmt.Errorf("ask the daemon: %w", err)
	}
	answer, err := s.do(ctx, http.MethodPost, "/api/v1/replays", bytes.NewReader(raw))
	if err != nil {
		return out, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(answer.Body, 16<<20)).Decode(&out); err != nil {
		return out, fmt.Errorf("read what the daemon at %s replayed: %w", s.base, err)
	}
	return out, nil
}

// replays are those that the daemon knows of.
func (s server) replays(ctx context.Context) (StoredReplays, error) {
	answer, err := s.do(ctx, http.MethodGet, "/api/v1/replays", nil)
	if err != nil {
		return StoredReplays{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	var out StoredReplays
	if err := json.NewDecoder(io.LimitReader(answer.Body, 16<<20)).Decode(&out); err != nil {
		return out, fmt.Errorf("read the replays that the daemon at %s knows of: %w", s.base, err)
	}
	return out, nil
}
