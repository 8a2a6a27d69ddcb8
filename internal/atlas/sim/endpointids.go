package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// PrivateNetworkEndpointID is a private endpoint for federated databases and online
// archives.
type PrivateNetworkEndpointID struct {
	EndpointID                string `yaml:"endpointId" json:"endpointId"`
	Provider                  string `yaml:"provider,omitempty" json:"provider"`
	Type                      string `yaml:"type,omitempty" json:"type"`
	Status                    string `yaml:"status,omitempty" json:"status"`
	Comment                   string `yaml:"comment,omitempty" json:"comment,omitempty"`
	Region                    string `yaml:"region,omitempty" json:"region,omitempty"`
	CustomerEndpointDNSName   string `yaml:"customerEndpointDNSName,omitempty" json:"customerEndpointDNSName,omitempty"`
	CustomerEndpointIPAddress string `yaml:"customerEndpointIPAddress,omitempty" json:"customerEndpointIPAddress,omitempty"`
	AzureLinkID               string `yaml:"azureLinkId,omitempty" json:"azureLinkId,omitempty"`
	ErrorMessage              string `yaml:"errorMessage,omitempty" json:"errorMessage,omitempty"`
}

type networkID struct {
	PrivateNetworkEndpointID
	timed
}

// networkIDStages: an AWS entry is OK at once (recorded), an Azure one after a while.
func networkIDStages() stages { return stages{"PENDING": {"OK", acceptTakes}} }

func (n *networkID) world() PrivateNetworkEndpointID {
	w := n.PrivateNetworkEndpointID
	w.Status = n.state
	return w
}

func (a *Atlas) buildNetworkIDs(p *project, all []PrivateNetworkEndpointID) error {
	for i, w := range all {
		w.Provider, w.Type = orDefault(w.Provider, "AWS"), orDefault(w.Type, "DATA_LAKE")
		if bad := w.check(); bad != nil || p.networkID(w.EndpointID) != nil {
			return fmt.Errorf("private network endpoint ID %d: %q is there twice or malformed", i, w.EndpointID)
		}
		state, err := networkIDStages().state(w.Status, "OK", "FAILED", "DELETING")
		if err != nil {
			return fmt.Errorf("private network endpoint ID %q: %w", w.EndpointID, err)
		}
		a.newNetworkID(p, w, state, a.now())
	}
	return nil
}

func (a *Atlas) newNetworkID(p *project, w PrivateNetworkEndpointID, state string, at time.Time) *networkID {
	n := &networkID{PrivateNetworkEndpointID: w}
	a.enter(p, &n.timed, state, at, networkIDStages())
	p.networkIDs = append(p.networkIDs, n)
	return n
}

func (w PrivateNetworkEndpointID) check() *problem {
	if _, bad := oneProvider(w.Provider, "AWS", "AZURE"); bad != nil {
		return bad
	}
	if bad := checkEndpointID(w.Provider, w.EndpointID); bad != nil {
		bad.fields[0]["field"] = "endpointId"
		return bad
	}
	if w.Provider == "AWS" && (w.Region == "") != (w.CustomerEndpointDNSName == "") {
		return invalidField("region", "goes together with customerEndpointDNSName")
	}
	return nil
}

func (p *project) networkID(id string) *networkID {
	for _, n := range p.networkIDs {
		if n.EndpointID == id {
			return n
		}
	}
	return nil
}

func networkIDView(n *networkID) any { return n.world() }

func (c *call) listNetworkIDs() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.networkIDs, networkIDView)
}

// findNetworkID finds the entry in the path; the code for none is a guess.
func (c *call) findNetworkID() (*networkID, *problem) {
	id := c.params["endpointId"]
	n := c.project.networkID(id)
	if n == nil {
		return nil, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", id)
	}
	return n, nil
}

func (c *call) getNetworkID() (answer, *problem) {
	n, bad := c.findNetworkID()
	if bad != nil {
		return answer{}, bad
	}
	return ok(networkIDView(n))
}

// createNetworkID adds an entry, or changes the comment of the one that is there, and
// answers the list. What the body says of status and error is the service's to say, and
// ignored (a guess).
func (c *call) createNetworkID() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	w, bad := readAs[PrivateNetworkEndpointID](doc)
	if bad != nil {
		return answer{}, bad
	}
	w.Provider, w.Type = orDefault(w.Provider, "AWS"), orDefault(w.Type, "DATA_LAKE")
	w.Status, w.ErrorMessage = "", ""
	if bad := w.check(); bad != nil {
		return answer{}, bad
	}
	if held := c.project.networkID(w.EndpointID); held != nil {
		c.commentNetworkID(held, w.Comment)
	} else {
		first := map[string]string{"AWS": "OK", "AZURE": "PENDING"}[w.Provider]
		n := c.a.newNetworkID(c.project, w, first, c.at)
		c.effect("private network endpoint ID "+n.EndpointID, "", text(n.world()))
		c.projectEvent("PRIVATE_NETWORK_ENDPOINT_ENTRY_ADDED", nil)
	}
	return paged(c, http.StatusCreated, c.project.networkIDs, networkIDView)
}

func (c *call) commentNetworkID(held *networkID, comment string) {
	before := text(held.world())
	held.Comment = comment
	if after := text(held.world()); after != before {
		c.effect("private network endpoint ID "+held.EndpointID, before, after)
		c.projectEvent("PRIVATE_NETWORK_ENDPOINT_ENTRY_UPDATED", nil)
	}
}

func (c *call) deleteNetworkID() (answer, *problem) {
	n, bad := c.findNetworkID()
	if bad != nil {
		return answer{}, bad
	}
	c.project.networkIDs = slices.DeleteFunc(c.project.networkIDs, func(x *networkID) bool { return x == n })
	c.effect("private network endpoint ID "+n.EndpointID, text(n.world()), "")
	c.projectEvent("PRIVATE_NETWORK_ENDPOINT_ENTRY_REMOVED", nil)
	return empty(http.StatusNoContent)
}
