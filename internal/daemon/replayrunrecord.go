package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/scan"
	"github.com/gatewarden/gatewarden/remediate"
	"github.com/gatewarden/gatewarden/rules"
)

const (
	replaysKey  = "replays"           // in the bucket of control, beside the ledgers of caps
	replayHolds = 90 * 24 * time.Hour // a replay of a rule says little about it after that
	replaySpan  = 7 * 24 * time.Hour  // of history that was watched: less says little about a rule
	replaysKept = 8                   // of one rule, by what it was
)

// StoredReplays are the replays that a daemon made, by rule.
type StoredReplays struct {
	V     int                       `json:"v"`
	Rules map[string][]StoredReplay `json:"rules,omitempty"` // the newest first, one for each of what the rule was
}

// StoredReplay is one replay of one rule.
type StoredReplay struct {
	Hash    string      `json:"hash"` // of the rule as it would have run
	At      time.Time   `json:"at"`   // when it was stored
	Since   time.Time   `json:"since"`
	Until   time.Time   `json:"until"`
	Covered scan.Length `json:"covered"` // how much of that was watched
	Opened  int         `json:"opened"`
	Reverts int         `json:"reverts"` // that would have been made
}

// terms are what a rule runs under.
type terms struct {
	version   string // of the program: what expressions call is in it
	declared  string // names all that is declared, and the guards that a revert passes
	responses []access.Response
}

// termsOf are the terms of a policy. Waivers and expectations are no part of them: they come
// and go by design, and only ever keep a rule from a revert. Overrides are in the rules.
func termsOf(p rules.Policy, guards remediate.Policy, version string) terms {
	p.Waivers, p.Expectations, p.Overrides = nil, nil, nil
	guards.Guards.Retention = 0 // of what is never done without being asked
	return terms{version, digestOf(struct {
		Policy rules.Policy
		Caps   remediate.Caps
		Settle remediate.Settle
		Never  []string
		Guards remediate.Guards
	}{p, guards.Caps, guards.Settle, guards.NeverTouch, guards.Guards}), guards.Responses}
}

// ruleHash names a rule as it would run: what it says, as this installation has it; all that
// is declared, since any of it may decide what a rule finds and what a revert then does; what
// responds to it; and what program judges.
func ruleHash(r rules.Rule, t terms) string {
	responses := []access.Response{}
	for _, x := range t.responses {
		if respondsTo(x, r.ID) {
			x.Rules = nil // by which words it was meant does not matter
			responses = append(responses, x)
		}
	}
	return access.Hash(t.version, t.declared, r.ID, r.Text, digestOf(struct {
		Params       map[string]any
		Severity     access.Severity
		Environments []string
		StandsFor    time.Duration
		Ceiling      access.Ceiling
		Remedy       string
		Responses    []access.Response
	}{r.Params, r.Severity, r.Environments, r.StandsFor, r.Ceiling, r.Remedy, responses}))
}

// digestOf is the same for the same, whether it was built here or came by a request.
func digestOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("daemon: what a rule runs under does not encode: " + err.Error())
	}
	return access.Hash(string(raw))
}

func respondsTo(r access.Response, rule string) bool {
	return len(r.Rules) == 0 || slices.ContainsFunc(r.Rules, func(p string) bool { return access.Match(p, rule) })
}

// with is what is stored once a replay of these rules is added; what is older than it holds
// is left out.
func (s StoredReplays) with(replayed map[string]StoredReplay, now time.Time) StoredReplays {
	out := StoredReplays{V: access.Version, Rules: map[string][]StoredReplay{}}
	for id, list := range s.Rules {
		list = slices.DeleteFunc(slices.Clone(list), func(x StoredReplay) bool {
			return now.Sub(x.At) > replayHolds || x.Hash == replayed[id].Hash && x.Covered <= replayed[id].Covered
		})
		if len(list) > 0 {
			out.Rules[id] = list
		}
	}
	for id, x := range replayed {
		x.At = now
		list := slices.Insert(out.Rules[id], 0, x)
		out.Rules[id] = list[:min(len(list), replaysKept)]
	}
	return out
}

// Unreplayed is a rule that a response turns to revert, and that was not replayed lately as
// it is over enough of history.
type Unreplayed struct {
	Rule     string
	Replayed bool        // it was, over too little
	Covered  scan.Length // so much
	Begins   time.Time   // since when there was a history then
	hash     string
}

// Why says what is missing.
func (u Unreplayed) Why() string {
	if !u.Replayed {
		return fmt.Sprintf("was not replayed within %d days as it is", int(replayHolds.Hours()/24))
	}
	return fmt.Sprintf("was replayed over %s of watched history only, which begins at %s: that is not enough, want %s at least",
		u.Covered, u.Begins.UTC().Format(time.RFC3339), scan.Length(replaySpan))
}

// unreplayed are the rules that a response turns to revert, and that no stored replay
// shows the effect of.
func unreplayed(s *settings, version string, known StoredReplays, now time.Time) (out []Unreplayed) {
	under := termsOf(s.rules, s.policy, version)
	for _, r := range s.engine.Rules() {
		if notReverted(r) != "" || !reverted(s.file.Responses, r.ID) {
			continue
		}
		if u, missing := known.missing(r.ID, ruleHash(r, under), now); missing {
			out = append(out, u)
		}
	}
	return out
}

// missing is what a rule lacks, if it does.
func (s StoredReplays) missing(id, hash string, now time.Time) (Unreplayed, bool) {
	out := Unreplayed{Rule: id, hash: hash}
	for _, x := range s.Rules[id] {
		if x.Hash != hash || now.Sub(x.At) > replayHolds {
			continue
		}
		if time.Duration(x.Covered) >= replaySpan {
			return out, false
		}
		if !out.Replayed || x.Covered > out.Covered {
			out.Replayed, out.Covered, out.Begins = true, x.Covered, x.Since
		}
	}
	return out, true
}

func reverted(responses []access.Response, rule string) bool {
	return slices.ContainsFunc(responses, func(r access.Response) bool { return r.Do == access.ModeRevert && respondsTo(r, rule) })
}

// checkReplays counts the rules that would revert without having been replayed, and warns
// of each once.
func (d *Daemon) checkReplays(ctx context.Context) {
	known, _, err := d.replayed.Get(ctx, replaysKey)
	d.warn(ctx, "replays", "the stored replays cannot be read", err)
	if err != nil {
		return
	}
	missing := unreplayed(d.settings.get(), d.opts.Version, known, d.fleet.Now())
	d.metrics.unreplayed.Set(float64(len(missing)))
	d.mu.Lock()
	defer d.mu.Unlock()
	told := map[string]bool{}
	for _, u := range missing {
		key := fmt.Sprint(u.Rule, " ", u.hash, " ", u.Replayed)
		if told[key] = true; !d.unreplayed[key] {
			d.logger.Warn("a response reverts by a rule that was never replayed over enough of history",
				zap.String("rule", u.Rule), zap.String("why", "it "+u.Why()), zap.String("mend", replayFirst))
		}
	}
	d.unreplayed = told
}

const replayFirst = "run gatewarden replay --since 30d with this configuration, and look at what it would have reverted"

// store keeps what a replay came to.
func (d *Daemon) store(ctx context.Context, replayed map[string]StoredReplay) error {
	now := d.fleet.Now().Round(0).UTC()
	_, err := d.replayed.Update(ctx, replaysKey, func(cur StoredReplays, _ uint64) (*StoredReplays, []access.Out, error) {
		if cur.V > access.Version {
			return nil, nil, fmt.Errorf("the stored replays are of version %d, which a newer program wrote: run that version", cur.V)
		}
		next := cur.with(replayed, now)
		return &next, nil, nil
	})
	if err != nil {
		return fmt.Errorf("store the replay: %w", err)
	}
	d.checkReplays(ctx)
	return nil
}

var errBusy = errors.New("another replay is under way: try again when it has ended")
