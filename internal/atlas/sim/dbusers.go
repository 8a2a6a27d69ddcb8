package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// key is the user's canonical name.
func (u *DatabaseUser) key() string { return u.DatabaseName + "/" + u.Username }

// eventName is how events name the user: those of managed certificates get their CN=.
func (u *DatabaseUser) eventName() string {
	if u.X509Type == "MANAGED" {
		return "CN=" + u.Username
	}
	return u.Username
}

// userRequest is the body of a create or a patch; what is nil was not sent.
type userRequest struct {
	Username        *string         `json:"username"`
	DatabaseName    *string         `json:"databaseName"`
	GroupID         *string         `json:"groupId"`
	Password        *string         `json:"password"`
	AWSIAMType      *string         `json:"awsIAMType"`
	LDAPAuthType    *string         `json:"ldapAuthType"`
	OIDCAuthType    *string         `json:"oidcAuthType"`
	X509Type        *string         `json:"x509Type"`
	Roles           *[]Role         `json:"roles"`
	Scopes          *[]Scope        `json:"scopes"`
	Labels          *[]Label        `json:"labels"`
	Description     *string         `json:"description"`
	DeleteAfterDate *date           `json:"deleteAfterDate"`
	Links           json.RawMessage `json:"links"`
}

// completeUser fills in what may be left out: types, the authentication database, and
// lists, which are never null.
func completeUser(u DatabaseUser) DatabaseUser {
	for _, t := range []*string{&u.AWSIAMType, &u.LDAPAuthType, &u.OIDCAuthType, &u.X509Type} {
		*t = orDefault(*t, "NONE")
	}
	if u.DatabaseName == "" {
		u.DatabaseName = "admin"
		if want := u.authDatabase(); want != "" {
			u.DatabaseName = want
		}
	}
	u.Roles = orEmpty(u.Roles)
	u.Scopes = orEmpty(u.Scopes)
	u.Labels = orEmpty(u.Labels)
	return u
}

func orEmpty[T any](s []T) []T { return append([]T{}, s...) }

func (c *call) userView(u *DatabaseUser) any {
	out := object{
		"username": u.Username, "databaseName": u.DatabaseName, "groupId": c.project.id,
		"awsIAMType": u.AWSIAMType, "ldapAuthType": u.LDAPAuthType, "oidcAuthType": u.OIDCAuthType, "x509Type": u.X509Type,
		"roles": u.Roles, "scopes": u.Scopes, "labels": u.Labels,
		"links": c.self(fmt.Sprintf("/groups/%s/databaseUsers/%s/%s", c.project.id, url.PathEscape(u.DatabaseName), url.PathEscape(u.Username))),
	}
	if u.Description != "" {
		out["description"] = u.Description
	}
	if u.DeleteAfterDate != nil {
		out["deleteAfterDate"] = u.DeleteAfterDate
	}
	return out
}

func (c *call) listUsers() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.users, c.userView)
}

func (p *project) user(key string) *DatabaseUser {
	for _, u := range p.users {
		if u.key() == key {
			return u
		}
	}
	return nil
}

func (c *call) findUser() (*DatabaseUser, *problem) {
	u := c.project.user(c.params["databaseName"] + "/" + c.params["username"])
	if u == nil {
		return nil, missing("USERNAME_NOT_FOUND", "No user with username %s exists.", c.params["username"])
	}
	return u, nil
}

func (c *call) getUser() (answer, *problem) {
	u, bad := c.findUser()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.userView(u))
}

func (c *call) createUser() (answer, *problem) {
	var in userRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	u, bad := c.newUser(in)
	if bad != nil {
		return answer{}, bad
	}
	if c.project.user(u.key()) != nil {
		return answer{}, conflict("USER_ALREADY_EXISTS", "The specified database user %s already exists on database %s.", u.Username, u.DatabaseName)
	}
	if most := c.limit(limitDBUsers); len(c.project.users) >= most {
		return answer{}, fail(http.StatusForbidden, "GROUP_USERS_LIMIT_EXCEEDED", "The group cannot have more than %d database users.", most)
	}
	c.project.users = append(c.project.users, u)
	c.a.expect(c.project, u.DeleteAfterDate)
	c.effect(u.key(), "", text(u))
	c.projectEvent("MONGODB_USER_ADDED", object{"dbUserUsername": u.eventName()})
	return answer{status: http.StatusCreated, body: c.userView(u)}, nil
}

// newUser builds a user from a create request and checks all of it.
func (c *call) newUser(in userRequest) (*DatabaseUser, *problem) {
	switch {
	case in.Username == nil || *in.Username == "":
		return nil, missingAttribute("username")
	case in.DatabaseName == nil || *in.DatabaseName == "":
		return nil, missingAttribute("databaseName")
	case in.Roles == nil:
		return nil, missingAttribute("roles")
	}
	if bad := c.sameGroup(in.GroupID); bad != nil {
		return nil, bad
	}
	u := DatabaseUser{Username: *in.Username, DatabaseName: *in.DatabaseName}
	u.AWSIAMType, u.LDAPAuthType = deref(in.AWSIAMType), deref(in.LDAPAuthType)
	u.OIDCAuthType, u.X509Type = deref(in.OIDCAuthType), deref(in.X509Type)
	u = completeUser(u)
	in.apply(&u)
	if bad := checkIdentity(u); bad != nil {
		return nil, bad
	}
	if bad := checkPassword(u, in.Password, true); bad != nil {
		return nil, bad
	}
	if bad := c.checkContents(u); bad != nil {
		return nil, bad
	}
	if u.X509Type != "NONE" && u.DeleteAfterDate != nil {
		return nil, temporaryX509()
	}
	return &u, checkExpiry(u.DeleteAfterDate, nil, false, c.at)
}

func temporaryX509() *problem {
	return bad("ATLAS_X509_USER_CANNOT_BE_TEMPORARY", "A user with X.509 authentication cannot be temporary.")
}

// apply copies the fields that can change. A list that is sent replaces the list, also
// an empty one; null and absent are the same.
func (in userRequest) apply(u *DatabaseUser) {
	if in.Roles != nil {
		u.Roles = orEmpty(*in.Roles)
	}
	if in.Scopes != nil {
		u.Scopes = orEmpty(*in.Scopes)
	}
	if in.Labels != nil {
		u.Labels = orEmpty(*in.Labels)
	}
	if in.Description != nil {
		u.Description = *in.Description
	}
	if in.Password != nil {
		u.Password = *in.Password
	}
	if in.DeleteAfterDate != nil {
		u.DeleteAfterDate = in.DeleteAfterDate.when()
	}
}

func (c *call) updateUser() (answer, *problem) {
	held, bad := c.findUser()
	if bad != nil {
		return answer{}, bad
	}
	var in userRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	u, bad := c.patchedUser(held, in)
	if bad != nil {
		return answer{}, bad
	}
	before := userState(held)
	*held = u
	if in.DeleteAfterDate != nil {
		c.a.expect(c.project, u.DeleteAfterDate)
	}
	c.effect(u.key(), before, userState(held))
	if before != userState(held) {
		c.projectEvent("MONGODB_USER_UPDATED", object{"dbUserUsername": u.eventName()})
	}
	return ok(c.userView(held))
}

// userState is the user with its password, so that a new password is a change; the
// password itself is not shown.
func userState(u *DatabaseUser) string {
	return text(struct {
		*DatabaseUser
		Password string `json:"password,omitempty"`
	}{u, mask(u.Password)})
}

func mask(password string) string {
	if password == "" {
		return ""
	}
	return "md5:" + md5Hex(password)[:8]
}

func (c *call) patchedUser(held *DatabaseUser, in userRequest) (DatabaseUser, *problem) {
	u := *held
	if bad := c.sameGroup(in.GroupID); bad != nil {
		return u, bad
	}
	if bad := in.changesIdentity(held); bad != nil {
		return u, bad
	}
	if bad := checkExpiry(in.DeleteAfterDate.when(), held.DeleteAfterDate, true, c.at); bad != nil {
		return u, bad
	}
	in.apply(&u)
	if bad := checkPassword(u, in.Password, false); bad != nil {
		return u, bad
	}
	return u, c.checkContents(u)
}

// changesIdentity refuses another name, database or kind of authentication.
func (in userRequest) changesIdentity(held *DatabaseUser) *problem {
	differs := func(s *string, have string) bool { return s != nil && *s != have }
	switch {
	case differs(in.Username, held.Username):
		return conflict("DATABASE_USERNAME_CANNOT_BE_CHANGED", "The username of a database user cannot be changed.")
	case differs(in.DatabaseName, held.DatabaseName):
		return conflict("DATABASE_NAME_CANNOT_BE_CHANGED", "The authentication database of a database user cannot be changed.")
	case differs(in.AWSIAMType, held.AWSIAMType), differs(in.LDAPAuthType, held.LDAPAuthType),
		differs(in.OIDCAuthType, held.OIDCAuthType), differs(in.X509Type, held.X509Type):
		return conflict("AUTH_TYPE_CANNOT_BE_CHANGED", "The authentication type of a database user cannot be changed.")
	}
	return nil
}

// deleteUser has a code of its own for a user that is gone (mongodb's Kubernetes operator
// takes only that one for success).
func (c *call) deleteUser() (answer, *problem) {
	u, bad := c.findUser()
	if bad != nil {
		bad.code = "USER_NOT_FOUND"
		return answer{}, bad
	}
	c.project.users = slices.DeleteFunc(c.project.users, func(x *DatabaseUser) bool { return x == u })
	c.effect(u.key(), userState(u), "")
	c.projectEvent("MONGODB_USER_DELETED", object{"dbUserUsername": u.eventName()})
	c.revokeCertificates(u)
	return empty(http.StatusNoContent)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
