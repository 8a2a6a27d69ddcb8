package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// The family of private endpoints, peering, containers and cloud provider access.

// ProjectNetwork is its part of a world.
type (
	ProjectNetwork struct {
		PrivateEndpointServices          []EndpointService          `yaml:"privateEndpointServices,omitempty"`
		PrivateEndpointRegionalMode      bool                       `yaml:"privateEndpointRegionalMode,omitempty"`
		PrivateNetworkEndpointIDs        []PrivateNetworkEndpointID `yaml:"privateNetworkEndpointIds,omitempty"`
		Containers                       []Container                `yaml:"containers,omitempty"`
		Peers                            []Peer                     `yaml:"peers,omitempty"`
		CloudProviderAccess              []CloudAccessRole          `yaml:"cloudProviderAccess,omitempty"`
		BackupPrivateEndpoints           []OutboundEndpoint         `yaml:"backupPrivateEndpoints,omitempty"`
		EncryptionAtRestPrivateEndpoints []OutboundEndpoint         `yaml:"encryptionAtRestPrivateEndpoints,omitempty"`
	}
)

// projectNetwork is its live state.
type (
	projectNetwork struct {
		linkServices    []*endpointService
		linkRegional    bool
		networkIDs      []*networkID
		containers      []*Container
		peers           []*peer
		cloudRoles      []*cloudRole
		backupEndpoints []*outboundEndpoint
		earEndpoints    []*outboundEndpoint
	}
)

func networkRoutes() []route {
	return slices.Concat(privateLinkRoutes(), []route{
		{op: "listGroupContainers", set: "networkPeering_group", handle: (*call).listContainers},
		{op: "listGroupContainerAll", set: "networkPeering_group", handle: (*call).listAllContainers},
		{op: "createGroupContainer", set: "networkPeering_group", handle: (*call).createContainer},
		{op: "getGroupContainer", set: "networkPeering_group", handle: (*call).getContainer},
		{op: "updateGroupContainer", set: "networkPeering_group", handle: (*call).updateContainer},
		{op: "deleteGroupContainer", set: "networkPeering_group", handle: (*call).deleteContainer},
		{op: "listGroupPeers", set: "networkPeering_group", handle: (*call).listPeers},
		{op: "createGroupPeer", set: "networkPeering_group", handle: (*call).createPeer},
		{op: "getGroupPeer", set: "networkPeering_group", handle: (*call).getPeer},
		{op: "updateGroupPeer", set: "networkPeering_group", handle: (*call).updatePeer},
		{op: "deleteGroupPeer", set: "networkPeering_group", handle: (*call).deletePeer},

		{op: "listGroupCloudProviderAccess", set: "cloudProviderAccess_group", handle: (*call).listCloudRoles},
		{op: "createGroupCloudProviderAccess", set: "cloudProviderAccess_group", handle: (*call).createCloudRole},
		{op: "getGroupCloudProviderAccess", set: "cloudProviderAccess_group", handle: (*call).getCloudRole},
		{op: "authorizeGroupCloudProviderAccessRole", set: "cloudProviderAccess_group", handle: (*call).authorizeCloudRole},
		{op: "deauthorizeGroupCloudProviderAccessRole", set: "cloudProviderAccess_group", handle: (*call).deauthorizeCloudRole},

		{op: "listGroupBackupPrivateEndpoints", set: "backupPrivateEndpoints_group", handle: (*call).listBackupEndpoints},
		{op: "createGroupBackupPrivateEndpoint", set: "backupPrivateEndpoints_group", handle: (*call).createBackupEndpoint},
		{op: "getGroupBackupPrivateEndpoint", set: "backupPrivateEndpoints_group", handle: (*call).getBackupEndpoint},
		{op: "deleteGroupBackupPrivateEndpoint", set: "backupPrivateEndpoints_group", handle: (*call).deleteBackupEndpoint},
		{op: "listGroupEncryptionAtRestPrivateEndpoints", set: "encryptionAtRest_group", handle: (*call).listEAREndpoints},
		{op: "createGroupEncryptionAtRestPrivateEndpoint", set: "encryptionAtRest_group", handle: (*call).createEAREndpoint},
		{op: "getGroupEncryptionAtRestPrivateEndpoint", set: "encryptionAtRest_group", handle: (*call).getEAREndpoint},
		{op: "requestGroupEncryptionAtRestPrivateEndpointDeletion", set: "encryptionAtRest_group", handle: (*call).deleteEAREndpoint},
	})
}

func privateLinkRoutes() []route {
	return []route{
		{op: "createGroupPrivateEndpointEndpointService", set: "privateEndpoint_group", handle: (*call).createService},
		{op: "updateGroupPrivateEndpointEndpointService", set: "privateEndpoint_group", handle: (*call).updateService},
		{op: "listGroupPrivateEndpointEndpointService", set: "privateEndpoint_group", handle: (*call).listServices},
		{op: "getGroupPrivateEndpointEndpointService", set: "privateEndpoint_group", handle: (*call).getService},
		{op: "deleteGroupPrivateEndpointEndpointService", set: "privateEndpoint_group", handle: (*call).deleteService},
		{op: "createGroupPrivateEndpointEndpointServiceEndpoint", set: "privateEndpoint_group", handle: (*call).createEndpoint},
		{op: "getGroupPrivateEndpointEndpointServiceEndpoint", set: "privateEndpoint_group", handle: (*call).getEndpoint},
		{op: "deleteGroupPrivateEndpointEndpointServiceEndpoint", set: "privateEndpoint_group", handle: (*call).deleteEndpoint},
		{op: "getGroupPrivateEndpointRegionalMode", set: "privateEndpoint_group", handle: (*call).getRegionalMode},
		{op: "toggleGroupPrivateEndpointRegionalMode", set: "privateEndpoint_group", handle: (*call).toggleRegionalMode},
		{op: "listGroupPrivateNetworkSettingEndpointIds", set: "dataFederation_group", handle: (*call).listNetworkIDs},
		{op: "createGroupPrivateNetworkSettingEndpointId", set: "dataFederation_group", handle: (*call).createNetworkID},
		{op: "getGroupPrivateNetworkSettingEndpointId", set: "dataFederation_group", handle: (*call).getNetworkID},
		{op: "deleteGroupPrivateNetworkSettingEndpointId", set: "dataFederation_group", handle: (*call).deleteNetworkID},
	}
}

// buildNetwork makes live state of a world, after projects, keys and accounts exist.
func (a *Atlas) buildNetwork(o *org, projects map[*project]ProjectNetwork) error {
	var all []error
	for _, p := range o.projects {
		if err := a.buildProjectNetwork(p, projects[p]); err != nil {
			all = append(all, fmt.Errorf("project %q: %w", p.name, err))
		}
	}
	return errors.Join(all...)
}

func (a *Atlas) buildProjectNetwork(p *project, w ProjectNetwork) error {
	p.linkRegional = w.PrivateEndpointRegionalMode
	return errors.Join(
		a.buildServices(p, w.PrivateEndpointServices),
		a.buildNetworkIDs(p, w.PrivateNetworkEndpointIDs),
		a.buildContainers(p, w.Containers),
		a.buildPeers(p, w.Peers),
		a.buildCloudRoles(p, w.CloudProviderAccess),
		a.buildOutbound(p, backupEndpoint, w.BackupPrivateEndpoints),
		a.buildOutbound(p, earEndpoint, w.EncryptionAtRestPrivateEndpoints),
	)
}

func (p *project) worldNetwork() ProjectNetwork {
	w := ProjectNetwork{PrivateEndpointRegionalMode: p.linkRegional}
	for _, s := range p.linkServices {
		w.PrivateEndpointServices = append(w.PrivateEndpointServices, s.world())
	}
	for _, n := range p.networkIDs {
		w.PrivateNetworkEndpointIDs = append(w.PrivateNetworkEndpointIDs, n.world())
	}
	for _, c := range p.containers {
		w.Containers = append(w.Containers, deep(*c))
	}
	for _, x := range p.peers {
		w.Peers = append(w.Peers, x.world())
	}
	for _, r := range p.cloudRoles {
		w.CloudProviderAccess = append(w.CloudProviderAccess, r.world())
	}
	for _, e := range p.backupEndpoints {
		w.BackupPrivateEndpoints = append(w.BackupPrivateEndpoints, e.world())
	}
	for _, e := range p.earEndpoints {
		w.EncryptionAtRestPrivateEndpoints = append(w.EncryptionAtRestPrivateEndpoints, e.world())
	}
	return w
}

// moveNetwork does what Atlas does by itself in the project when its time has come.
func (a *Atlas) moveNetwork(p *project, now time.Time) {
	a.moveServices(p, now)
	a.movePeers(p, now)
	for _, n := range p.networkIDs {
		a.advance(p, &n.timed, now, networkIDStages(), nil)
	}
	for _, r := range p.cloudRoles {
		a.advance(p, &r.timed, now, cloudRoleStages(), nil)
	}
	a.moveOutbound(p, backupEndpoint, now)
	a.moveOutbound(p, earEndpoint, now)
}

// timed is a status that moves on by itself. How long a thing stays in a status is a
// guess everywhere; the customer's side of a connection, which accepts it in its own
// cloud, is taken to do so after a while.
type timed struct {
	state  string
	moveAt time.Time // zero: it stays
}

const (
	setupTakes    = 2 * time.Minute
	acceptTakes   = time.Minute
	teardownTakes = time.Minute
)

// stage is what follows a status after a while.
type stage struct {
	next  string
	after time.Duration
}

// stages are by status. What is not in it stays as it is.
type stages map[string]stage

// gone is the status of what is no more.
const gone = ""

// state is what a world says, or def. It is a mistake if it is none of the stages' and
// not among the others.
func (s stages) state(said, def string, others ...string) (string, error) {
	known := append(slices.Clone(others), def)
	for from, to := range s {
		known = append(known, from, to.next)
	}
	if said = orDefault(said, def); !slices.Contains(known, said) {
		return "", fmt.Errorf("%q is no status here", said)
	}
	return said, nil
}

func (a *Atlas) enter(p *project, t *timed, state string, at time.Time, s stages) {
	t.state, t.moveAt = state, time.Time{}
	if next, moves := s[state]; moves {
		t.moveAt = at.Add(next.after)
		a.wake(p, t.moveAt)
	}
}

// advance takes every stage whose time has come, tells entered (which may be nil) of
// each, and says whether the thing is gone.
func (a *Atlas) advance(p *project, t *timed, now time.Time, s stages, entered func(state string, at time.Time)) bool {
	for !t.moveAt.IsZero() && !t.moveAt.After(now) {
		at, next := t.moveAt, s[t.state].next
		a.enter(p, t, next, at, s)
		if entered != nil {
			entered(next, at)
		}
		if next == gone {
			return true
		}
	}
	return false
}

// pathID is a path parameter that is an ObjectId. The code for a malformed one was seen
// for endpoint services (crossplane-contrib/provider-mongodbatlas issue 93).
func (c *call) pathID(name string) (string, *problem) {
	id := c.params[name]
	if !isID(id) {
		return "", bad("PATH_PARAM_PARSE_ERROR", "A path parameter in the request URI %s is malformed.", apiPrefix+c.path)
	}
	return id, nil
}

// pathProvider is the cloud provider in the path (the code for another one is a guess).
func (c *call) pathProvider(allowed ...string) (string, *problem) {
	return oneProvider(c.params["cloudProvider"], allowed...)
}

func oneProvider(s string, allowed ...string) (string, *problem) {
	if !slices.Contains(allowed, s) {
		return "", bad("INVALID_ENUM_VALUE", "An invalid enumeration value %s was specified.", s)
	}
	return s, nil
}

// assume fills in an attribute that the body leaves out, so that a union of the official
// document is read as the service reads it. A body that is no object stays as it is.
func (c *call) assume(key, value string) {
	var doc object
	if json.Unmarshal(c.body, &doc) != nil || doc == nil || doc[key] != nil {
		return
	}
	doc[key] = value
	if b, err := json.Marshal(doc); err == nil {
		c.body = b
	}
}

// readAs reads a document that was checked into a type.
func readAs[T any](doc object) (T, *problem) {
	var out T
	b, err := json.Marshal(doc)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, wrongType("")
	}
	return out, nil
}

// asDocument is the JSON object of a value.
func asDocument(v any) object {
	out := object{}
	if b, err := json.Marshal(v); err == nil && json.Unmarshal(b, &out) == nil {
		return out
	}
	return object{}
}

// uuidOf makes a UUID of hexadecimal digits.
func uuidOf(hex string) string {
	return fmt.Sprintf("%s-%s-4%s-8%s-%s", hex[:8], hex[8:12], hex[13:16], hex[17:20], hex[20:32])
}

// regionsOf are the regions of a provider by Atlas's names.
func regionsOf(provider string) []any {
	attribute := map[string]string{"AWS": "regionName", "AZURE": "region", "GCP": "regions"}[provider]
	name := map[string]string{"AWS": "AWS", "AZURE": "Azure", "GCP": "GCP"}[provider] + "CloudProviderContainer"
	schema := apispec.Load().Schemas[name]
	if schema == nil {
		return nil
	}
	for _, part := range schema.AllOf {
		if s := part.Properties[attribute]; s != nil && s.Items != nil {
			return s.Items.Enum
		} else if s != nil {
			return s.Enum
		}
	}
	return nil
}

// region reads a region in Atlas's or the provider's own spelling.
func region(provider, s string) (string, *problem) {
	name := strings.ToUpper(strings.ReplaceAll(s, "-", "_"))
	if !slices.Contains(regionsOf(provider), any(name)) {
		return "", bad("INVALID_REGION", "No region %s exists for provider %s.", s, provider)
	}
	return name, nil
}

// ownSpelling turns EU_CENTRAL_1 into AWS's eu-central-1 and US_WEST_2 into Google's
// us-west2. Atlas's older names of Google's regions (WESTERN_US) are only lowered.
func ownSpelling(provider, region string) string {
	s := strings.ToLower(strings.ReplaceAll(region, "_", "-"))
	if i := strings.LastIndexByte(s, '-'); provider == "GCP" && i > 0 && i+1 < len(s) && s[i+1] <= '9' {
		return s[:i] + s[i+1:]
	}
	return s
}
