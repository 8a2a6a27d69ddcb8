package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// PrivateEndpoint is the customer's end of a private endpoint service. ID is the AWS
// interface endpoint id, the Azure resource id or the name of the GCP endpoint group;
// Status is what the API calls connectionStatus for AWS.
type PrivateEndpoint struct {
	ID                            string           `yaml:"id" json:"id"`
	Status                        string           `yaml:"status,omitempty" json:"status"`
	ErrorMessage                  string           `yaml:"errorMessage,omitempty" json:"errorMessage,omitempty"`
	PrivateEndpointConnectionName string           `yaml:"privateEndpointConnectionName,omitempty" json:"privateEndpointConnectionName,omitempty"`
	PrivateEndpointIPAddress      string           `yaml:"privateEndpointIPAddress,omitempty" json:"privateEndpointIPAddress,omitempty"`
	GCPProjectID                  string           `yaml:"gcpProjectId,omitempty" json:"gcpProjectId,omitempty"`
	Endpoints                     []ForwardingRule `yaml:"endpoints,omitempty" json:"endpoints,omitempty"`
}

// ForwardingRule is one endpoint of a GCP endpoint group.
type ForwardingRule struct {
	EndpointName string `yaml:"endpointName" json:"endpointName"`
	IPAddress    string `yaml:"ipAddress" json:"ipAddress"`
}

type privateEndpoint struct {
	PrivateEndpoint
	timed
}

var (
	awsEndpoint   = regexp.MustCompile(`^vpce-[0-9a-f]{17}$`)
	azureEndpoint = regexp.MustCompile(`^/subscriptions/[0-9a-f-]{36}/resource[gG]roups/[-\w._()]+/providers/Microsoft\.Network/privateEndpoints/[-\w._()]+$`)
)

// endpointStages: AWS and GCP wait for the connection to be accepted and verified.
func endpointStages(provider string) stages {
	deleting := stage{gone, teardownTakes}
	switch provider {
	case "AWS":
		return stages{"PENDING_ACCEPTANCE": {"PENDING", acceptTakes}, "PENDING": {"AVAILABLE", acceptTakes}, "DELETING": deleting}
	case "GCP":
		return stages{"INITIATING": {"VERIFIED", acceptTakes}, "VERIFIED": {"AVAILABLE", acceptTakes}, "DELETING": deleting}
	}
	return stages{"INITIATING": {"AVAILABLE", acceptTakes}, "DELETING": deleting}
}

func (e *privateEndpoint) world() PrivateEndpoint {
	w := deep(e.PrivateEndpoint)
	w.Status = e.state
	return w
}

func (a *Atlas) buildEndpoints(p *project, s *endpointService, all []PrivateEndpoint) error {
	for i, w := range all {
		if bad := checkEndpointID(s.CloudProvider, w.ID); bad != nil || s.endpoint(w.ID) != nil {
			return fmt.Errorf("endpoint %d: %q is there twice or no endpoint of %s", i, w.ID, s.CloudProvider)
		}
		failed := "FAILED"
		if s.CloudProvider == "AWS" {
			failed = "REJECTED"
		}
		state, err := endpointStages(s.CloudProvider).state(w.Status, "AVAILABLE", failed)
		if err != nil {
			return fmt.Errorf("endpoint %q: %w", w.ID, err)
		}
		a.newEndpoint(p, s, w, state, a.now())
	}
	return nil
}

func (a *Atlas) newEndpoint(p *project, s *endpointService, w PrivateEndpoint, state string, at time.Time) *privateEndpoint {
	if s.CloudProvider == "AZURE" {
		w.PrivateEndpointConnectionName = orDefault(w.PrivateEndpointConnectionName, azureConnection(w.ID))
	}
	e := &privateEndpoint{PrivateEndpoint: w}
	a.enter(p, &e.timed, state, at, endpointStages(s.CloudProvider))
	s.endpoints = append(s.endpoints, e)
	return e
}

// azureConnection is a connection's name: a UUID and two names by the pattern of the
// official document. That they are of the endpoint's resource id is a guess.
func azureConnection(id string) string {
	parts := strings.Split(id, "/") // "", subscriptions, …, resourceGroups, …, providers, …
	return strings.Join([]string{parts[2], parts[4], parts[len(parts)-1]}, "%2F")
}

func checkEndpointID(provider, id string) *problem {
	switch {
	case provider == "AWS" && !awsEndpoint.MatchString(id):
		return invalidField("id", "must match "+awsEndpoint.String())
	case provider == "AZURE" && !azureEndpoint.MatchString(id):
		return invalidField("id", "must be the resource ID of an Azure private endpoint")
	case provider == "GCP" && id == "":
		return missingAttribute("endpointGroupName")
	}
	return nil
}

func (s *endpointService) endpoint(id string) *privateEndpoint {
	for _, e := range s.endpoints {
		if e.ID == id {
			return e
		}
	}
	return nil
}

func endpointView(s *endpointService, e *privateEndpoint) any {
	out := object{"cloudProvider": s.CloudProvider, "errorMessage": orNull(e.ErrorMessage), "deleteRequested": e.state == "DELETING"}
	switch s.CloudProvider {
	case "AWS":
		out["interfaceEndpointId"], out["connectionStatus"] = e.ID, e.state
	case "AZURE":
		out["privateEndpointResourceId"], out["status"] = e.ID, e.state
		out["privateEndpointIPAddress"] = e.PrivateEndpointIPAddress
		out["privateEndpointConnectionName"] = e.PrivateEndpointConnectionName
	case "GCP":
		rules := []object{}
		for _, r := range e.Endpoints {
			rules = append(rules, object{"endpointName": r.EndpointName, "ipAddress": r.IPAddress, "status": ruleStatus(e.state)})
		}
		out["endpointGroupName"], out["status"] = e.ID, e.state
		out["gcpProjectId"], out["endpoints"], out["portMappingEnabled"] = e.GCPProjectID, rules, s.PortMappingEnabled
	}
	return out
}

// ruleStatus is a forwarding rule's status; it has no VERIFIED.
func ruleStatus(state string) string {
	if state == "VERIFIED" {
		return "INITIATING"
	}
	return state
}

// findEndpoint finds the service and the endpoint in the path. The code is of Atlas's
// page of error codes; the newer name of it, if there is one, is not documented.
func (c *call) findEndpoint() (*endpointService, *privateEndpoint, *problem) {
	s, bad := c.findService()
	if bad != nil {
		return nil, nil, bad
	}
	e := s.endpoint(c.params["endpointId"])
	if e == nil {
		return nil, nil, missing("PRIVATELINK_INTERFACE_ENDPOINT_NOT_FOUND", "No private endpoint with ID %s exists.", c.params["endpointId"])
	}
	return s, e, nil
}

func (c *call) getEndpoint() (answer, *problem) {
	s, e, bad := c.findEndpoint()
	if bad != nil {
		return answer{}, bad
	}
	return ok(endpointView(s, e))
}

func (c *call) createEndpoint() (answer, *problem) {
	s, bad := c.findService()
	if bad != nil {
		return answer{}, bad
	}
	w, bad := c.wantedEndpoint(s.CloudProvider)
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.project.mayHaveEndpoint(s, w.ID); bad != nil {
		return answer{}, bad
	}
	first := "INITIATING"
	if s.CloudProvider == "AWS" {
		first = "PENDING_ACCEPTANCE"
	}
	e := c.a.newEndpoint(c.project, s, w, first, c.at)
	c.effect("private endpoint "+e.ID, "", text(e.world()))
	c.projectEvent("INTERFACE_ENDPOINT_CREATED", nil)
	return ok(endpointView(s, e))
}

// wantedEndpoint reads the provider's own body. The pattern that the official document
// has for gcpProjectId is that of Atlas's own projects, so it is not held against a body.
func (c *call) wantedEndpoint(provider string) (PrivateEndpoint, *problem) {
	c.assume("cloudProvider", provider)
	var lax []apispec.Rule
	if provider == "GCP" {
		lax = append(lax, apispec.Range)
	}
	doc, bad := c.document(lax...)
	if bad != nil {
		return PrivateEndpoint{}, bad
	}
	if doc["cloudProvider"] != provider {
		return PrivateEndpoint{}, otherProvider("cloudProvider")
	}
	w, bad := readAs[PrivateEndpoint](doc)
	if bad != nil {
		return w, bad
	}
	if provider == "GCP" {
		w.ID, _ = doc["endpointGroupName"].(string)
	}
	w.Status = ""
	return w, checkEndpointID(provider, w.ID)
}

// otherProvider is the answer to a body that names another provider than its target (a guess).
func otherProvider(attribute string) *problem {
	return bad("INVALID_ATTRIBUTE", "Invalid attribute %s specified.", attribute)
}

func (p *project) mayHaveEndpoint(s *endpointService, id string) *problem {
	if s.state != "AVAILABLE" {
		return conflict("PRIVATELINK_CANNOT_ACCEPT_ENDPOINTS", "The private endpoint service with ID %s is not ready to accept endpoints.", s.ID)
	}
	if s.endpoint(id) != nil {
		return conflict("PRIVATELINK_INTERFACE_ENDPOINT_ALREADY_EXISTS", "The private endpoint service has an endpoint with ID %s already.", id)
	}
	elsewhere := slices.ContainsFunc(p.linkServices, func(o *endpointService) bool {
		return o != s && len(o.endpoints) > 0 && len(o.endpoints)+len(s.endpoints) > 1
	})
	if !p.linkRegional && elsewhere {
		return severalRestricted()
	}
	return nil
}

// deleteEndpoint marks the endpoint; it goes after a while. The event comes with the
// request (a guess).
func (c *call) deleteEndpoint() (answer, *problem) {
	s, e, bad := c.findEndpoint()
	if bad != nil {
		return answer{}, bad
	}
	if e.state == "DELETING" {
		return empty(http.StatusNoContent)
	}
	before := text(e.world())
	c.a.enter(c.project, &e.timed, "DELETING", c.at, endpointStages(s.CloudProvider))
	c.effect("private endpoint "+e.ID, before, text(e.world()))
	c.projectEvent("INTERFACE_ENDPOINT_DELETED", nil)
	return empty(http.StatusNoContent)
}
