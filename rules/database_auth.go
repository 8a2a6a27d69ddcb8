package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func (s *subject) certificates() []access.Certificate {
	c, _ := access.As[access.X509Config](s.res.Box)
	return c.Certificates
}

// lastOf are the certificates without those that have a successor: one of the same subject
// that lasts longer.
func lastOf(all []access.Certificate) []access.Certificate {
	var out []access.Certificate
	for _, c := range all {
		if !slices.ContainsFunc(all, func(o access.Certificate) bool { return o.Subject == c.Subject && o.NotAfter.After(c.NotAfter) }) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b access.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	return out
}

// near are those of the certificates that end within the rule's days. One whose end is not
// told has none.
func (s *subject) near() (out []access.Certificate) {
	days, _ := s.rule.Params["warn_days"].(int64)
	for _, c := range lastOf(s.certificates()) {
		if !c.NotAfter.IsZero() && !s.now.Before(c.NotAfter.AddDate(0, 0, -int(days))) {
			out = append(out, c)
		}
	}
	return out
}

func (s *subject) ending() (out []string) {
	for _, c := range s.near() {
		out = append(out, c.Subject+" at "+stamp(c.NotAfter))
	}
	return out
}

func (s *subject) firstEnd() time.Time {
	if near := s.near(); len(near) > 0 {
		return near[0].NotAfter
	}
	return time.Time{}
}

func (s *subject) whose() string {
	if c, _ := access.As[access.X509Config](s.res.Box); c.User != "" {
		return "of database user " + c.User
	}
	return "of the project's own authorities"
}

type directoryFacts struct{ doubt, certain string }

// The ports of LDAP over TLS. 3269 is that of Active Directory's global catalog.
const (
	portLDAP          = 389
	portLDAPS         = 636
	portGlobalCatalog = 3268
	portCatalogTLS    = 3269
)

// directory says what speaks against the way to the LDAP server, and how certain it is.
// Atlas says that it asks for TLS (page "Set Up User Authentication and Authorization with
// LDAP"), and no call tells whether a connection is encrypted: the port and the CA are all
// that can be read.
func (s *subject) directory() directoryFacts {
	l, _ := access.As[access.DatabaseAuth](s.res.Box)
	var out directoryFacts
	switch l.Port {
	case 0, portLDAPS: // the port that Atlas takes where none is given
	case portLDAP, portGlobalCatalog:
		out = directoryFacts{fmt.Sprintf("port %d", l.Port), "likely: on this port LDAP begins in the clear, and turns to TLS only if both sides ask for it"}
	case portCatalogTLS:
		out = directoryFacts{fmt.Sprintf("port %d", l.Port), "unlikely: this is the port of a global catalog over TLS; waive it if that is what it is"}
	default:
		out = directoryFacts{fmt.Sprintf("port %d", l.Port), "possible: it is not a port of LDAP over TLS, and what listens there cannot be read"}
	}
	if l.CAFingerprint != "" {
		return out
	}
	if out.doubt == "" {
		return directoryFacts{"no CA of its own", "possible: it is encrypted, and whether the server is the right one is judged by whatever authorities Atlas trusts"}
	}
	out.doubt += " and no CA of its own"
	return out
}

// signinSettings reports whether a change is of the project's settings, and not of the
// certificates that Atlas issued to a user.
func (s *subject) signinSettings() bool { return !strings.HasPrefix(s.change.Ref.Name, "user/") }

func (s *subject) signinWhat() string {
	switch fields := strings.Join(s.change.Fields, ", "); {
	case s.change.Type == "CUSTOMER_X509_CRL_UPDATED":
		return "the revocation list of X.509"
	case s.change.Ref.Kind == access.KindX509Config:
		return "the authorities of X.509"
	case s.change.Op == access.OpObserved:
		return "LDAP or X.509, in a field that cannot be read"
	case fields == "":
		return "LDAP"
	default:
		return "LDAP: " + fields
	}
}
