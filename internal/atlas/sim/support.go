package sim

import (
	"net/http"
	"time"
)

// employeeGrant is the attribute of a cluster that holds what MongoDB's employees may
// do to it, and until when.
const employeeGrant = "mongoDBEmployeeAccessGrant"

// checkGrant wants a grant, if there is one, to be whole.
func checkGrant(doc object) *problem {
	grant, has := doc[employeeGrant].(object)
	if !has {
		return nil
	}
	for _, key := range []string{"grantType", "expirationTime"} {
		if grant[key] == nil {
			return missingAttribute(employeeGrant + "." + key)
		}
	}
	return nil
}

// checkGrantAt wants a grant in a request to end later than now, and writes its end as
// Atlas does.
func checkGrantAt(doc object, now time.Time) *problem {
	if bad := checkGrant(doc); bad != nil {
		return bad
	}
	grant, has := doc[employeeGrant].(object)
	if !has {
		return nil
	}
	text, _ := grant["expirationTime"].(string)
	end, err := parseDate(text)
	switch {
	case err != nil:
		return bad("INVALID_DATE_FORMAT", "The date %s is not in ISO 8601 format.", text)
	case !end.After(now): // code is that of other dates: a guess
		return bad("EXPIRATION_DATE_IN_PAST", "The expiration date must be in the future.")
	}
	grant["expirationTime"] = end.Truncate(time.Second).Format(time.RFC3339)
	return nil
}

// grantEnds is when the grant of a cluster ends, if it has one.
func (k *cluster) grantEnds() (time.Time, bool) {
	grant, has := k.Rest[employeeGrant].(object)
	if !has {
		return time.Time{}, false
	}
	s, _ := grant["expirationTime"].(string)
	end, err := parseDate(s)
	return end, err == nil
}

func (c *call) grantEmployees() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	grant, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	doc := object{employeeGrant: grant}
	if bad := checkGrantAt(doc, c.at); bad != nil {
		return answer{}, bad
	}
	c.setGrant(k, overlay(k.Rest, doc))
	return empty(http.StatusNoContent)
}

// revokeEmployees of a cluster without a grant does nothing (a guess).
func (c *call) revokeEmployees() (answer, *problem) {
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	c.setGrant(k, overlay(k.Rest, object{employeeGrant: nil}))
	return empty(http.StatusNoContent)
}

func (c *call) setGrant(k *cluster, rest object) {
	before, grantBefore := k.state(), text(k.Rest[employeeGrant])
	k.Rest = rest
	c.effect("cluster "+k.Name, before, k.state())
	c.grantEvents(k, grantBefore)
}

// grantEvents writes the event of a grant that came, changed or went.
func (c *call) grantEvents(k *cluster, before string) {
	if text(k.Rest[employeeGrant]) == before {
		return
	}
	end, has := k.grantEnds()
	if !has {
		c.projectEvent("EMPLOYEE_ACCESS_REVOKED", object{"clusterName": k.Name})
		return
	}
	c.a.wake(c.project, end)
	c.projectEvent("EMPLOYEE_ACCESS_GRANTED", object{"clusterName": k.Name})
}

// endGrant takes away a grant whose time is over. That Atlas says so with an event is a
// guess.
func (a *Atlas) endGrant(p *project, k *cluster, now time.Time) {
	end, has := k.grantEnds()
	if !has || end.After(now) {
		return
	}
	before := k.state()
	k.Rest = overlay(k.Rest, object{employeeGrant: nil})
	a.addEffect(Effect{At: end, OperationID: "expire", ProjectID: p.id, Target: "cluster " + k.Name, Before: before, After: k.state()})
	a.clusterEvent(p, end, "EMPLOYEE_ACCESS_REVOKED", k.Name)
}
