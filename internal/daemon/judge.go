package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// judge gives the executor the one evaluator: the engine in force, over what was read
// just now. A fresh read knows only states; where the watcher's record of the same
// resource exists, its history (first seen, changed when and by whom) is carried over.
type judge struct {
	engine    func() *rules.Engine
	inventory documents[access.Collection]
	findings  documents[access.Findings]
	facts     documents[access.Facts]
	waivers   documents[access.Waivers]
	history   documents[access.History]
	fleet     *fleet
	stale     func() time.Duration
}

// Judge implements remediate's Judge.
func (j judge) Judge(ctx context.Context, f access.Finding, fresh map[access.Kind]access.Collection) (access.Verdict, error) {
	engine := j.engine() // one, though another is put in its place meanwhile
	doc, _, err := j.findings.Get(ctx, string(f.Ref.Scope))
	if err != nil {
		return access.Verdict{}, fmt.Errorf("load findings of %s: %w", f.Ref.Scope, err)
	}
	in := rules.Input{Scope: f.Ref.Scope, Environment: doc.Environment, Collections: map[access.Kind]access.Collection{}, Now: j.fleet.Now(), Standing: doc.Standing, Open: doc.Findings, Called: doc.Called}
	if in.Facts, _, err = j.facts.Get(ctx, string(f.Ref.Scope)); err != nil {
		return access.Verdict{}, fmt.Errorf("load facts of %s: %w", f.Ref.Scope, err)
	}
	in.Facts = rules.Lately(in.Facts, in.Now, j.stale())
	if in.History, _, err = j.history.Get(ctx, string(f.Ref.Scope)); err != nil {
		return access.Verdict{}, fmt.Errorf("load history of %s: %w", f.Ref.Scope, err)
	}
	waived, _, err := j.waivers.Get(ctx, rules.WaiversKey)
	if err != nil {
		return access.Verdict{}, fmt.Errorf("load waivers: %w", err)
	}
	in.Waivers, in.Expected = rules.Dated(waived.Waivers, in.Now), waived.Expectations
	in.Acknowledged = waived.Acknowledgements
	for _, kind := range engine.Takes(f.Rule, f.Ref.Scope) {
		known, _, err := j.inventory.Get(ctx, string(f.Ref.Scope)+"."+string(kind))
		if err != nil {
			return access.Verdict{}, fmt.Errorf("load %s of %s: %w", kind, f.Ref.Scope, err)
		}
		now, ok := fresh[kind]
		if !ok {
			now = known
		}
		in.Collections[kind] = withHistory(now, known)
	}
	return engine.Judge(in, f.Rule, f.Ref, f.Key), nil
}

// withHistory gives the resources of a fresh read their records' history. A resource
// without one appeared since; one whose state differs changed since.
func withHistory(fresh, known access.Collection) access.Collection {
	out := fresh
	out.FirstRead, out.Watched = known.FirstRead, known.Watched
	out.Resources = make([]access.Resource, 0, len(fresh.Resources))
	for _, r := range fresh.Resources {
		old, ok := known.Find(r.Name())
		switch {
		case !ok && r.FirstSeen.IsZero():
			r.FirstSeen, r.ChangedAt = fresh.ChangedRead, fresh.ChangedRead
		case ok && len(access.ChangedFields(old.Box, r.Box)) == 0:
			r = old
		case ok:
			r = access.Resource{Box: r.Box, FirstSeen: old.FirstSeen, Baseline: old.Baseline, ChangedAt: fresh.ChangedRead, Cause: old.Cause, Gap: old.Gap, CameInGap: old.CameInGap, Actor: old.Actor}
		}
		out.Resources = append(out.Resources, r)
	}
	return out
}
