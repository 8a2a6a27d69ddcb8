package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/internal/stream"
	"github.com/gatewarden/gatewarden/rules"
)

// historian writes what a store holds of the past.
type historian struct {
	stream    *stream.Stream
	inventory *stream.KV[access.Collection]
	findings  *stream.KV[access.Findings]
	waivers   *stream.KV[access.Waivers]
	use       *stream.KV[access.History]
	settings  *settings // its engine may be nil: then nothing is said of what was judged by
	version   string
	now       time.Time
	controls  *stream.KV[access.Control]
	actions   *stream.KV[access.Action]
	present   bool // with the findings that are kept, and what is done about them
}

func (d *Daemon) historian() historian {
	return historian{d.stream, d.inventory, d.findings, d.waivers, d.history, d.settings.get(), d.opts.Version, d.fleet.Now().Round(0).UTC(), d.controls, d.actions, false}
}

// write writes the history since a time: the inventory first, then the changes, so that
// every change that the inventory shows is among them; outboxes that a dead process left
// are published in between.
func (h historian) write(ctx context.Context, w io.Writer, since time.Time) error {
	head, err := h.head(ctx, since)
	if err != nil {
		return err
	}
	out, err := scan.NewHistoryWriter(w, head)
	if err != nil {
		return err
	}
	keys, err := h.inventory.Keys(ctx)
	if err != nil {
		return fmt.Errorf("list the inventory: %w", err)
	}
	for _, k := range keys {
		c, rev, err := h.inventory.Get(ctx, k)
		if err != nil {
			return fmt.Errorf("load %s: %w", k, err)
		}
		if rev == 0 || c.Scope == "" {
			continue
		}
		if err := out.Collection(c, rev); err != nil {
			return err
		}
	}
	if err := h.uses(ctx, out); err != nil {
		return err
	}
	if err := h.kept(ctx, out); err != nil {
		return err
	}
	if _, err := h.inventory.Flush(ctx); err != nil {
		return fmt.Errorf("publish the changes that are due: %w", err)
	}
	if err := h.stream.ChangesSince(ctx, head.Since, out.Change); err != nil {
		return err
	}
	return out.Close()
}

// uses writes what is known of use.
func (h historian) uses(ctx context.Context, out *scan.HistoryWriter) error {
	keys, err := h.use.Keys(ctx)
	if err != nil {
		return fmt.Errorf("list the history of use: %w", err)
	}
	for _, k := range keys {
		doc, _, err := h.use.Get(ctx, k)
		if err != nil {
			return fmt.Errorf("load the history of use of %s: %w", k, err)
		}
		if doc.Scope == "" {
			continue
		}
		if err := out.Use(doc); err != nil {
			return err
		}
	}
	return nil
}

// kept writes the findings that are kept, where they are asked for.
func (h historian) kept(ctx context.Context, out *scan.HistoryWriter) error {
	if !h.present {
		return nil
	}
	keys, err := h.findings.Keys(ctx)
	if err != nil {
		return fmt.Errorf("list findings: %w", err)
	}
	for _, k := range keys {
		doc, _, err := h.findings.Get(ctx, k)
		if err != nil {
			return fmt.Errorf("load findings of %s: %w", k, err)
		}
		if doc.Scope == "" {
			continue
		}
		if err := out.Findings(doc); err != nil {
			return err
		}
	}
	return h.underway(ctx, out)
}

// underway writes the actions that are not done.
func (h historian) underway(ctx context.Context, out *scan.HistoryWriter) error {
	keys, err := h.actions.Keys(ctx)
	if err != nil {
		return fmt.Errorf("list actions: %w", err)
	}
	for _, k := range keys {
		a, rev, err := h.actions.Get(ctx, k)
		if err != nil {
			return fmt.Errorf("load action %s: %w", k, err)
		}
		if rev == 0 || a.State.Done() {
			continue
		}
		if err := out.Action(a); err != nil {
			return err
		}
	}
	return nil
}

func (h historian) head(ctx context.Context, since time.Time) (scan.History, error) {
	out := scan.History{
		Version: h.version, Asked: since, Since: since, At: h.now, Held: map[access.Scope]string{},
	}
	if e := h.settings.engine; e != nil {
		out.Running = scan.Running{Hash: e.Hash(), Policy: h.settings.rules, Rules: h.settings.sources, Only: onlyIDs(h.settings.file, e)}
	}
	if h.present {
		out.Acting = acting(h.settings)
	}
	for _, o := range h.settings.file.Atlas.Orgs {
		out.Orgs = append(out.Orgs, o.ID)
	}
	first, dropped, err := h.stream.ChangesBegin(ctx)
	if err != nil {
		return out, err
	}
	if dropped && first.After(since) {
		out.Since, out.Kept = first, first
	}
	if out.Waivers, _, err = h.waivers.Get(ctx, rules.WaiversKey); err != nil {
		return out, fmt.Errorf("load waivers: %w", err)
	}
	out.Waivers.Waivers = rules.Dated(out.Waivers.Waivers, h.now)
	keys, err := h.findings.Keys(ctx)
	if err != nil {
		return out, fmt.Errorf("list findings: %w", err)
	}
	if err := h.held(ctx, out.Acting, keys); err != nil {
		return out, err
	}
	for _, k := range keys {
		doc, _, err := h.findings.Get(ctx, k)
		if err != nil {
			return out, fmt.Errorf("load findings of %s: %w", k, err)
		}
		if doc.Environment != "" {
			out.Held[access.Scope(k)] = doc.Environment
		}
	}
	return out, nil
}

// held says what people have frozen and stopped, where they have.
func (h historian) held(ctx context.Context, a *scan.Acting, scopes []string) error {
	if a == nil {
		return nil
	}
	a.Controls = map[access.Scope]access.Control{}
	for _, scope := range scopes {
		c, rev, err := h.controls.Get(ctx, "scope."+scope)
		if err != nil {
			return fmt.Errorf("load what holds in %s: %w", scope, err)
		}
		if _, incident := c.Incident(h.now); rev > 0 && (c.Freeze.On || incident || len(c.Stopped) > 0) {
			a.Controls[access.Scope(scope)] = c
		}
	}
	return nil
}

// onlyIDs are the rules that the file chooses, in the order in which it does; nil: all.
func onlyIDs(f *config.File, e *rules.Engine) []string {
	if f.Rules.Only == nil {
		return nil
	}
	out := []string{}
	for _, pattern := range f.Rules.Only {
		ids, _ := matching(e, pattern)
		out = append(out, ids...)
	}
	return out
}

// serveHistory is GET /api/v1/history?since=30d: one JSON object a line, the last of which
// says that it is whole. With findings=true it tells the findings that are kept, too.
func (d *Daemon) serveHistory(w http.ResponseWriter, r *http.Request) {
	h := d.historian()
	h.present = r.URL.Query().Get("findings") == "true"
	since, err := Since(r.URL.Query().Get("since"), h.now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if err := h.write(r.Context(), slowly{w, http.NewResponseController(w)}, since); err != nil && r.Context().Err() == nil {
		d.logger.Error("a history could not be written", zap.Error(err))
	}
}

// slowly gives each write a minute, however long the whole takes.
type slowly struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write implements io.Writer.
func (s slowly) Write(b []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(time.Minute)) // a writer without deadlines needs none
	return s.ResponseWriter.Write(b)
}

// longestSince is the longest time that a replay goes back; nothing was kept for longer.
const longestSince = 3650 * 24 * time.Hour

// Since is the time that a text such as 30d, 36h, 2026-01-31 or RFC 3339 means.
func Since(text string, now time.Time) (time.Time, error) {
	since, err := sinceOf(text, now)
	switch {
	case err != nil:
		return since, fmt.Errorf("since %q: %w", text, err)
	case !since.Before(now):
		return since, fmt.Errorf("since %q: it must lie before now", text)
	case since.Before(now.Add(-longestSince)):
		return since, fmt.Errorf("since %q: %w", text, errTooLong)
	}
	return since, nil
}

var (
	errNoSince = errors.New("want a length of time such as 30d or 36h, a day such as 2026-01-31, or a time as in RFC 3339")
	errTooLong = errors.New("it lies more than 3650 days (10 years) back; no history is kept for that long")
)

func sinceOf(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); errors.Is(err, strconv.ErrRange) || err == nil && n > int(longestSince/(24*time.Hour)) {
			return time.Time{}, errTooLong // said before it is multiplied, which would wrap around
		} else if err == nil {
			return now.Add(-time.Duration(max(n, 0)) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Time{}, errNoSince
}

// readStore writes the history out of the store of a daemon that does not run. Nobody else
// may hold the store; nothing is written into it but what was due to be published.
func readStore(ctx context.Context, f *config.File, version string, write func(historian) error) (err error) {
	st, done, err := offlineStream(ctx, f)
	if err != nil {
		return err
	}
	defer func() {
		if closing := done(); err == nil {
			err = closing
		}
	}()
	return write(historian{
		stream: st, inventory: stream.Bucket[access.Collection](st, "inventory"), findings: stream.Bucket[access.Findings](st, "findings"),
		waivers: stream.Bucket[access.Waivers](st, "waivers"), use: stream.Bucket[access.History](st, "history"), settings: &settings{file: f}, version: version, now: time.Now().Round(0).UTC(),
	})
}
