package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// EndpointService is a private endpoint service. Which attributes it has depends on the
// provider. Endpoints has what the API keeps below the service.
type EndpointService struct {
	ID                           string            `yaml:"id,omitempty" json:"id"`
	CloudProvider                string            `yaml:"cloudProvider" json:"cloudProvider"`
	RegionName                   string            `yaml:"regionName" json:"regionName"`
	Status                       string            `yaml:"status,omitempty" json:"status"`
	ErrorMessage                 string            `yaml:"errorMessage,omitempty" json:"errorMessage,omitempty"`
	EndpointServiceName          string            `yaml:"endpointServiceName,omitempty" json:"endpointServiceName,omitempty"`
	SupportedRemoteRegions       []string          `yaml:"supportedRemoteRegions,omitempty" json:"supportedRemoteRegions,omitempty"`
	PrivateLinkServiceResourceID string            `yaml:"privateLinkServiceResourceId,omitempty" json:"privateLinkServiceResourceId,omitempty"`
	ServiceAttachmentNames       []string          `yaml:"serviceAttachmentNames,omitempty" json:"serviceAttachmentNames,omitempty"`
	PortMappingEnabled           bool              `yaml:"portMappingEnabled,omitempty" json:"portMappingEnabled,omitempty"`
	Endpoints                    []PrivateEndpoint `yaml:"endpoints,omitempty" json:"-"`
}

type endpointService struct {
	EndpointService
	timed
	endpoints []*privateEndpoint
}

// attachments is how many service attachments a GCP service has: as recorded by the
// Atlas CLI's tests in 2025 (it has been 50), and one with port mapping. The recorded
// names begin with projects/, where the pattern of the official document wants a URL.
const attachments = 6

func serviceStages() stages {
	return stages{"INITIATING": {"AVAILABLE", setupTakes}, "DELETING": {gone, teardownTakes}}
}

// world is the service as a world states it.
func (s *endpointService) world() EndpointService {
	w := deep(s.EndpointService)
	w.Status, w.Endpoints = s.state, nil
	for _, e := range s.endpoints {
		w.Endpoints = append(w.Endpoints, e.world())
	}
	return w
}

func (a *Atlas) buildServices(p *project, all []EndpointService) error {
	for i, w := range all {
		if _, bad := oneProvider(w.CloudProvider, "AWS", "AZURE", "GCP"); bad != nil {
			return fmt.Errorf("private endpoint service %d: %s", i, bad.detail)
		}
		name, bad := region(w.CloudProvider, w.RegionName)
		if bad != nil {
			return fmt.Errorf("private endpoint service %d: %s", i, bad.detail)
		}
		w.RegionName = name
		w.ID = orDefault(w.ID, a.derive("endpoint service", p.id, w.CloudProvider, w.RegionName)[:24])
		if !isID(w.ID) || p.serviceIn(w.CloudProvider, w.RegionName) != nil {
			return fmt.Errorf("private endpoint service %d: its id is malformed or the region has one already", i)
		}
		state, err := serviceStages().state(w.Status, "AVAILABLE", "WAITING_FOR_USER", "FAILED")
		if err != nil {
			return fmt.Errorf("private endpoint service %d: %w", i, err)
		}
		s := a.newService(p, w, state, a.now())
		if err := a.buildEndpoints(p, s, w.Endpoints); err != nil {
			return fmt.Errorf("private endpoint service %d: %w", i, err)
		}
	}
	return nil
}

// newService gives a service its names and adds it to the project.
func (a *Atlas) newService(p *project, w EndpointService, state string, at time.Time) *endpointService {
	digest, own := a.derive("endpoint service name", w.ID), ownSpelling(w.CloudProvider, w.RegionName)
	switch w.CloudProvider {
	case "AWS":
		w.EndpointServiceName = orDefault(w.EndpointServiceName, "com.amazonaws.vpce."+own+".vpce-svc-"+digest[:17])
	case "AZURE":
		w.PrivateLinkServiceResourceID = orDefault(w.PrivateLinkServiceResourceID, fmt.Sprintf(
			"/subscriptions/%s/resourceGroups/rg_%s_%s/providers/Microsoft.Network/privateLinkServices/pls_%s", uuidOf(digest), w.ID, digest[32:40], w.ID))
	case "GCP":
		most := attachments
		if w.PortMappingEnabled {
			most = 1
		}
		for i := len(w.ServiceAttachmentNames); i < most; i++ {
			w.ServiceAttachmentNames = append(w.ServiceAttachmentNames,
				fmt.Sprintf("projects/p-%s/regions/%s/serviceAttachments/sa-%s-%s-%d", letters(digest[:24]), own, own, p.id, i))
		}
	}
	s := &endpointService{EndpointService: w}
	s.EndpointService.Endpoints = nil
	a.enter(p, &s.timed, state, at, serviceStages())
	p.linkServices = append(p.linkServices, s)
	return s
}

func (p *project) serviceIn(provider, region string) *endpointService {
	for _, s := range p.linkServices {
		if s.CloudProvider == provider && s.RegionName == region {
			return s
		}
	}
	return nil
}

// moveServices moves services and their endpoints.
func (a *Atlas) moveServices(p *project, now time.Time) {
	p.linkServices = slices.DeleteFunc(p.linkServices, func(s *endpointService) bool {
		a.moveEndpoints(p, s, now)
		return a.advance(p, &s.timed, now, serviceStages(), nil)
	})
}

// moveEndpoints moves a service's endpoints. With its last endpoint the service goes
// too, as the official document says.
func (a *Atlas) moveEndpoints(p *project, s *endpointService, now time.Time) {
	had, last := len(s.endpoints), time.Time{}
	s.endpoints = slices.DeleteFunc(s.endpoints, func(e *privateEndpoint) bool {
		return a.advance(p, &e.timed, now, endpointStages(s.CloudProvider), func(_ string, at time.Time) {
			if at.After(last) {
				last = at
			}
		})
	})
	if had == 0 || len(s.endpoints) > 0 || s.state == "DELETING" {
		return
	}
	a.record(&p.feed, last, Actor{}, "ENDPOINT_SERVICE_DELETED", object{"groupId": p.id}, nil)
	a.enter(p, &s.timed, "DELETING", last, serviceStages())
}

// serviceView has null for what is not known yet or not at all, as the real answers do.
func (c *call) serviceView(s *endpointService) any {
	ids := []string{}
	for _, e := range s.endpoints {
		ids = append(ids, e.ID)
	}
	out := object{
		"id": s.ID, "cloudProvider": s.CloudProvider, "regionName": s.RegionName, "status": s.state, "errorMessage": orNull(s.ErrorMessage),
	}
	switch s.CloudProvider {
	case "AWS":
		out["interfaceEndpoints"], out["endpointServiceName"], out["supportedRemoteRegions"] = ids, orNull(s.EndpointServiceName), nil
		if s.state == "INITIATING" {
			out["endpointServiceName"] = nil
		}
		if s.SupportedRemoteRegions != nil {
			out["supportedRemoteRegions"] = s.SupportedRemoteRegions
		}
	case "AZURE":
		out["privateEndpoints"], out["privateLinkServiceName"] = ids, "pls_"+s.ID
		out["privateLinkServiceResourceId"] = s.PrivateLinkServiceResourceID
	case "GCP":
		out["endpointGroupNames"], out["portMappingEnabled"] = ids, s.PortMappingEnabled
		out["serviceAttachmentNames"] = orEmpty(s.ServiceAttachmentNames)
		if s.state == "INITIATING" {
			out["serviceAttachmentNames"] = []string{}
		}
	}
	return out
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// findService finds the service in the path. Its provider, where the path has one, must
// be the service's.
func (c *call) findService() (*endpointService, *problem) {
	if _, named := c.params["cloudProvider"]; named {
		if _, bad := c.pathProvider("AWS", "AZURE", "GCP"); bad != nil {
			return nil, bad
		}
	}
	id, bad := c.pathID("endpointServiceId")
	if bad != nil {
		return nil, bad
	}
	for _, s := range c.project.linkServices {
		if s.ID == id && orDefault(c.params["cloudProvider"], s.CloudProvider) == s.CloudProvider {
			return s, nil
		}
	}
	return nil, missing("PRIVATE_ENDPOINT_SERVICE_NOT_FOUND", "No private endpoint service with ID %s exists.", id)
}

func (c *call) listServices() (answer, *problem) {
	provider, bad := c.pathProvider("AWS", "AZURE", "GCP")
	if bad != nil {
		return answer{}, bad
	}
	of := slices.DeleteFunc(slices.Clone(c.project.linkServices), func(s *endpointService) bool { return s.CloudProvider != provider })
	return plain(of, c.serviceView), nil
}

func (c *call) getService() (answer, *problem) {
	s, bad := c.findService()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.serviceView(s))
}

func (c *call) createService() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	in, bad := readAs[struct {
		ProviderName, Region   string
		PortMappingEnabled     bool
		SupportedRemoteRegions []string
	}](doc)
	if bad != nil {
		return answer{}, bad
	}
	w := EndpointService{ID: c.a.nextID("endpoint service"), CloudProvider: in.ProviderName}
	if w.RegionName, bad = region(in.ProviderName, in.Region); bad != nil {
		return answer{}, bad
	}
	if bad := c.project.mayHaveService(w); bad != nil {
		return answer{}, bad
	}
	switch w.CloudProvider {
	case "AWS":
		if w.SupportedRemoteRegions, bad = remoteRegions(in.SupportedRemoteRegions, w.RegionName); bad != nil {
			return answer{}, bad
		}
	case "GCP":
		w.PortMappingEnabled = in.PortMappingEnabled
	}
	s := c.a.newService(c.project, w, "INITIATING", c.at)
	c.effect(s.target(), "", text(s.world()))
	c.projectEvent("ENDPOINT_SERVICE_CREATED", nil)
	return answer{status: http.StatusCreated, body: c.serviceView(s)}, nil
}

func (s *endpointService) target() string { return "private endpoint service " + s.ID }

func (p *project) mayHaveService(w EndpointService) *problem {
	if p.serviceIn(w.CloudProvider, w.RegionName) != nil {
		return conflict("PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION", "A private endpoint service already exists for %s region %s.", w.CloudProvider, w.RegionName)
	}
	if !p.linkRegional && slices.ContainsFunc(p.linkServices, func(s *endpointService) bool { return len(s.endpoints) > 1 }) {
		return severalRestricted()
	}
	return nil
}

// severalRestricted is what a project without the regionalized mode runs into.
func severalRestricted() *problem {
	return conflict("MULTIPLE_PRIVATE_ENDPOINTS_RESTRICTED_TO_SINGLE_REGION", "A project with several private endpoints in one region cannot have private endpoints in other regions.")
}

// remoteRegions are the other regions from which an AWS service may be reached.
func remoteRegions(in []string, own string) ([]string, *problem) {
	var out []string
	for _, s := range in {
		name, bad := region("AWS", s)
		if bad != nil {
			return nil, bad
		}
		if name == own || slices.Contains(out, name) {
			return nil, invalidField("supportedRemoteRegions", "must have each region once, and not the service's own")
		}
		out = append(out, name)
	}
	return out, nil
}

// updateService changes the remote regions, which only an AWS service has.
func (c *call) updateService() (answer, *problem) {
	s, bad := c.findService()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	if doc["cloudProvider"] != s.CloudProvider {
		return answer{}, missing("PRIVATE_ENDPOINT_SERVICE_NOT_FOUND", "No private endpoint service with ID %s exists.", s.ID)
	}
	wanted, sent := doc["supportedRemoteRegions"]
	if !sent {
		return ok(c.serviceView(s))
	}
	in, bad := readAs[struct{ Regions []string }](object{"regions": wanted})
	if bad != nil {
		return answer{}, bad
	}
	regions, bad := remoteRegions(in.Regions, s.RegionName)
	if bad != nil {
		return answer{}, bad
	}
	before := text(s.world())
	s.SupportedRemoteRegions = regions
	if after := text(s.world()); after != before {
		c.effect(s.target(), before, after)
		c.projectEvent("CROSS_REGION_SUPPORTED_REGION_MODIFIED", nil)
	}
	return ok(c.serviceView(s))
}

// deleteService answers 202. The event comes with the request, which names who asked (a
// guess); a second request changes nothing.
func (c *call) deleteService() (answer, *problem) {
	s, bad := c.findService()
	switch {
	case bad != nil:
		return answer{}, bad
	case len(s.endpoints) > 0:
		return answer{}, conflict("CANNOT_DELETE_PRIVATELINK_WITH_ENDPOINTS", "A private endpoint service that has endpoints cannot be deleted.")
	case s.state == "DELETING":
		return empty(http.StatusAccepted)
	}
	before := text(s.world())
	c.a.enter(c.project, &s.timed, "DELETING", c.at, serviceStages())
	c.effect(s.target(), before, text(s.world()))
	c.projectEvent("ENDPOINT_SERVICE_DELETED", nil)
	return empty(http.StatusAccepted)
}

func (c *call) getRegionalMode() (answer, *problem) {
	return ok(object{"enabled": c.project.linkRegional})
}

func (c *call) toggleRegionalMode() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	before := text(object{"enabled": c.project.linkRegional})
	c.project.linkRegional = doc["enabled"] == true
	if after := text(object{"enabled": c.project.linkRegional}); after != before {
		c.effect("private endpoint regional mode", before, after)
		kind := map[bool]string{true: "REGIONALIZED_PRIVATE_ENDPOINT_MODE_ENABLED", false: "REGIONALIZED_PRIVATE_ENDPOINT_MODE_DISABLED"}
		c.projectEvent(kind[c.project.linkRegional], nil)
	}
	return answer{status: http.StatusAccepted, body: object{"enabled": c.project.linkRegional}}, nil
}
