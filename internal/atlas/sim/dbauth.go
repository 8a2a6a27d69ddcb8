package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// The family of X.509 certificates, user security and auditing.

// ProjectDatabaseAuth is its part of a world.
type (
	ProjectDatabaseAuth struct {
		Certificates []Certificate `yaml:"certificates,omitempty"`
		UserSecurity *UserSecurity `yaml:"userSecurity,omitempty"`
		AuditLog     *AuditLog     `yaml:"auditLog,omitempty"`
	}
)

// projectDatabaseAuth is its live state.
type (
	projectDatabaseAuth struct {
		certificates  []Certificate
		ldap          object // what was set, with the password
		cas           string
		verifications map[string]*verification
		audit         AuditLog
		checks        []expiryCheck
		casExpiring   []string // kinds of the checks of the current CAs that were reported
	}
)

// expiryCheck is an event that says that something expires soon.
type expiryCheck struct {
	at   time.Time
	kind string
}

const (
	certificateCheck = "NDS_X509_USER_AUTHENTICATION_MANAGED_USER_CERTS_EXPIRATION_CHECK"
	caCheck          = "NDS_X509_USER_AUTHENTICATION_CUSTOMER_CA_EXPIRATION_CHECK"
	crlCheck         = "NDS_X509_USER_AUTHENTICATION_CUSTOMER_CRL_EXPIRATION_CHECK"
	// expiryNotice is how long before the end Atlas says so (a guess: what its default
	// alert has as a threshold).
	expiryNotice = 30 * 24 * time.Hour
)

func databaseAuthRoutes() []route {
	return []route{
		{op: "listGroupDatabaseUserCerts", set: "x509Authentication_group", handle: (*call).listCertificates},
		{op: "createGroupDatabaseUserCert", set: "x509Authentication_group", handle: (*call).createCertificate},
		{op: "disableGroupUserSecurityCustomerX509", set: "x509Authentication_group", handle: (*call).dropCustomerX509},
		{op: "getGroupUserSecurity", set: "ldapConfiguration_group", handle: (*call).getUserSecurity},
		{op: "updateGroupUserSecurity", set: "ldapConfiguration_group", handle: (*call).updateUserSecurity},
		{op: "deleteGroupUserSecurityLdapUserToDnMapping", set: "ldapConfiguration_group", handle: (*call).dropMapping},
		{op: "verifyGroupUserSecurityLdap", set: "ldapConfiguration_group", handle: (*call).verifyLDAP},
		{op: "getGroupUserSecurityLdapVerify", set: "ldapConfiguration_group", handle: (*call).getVerification},
		{op: "getGroupAuditLog", set: "auditLog_group", handle: (*call).getAuditLog},
		{op: "updateGroupAuditLog", set: "auditLog_group", handle: (*call).updateAuditLog},
	}
}

// buildDatabaseAuth makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildDatabaseAuth(o *org, projects map[*project]ProjectDatabaseAuth) error {
	var all error
	for _, p := range o.projects {
		if err := a.addDatabaseAuth(p, projects[p]); err != nil {
			all = errors.Join(all, fmt.Errorf("project %q: %w", p.name, err))
		}
	}
	return all
}

func (a *Atlas) addDatabaseAuth(p *project, w ProjectDatabaseAuth) error {
	if bad := checkDatabaseAuth(w); bad != nil {
		return errors.New(bad.detail)
	}
	for i, k := range w.Certificates {
		if k.ID == 0 {
			k.ID = a.serial("certificate", p.id, k.Username, fmt.Sprint(i))
		}
		k.CreatedAt, k.NotAfter = k.CreatedAt.UTC().Truncate(time.Second), k.NotAfter.UTC().Truncate(time.Second)
		p.certificates = append(p.certificates, k)
		a.checkLater(p, certificateCheck, k.NotAfter.Add(-expiryNotice), time.Time{})
	}
	if s := w.UserSecurity; s != nil {
		p.ldap = deep(object(s.LDAP))
		if s.CustomerX509 != nil {
			a.setCAs(p, s.CustomerX509.CAs, time.Time{})
		}
	}
	if w.AuditLog != nil {
		p.audit = *w.AuditLog
	}
	return nil
}

// checkDatabaseAuth says what in a world the API would not have taken.
func checkDatabaseAuth(w ProjectDatabaseAuth) *problem {
	for _, k := range w.Certificates {
		if k.Username == "" || k.NotAfter.IsZero() {
			return invalidField("certificates", "a certificate needs a username and notAfter")
		}
	}
	if s := w.UserSecurity; s != nil {
		if bad := checkLDAP(deep(object(s.LDAP))); bad != nil {
			return bad
		}
		if s.CustomerX509 != nil {
			if _, bad := parseCAs("customerX509.cas", s.CustomerX509.CAs); bad != nil {
				return bad
			}
		}
	}
	if w.AuditLog != nil {
		return checkAuditFilter(w.AuditLog.AuditFilter)
	}
	return nil
}

func (p *project) worldDatabaseAuth() ProjectDatabaseAuth {
	out := ProjectDatabaseAuth{Certificates: slices.Clone(p.certificates)}
	if p.cas != "" {
		out.UserSecurity = &UserSecurity{CustomerX509: &CustomerX509{CAs: p.cas}}
	}
	if len(p.ldap) > 0 {
		if out.UserSecurity == nil {
			out.UserSecurity = &UserSecurity{}
		}
		out.UserSecurity.LDAP = deep(p.ldap)
	}
	if p.audit != (AuditLog{}) {
		audit := p.audit
		out.AuditLog = &audit
	}
	return out
}

// checkLater has a check reported at its time, but not before since: what expires soon
// already is reported at once. A world starts with what was due before it as reported,
// for which since is zero.
func (a *Atlas) checkLater(p *project, kind string, at, since time.Time) {
	switch {
	case since.IsZero() && !at.After(a.now()):
		return
	case at.Before(since):
		at = since
	}
	p.checks = append(p.checks, expiryCheck{at, kind})
	a.wake(p, at)
}

// moveDatabaseAuth reports the checks whose time has come.
func (a *Atlas) moveDatabaseAuth(p *project, now time.Time) {
	p.checks = slices.DeleteFunc(p.checks, func(k expiryCheck) bool {
		if k.at.After(now) {
			return false
		}
		a.record(&p.feed, k.at, Actor{}, k.kind, object{"groupId": p.id}, nil)
		if k.kind != certificateCheck {
			p.casExpiring = append(p.casExpiring, k.kind)
		}
		return true
	})
}
