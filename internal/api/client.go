package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TokenVariable is the environment variable that holds the token of whoever runs a command.
const TokenVariable = "GATEWARDEN_TOKEN"

// Client asks a daemon.
type Client struct {
	Server string                                     // where its admin listener is, as URL
	Token  string                                     // empty: none
	HTTP   *http.Client                               // nil: one that waits half a minute
	Wait   func(context.Context, time.Duration) error // between two looks at a command; nil: in real time
}

// maxRead bounds an answer, in bytes.
const maxRead = 64 << 20

// do sends a request; its error is a *Problem where the daemon answered.
func (c *Client) do(ctx context.Context, method, path string, body any, key string) (*http.Response, error) {
	var text io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("ask the daemon: %w", err)
		}
		text = bytes.NewReader(raw)
	}
	base, err := url.Parse(c.Server)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil {
		shown := "the text given"
		if err == nil {
			shown = strconv.Quote(base.Redacted())
		}
		return nil, fmt.Errorf("ask the daemon: %s is not the URL of its admin listener, such as http://127.0.0.1:9091", shown)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Server, "/")+prefix+path, text)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon at %s: %w", c.Server, err)
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := c.client().Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w: is it running, and is %s its admin address? --server names another", err, c.Server)
	}
	if answer.StatusCode/100 != 2 {
		defer func() { _ = answer.Body.Close() }()
		return nil, ProblemIn(answer, c.Server)
	}
	return answer, nil
}

// client follows no redirect: a token is for the daemon that was named.
func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ProblemIn is what a daemon says is wrong. What is no problem of ours is no daemon of ours.
func ProblemIn(r *http.Response, server string) error {
	var p Problem
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil || !strings.HasPrefix(p.Type, problemType) {
		return fmt.Errorf("ask the daemon at %s: %s: is this the admin address of gatewarden, of this version?", server, r.Status)
	}
	p.Status = r.StatusCode
	return &p
}

func get[T any](ctx context.Context, c *Client, path string) (out T, err error) {
	answer, err := c.do(ctx, http.MethodGet, path, nil, "")
	if err != nil {
		return out, err
	}
	return read[T](answer, c.Server)
}

func read[T any](answer *http.Response, server string) (out T, err error) {
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxRead)).Decode(&out); err != nil {
		return out, fmt.Errorf("read what the daemon at %s answers: %w", server, err)
	}
	return out, nil
}

// list is all pages of a list.
func list[T any](ctx context.Context, c *Client, path string, q url.Values) ([]T, error) {
	out := []T{}
	with := url.Values{"limit": {"1000"}}
	for k, v := range q {
		with[k] = v
	}
	for {
		page, err := get[Page[T]](ctx, c, path+"?"+with.Encode())
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if page.Next == "" || page.Next == with.Get("after") {
			return out, nil
		}
		with.Set("after", page.Next)
	}
}

// Findings are those that pass a filter: state, rule, severity, environment, project, owner.
func (c *Client) Findings(ctx context.Context, q url.Values) ([]Finding, error) {
	return list[Finding](ctx, c, "/findings", q)
}

// Finding is one finding.
func (c *Client) Finding(ctx context.Context, id string) (Finding, error) {
	return get[Finding](ctx, c, "/findings/"+url.PathEscape(id))
}

// Actions are those that pass a filter: state, finding, rule, severity, environment, project, owner.
func (c *Client) Actions(ctx context.Context, q url.Values) ([]Action, error) {
	return list[Action](ctx, c, "/actions", q)
}

// Action is one action.
func (c *Client) Action(ctx context.Context, id string) (Action, error) {
	return get[Action](ctx, c, "/actions/"+url.PathEscape(id))
}

// Places are the orgs and projects that there are to see.
func (c *Client) Places(ctx context.Context) ([]Place, error) {
	return list[Place](ctx, c, "/places", nil)
}

// Waivers are those of the configuration and of commands, and what is proposed.
func (c *Client) Waivers(ctx context.Context) ([]Waiver, error) {
	return list[Waiver](ctx, c, "/waivers", nil)
}

// Expectations are those of the configuration and of commands.
func (c *Client) Expectations(ctx context.Context) ([]access.Expectation, error) {
	return list[access.Expectation](ctx, c, "/expectations", nil)
}

// Freezes are those that hold.
func (c *Client) Freezes(ctx context.Context) ([]Freeze, error) {
	return list[Freeze](ctx, c, "/freezes", nil)
}

// Incidents are those that run and those that are over.
func (c *Client) Incidents(ctx context.Context) ([]Incident, error) {
	return list[Incident](ctx, c, "/incidents", nil)
}

// Adoptions are those that were asked for.
func (c *Client) Adoptions(ctx context.Context) ([]Adoption, error) {
	return list[Adoption](ctx, c, "/adoptions", nil)
}

// Adoptable is what an adoption would make actionable.
func (c *Client) Adoptable(ctx context.Context, rule, org, project string) (Adoptable, error) {
	q := url.Values{"rule": {rule}}
	if org != "" {
		q.Set("org", org)
	}
	if project != "" {
		q.Set("project", project)
	}
	return get[Adoptable](ctx, c, "/adoptions/preview?"+q.Encode())
}

// Whoami is who the token says asks.
func (c *Client) Whoami(ctx context.Context) (Whoami, error) { return get[Whoami](ctx, c, "/whoami") }

// ErrUndecided is what [Client.Submit] ends with when it waited long enough.
var ErrUndecided = errors.New("the command was taken and is not decided yet")

// patience is how often Submit asks for a command that is not decided.
const patience = 20

// Submit gives a command under a key, which makes a repetition the same command, and waits
// until it is decided. A command that is refused is a *Problem.
func (c *Client) Submit(ctx context.Context, r Request, key string) (Command, error) {
	answer, err := c.do(ctx, http.MethodPost, "/commands", r, key)
	if err != nil {
		return Command{}, err
	}
	out, err := read[Command](answer, c.Server)
	for range patience {
		if err != nil || out.State != CommandPending {
			break
		}
		if err := c.wait(ctx, time.Second); err != nil {
			return out, err
		}
		next, lost := get[Command](ctx, c, "/commands/"+url.PathEscape(out.ID))
		if p, ok := errors.AsType[*Problem](lost); ok && p.Status == http.StatusNotFound {
			continue // another process answers, which knows commands only once they are decided
		}
		out, err = next, lost
	}
	switch {
	case err != nil:
		return out, err
	case out.State == CommandPending:
		return out, fmt.Errorf("%w: its id is %s", ErrUndecided, out.ID)
	case out.State == CommandRefused:
		p := problem(http.StatusConflict, "refused", "The command was refused", "", "%s", out.Why)
		p.Command = &out
		return out, p
	}
	return out, nil
}

func (c *Client) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Copy copies what a path answers, as it is: an audit, evidence, the description of the API.
func (c *Client) Copy(ctx context.Context, path string, w io.Writer) error {
	answer, err := c.do(ctx, http.MethodGet, path, nil, "")
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("read what the daemon at %s answers: %w", c.Server, err)
	}
	return nil
}
