package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/rules"
)

// ReplayOptions say what is replayed.
type ReplayOptions struct {
	Version  string
	Since    string        // as [Since] reads it; with From it may be empty: the whole file
	Rules    []string      // files and folders in place of rules.paths; nil: those
	Projects []string      // by name or id, with *; nil: all scopes
	Server   string        // of the admin API; empty: http.admin of the configuration
	From     string        // a history that was exported is replayed in place of the daemon's
	Export   string        // the history is kept there
	Tick     time.Duration // at which dates are seen to pass; 0: an hour
	Client   *http.Client  // nil: one of its own
	Note     func(string)  // is told what the caller may want to know beside the result; nil: nobody
}

// Replayed is what a replay found.
type Replayed = scan.Replayed

// ReplayFinding is one episode of it.
type ReplayFinding = scan.ReplayFinding

// replaying is one replay under way.
type replaying struct {
	ReplayOptions
	file   *config.File
	new    *settings
	server server
	stored bool // the history came from a daemon that runs
}

// Replay judges the stored history by a configuration as the daemon would have judged it,
// and says what its responses would have done. It writes nothing to Atlas and changes no
// finding; a running daemon is told which rules were replayed.
func Replay(ctx context.Context, f *config.File, o ReplayOptions) (Replayed, error) {
	given := *f
	if o.Rules != nil {
		given.Rules.Paths = o.Rules
	}
	s, err := o.settings(&given)
	if err != nil {
		return Replayed{}, configError{err}
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	r := &replaying{ReplayOptions: o, file: &given, new: s, server: serverOf(o.Server, f, o.Client)}
	name, done, err := r.history(ctx)
	if err != nil {
		return Replayed{}, err
	}
	defer done()
	return r.replay(ctx, name)
}

// settings takes no secret where a history is replayed that was exported: who Gatewarden
// itself is there is then known from the daemon that the history is of.
func (o ReplayOptions) settings(f *config.File) (*settings, error) {
	if o.From == "" {
		return build(f)
	}
	own, unset := ownAccess(f)
	if unset != nil {
		own = access.OwnAccess{}
		if head, err := scan.ReadHistory(o.From); err == nil { // else that is said when it is replayed
			own = head.Running.Policy.Own
		}
	}
	return buildFor(f, own)
}

func (r *replaying) replay(ctx context.Context, name string) (Replayed, error) {
	head, err := scan.ReadHistory(name)
	if err != nil {
		return Replayed{}, configError{err}
	}
	o := scan.ReplayOptions{
		Version: r.Version, New: scan.Rulebook{Engine: r.new.engine, Waivers: r.new.file.Waivers}, Old: r.running(head.Running),
		Projects: r.Projects, Tick: r.Tick, Respond: responder(r.new.policy, r.new.engine),
		Caps: scan.Caps{Project: r.new.policy.Caps.ProjectHour, Org: r.new.policy.Caps.OrgHour},
	}
	if r.From != "" && r.Since != "" {
		if o.Since, err = Since(r.Since, head.At); err != nil {
			return Replayed{}, configError{err}
		}
	}
	out, err := scan.Replay(name, o)
	if err != nil {
		return out, configError{err}
	}
	r.record(ctx)
	return out, nil
}

// running is the rule book of the daemon, where it differs from the new one and can be
// built here.
func (r *replaying) running(by scan.Running) *scan.Rulebook {
	if by.Hash == "" || by.Hash == r.new.engine.Hash() {
		return nil
	}
	e, err := by.Engine()
	if err != nil {
		r.Note("nothing is compared: " + err.Error())
		return nil
	}
	return &scan.Rulebook{Engine: e, Waivers: by.Policy.Waivers}
}

// history is the file that is replayed, and what cleans up after it.
func (r *replaying) history(ctx context.Context) (name string, done func(), err error) {
	if r.From != "" {
		return r.From, func() {}, nil
	}
	if name, done = r.Export, func() {}; name == "" {
		dir, err := os.MkdirTemp("", "gatewarden-replay-*") // 0700
		if err != nil {
			return "", nil, fmt.Errorf("make a folder for the history: %w", err)
		}
		name, done = filepath.Join(dir, "history"), func() { _ = os.RemoveAll(dir) }
	}
	if err = scan.SaveHistory(name, func(w io.Writer) error { return r.fetch(ctx, w) }); err != nil {
		done()
	}
	return name, done, err
}

// fetch writes the history as the daemon tells it, or as its store does where no daemon
// runs.
func (r *replaying) fetch(ctx context.Context, w io.Writer) error {
	if _, err := Since(r.Since, time.Now()); err != nil {
		return configError{err}
	}
	err := r.server.history(ctx, r.Since, w)
	if err == nil {
		r.stored = true
		return nil
	}
	if !errors.Is(err, syscall.ECONNREFUSED) || r.Server != "" {
		return err
	}
	store := r.file.NATS.Store
	if r.file.NATS.External() {
		store = r.file.NATS.URL
	} else if _, missing := os.Stat(store); missing != nil {
		return fmt.Errorf("no daemon answers at %s, and there is no store at %s: start the daemon, name its admin address with --server, or give an exported history with --from", r.server.base, store)
	}
	inUse := readStore(ctx, r.file, r.Version, func(h historian) error {
		since, err := Since(r.Since, h.now)
		if err != nil {
			return err
		}
		return h.write(ctx, w, since)
	})
	if inUse != nil {
		return fmt.Errorf("no daemon answers at %s, and its store cannot be read: %w; if a daemon runs, name its admin address with --server", r.server.base, inUse)
	}
	r.Note("no daemon answers at " + r.server.base + ": the history was read out of the store " + store)
	return nil
}

// record has the daemon replay the same, and take down that it did. It is not asked
// where nothing is turned to revert; nor of a part of the projects: what a rule does to the
// others is not known by it.
func (r *replaying) record(ctx context.Context) {
	if !r.stored || len(r.Projects) > 0 {
		return
	}
	if !slices.ContainsFunc(r.new.engine.Rules(), func(x rules.Rule) bool {
		return x.Ceiling == access.CeilingAuto && reverted(r.new.policy.Responses, x.ID)
	}) {
		return
	}
	taken, err := r.server.replay(ctx, requestOf(r.new, r.Version, r.Since))
	switch {
	case err != nil:
		r.Note("the daemon did not take down that these rules were replayed: " + err.Error())
	case !taken.Enough:
		r.Note(fmt.Sprintf("the daemon goes on to warn of rules that revert: this replay covers %s of watched history, and %s are wanted; history begins at %s",
			taken.Covered, scan.Length(replaySpan), taken.Since.UTC().Format(time.RFC3339)))
	}
}

// NeverReplayed are the rules that the responses of a configuration turn to revert, and
// that were not replayed lately as they are over enough of history, as far as a running
// daemon knows. Without one that answers nothing is known.
func NeverReplayed(ctx context.Context, f *config.File, version, address string, client *http.Client) (missing []Unreplayed, known bool) {
	s, err := build(f)
	if err != nil {
		return nil, false
	}
	if len(unreplayed(s, version, StoredReplays{}, time.Now())) == 0 {
		return nil, true // nothing reverts: nobody needs to be asked
	}
	ctx, cancel := context.WithTimeout(ctx, askBriefly)
	defer cancel()
	stored, err := serverOf(address, f, client).replays(ctx)
	if err != nil {
		return nil, false
	}
	return unreplayed(s, version, stored, time.Now()), true
}

const askBriefly = 2 * time.Second

func serverOf(address string, f *config.File, client *http.Client) server {
	if client == nil {
		client = &http.Client{}
	}
	return server{cmp.Or(address, "http://"+f.HTTP.Admin), client}
}
