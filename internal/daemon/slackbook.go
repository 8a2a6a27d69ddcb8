package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
	"github.com/gatewarden/gatewarden/notify/slack"
	"github.com/gatewarden/gatewarden/remediate"
)

// chatBook looks up what the slash command and the Home tab show.
type chatBook struct{ d *Daemon }

const (
	bookShows = 50 // stories at a time
	bookFinds = 5  // of an id's beginning
)

// Open implements slack's Book.
func (b chatBook) Open(ctx context.Context, principal, project string) ([]notify.Story, int, error) {
	all, err := b.d.AllFindings(ctx)
	if err != nil {
		return nil, 0, err
	}
	of, err := b.in(ctx, project)
	if err != nil {
		return nil, 0, err
	}
	p := b.d.settings.get().policy
	all = slices.DeleteFunc(all, func(f access.Finding) bool {
		return !f.Open() || of != nil && !slices.Contains(of, f.Ref.Scope) || principal != "" && !slices.Contains(remediate.Deciders(p, f), principal)
	})
	order := access.Severities()
	slices.SortStableFunc(all, func(x, y access.Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Severity), slices.Index(order, y.Severity)), x.OpenedAt.Compare(y.OpenedAt), strings.Compare(x.ID, y.ID))
	})
	stories, err := b.stories(ctx, all[:min(len(all), bookShows)])
	return stories, len(all), err
}

// in are the scopes of a project by name or id; nil: all.
func (b chatBook) in(ctx context.Context, project string) ([]access.Scope, error) {
	if project == "" {
		return nil, nil
	}
	places, err := b.Places(ctx)
	if err != nil {
		return nil, err
	}
	out := []access.Scope{}
	for _, x := range places {
		if x.Name == project || x.Scope.ID() == project {
			out = append(out, x.Scope)
		}
	}
	return out, nil
}

func (b chatBook) stories(ctx context.Context, all []access.Finding) ([]notify.Story, error) {
	var out []notify.Story
	for _, f := range all {
		s, ok, err := storyteller(b).Story(ctx, f.Ref.Scope, f.ID, f.Episode)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, s)
		}
	}
	return out, nil
}

// Find implements slack's Book.
func (b chatBook) Find(ctx context.Context, prefix string) ([]notify.Story, error) {
	all, err := b.d.AllFindings(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f access.Finding) bool { return !strings.HasPrefix(f.ID, prefix) })
	return b.stories(ctx, all[:min(len(all), bookFinds)])
}

// Places implements slack's Book.
func (b chatBook) Places(ctx context.Context) ([]slack.Place, error) {
	keys, err := b.d.findings.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list orgs and projects: %w", err)
	}
	var out []slack.Place
	called := map[access.Scope]string{}
	for _, k := range keys {
		scope := access.Scope(k)
		doc, _, err := b.d.findings.Get(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("load what %s is called: %w", k, err)
		}
		held, _, err := b.d.controls.Get(ctx, "scope."+k)
		if err != nil {
			return nil, fmt.Errorf("load what holds in %s: %w", k, err)
		}
		called[scope] = calledLast(doc)
		out = append(out, slack.Place{Scope: scope, Name: called[scope], Freeze: held.Freeze, Incidents: running(held, b.d.fleet.Now())})
	}
	for i, x := range out {
		org := x.Scope
		if !org.IsOrg() {
			org = access.OrgScope(b.d.orgOf(x.Scope))
		}
		out[i].Org = called[org]
	}
	slices.SortFunc(out, func(x, y slack.Place) int {
		return cmp.Or(strings.Compare(x.Org, y.Org), -cmp.Compare(level(x.Scope), level(y.Scope)), strings.Compare(x.Name, y.Name), strings.Compare(string(x.Scope), string(y.Scope)))
	})
	return out, nil
}

func level(s access.Scope) int {
	if s.IsOrg() {
		return 1
	}
	return 0
}

func running(c access.Control, now time.Time) (out []access.Incident) {
	for _, i := range c.Incidents {
		if i.Running(now) {
			out = append(out, i)
		}
	}
	return out
}
