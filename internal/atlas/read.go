package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Read reads all resources of one kind in one scope. It never fails as an error: the
// status of the reading says how it went, the reason why. A scope that Atlas does not
// know is failed, and its reason begins with "gone: ". What was put off ([Yielding]) is
// unread.
func (c *Client) Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading {
	began := c.Now()
	src, ok := sourceOf(kind)
	if !ok {
		return access.Reading{Status: access.StatusUnsupported, Reason: fmt.Sprintf("%s is not read by this version", kind), Began: began}
	}
	if scope.IsOrg() != (src.routes[0].of == ofOrg) {
		return access.Reading{Status: access.StatusUnsupported, Reason: fmt.Sprintf("%s is no kind of %s", kind, scope), Began: began}
	}
	if err := scope.Validate(); err != nil {
		return access.Reading{Status: access.StatusFailed, Reason: err.Error(), Began: began}
	}
	g := &gathering{ctx: ctx, client: c, scope: scope, src: src}
	src.read(g)
	if g.failed != nil {
		status, reason := statusOf(g.failed, src)
		return access.Reading{Status: status, Reason: reason, Began: began}
	}
	if !g.began.IsZero() {
		began = g.began
	}
	return reading(g.pieces, src, began)
}

// reading decodes piece by piece: an odd one is named, the rest is kept.
func reading(pieces []piece, src source, began time.Time) access.Reading {
	out := access.Reading{Status: access.StatusComplete, Began: began, States: make([]access.State, 0, len(pieces))}
	for _, p := range pieces {
		states, err := src.states(p)
		if err != nil {
			out.Odd = append(out.Odd, src.name(p))
			continue
		}
		out.States = append(out.States, states...)
	}
	if src.whole && len(out.Odd) > 0 {
		return access.Reading{Status: access.StatusFailed, Reason: "the document is not one that this version understands", Odd: out.Odd, Began: began}
	}
	return out
}

// statusOf sorts an error of a read.
func statusOf(err error, src source) (access.Status, string) {
	f, ok := errors.AsType[*failure](err)
	switch {
	case !ok:
		return access.StatusFailed, err.Error()
	case f.later:
		return access.StatusUnread, err.Error()
	case f.code == codeUnsupported:
		return access.StatusUnsupported, err.Error()
	case errors.Is(f, access.ErrForbidden):
		return access.StatusDenied, err.Error()
	case !errors.Is(f, access.ErrGone):
		return access.StatusFailed, err.Error()
	case src.routes[0].op == getOrg.op || src.routes[0].op == getGroup.op || scopeGone(f.code):
		return access.StatusFailed, "gone: " + err.Error()
	case f.code == "":
		return access.StatusFailed, err.Error() // not Atlas's own 404
	}
	return access.StatusUnsupported, err.Error()
}

func scopeGone(code string) bool {
	switch code {
	case "GROUP_NOT_FOUND", "ORG_NOT_FOUND", "INVALID_GROUP_ID", "INVALID_ORG_ID":
		return true
	}
	return false
}

// Projects lists all projects of an org, or says why it cannot: a part of the list is
// never returned.
func (c *Client) Projects(ctx context.Context, orgID string) ([]access.Project, error) {
	scope := access.OrgScope(orgID)
	if err := scope.Validate(); err != nil {
		return nil, fmt.Errorf("list the projects: %w", err)
	}
	key := func(raw json.RawMessage) string { return fieldsOf(raw).text("id") }
	elements, _, err := c.list(ctx, c.read, request{route: getOrgGroups, id: orgID}, key)
	if err != nil {
		return nil, fmt.Errorf("list the projects of %s: %w", scope, err)
	}
	out := make([]access.Project, 0, len(elements))
	for _, raw := range elements {
		state, err := decodeProject(raw)
		p, ok := state.(access.Project)
		if err != nil || !ok {
			return nil, fmt.Errorf("list the projects of %s: project %q: %w", scope, key(raw), err)
		}
		out = append(out, p)
	}
	return out, nil
}
