package atlas

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// peopleRequest is the request of an operation on persons, teams and invitations. What a
// person holds on a project is written there, also where the operation is on a member of
// the org.
func peopleRequest(r *request, op access.Operation) error {
	switch op.Type {
	case access.AddMemberRole, access.RemoveMemberRole:
		return roleRequest(r, op)
	case access.AddProjectMember, access.RemoveProjectMember:
		return projectMemberRequest(r, op)
	case access.SetTeamRoles, access.AddTeamGrant, access.RemoveTeamGrant:
		return teamRequest(r, op)
	case access.AddTeamMember, access.RemoveTeamMember:
		return teamMemberRequest(r, op)
	case access.DeleteInvitation:
		r.route = deleteOrgInvite // its id is looked up: see prepare
		return nil
	}
	return fmt.Errorf("operation %q is not one that this version knows", op.Type)
}

// roleRequest changes one role and leaves the others to whoever else changes them.
func roleRequest(r *request, op access.Operation) (err error) {
	adds := op.Type == access.AddMemberRole
	if r.args, err = segments(op.Ref, op.Ref.Kind, op.ID); err != nil {
		return err
	}
	if op.Ref.Kind == access.KindOrgMember && op.Project == "" {
		r.route = pick(adds, addOrgUserRole, removeOrgUserRole)
		r.body, err = json.Marshal(admin.AddOrRemoveOrgRole{OrgRole: op.Role})
		return err
	}
	onProject(r, op)
	r.route = pick(adds, addGroupUserRole, removeGroupUserRole)
	r.body, err = json.Marshal(admin.AddOrRemoveGroupRole{GroupRole: op.Role})
	return err
}

func projectMemberRequest(r *request, op access.Operation) (err error) {
	onProject(r, op)
	if op.Type == access.RemoveProjectMember {
		r.route = removeGroupUser
		r.args, err = segments(op.Ref, op.Ref.Kind, op.ID)
		return err
	}
	r.route = addGroupUser
	r.body, err = json.Marshal(admin.GroupUserRequest{Roles: access.SortNames(op.Names), Username: op.Ref.Name})
	return err
}

// onProject addresses the project that is named beside the scope.
func onProject(r *request, op access.Operation) {
	if op.Project != "" {
		r.id = op.Project
	}
}

func teamRequest(r *request, op access.Operation) (err error) {
	grant := admin.TeamRole{TeamId: op.Ref.Name, RoleNames: access.SortNames(op.Names)}
	switch op.Type {
	case access.AddTeamGrant:
		r.route = addGroupTeams
		r.body, err = json.Marshal([]admin.TeamRole{grant})
		return err
	case access.SetTeamRoles:
		r.route = updateGroupTeam
		if r.body, err = json.Marshal(grant); err != nil {
			return err
		}
	default:
		r.route = removeGroupTeam
	}
	r.args, err = segments(op.Ref, access.KindTeamGrant, op.Ref.Name)
	return err
}

func teamMemberRequest(r *request, op access.Operation) (err error) {
	team, _, _ := strings.Cut(op.Ref.Name, "/")
	r.route = pick(op.Type == access.AddTeamMember, addOrgTeamUser, removeOrgTeamUser)
	if r.args, err = segments(op.Ref, access.KindTeamMember, team); err != nil {
		return err
	}
	r.body, err = json.Marshal(admin.AddOrRemoveUserFromTeam{Id: op.ID})
	return err
}

func pick(first bool, a, b route) route {
	if first {
		return a
	}
	return b
}

// prepare looks up, directly before a write, what only Atlas knows. done: there is nothing
// left to write.
//
// An invitation is deleted by its own id, which the list of users does not have, though
// that way is deprecated: the other one removes a user, and would remove one who has
// accepted meanwhile. Atlas refuses to delete an invitation that was accepted. What is
// created is looked for first: of a request whose answer was lost nothing else tells.
func (c *Client) prepare(ctx context.Context, r *request, op access.Operation) (done bool, err error) {
	switch op.Type {
	case access.DeleteInvitation:
		id, err := c.invitation(ctx, *r, op.Ref.Name)
		r.args = []string{id}
		return id == "", err
	case access.CreateAlert:
		now := c.Read(ctx, op.Ref.Scope, access.KindAlertConfig)
		if now.Status != access.StatusComplete {
			return false, temporary("whether it is there already could not be read: "+now.Reason, nil)
		}
		return op.AchievedIn(access.NewCollection(op.Ref.Scope, access.KindAlertConfig, now.States)), nil
	}
	return false, nil
}

// invitation is the id of somebody's pending invitation; empty: there is none.
func (c *Client) invitation(ctx context.Context, r request, username string) (string, error) {
	list := request{route: listOrgInvites, id: r.id} // all: whether Atlas's filter minds the case is not documented
	var found []struct {
		ID       string `json:"id"`
		Username string `json:"username"`
	}
	if _, err := c.getWith(ctx, *c.write, list, func(body []byte) error { return json.Unmarshal(body, &found) }); err != nil {
		return "", err
	}
	for _, i := range found {
		if access.FoldName(i.Username) == username {
			return i.ID, idOf(i.ID)
		}
	}
	return "", nil
}

func idOf(id string) error {
	if len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "" {
		return fmt.Errorf("an invitation has the id %q, which cannot be addressed", id)
	}
	return nil
}
