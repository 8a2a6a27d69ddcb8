package sim

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// UserSecurity is a project's LDAP and self-managed X.509. LDAP is the API's document,
// with the password.
type UserSecurity struct {
	CustomerX509 *CustomerX509  `yaml:"customerX509,omitempty"`
	LDAP         map[string]any `yaml:"ldap,omitempty"`
}

// CustomerX509 holds the PEM text of certificate authorities, one after the other.
type CustomerX509 struct {
	CAs string `yaml:"cas"`
}

// userSecurityView fills in the defaults and leaves the password out.
func (c *call) userSecurityView() any {
	ldap := overlay(object{
		"authenticationEnabled": false, "authorizationEnabled": false, "authzQueryTemplate": "{USER}?memberOf?base",
		"port": 636, "userToDNMapping": []any{},
	}, c.project.ldap)
	delete(ldap, "bindPassword")
	x509 := object{}
	if c.project.cas != "" {
		x509["cas"] = c.project.cas
	}
	return object{"ldap": ldap, "customerX509": x509, "links": c.self("/groups/" + c.project.id + "/userSecurity")}
}

func (c *call) getUserSecurity() (answer, *problem) { return ok(c.userSecurityView()) }

func (c *call) updateUserSecurity() (answer, *problem) {
	doc, bad := c.ldapDocument("ldap")
	if bad != nil {
		return answer{}, bad
	}
	p := c.project
	ldap, cas := p.ldap, p.cas
	if patch, sent := doc["ldap"].(map[string]any); sent {
		ldap = overlay(ldap, patch)
		if ldap["caCertificate"] == "" { // how the official document has it removed
			delete(ldap, "caCertificate")
		}
		if bad := checkLDAP(ldap); bad != nil {
			return answer{}, bad
		}
	}
	if patch, sent := doc["customerX509"].(map[string]any); sent {
		if s, sent := patch["cas"].(string); sent {
			if _, bad := parseCAs("customerX509.cas", s); bad != nil {
				return answer{}, bad
			}
			cas = s
		}
	}
	return c.setUserSecurity(ldap, cas)
}

// setUserSecurity takes over what has been checked.
func (c *call) setUserSecurity(ldap object, cas string) (answer, *problem) {
	p := c.project
	before := userSecurityState(p.ldap, p.cas)
	newCRLs := crlsOf(p.cas) != crlsOf(cas)
	if after := userSecurityState(ldap, cas); after != before {
		p.ldap = ldap
		if cas != p.cas {
			c.resolveCAs()
			c.a.setCAs(p, cas, c.at.Truncate(time.Second))
		}
		c.effect("userSecurity", before, after)
		c.projectEvent("USER_SECURITY_SETTINGS_UPDATED", nil)
		if newCRLs {
			c.projectEvent("CUSTOMER_X509_CRL_UPDATED", nil)
		}
	}
	return answer{status: http.StatusAccepted, body: c.userSecurityView()}, nil
}

func userSecurityState(ldap object, cas string) string {
	shown := maps.Clone(ldap)
	if s, has := shown["bindPassword"].(string); has {
		shown["bindPassword"] = mask(s)
	}
	return text(object{"ldap": shown, "cas": cas})
}

func (c *call) dropCustomerX509() (answer, *problem) { return c.setUserSecurity(c.project.ldap, "") }

func (c *call) dropMapping() (answer, *problem) {
	return c.setUserSecurity(overlay(c.project.ldap, object{"userToDNMapping": nil}), c.project.cas)
}

// checkLDAP checks the whole of the settings: the schema, and what enabling needs (a
// guess).
func checkLDAP(ldap object) *problem {
	facts, checked := apispec.Load(), overlay(nil, ldap)
	if name, has := ldap["bindUsername"].(string); has {
		checked["bindUsername"] = upperTypes(name)
	}
	if _, bad := checkDocument(facts.Schemas["LDAPSecuritySettings"], map[string]any(checked), nil); bad != nil {
		return bad
	}
	if ldap["authenticationEnabled"] == true {
		for _, name := range []string{"hostname", "bindUsername", "bindPassword"} {
			if s, has := ldap[name].(string); !has || s == "" {
				return missingAttribute("ldap." + name)
			}
		}
	} else if ldap["authorizationEnabled"] == true {
		return invalidField("ldap.authorizationEnabled", "authorization by LDAP needs authentication by LDAP")
	}
	if s, has := ldap["caCertificate"].(string); has && s != "" {
		if _, bad := parseCAs("ldap.caCertificate", s); bad != nil {
			return bad
		}
	}
	rules, _ := ldap["userToDNMapping"].([]any)
	for _, r := range rules {
		rule, _ := r.(map[string]any)
		if (rule["substitution"] == nil) == (rule["ldapQuery"] == nil) {
			return invalidField("ldap.userToDNMapping", "a rule has either a substitution or an ldapQuery")
		}
	}
	return nil
}

// parseCAs reads concatenated PEM certificates and gives the checks of their ends.
// Revocation lists may stand among them (a guess: the API has no other place for them).
func parseCAs(field, s string) ([]expiryCheck, *problem) {
	wrong := invalidField(field, "must be certificates in PEM format")
	var ends []expiryCheck
	rest := []byte(strings.TrimSpace(s))
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, wrong
		}
		rest = []byte(strings.TrimSpace(string(rest)))
		switch block.Type {
		case "CERTIFICATE":
			k, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, wrong
			}
			ends = append(ends, expiryCheck{k.NotAfter, caCheck})
		case "X509 CRL":
			l, err := x509.ParseRevocationList(block.Bytes)
			if err != nil {
				return nil, wrong
			}
			ends = append(ends, expiryCheck{l.NextUpdate, crlCheck})
		default:
			return nil, wrong
		}
	}
	if !slices.ContainsFunc(ends, func(k expiryCheck) bool { return k.kind == caCheck }) {
		return nil, wrong
	}
	return ends, nil
}

// crlsOf is the text of the revocation lists among the PEM blocks.
func crlsOf(cas string) string {
	var out strings.Builder
	for rest := []byte(cas); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out.String()
		}
		if block.Type == "X509 CRL" {
			out.Write(pem.EncodeToMemory(block))
		}
	}
}

// setCAs replaces the authorities, and with them the checks to come.
func (a *Atlas) setCAs(p *project, cas string, since time.Time) {
	p.cas, p.casExpiring = cas, nil
	p.checks = slices.DeleteFunc(p.checks, func(k expiryCheck) bool { return k.kind != certificateCheck })
	if cas == "" {
		return
	}
	ends, _ := parseCAs("cas", cas) // checked before
	for _, end := range ends {
		a.checkLater(p, end.kind, end.at.Add(-expiryNotice), since)
	}
}

// resolveCAs says that what was about to expire is gone.
func (c *call) resolveCAs() {
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(c.project.casExpiring))) {
		c.projectEvent(strings.TrimSuffix(kind, "_CHECK")+"_RESOLVED", nil)
	}
}
