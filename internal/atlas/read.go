package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// form is how an operation answers.
type form int

const (
	paged form = iota
	array
	object
)

// source says how a kind is read and how one element becomes a state.
type source struct {
	route  route
	form   form
	decode func(json.RawMessage) (access.State, error)
	name   func(fields) string // of an element that does not decode, as far as it goes
}

func sourceOf(k access.Kind) (source, bool) {
	switch k {
	case access.KindOrg:
		return source{getOrg, object, decodeOrg, named("id")}, true
	case access.KindProject:
		return source{getGroup, object, decodeProject, named("id")}, true
	case access.KindIPAccessEntry:
		return source{listAccessEntries, paged, decodeEntry, entryName}, true
	case access.KindDatabaseUser:
		return source{listDatabaseUsers, paged, decodeUser, userName}, true
	case access.KindCustomRole:
		return source{listCustomRoles, array, decodeRole, named("roleName")}, true
	case access.KindCluster:
		return source{listClusters, paged, decodeCluster, named("name")}, true
	case access.KindFlexCluster:
		return source{listFlexClusters, paged, decodeFlex, named("name")}, true
	case access.KindFederatedDatabase:
		return source{listDataFederation, array, decodeFederated, named("name")}, true
	case access.KindStreamWorkspace:
		return source{listStreams, paged, decodeWorkspace, named("name")}, true
	}
	return source{}, false
}

// Read reads all resources of one kind in one scope. It never fails as an error: the
// status of the reading says how it went, the reason why. A scope that Atlas does not
// know is failed, and its reason begins with "gone: ".
func (c *Client) Read(ctx context.Context, scope access.Scope, kind access.Kind) access.Reading {
	began := c.Now()
	src, ok := sourceOf(kind)
	if !ok {
		return access.Reading{Status: access.StatusUnsupported, Reason: fmt.Sprintf("%s is not read by this version", kind), Began: began}
	}
	if scope.IsOrg() != (src.route.of == ofOrg) {
		return access.Reading{Status: access.StatusUnsupported, Reason: fmt.Sprintf("%s is no kind of %s", kind, scope), Began: began}
	}
	elements, at, err := c.elements(ctx, src, scope)
	if err != nil {
		status, reason := statusOf(err, src)
		return access.Reading{Status: status, Reason: reason, Began: began}
	}
	return reading(elements, src, at)
}

func (c *Client) elements(ctx context.Context, src source, scope access.Scope) ([]json.RawMessage, time.Time, error) {
	if err := scope.Validate(); err != nil {
		return nil, time.Time{}, err
	}
	r := request{route: src.route, id: scope.ID()}
	switch src.form {
	case array:
		return c.array(ctx, r)
	case object:
		doc, at, err := c.object(ctx, r)
		return []json.RawMessage{doc}, at, err
	}
	return c.list(ctx, c.read, r, src.key)
}

// key tells the elements of a list apart.
func (s source) key(raw json.RawMessage) string {
	if state, err := s.decode(raw); err == nil {
		return state.Name()
	}
	return s.name(fieldsOf(raw))
}

// reading decodes element by element: an odd one is named, the rest is kept.
func reading(elements []json.RawMessage, src source, began time.Time) access.Reading {
	out := access.Reading{Status: access.StatusComplete, Began: began, States: make([]access.State, 0, len(elements))}
	for _, raw := range elements {
		state, err := src.decode(raw)
		if err != nil {
			out.Odd = append(out.Odd, src.name(fieldsOf(raw)))
			continue
		}
		out.States = append(out.States, state)
	}
	if src.form == object && len(out.Odd) > 0 {
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
	case f.code == codeUnsupported:
		return access.StatusUnsupported, err.Error()
	case errors.Is(f, access.ErrForbidden):
		return access.StatusDenied, err.Error()
	case !errors.Is(f, access.ErrGone):
		return access.StatusFailed, err.Error()
	case src.form == object || scopeGone(f.code):
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
