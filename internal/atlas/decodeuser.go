package atlas

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

func userName(f fields) string {
	db, user := f.text("databaseName"), f.text("username")
	if db == "" || user == "" {
		return ""
	}
	return db + "/" + user
}

// decodeUser is strict where a mistake would make a user look weaker than it is: the
// roles must be there, each with a name, and the way it authenticates must be known.
// Scopes left out mean every cluster, as an empty list does.
func decodeUser(raw json.RawMessage) (access.State, error) {
	u, err := decodeAs[admin.CloudDatabaseUser](raw)
	if err != nil {
		return nil, err
	}
	if u.DatabaseName == "" || u.Username == "" || u.Roles == nil {
		return nil, errors.New("a database user needs databaseName, username and roles")
	}
	out := access.DatabaseUser{
		Database: u.DatabaseName, Username: u.Username, Description: u.GetDescription(),
	}
	if out.DeleteAfterDate, err = date(u.DeleteAfterDate); err != nil {
		return nil, err
	}
	if out.Auth, err = authOf(u); err != nil {
		return nil, err
	}
	if out.Roles, err = grantsOf(u.Roles); err != nil {
		return nil, err
	}
	if out.Scopes, err = scopesOf(u.GetScopes()); err != nil {
		return nil, err
	}
	out.Labels = labelsOf(u.GetLabels())
	return out, nil
}

// authOf reads the four type fields; with none set the user has a password.
func authOf(u admin.CloudDatabaseUser) (string, error) {
	known := map[string]string{
		"aws USER": access.AuthAWSUser, "aws ROLE": access.AuthAWSRole,
		"ldap USER": access.AuthLDAPUser, "ldap GROUP": access.AuthLDAPGroup,
		"oidc IDP_GROUP": access.AuthOIDCWorkforce, "oidc USER": access.AuthOIDCWorkload,
		"x509 MANAGED": access.AuthX509Managed, "x509 CUSTOMER": access.AuthX509Customer,
	}
	auth := ""
	for _, f := range []struct{ name, value string }{
		{"aws", u.GetAwsIAMType()}, {"ldap", u.GetLdapAuthType()}, {"oidc", u.GetOidcAuthType()}, {"x509", u.GetX509Type()},
	} {
		if f.value == "" || f.value == "NONE" {
			continue
		}
		one, ok := known[f.name+" "+f.value]
		if !ok || auth != "" {
			return "", fmt.Errorf("its way to authenticate is not known: %s %s", f.name, f.value)
		}
		auth = one
	}
	if auth == "" {
		auth = access.AuthSCRAM
	}
	return auth, nil
}

func grantsOf(in []admin.DatabaseUserRole) ([]access.RoleGrant, error) {
	var out []access.RoleGrant
	for _, r := range in {
		if r.RoleName == "" {
			return nil, errors.New("a role has no name")
		}
		out = append(out, access.RoleGrant{Role: r.RoleName, Database: r.DatabaseName, Collection: r.GetCollectionName()})
	}
	return access.SortGrants(out), nil
}

func scopesOf(in []admin.UserScope) ([]access.UserScope, error) {
	var out []access.UserScope
	for _, s := range in {
		if s.Name == "" || s.Type == "" {
			return nil, errors.New("a scope has no name or no type")
		}
		out = append(out, access.UserScope{Name: s.Name, Type: s.Type})
	}
	return access.SortScopes(out), nil
}

func labelsOf(in []admin.ComponentLabel) []access.Label {
	if len(in) == 0 {
		return nil
	}
	var out []access.Label
	for _, l := range in {
		out = append(out, access.Label{Key: l.GetKey(), Value: l.GetValue()})
	}
	return access.SortLabels(out)
}
