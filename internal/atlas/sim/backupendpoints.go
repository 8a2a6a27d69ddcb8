package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// OutboundEndpoint is a private endpoint that Atlas makes towards the customer's cloud:
// its object storage (backups) or its key management (encryption at rest).
type OutboundEndpoint struct {
	ID                            string `yaml:"id,omitempty" json:"id"`
	CloudProvider                 string `yaml:"cloudProvider" json:"cloudProvider"`
	RegionName                    string `yaml:"regionName" json:"regionName"`
	Status                        string `yaml:"status,omitempty" json:"status"`
	ErrorMessage                  string `yaml:"errorMessage,omitempty" json:"errorMessage,omitempty"`
	PrivateEndpointConnectionName string `yaml:"privateEndpointConnectionName,omitempty" json:"privateEndpointConnectionName,omitempty"`
}

type outboundEndpoint struct {
	OutboundEndpoint
	timed
}

// outbound is one of the two kinds.
type outbound struct {
	name             string
	providers        []string
	status           int    // of a POST
	created, deleted string // event types; "" is none
	list             func(p *project) *[]*outboundEndpoint
}

// outboundKind picks a kind by name.
type outboundKind string

const (
	backupEndpoint outboundKind = "backup private endpoint"
	earEndpoint    outboundKind = "encryption at rest private endpoint"
)

func (k outboundKind) facts() outbound {
	if k == backupEndpoint { // the event enums have no type for these
		return outbound{
			name: string(k), providers: []string{"AWS"}, status: http.StatusCreated,
			list: func(p *project) *[]*outboundEndpoint { return &p.backupEndpoints },
		}
	}
	return outbound{
		name: string(k), providers: []string{"AWS", "AZURE"}, status: http.StatusAccepted,
		created: "ENCRYPTION_AT_REST_PRIVATE_ENDPOINT_CREATED", deleted: "ENCRYPTION_AT_REST_PRIVATE_ENDPOINT_DELETED",
		list: func(p *project) *[]*outboundEndpoint { return &p.earEndpoints },
	}
}

// outboundStages: only in Azure has the customer to accept the connection.
func outboundStages(provider string) stages {
	if provider == "AZURE" {
		return stages{
			"INITIATING": {"PENDING_ACCEPTANCE", setupTakes}, "PENDING_ACCEPTANCE": {"ACTIVE", acceptTakes}, "DELETING": {gone, teardownTakes},
		}
	}
	return stages{"INITIATING": {"ACTIVE", setupTakes}, "DELETING": {gone, teardownTakes}}
}

func (e *outboundEndpoint) world() OutboundEndpoint {
	w := e.OutboundEndpoint
	w.Status = e.state
	return w
}

func (a *Atlas) buildOutbound(p *project, kind outboundKind, all []OutboundEndpoint) error {
	k := kind.facts()
	for i, w := range all {
		if _, bad := oneProvider(w.CloudProvider, k.providers...); bad != nil {
			return fmt.Errorf("%s %d: %s", k.name, i, bad.detail)
		}
		name, bad := region(w.CloudProvider, w.RegionName)
		if bad != nil {
			return fmt.Errorf("%s %d: %s", k.name, i, bad.detail)
		}
		w.RegionName = name
		w.ID = orDefault(w.ID, a.derive(k.name, p.id, w.CloudProvider, w.RegionName)[:24])
		if !isID(w.ID) || k.in(p, w.CloudProvider, w.RegionName) {
			return fmt.Errorf("%s %d: its id is malformed or the region has one already", k.name, i)
		}
		state, err := outboundStages(w.CloudProvider).state(w.Status, "ACTIVE", "FAILED", "PENDING_RECREATION")
		if err != nil {
			return fmt.Errorf("%s %d: %w", k.name, i, err)
		}
		a.newOutbound(p, k, w, state, a.now())
	}
	return nil
}

func (a *Atlas) newOutbound(p *project, k outbound, w OutboundEndpoint, state string, at time.Time) *outboundEndpoint {
	w.PrivateEndpointConnectionName = orDefault(w.PrivateEndpointConnectionName, "pe-"+a.derive(k.name, w.ID)[:24])
	e := &outboundEndpoint{OutboundEndpoint: w}
	a.enter(p, &e.timed, state, at, outboundStages(w.CloudProvider))
	*k.list(p) = append(*k.list(p), e)
	return e
}

func (a *Atlas) moveOutbound(p *project, kind outboundKind, now time.Time) {
	list := kind.facts().list(p)
	*list = slices.DeleteFunc(*list, func(e *outboundEndpoint) bool {
		return a.advance(p, &e.timed, now, outboundStages(e.CloudProvider), nil)
	})
}

// in says whether the project has one in the region: one is enough (a guess).
func (k outbound) in(p *project, provider, region string) bool {
	return slices.ContainsFunc(*k.list(p), func(e *outboundEndpoint) bool { return e.CloudProvider == provider && e.RegionName == region })
}

func outboundView(e *outboundEndpoint) any {
	out := asDocument(e.world())
	if e.state == "INITIATING" {
		delete(out, "privateEndpointConnectionName")
	}
	return out
}

func (c *call) listOutbound(kind outboundKind) (answer, *problem) {
	k := kind.facts()
	provider, bad := c.pathProvider(k.providers...)
	if bad != nil {
		return answer{}, bad
	}
	of := slices.DeleteFunc(slices.Clone(*k.list(c.project)), func(e *outboundEndpoint) bool { return e.CloudProvider != provider })
	return paged(c, http.StatusOK, of, outboundView)
}

// findOutbound finds the endpoint in the path; the code for none is a guess.
func (c *call) findOutbound(k outbound) (*outboundEndpoint, *problem) {
	provider, bad := c.pathProvider(k.providers...)
	if bad != nil {
		return nil, bad
	}
	id, bad := c.pathID("endpointId")
	if bad != nil {
		return nil, bad
	}
	for _, e := range *k.list(c.project) {
		if e.ID == id && e.CloudProvider == provider {
			return e, nil
		}
	}
	return nil, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", id)
}

func (c *call) getOutbound(kind outboundKind) (answer, *problem) {
	e, bad := c.findOutbound(kind.facts())
	if bad != nil {
		return answer{}, bad
	}
	return ok(outboundView(e))
}

// outboundRequest is typed here: the official document calls the region an object.
type outboundRequest struct {
	CloudProvider string          `json:"cloudProvider"`
	RegionName    string          `json:"regionName"`
	ID            json.RawMessage `json:"id"`
	Status        json.RawMessage `json:"status"`
	ErrorMessage  json.RawMessage `json:"errorMessage"`
	Connection    json.RawMessage `json:"privateEndpointConnectionName"`
}

func (c *call) createOutbound(kind outboundKind) (answer, *problem) {
	k := kind.facts()
	provider, bad := c.pathProvider(k.providers...)
	if bad != nil {
		return answer{}, bad
	}
	var in outboundRequest
	if bad := c.decode(&in); bad != nil {
		return answer{}, bad
	}
	switch {
	case in.CloudProvider != "" && in.CloudProvider != provider:
		return answer{}, otherProvider("cloudProvider")
	case in.RegionName == "":
		return answer{}, missingAttribute("regionName")
	}
	w := OutboundEndpoint{CloudProvider: provider}
	if w.RegionName, bad = region(provider, in.RegionName); bad != nil {
		return answer{}, bad
	}
	if k.in(c.project, provider, w.RegionName) {
		return answer{}, conflict("PRIVATE_ENDPOINT_ALREADY_EXISTS_FOR_REGION", "A private endpoint already exists for %s region %s.", provider, w.RegionName) // a guess
	}
	w.ID = c.a.nextID(k.name)
	e := c.a.newOutbound(c.project, k, w, "INITIATING", c.at)
	c.effect(k.name+" "+e.ID, "", text(e.world()))
	c.outboundEvent(k.created)
	return answer{status: k.status, body: outboundView(e)}, nil
}

func (c *call) outboundEvent(kind string) {
	if kind != "" {
		c.projectEvent(kind, nil)
	}
}

// deleteOutbound answers at once; the endpoint goes after a while.
func (c *call) deleteOutbound(kind outboundKind) (answer, *problem) {
	k := kind.facts()
	e, bad := c.findOutbound(k)
	if bad != nil {
		return answer{}, bad
	}
	if e.state != "DELETING" {
		before := text(e.world())
		c.a.enter(c.project, &e.timed, "DELETING", c.at, outboundStages(e.CloudProvider))
		c.effect(k.name+" "+e.ID, before, text(e.world()))
		c.outboundEvent(k.deleted)
	}
	return empty(http.StatusNoContent)
}

func (c *call) listBackupEndpoints() (answer, *problem)  { return c.listOutbound(backupEndpoint) }
func (c *call) createBackupEndpoint() (answer, *problem) { return c.createOutbound(backupEndpoint) }
func (c *call) getBackupEndpoint() (answer, *problem)    { return c.getOutbound(backupEndpoint) }
func (c *call) deleteBackupEndpoint() (answer, *problem) { return c.deleteOutbound(backupEndpoint) }
