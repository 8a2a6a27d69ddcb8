package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Apply makes one write, once: it is never retried here. What may be retried is up to
// the caller, who reads back first; an error that wraps access.ErrTemporary leaves open
// whether the write took effect. Deleting what is gone succeeds. The action's id goes
// into the User-Agent.
func (c *Client) Apply(ctx context.Context, actionID string, op access.Operation) error {
	if err := op.Validate(); err != nil {
		return err
	}
	what := fmt.Sprintf("%s of %s", op.Type, op.Ref)
	if c.write == nil {
		return fmt.Errorf("%s: %w", what, &failure{kind: access.ErrForbidden, why: "no write credential is configured"})
	}
	r, err := writeRequest(actionID, op)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if done, err := c.prepare(ctx, &r, op); done || err != nil {
		return wrapped(what, err)
	}
	_, _, f := c.once(ctx, *c.write, r)
	if f != nil && r.route == deleteAccessEntry && errors.Is(f, access.ErrGone) {
		f = c.deleteRespelt(ctx, r, op.Ref.Name)
	}
	if f == nil || takesAway(op.Type) && errors.Is(f, access.ErrGone) || alreadySo(f.code) {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", what, r.route.op, f)
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// takesAway says of which types nothing is left to do where nothing is left.
func takesAway(t access.OperationType) bool {
	switch t {
	case access.DeleteAccessEntry, access.DeleteDatabaseUser, access.RemoveProjectMember, access.RemoveTeamGrant, access.RemoveTeamMember, access.DeleteInvitation:
		return true
	}
	return false
}

// alreadySo are the codes of what had been added before, and of an invitation that is not
// pending any more. Whether it is as it was to be, reading back shows.
func alreadySo(code string) bool {
	switch code {
	case "ADDRESS_ALREADY_IN_WHITELIST", "USER_ALREADY_IN_GROUP", "USER_ALREADY_IN_TEAM", "TEAM_EXISTS_IN_GROUP", "INVALID_INVITATION_ID":
		return true
	}
	return false
}

// deleteRespelt deletes an entry that Atlas does not know by its canonical name, since it
// lists it in another spelling (IPv4-mapped, or with host bits). A list that cannot be
// read counts as one without it: whoever reads back sees what that means.
func (c *Client) deleteRespelt(ctx context.Context, r request, name string) *failure {
	elements, _, err := c.list(ctx, c.read, request{route: listAccessEntries, id: r.id}, func(raw json.RawMessage) string { return string(raw) })
	if err != nil {
		return nil
	}
	for _, raw := range elements {
		f := fieldsOf(raw)
		spelt := f.text("cidrBlock")
		if spelt == "" || spelt == name || entryName(f) != name {
			continue
		}
		r.args = []string{spelt}
		_, _, failed := c.once(ctx, *c.write, r)
		return failed
	}
	return nil
}

func writeRequest(actionID string, op access.Operation) (request, error) {
	if actionID == "" || strings.Trim(actionID, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") != "" {
		return request{}, fmt.Errorf("the action's id %q cannot go into a header", actionID)
	}
	if err := op.Ref.Scope.Validate(); err != nil {
		return request{}, err
	}
	if org := inOrg(op.Ref.Kind); org != op.Ref.Scope.IsOrg() {
		return request{}, fmt.Errorf("scope %q is no %s", op.Ref.Scope, map[bool]string{true: "org", false: "project"}[org])
	}
	r := request{id: op.Ref.Scope.ID(), action: actionID}
	var err error
	switch op.Type {
	case access.DeleteAccessEntry:
		r.route = deleteAccessEntry
		r.args, err = segments(op.Ref, access.KindIPAccessEntry, op.Ref.Name)
	case access.CreateAccessEntry:
		r.route = createAccessEntry
		r.body, err = entryBody(op.Ref, op.Entry)
	case access.DeleteDatabaseUser:
		r.route = deleteDatabaseUser
		db, user, _ := strings.Cut(op.Ref.Name, "/")
		r.args, err = segments(op.Ref, access.KindDatabaseUser, db, user)
	case access.SetUserRoles, access.SetUserScopes, access.QuarantineUser:
		r.route = updateDatabaseUser
		if r.body, err = userBody(op); err != nil {
			return r, err
		}
		db, user, _ := strings.Cut(op.Ref.Name, "/")
		r.args, err = segments(op.Ref, access.KindDatabaseUser, db, user)
	case access.SetOrgSetting, access.SetProjectSetting, access.SetAlertEnabled, access.CreateAlert:
		err = settingRequest(&r, op)
	default:
		err = peopleRequest(&r, op)
	}
	return r, err
}

func inOrg(k access.Kind) bool { return slices.Contains(access.OrgKinds(), k) }

// segments refuses names that would make another path of it.
func segments(ref access.Ref, want access.Kind, args ...string) ([]string, error) {
	if ref.Kind != want {
		return nil, fmt.Errorf("the operation is for a %s", want)
	}
	for _, a := range args {
		if a == "" || a == "." || a == ".." {
			return nil, fmt.Errorf("the name %q cannot be addressed", ref.Name)
		}
	}
	return args, nil
}

// entryBody is an array of one: Atlas adds its elements to the list.
func entryBody(ref access.Ref, e access.IPAccessEntry) ([]byte, error) {
	if ref.Kind != access.KindIPAccessEntry || ref.Name != e.Entry {
		return nil, fmt.Errorf("the entry %q is not the one that the operation names", e.Entry)
	}
	var out admin.NetworkPermissionEntry
	if _, err := canonical(e.Entry); err == nil {
		out.CidrBlock = &e.Entry
	} else {
		out.AwsSecurityGroup = &e.Entry
	}
	if e.Comment != "" {
		out.Comment = &e.Comment
	}
	if !e.DeleteAfterDate.IsZero() {
		until := e.DeleteAfterDate.UTC().Truncate(time.Second)
		out.DeleteAfterDate = &until
	}
	return json.Marshal([]admin.NetworkPermissionEntry{out})
}

// userBody has the one field that the operation changes and no other: what is not sent
// stays. The SDK's own model always sends its required fields.
func userBody(op access.Operation) ([]byte, error) {
	switch op.Type {
	case access.SetUserRoles, access.QuarantineUser:
		grants := op.Roles
		if op.Type == access.QuarantineUser {
			grants = nil
		}
		roles := []admin.DatabaseUserRole{} // never null: an empty list is said, not left out
		for _, g := range access.SortGrants(grants) {
			r := admin.DatabaseUserRole{RoleName: g.Role, DatabaseName: g.Database}
			if g.Collection != "" {
				r.CollectionName = &g.Collection
			}
			roles = append(roles, r)
		}
		return json.Marshal(map[string]any{"roles": roles})
	case access.SetUserScopes:
		var scopes []admin.UserScope
		for _, s := range access.SortScopes(op.Scopes) {
			scopes = append(scopes, admin.UserScope{Name: s.Name, Type: s.Type})
		}
		return json.Marshal(map[string]any{"scopes": scopes})
	}
	return nil, fmt.Errorf("operation %q is not one that this version knows", op.Type)
}
