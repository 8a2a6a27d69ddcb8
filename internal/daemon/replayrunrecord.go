package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

const (
	replaysKey  = "replays"           // in the bucket of control, beside the ledgers of caps
	replayHolds = 90 * 24 * time.Hour // a replay of a rule says little about it after that
	replaysKept = 8                   // of one rule, by its text
	maxRecord   = 1 << 20
)

// ReplayRecord says which rules were replayed, and what came of it.
type ReplayRecord struct {
	V     int                     `json:"v"`
	Since time.Time               `json:"since"`
	Until time.Time               `json:"until"`
	Rules map[string]RuleReplayed `json:"rules"` // by id
}

// RuleReplayed is what the replay of one rule came to.
type RuleReplayed struct {
	Hash    string `json:"hash"` // of the rule's text and parameters
	Opened  int    `json:"opened"`
	Reverts int    `json:"reverts"` // that would have been made
}

// StoredReplays are the replays that a daemon knows of, by rule.
type StoredReplays struct {
	V     int                       `json:"v"`
	Rules map[string][]StoredReplay `json:"rules,omitempty"` // the newest first, one a text
}

// StoredReplay is one replay of one rule.
type StoredReplay struct {
	RuleReplayed
	At    time.Time `json:"at"` // when it was stored
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// ruleHash names what a rule says and with which parameters.
func ruleHash(r rules.Rule) string {
	params, err := json.Marshal(r.Params)
	if err != nil {
		panic("daemon: parameters do not encode: " + err.Error())
	}
	return access.Hash(r.ID, r.Text, string(params))
}

// with is what is stored once a record is added; what is older than it holds is left out.
func (s StoredReplays) with(r ReplayRecord, now time.Time) StoredReplays {
	out := StoredReplays{V: access.Version, Rules: map[string][]StoredReplay{}}
	for id, list := range s.Rules {
		list = slices.DeleteFunc(slices.Clone(list), func(x StoredReplay) bool { return now.Sub(x.At) > replayHolds || x.Hash == r.Rules[id].Hash })
		if len(list) > 0 {
			out.Rules[id] = list
		}
	}
	for id, x := range r.Rules {
		list := slices.Insert(out.Rules[id], 0, StoredReplay{x, now, r.Since, r.Until})
		out.Rules[id] = list[:min(len(list), replaysKept)]
	}
	return out
}

// holds reports whether the text of a rule was replayed lately.
func (s StoredReplays) holds(r rules.Rule, now time.Time) bool {
	hash := ruleHash(r)
	return slices.ContainsFunc(s.Rules[r.ID], func(x StoredReplay) bool { return x.Hash == hash && now.Sub(x.At) <= replayHolds })
}

// unreplayed are the rules that a response turns to revert, and that no stored replay
// shows the effect of.
func unreplayed(s *settings, known StoredReplays, now time.Time) (out []rules.Rule) {
	for _, r := range s.engine.Rules() {
		if notReverted(r) == "" && reverted(s.file, r.ID) && !known.holds(r, now) {
			out = append(out, r)
		}
	}
	return out
}

func reverted(f *config.File, rule string) bool {
	return slices.ContainsFunc(f.Responses, func(r access.Response) bool {
		return r.Do == access.ModeRevert && (len(r.Rules) == 0 || slices.ContainsFunc(r.Rules, func(p string) bool { return access.Match(p, rule) }))
	})
}

// checkReplays counts the rules that would revert without having been replayed, and warns
// of each once.
func (d *Daemon) checkReplays(ctx context.Context) {
	known, _, err := d.replayed.Get(ctx, replaysKey)
	d.warn(ctx, "replays", "the stored replays cannot be read", err)
	if err != nil {
		return
	}
	missing := unreplayed(d.settings.get(), known, d.fleet.Now())
	d.metrics.unreplayed.Set(float64(len(missing)))
	d.mu.Lock()
	defer d.mu.Unlock()
	told := map[string]bool{}
	for _, r := range missing {
		key := r.ID + " " + ruleHash(r)
		if told[key] = true; !d.unreplayed[key] {
			d.logger.Warn("a response reverts by a rule that was never replayed", zap.String("rule", r.ID), zap.String("mend", replayFirst))
		}
	}
	d.unreplayed = told
}

const replayFirst = "run gatewarden replay --since 30d with this configuration, and look at what it would have reverted"

// serveReplays is GET /api/v1/replays.
func (d *Daemon) serveReplays(w http.ResponseWriter, r *http.Request) {
	known, _, err := d.replayed.Get(r.Context(), replaysKey)
	answer(w, known, err)
}

// takeReplay is POST /api/v1/replays.
func (d *Daemon) takeReplay(w http.ResponseWriter, r *http.Request) {
	rec, err := readRecord(http.MaxBytesReader(w, r.Body, maxRecord))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := d.fleet.Now().Round(0).UTC()
	_, err = d.replayed.Update(r.Context(), replaysKey, func(cur StoredReplays, _ uint64) (*StoredReplays, []access.Out, error) {
		if cur.V > access.Version {
			return nil, nil, fmt.Errorf("the stored replays are of version %d, which a newer program wrote: run that version", cur.V)
		}
		next := cur.with(rec, now)
		return &next, nil, nil
	})
	if err != nil {
		http.Error(w, "store the replay: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	d.checkReplays(r.Context())
	w.WriteHeader(http.StatusNoContent)
}

func readRecord(body io.Reader) (ReplayRecord, error) {
	var rec ReplayRecord
	dec := json.NewDecoder(body)
	if err := dec.Decode(&rec); err != nil {
		return rec, fmt.Errorf("read the record of a replay: %w", err)
	}
	switch {
	case rec.V != access.Version:
		return rec, fmt.Errorf("read the record of a replay: it is of version %d, and this daemon knows %d: use the same version of gatewarden for both", rec.V, access.Version)
	case !rec.Since.Before(rec.Until) || len(rec.Rules) == 0:
		return rec, errors.New("read the record of a replay: it tells of no rule, or of no time")
	}
	for id, x := range rec.Rules {
		if id == "" || x.Hash == "" || strings.TrimSpace(id) != id {
			return rec, fmt.Errorf("read the record of a replay: rule %q has no hash", id)
		}
	}
	return rec, nil
}
