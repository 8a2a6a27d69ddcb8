package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

const maxRequest = 16 << 20 // of a replay: rules and policy

// replayRequest asks the daemon to replay its history by other rules, and to take down what
// came of it. It tells nothing that the daemon believes: what is taken down is what the
// daemon itself replayed.
type replayRequest struct {
	V       int               `json:"v"`
	Version string            `json:"version"` // of the program that asks
	Since   string            `json:"since"`
	Book    scan.Running      `json:"book"`
	Answers []access.Response `json:"responses"`
	Caps    remediate.Caps    `json:"caps"`
	Settle  remediate.Settle  `json:"settle"`
	Never   []string          `json:"neverTouch"`
	Guards  remediate.Guards  `json:"guards"`
}

// requestOf asks for a replay by these settings.
func requestOf(s *settings, version, since string) replayRequest {
	return replayRequest{
		V: access.Version, Version: version, Since: since, Answers: s.policy.Responses, Caps: s.policy.Caps, Settle: s.policy.Settle, Never: s.policy.NeverTouch, Guards: s.policy.Guards,
		Book: scan.Running{Hash: s.engine.Hash(), Policy: s.rules, Rules: s.sources, Only: onlyIDs(s.file, s.engine)},
	}
}

// TakenDown is what the daemon replayed, and took down.
type TakenDown struct {
	Asked   time.Time   `json:"asked"`
	Since   time.Time   `json:"since"`
	Until   time.Time   `json:"until"`
	Covered scan.Length `json:"covered"`
	Enough  bool        `json:"enough"` // to turn rules to revert without a warning
	Rules   []string    `json:"rules"`
}

// serveReplays is GET /api/v1/replays.
func (d *Daemon) serveReplays(w http.ResponseWriter, r *http.Request) {
	known, _, err := d.replayed.Get(r.Context(), replaysKey)
	answer(w, known, err)
}

// takeReplay is POST /api/v1/replays.
func (d *Daemon) takeReplay(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // however long it takes; a writer without deadlines needs none
	book, err := d.readRequest(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !d.replaying.TryLock() {
		http.Error(w, errBusy.Error(), http.StatusConflict)
		return
	}
	defer d.replaying.Unlock()
	out, err := d.replayAll(r.Context(), book)
	if err != nil {
		d.logger.Warn("a replay that was asked for could not be made", zap.Error(err))
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer(w, out, nil)
}

// asked is a request that can be met.
type askedReplay struct {
	replayRequest
	since  time.Time
	engine *rules.Engine
}

func (d *Daemon) readRequest(body io.Reader) (askedReplay, error) {
	var out askedReplay
	if err := json.NewDecoder(body).Decode(&out.replayRequest); err != nil {
		return out, fmt.Errorf("read what is to be replayed: %w", err)
	}
	if out.V != access.Version || out.Version != d.opts.Version {
		return out, fmt.Errorf("read what is to be replayed: version %q of gatewarden asks, and this daemon is %q: use the same for both", out.Version, d.opts.Version)
	}
	var err error
	if out.since, err = Since(out.Since, d.fleet.Now()); err != nil {
		return out, err
	}
	out.engine, err = out.Book.Engine()
	return out, err
}

// replayAll replays the history of all scopes, and takes down which rules that revert were replayed.
func (d *Daemon) replayAll(ctx context.Context, book askedReplay) (TakenDown, error) {
	var out TakenDown
	name, done, err := d.keepHistory(ctx, book.since)
	if err != nil {
		return out, err
	}
	defer done()
	p := remediate.Policy{Responses: book.Answers, Caps: book.Caps, Settle: book.Settle, NeverTouch: book.Never, Guards: book.Guards, Own: book.Book.Policy.Own, Networks: book.Book.Policy.Networks}
	r, err := scan.Replay(name, scan.ReplayOptions{
		Version: d.opts.Version, New: scan.Rulebook{Engine: book.engine, Waivers: book.Book.Policy.Waivers}, Respond: responder(p, book.engine),
		Caps: scan.Caps{Project: p.Caps.ProjectHour, Org: p.Caps.OrgHour}, Stop: func() error { return errors.Join(ctx.Err(), d.ctx.Err()) },
	})
	if err != nil {
		return out, err
	}
	out = TakenDown{Asked: r.Asked, Since: r.Since, Until: r.Until, Covered: r.Covered, Enough: time.Duration(r.Covered) >= replaySpan, Rules: []string{}}
	found := map[string]scan.RuleSum{}
	for _, s := range r.ByRule {
		found[s.Rule] = s
	}
	replayed := map[string]StoredReplay{}
	under := termsOf(book.Book.Policy, p, d.opts.Version)
	for _, rule := range book.engine.Rules() {
		if rule.Ceiling == access.CeilingAuto && reverted(book.Answers, rule.ID) {
			out.Rules = append(out.Rules, rule.ID)
			replayed[rule.ID] = StoredReplay{Hash: ruleHash(rule, under), Since: r.Since, Until: r.Until, Covered: r.Covered, Opened: found[rule.ID].Opened, Reverts: found[rule.ID].Reverts}
		}
	}
	return out, d.store(ctx, replayed)
}

// keepHistory keeps the history in the folder of the store, which alone is sure to be
// writable, and to be read by nobody else.
func (d *Daemon) keepHistory(ctx context.Context, since time.Time) (name string, done func(), err error) {
	const prefix = "replay-"
	store := d.opts.File.NATS.Store // none with a cluster: then the system's, where others may have theirs
	if store != "" {
		left, _ := filepath.Glob(filepath.Join(store, prefix+"*")) // by a process that was killed; the pattern is sound
		for _, dir := range left {
			_ = os.RemoveAll(dir) // else it is in nobody's way
		}
	}
	dir, err := os.MkdirTemp(store, prefix+"*") // 0700
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for the history: %w", err)
	}
	name, done = filepath.Join(dir, "history"), func() { _ = os.RemoveAll(dir) }
	h := d.historian()
	if err := scan.SaveHistory(name, func(w io.Writer) error { return h.write(ctx, w, since) }); err != nil {
		done()
		return "", nil, err
	}
	return name, done, nil
}
