package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fanOut is how many lists of one reading are read at the same time.
const fanOut = 4

// gathering collects the pieces of one reading, which may take many requests. The first
// failure ends it: a part of a collection is never taken for the collection.
type gathering struct {
	ctx    context.Context
	client *Client
	scope  access.Scope
	src    source

	mu     sync.Mutex
	began  time.Time // Atlas's time directly before the first request that was answered
	pieces []piece
	failed error
}

// add takes the elements of one answer.
func (g *gathering) add(elements []json.RawMessage, parent string, at time.Time, err error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		if g.failed == nil {
			g.failed = err
		}
		return false
	}
	if !at.IsZero() && (g.began.IsZero() || at.Before(g.began)) { // a request that was refused has no time
		g.began = at
	}
	for _, raw := range elements {
		g.pieces = append(g.pieces, piece{raw, g.scope, parent})
	}
	return true
}

// fetch* read without keeping the pieces: for what further requests depend on.
func (g *gathering) fetchList(r request) ([]json.RawMessage, time.Time, error) {
	r.id = g.scope.ID()
	return g.client.list(g.ctx, g.client.read, r, identity)
}

func (g *gathering) fetchObject(r request) (json.RawMessage, time.Time, error) {
	r.id = g.scope.ID()
	return g.client.object(g.ctx, r)
}

func (g *gathering) list(r request, parent string) {
	r.id = g.scope.ID()
	elements, at, err := g.client.list(g.ctx, g.client.read, r, func(raw json.RawMessage) string { return g.src.key(piece{raw, g.scope, parent}) })
	g.add(elements, parent, at, err)
}

func (g *gathering) array(r request, parent string) {
	r.id = g.scope.ID()
	elements, at, err := g.client.array(g.ctx, r)
	g.add(elements, parent, at, err)
}

func (g *gathering) object(r route) {
	doc, at, err := g.fetchObject(request{route: r})
	g.add([]json.RawMessage{doc}, "", at, err)
}

// parents reads a list whose elements further requests are about; false: it failed.
func (g *gathering) parents(r request) ([]json.RawMessage, bool) {
	elements, at, err := g.fetchList(r)
	return elements, g.add(nil, "", at, err)
}

// each calls read for every name, a few at a time. A parent that Atlas does not know any
// more has nothing under it.
func (g *gathering) each(names []string, read func(name string) ([]json.RawMessage, time.Time, error)) {
	var group errgroup.Group
	group.SetLimit(fanOut)
	for _, name := range names {
		group.Go(func() error {
			if g.over() {
				return nil
			}
			elements, at, err := read(name)
			if f, ok := errors.AsType[*failure](err); ok && errors.Is(f, access.ErrGone) && f.code != "" && !scopeGone(f.code) {
				return nil
			}
			g.add(elements, name, at, err)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in failed
}

func (g *gathering) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed != nil
}

// odd notes an element that nobody can say what is under: nothing of the kind counts as
// gone, or as clean, while it is there.
func (g *gathering) odd() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pieces = append(g.pieces, piece{json.RawMessage("false"), g.scope, ""})
}

// identity tells elements apart of which not one resource comes. What else they hold may
// change between two pages.
func identity(raw json.RawMessage) string {
	f := fieldsOf(raw)
	return or(f.text("id"), f.text("clientId"), string(raw))
}

// key tells the elements of a list apart.
func (s source) key(p piece) string {
	if states, err := s.states(p); err == nil && len(states) == 1 {
		return states[0].Name()
	}
	return or(s.name(p), identity(p.raw))
}
