package sim

import (
	"net/http"
	"strings"
	"time"
)

// verifyTakes is how long Atlas tries an LDAP configuration (a guess).
const verifyTakes = 10 * time.Second

// verification is one try of an LDAP configuration. It is no part of a world.
type verification struct {
	id      string
	request object // without the password
	doneAt  time.Time
}

// verifyLDAP starts a try. Only names of hosts that cannot exist fail: nothing is
// connected to.
func (c *call) verifyLDAP() (answer, *problem) {
	doc, bad := c.ldapDocument("")
	if bad != nil {
		return answer{}, bad
	}
	if s, has := doc["caCertificate"].(string); has && s != "" {
		if _, bad := parseCAs("caCertificate", s); bad != nil {
			return answer{}, bad
		}
	}
	delete(doc, "bindPassword")
	delete(doc, "authzQueryTemplate") // write-only as well
	v := &verification{id: c.a.nextID("ldap verification"), request: doc, doneAt: c.at.Add(verifyTakes)}
	if c.project.verifications == nil {
		c.project.verifications = map[string]*verification{}
	}
	c.project.verifications[v.id] = v
	return answer{status: http.StatusOK, body: c.verificationView(v)}, nil
}

func (c *call) getVerification() (answer, *problem) {
	v := c.project.verifications[c.params["requestId"]]
	if v == nil { // the code is a guess
		return answer{}, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", c.params["requestId"])
	}
	return ok(c.verificationView(v))
}

func (c *call) verificationView(v *verification) any {
	status, steps := "PENDING", []object{}
	if !v.doneAt.After(c.at) {
		host, _ := v.request["hostname"].(string)
		status = "SUCCESS"
		for _, step := range []string{"SERVER_SPECIFIED", "CONNECT", "AUTHENTICATE"} {
			if step == "CONNECT" && strings.HasSuffix(host, ".invalid") {
				status = "FAIL"
				steps = append(steps, object{"validationType": step, "status": "FAIL"})
				break
			}
			steps = append(steps, object{"validationType": step, "status": "OK"})
		}
	}
	return object{
		"groupId": c.project.id, "requestId": v.id, "request": v.request, "status": status, "validations": steps,
		"links": c.self("/groups/" + c.project.id + "/userSecurity/ldap/verify/" + v.id),
	}
}
