package sim

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	scopeName  = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]*$`)
	oidcName   = regexp.MustCompile(`^([0-9a-f]{20}|[0-9a-f]{24})/.+$`)
	knownTypes = map[string][]string{
		"awsIAMType":   {"NONE", "USER", "ROLE"},
		"ldapAuthType": {"NONE", "USER", "GROUP"},
		"oidcAuthType": {"NONE", "USER", "IDP_GROUP"},
		"x509Type":     {"NONE", "CUSTOMER", "MANAGED"},
	}
)

// authDatabase is the only database that the user's kind of authentication allows, or
// "" where both do.
func (u DatabaseUser) authDatabase() string {
	switch {
	case u.X509Type != "NONE", u.AWSIAMType != "NONE", u.LDAPAuthType == "USER", u.OIDCAuthType == "USER":
		return "$external"
	case u.LDAPAuthType == "GROUP":
		return "" // $external, and admin by older guidance
	}
	return "admin" // SCRAM and OIDC groups
}

// checkIdentity checks the kind of authentication, the database and the name.
func checkIdentity(u DatabaseUser) *problem {
	set, bad := setTypes(u)
	if bad != nil {
		return bad
	}
	switch {
	case u.X509Type != "NONE" && u.LDAPAuthType != "NONE":
		return x509Only("LDAP")
	case len(set) > 1:
		return invalidField(set[1], "only one kind of authentication may be set")
	}
	if bad := checkDatabase(u); bad != nil {
		return bad
	}
	return checkName(u)
}

func x509Only(other string) *problem {
	return bad("ATLAS_X509_USER_CANNOT_USE_"+other, "A user with X.509 authentication cannot use %s.", other)
}

// setTypes names the type fields that are not NONE.
func setTypes(u DatabaseUser) ([]string, *problem) {
	var set []string
	for _, t := range []struct{ field, value string }{
		{"awsIAMType", u.AWSIAMType}, {"ldapAuthType", u.LDAPAuthType}, {"oidcAuthType", u.OIDCAuthType}, {"x509Type", u.X509Type},
	} {
		if !slices.Contains(knownTypes[t.field], t.value) {
			return nil, badEnum(t.value, t.field)
		}
		if t.value != "NONE" {
			set = append(set, t.field)
		}
	}
	return set, nil
}

func badEnum(value, field string) *problem {
	return bad("INVALID_ENUM_VALUE", "An invalid enumeration value %s was specified for attribute %s.", value, field)
}

func checkDatabase(u DatabaseUser) *problem {
	if u.DatabaseName != "admin" && u.DatabaseName != "$external" {
		return badEnum(u.DatabaseName, "databaseName")
	}
	want := u.authDatabase()
	switch {
	case want == "" || want == u.DatabaseName:
		return nil
	case want == "admin":
		return bad("DATABASE_NAME_INVALID_ADMIN", "The database name must be admin for this kind of authentication.")
	}
	return bad("DATABASE_NAME_INVALID_EXTERNAL", "The database name must be $external for this kind of authentication.")
}

func checkName(u DatabaseUser) *problem {
	invalid := bad("ATLAS_INVALID_USERNAME", "The username %s is not valid for this kind of authentication.", u.Username)
	dn := strings.Contains(u.Username, "=")
	switch {
	case u.Username == "" || utf8.RuneCountInString(u.Username) > 1024:
		return invalid
	case slices.Contains([]string{"__system", "mms-automation", "mms-monitoring-agent", "mms-backup-agent"}, u.Username):
		return bad("BLOCKED_USERNAME", "The username %s is reserved.", u.Username)
	case u.X509Type == "MANAGED" && dn:
		return bad("ATLAS_MANAGED_X509_NAME_INVALID", "The name %s of a user with a managed certificate must be given without CN=.", u.Username)
	case u.X509Type == "CUSTOMER" && !dn, u.AWSIAMType != "NONE" && !strings.HasPrefix(u.Username, "arn:aws"),
		u.OIDCAuthType != "NONE" && !oidcName.MatchString(u.Username):
		return invalid
	case u.LDAPAuthType != "NONE" && !dn:
		return bad("ATLAS_INVALID_LDAP_NAME", "The username %s is not a distinguished name.", u.Username)
	}
	return nil
}

// checkPassword wants a password from new SCRAM users and refuses one elsewhere.
func checkPassword(u DatabaseUser, password *string, isNew bool) *problem {
	scram := u.authDatabase() == "admin" && u.OIDCAuthType == "NONE"
	switch {
	case !scram && password != nil && *password != "":
		if u.X509Type != "NONE" {
			return x509Only("SCRAM")
		}
		return invalidField("password", "only users that log in with a password have one")
	case scram && isNew && (password == nil || *password == ""):
		return missingAttribute("password")
	case password != nil && *password != "" && utf8.RuneCountInString(*password) < 8:
		return bad("WEAK_PASSWORD", "The password must have at least 8 characters.")
	case scram && password != nil && slices.Contains([]string{"password", "12345678"}, *password):
		return bad("COMMON_PASSWORD", "The password is too common.")
	}
	return nil
}

// checkContents checks roles, scopes, labels and description.
func (c *call) checkContents(u DatabaseUser) *problem {
	if bad := checkRoles(u.Roles, c.project.hasRole); bad != nil {
		return bad
	}
	for _, s := range u.Scopes {
		switch {
		case !slices.Contains([]string{"CLUSTER", "DATA_LAKE", "STREAM"}, s.Type):
			return badEnum(s.Type, "type")
		case !scopeName.MatchString(s.Name): // whether the name must exist is not documented
			return invalidField("scopes.name", "must match "+scopeName.String())
		}
	}
	for _, l := range u.Labels {
		if !within(l.Key, 255) || !within(l.Value, 255) {
			return invalidField("labels", "key and value must have 1 to 255 characters")
		}
	}
	if utf8.RuneCountInString(u.Description) > 100 {
		return invalidField("description", "must have at most 100 characters")
	}
	return nil
}

func within(s string, longest int) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= longest
}

// checkRoles checks the roles of a user; custom says which custom roles exist.
func checkRoles(roles []Role, custom func(string) bool) *problem {
	if len(roles) > 100 {
		return invalidField("roles", "a database user has at most 100 roles")
	}
	seen := map[Role]bool{}
	for _, r := range roles {
		if bad := checkRole(r, custom); bad != nil {
			return bad
		}
		if seen[r] {
			return bad("DUPLICATE_DATABASE_ROLES", "The role %s@%s is given more than once.", r.RoleName, r.DatabaseName)
		}
		seen[r] = true
	}
	return nil
}

func checkRole(r Role, custom func(string) bool) *problem {
	switch {
	case r.RoleName == "":
		return missingAttribute("roleName")
	case r.DatabaseName == "":
		return missingAttribute("databaseName")
	case !builtinRole(r.RoleName) && !custom(r.RoleName):
		return bad("ATLAS_INVALID_ROLE", "Invalid role specified: %s@%s.", r.RoleName, r.DatabaseName)
	case r.DatabaseName != "admin" && !anyDatabaseRole(r.RoleName):
		return bad("ATLAS_INVALID_ROLE_DATABASE", "The role %s must be on the admin database, not on %s.", r.RoleName, r.DatabaseName)
	case r.CollectionName != "" && r.RoleName != "read" && r.RoleName != "readWrite":
		return bad("ATLAS_RESTRICTED_COLLECTION", "The role %s cannot be given on a collection.", r.RoleName)
	}
	return nil
}

func builtinRole(name string) bool {
	return slices.Contains([]string{
		"atlasAdmin", "backup", "clusterMonitor", "dbAdmin", "dbAdminAnyDatabase", "enableSharding",
		"read", "readAnyDatabase", "readWrite", "readWriteAnyDatabase",
	}, name)
}

func anyDatabaseRole(name string) bool {
	return name == "read" || name == "readWrite" || name == "dbAdmin"
}
