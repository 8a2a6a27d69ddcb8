package sim

import "net/http"

// The access list of a service account. Atlas lets what it says of an entry's use lag
// by up to five minutes; here it is up to date.

func accountAddressView(e *address) any {
	out := object{"cidrBlock": e.prefix.String(), "createdAt": e.created, "requestCount": e.count}
	if e.single() != "" {
		out["ipAddress"] = e.single()
	}
	if e.used != nil {
		out["lastUsedAt"], out["lastUsedAddress"] = *e.used, e.from
	}
	return out
}

func (c *call) listAccountAddresses() (answer, *problem) {
	p, wrong := c.account()
	if wrong != nil {
		return answer{}, wrong
	}
	return paged(c, http.StatusOK, p.access, accountAddressView)
}

func (c *call) addAccountAddresses() (answer, *problem) {
	p, wrong := c.ownAccount()
	if wrong != nil {
		return answer{}, wrong
	}
	added, wrong := c.newAddresses(p)
	if wrong != nil {
		return answer{}, wrong
	}
	for _, e := range added {
		p.access = append(p.access, e)
		c.effect(p.target()+" access list "+e.prefix.String(), "", e.prefix.String())
		c.accountEvent("SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_ADDED")
	}
	return paged(c, http.StatusOK, p.access, accountAddressView)
}

func (c *call) deleteAccountAddress() (answer, *problem) {
	p, wrong := c.ownAccount()
	if wrong != nil {
		return answer{}, wrong
	}
	if _, wrong := c.dropAddress(p); wrong != nil {
		return answer{}, wrong
	}
	c.accountEvent("SERVICE_ACCOUNT_ACCESS_LIST_ENTRY_DELETED")
	return empty(http.StatusNoContent)
}
