package sim

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// Peer is a peering connection of a container with a customer's network. Status is what
// the API calls statusName for AWS.
type Peer struct {
	ID                  string `yaml:"id,omitempty" json:"id"`
	ProviderName        string `yaml:"providerName,omitempty" json:"providerName"`
	ContainerID         string `yaml:"containerId" json:"containerId"`
	Status              string `yaml:"status,omitempty" json:"status,omitempty"`
	AccepterRegionName  string `yaml:"accepterRegionName,omitempty" json:"accepterRegionName,omitempty"` // AWS
	AWSAccountID        string `yaml:"awsAccountId,omitempty" json:"awsAccountId,omitempty"`
	RouteTableCIDRBlock string `yaml:"routeTableCidrBlock,omitempty" json:"routeTableCidrBlock,omitempty"`
	VPCID               string `yaml:"vpcId,omitempty" json:"vpcId,omitempty"`
	ConnectionID        string `yaml:"connectionId,omitempty" json:"connectionId,omitempty"`
	ErrorStateName      string `yaml:"errorStateName,omitempty" json:"errorStateName,omitempty"`
	AzureDirectoryID    string `yaml:"azureDirectoryId,omitempty" json:"azureDirectoryId,omitempty"` // Azure
	AzureSubscriptionID string `yaml:"azureSubscriptionId,omitempty" json:"azureSubscriptionId,omitempty"`
	ResourceGroupName   string `yaml:"resourceGroupName,omitempty" json:"resourceGroupName,omitempty"`
	VNetName            string `yaml:"vnetName,omitempty" json:"vnetName,omitempty"`
	ErrorState          string `yaml:"errorState,omitempty" json:"errorState,omitempty"`
	GCPProjectID        string `yaml:"gcpProjectId,omitempty" json:"gcpProjectId,omitempty"` // GCP
	NetworkName         string `yaml:"networkName,omitempty" json:"networkName,omitempty"`
	ErrorMessage        string `yaml:"errorMessage,omitempty" json:"errorMessage,omitempty"`
}

type peer struct {
	Peer
	timed
}

// peerStages: AWS and GCP wait for the customer's side.
func peerStages(provider string) stages {
	switch provider {
	case "AWS":
		return stages{
			"INITIATING": {"PENDING_ACCEPTANCE", setupTakes}, "PENDING_ACCEPTANCE": {"FINALIZING", acceptTakes},
			"FINALIZING": {"AVAILABLE", setupTakes}, "TERMINATING": {gone, teardownTakes},
		}
	case "GCP":
		return stages{
			"ADDING_PEER": {"WAITING_FOR_USER", setupTakes}, "WAITING_FOR_USER": {"AVAILABLE", acceptTakes}, "DELETING": {gone, teardownTakes},
		}
	}
	return stages{"ADDING_PEER": {"AVAILABLE", setupTakes}, "DELETING": {gone, teardownTakes}}
}

// ends are the first and the last status of a provider's peer.
func ends(provider string) (first, last string) {
	if provider == "AWS" {
		return "INITIATING", "TERMINATING"
	}
	return "ADDING_PEER", "DELETING"
}

// peerEvent is the provider's name of an event.
func peerEvent(provider, what string) string {
	return map[string]string{"AWS": "PEER_", "AZURE": "AZURE_PEER_", "GCP": "GCP_PEER_"}[provider] + what
}

func (x *peer) world() Peer {
	w := x.Peer
	w.Status = x.state
	return w
}

func (x *peer) target() string { return "network peer " + x.ID }

func (a *Atlas) buildPeers(p *project, all []Peer) error {
	for i, w := range all {
		w.ProviderName = orDefault(w.ProviderName, "AWS")
		if bad := p.checkPeer(&w, nil); bad != nil {
			return fmt.Errorf("peer %d: %s", i, bad.detail)
		}
		w.ID = orDefault(w.ID, a.derive("peer", p.id, fmt.Sprint(i))[:24])
		if !isID(w.ID) || p.peer(w.ID) != nil {
			return fmt.Errorf("peer %d: its id is malformed or there twice", i)
		}
		state, err := peerStages(w.ProviderName).state(w.Status, "AVAILABLE", "FAILED")
		if err != nil {
			return fmt.Errorf("peer %d: %w", i, err)
		}
		a.newPeer(p, w, state, a.now())
	}
	return nil
}

func (a *Atlas) newPeer(p *project, w Peer, state string, at time.Time) *peer {
	if w.ProviderName == "AWS" && state != "INITIATING" {
		w.ConnectionID = orDefault(w.ConnectionID, a.connectionID(w.ID))
	}
	a.network(p.container(w.ContainerID))
	x := &peer{Peer: w}
	a.enter(p, &x.timed, state, at, peerStages(w.ProviderName))
	p.peers = append(p.peers, x)
	return x
}

func (a *Atlas) connectionID(id string) string { return "pcx-" + a.derive("connection", id)[:17] }

func (a *Atlas) movePeers(p *project, now time.Time) {
	p.peers = slices.DeleteFunc(p.peers, func(x *peer) bool {
		return a.advance(p, &x.timed, now, peerStages(x.ProviderName), func(state string, at time.Time) {
			switch {
			case state == "PENDING_ACCEPTANCE":
				x.ConnectionID = orDefault(x.ConnectionID, a.connectionID(x.ID))
			case state == "AVAILABLE" && x.ProviderName != "AWS": // which has no such event
				a.record(&p.feed, at, Actor{}, peerEvent(x.ProviderName, "ACTIVE"), object{"groupId": p.id}, nil)
			}
		})
	})
}

// peeredWithAWS says whether AWS security groups mean something to the project.
func (p *project) peeredWithAWS() bool {
	return slices.ContainsFunc(p.peers, func(x *peer) bool { return x.ProviderName == "AWS" && x.state == "AVAILABLE" })
}

func (p *project) peer(id string) *peer {
	for _, x := range p.peers {
		if x.ID == id {
			return x
		}
	}
	return nil
}

func peerView(x *peer) any {
	out := asDocument(x.Peer)
	delete(out, "status")
	if x.ProviderName == "AWS" {
		out["statusName"] = x.state
	} else {
		out["status"] = x.state
	}
	return out
}

// listPeers answers the AWS peers where no provider is named.
func (c *call) listPeers() (answer, *problem) {
	provider, bad := oneProvider(orDefault(c.query.Get("providerName"), "AWS"), "AWS", "AZURE", "GCP")
	if bad != nil {
		return answer{}, bad
	}
	of := slices.DeleteFunc(slices.Clone(c.project.peers), func(x *peer) bool { return x.ProviderName != provider })
	return paged(c, http.StatusOK, of, peerView)
}

func (c *call) findPeer() (*peer, *problem) {
	id, bad := c.pathID("peerId")
	if bad != nil {
		return nil, bad
	}
	x := c.project.peer(id)
	if x == nil {
		return nil, missing("PEER_NOT_FOUND", "No peer with ID %s exists in project %s.", id, c.project.id)
	}
	return x, nil
}

func (c *call) getPeer() (answer, *problem) {
	x, bad := c.findPeer()
	if bad != nil {
		return answer{}, bad
	}
	return ok(peerView(x))
}

// peerDocument reads a body of a provider's peer. The official document allows an Azure
// network's name one character only, so lengths and patterns of Azure are not checked.
func (c *call) peerDocument(provider string, lax ...apispec.Rule) (object, *problem) {
	c.assume("providerName", provider)
	doc, bad := c.document(append(lax, apispec.Range)...)
	if bad == nil && doc["providerName"] != "AZURE" {
		doc, bad = c.document(lax...)
	}
	return doc, bad
}

func (c *call) createPeer() (answer, *problem) {
	doc, bad := c.peerDocument("AWS")
	if bad != nil {
		return answer{}, bad
	}
	w, bad := readAs[Peer](doc)
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.project.checkPeer(&w, nil); bad != nil {
		return answer{}, bad
	}
	if most := c.limit(limitPeers); len(c.project.peers) >= most {
		return answer{}, conflict("PEER_MAXIMUM_REACHED", "The maximum number of peering connections (%d) has been reached.", most)
	}
	w.ID, w.Status = c.a.nextID("peer"), ""
	first, _ := ends(w.ProviderName)
	x := c.a.newPeer(c.project, w, first, c.at)
	c.effect(x.target(), "", text(x.world()))
	c.projectEvent(peerEvent(x.ProviderName, "CREATED"), nil)
	return ok(peerView(x))
}

// checkPeer checks a peer against its container and the other peers; except is the peer
// that is being changed.
func (p *project) checkPeer(w *Peer, except *peer) *problem {
	if _, bad := oneProvider(w.ProviderName, "AWS", "AZURE", "GCP"); bad != nil {
		return bad
	}
	k := p.container(w.ContainerID)
	if k == nil {
		return noContainer(w.ContainerID)
	}
	if k.ProviderName != w.ProviderName {
		return bad("INVALID_PROVIDER_PARAMETERS", "Invalid parameter combination specified for provider %s.", w.ProviderName) // a guess
	}
	for _, x := range p.peers {
		if x == except {
			continue
		}
		if bad := w.clashes(x); bad != nil {
			return bad
		}
	}
	if w.ProviderName != "AWS" {
		return nil
	}
	return w.checkBlock(k, p, except)
}

// clashes says whether the peer is the other one again.
func (w *Peer) clashes(x *peer) *problem {
	switch {
	case w.ProviderName != x.ProviderName:
		return nil
	case w.ProviderName == "AWS" && w.AWSAccountID == x.AWSAccountID && w.VPCID == x.VPCID && w.ContainerID == x.ContainerID:
		return conflict("PEER_ALREADY_EXISTS", "The peer with AWS account ID %s and VPC ID %s already exists.", w.AWSAccountID, w.VPCID)
	case w.ProviderName == "AZURE" && w.AzureSubscriptionID == x.AzureSubscriptionID && w.VNetName == x.VNetName && w.ContainerID == x.ContainerID:
		return conflict("PEER_ALREADY_EXISTS_AZURE", "The peer with Azure subscription ID %s and virtual network name %s already exists.", w.AzureSubscriptionID, w.VNetName)
	case w.ProviderName == "GCP" && w.GCPProjectID == x.GCPProjectID && w.NetworkName == x.NetworkName:
		return conflict("PEER_ALREADY_EXISTS_GCP", "The peer with GCP project ID %s and network name %s already exists.", w.GCPProjectID, w.NetworkName)
	}
	return nil
}

// checkBlock checks the customer's block: private, and apart from the container's own
// and from those of its other peers.
func (w *Peer) checkBlock(k *Container, p *project, except *peer) *problem {
	block, err := netip.ParsePrefix(w.RouteTableCIDRBlock)
	own, ownErr := netip.ParsePrefix(k.AtlasCIDRBlock)
	switch {
	case err != nil:
		return bad("INVALID_CIDR_BLOCK", "The CIDR block %s must be in valid CIDR notation.", w.RouteTableCIDRBlock)
	case !block.Addr().IsPrivate():
		return bad("INVALID_ROUTE_TABLE_CIDR", "The address %s must be within the private ranges.", w.RouteTableCIDRBlock)
	case ownErr == nil && own.Overlaps(block):
		return conflict("OVERLAPPING_ATLAS_CIDR_BLOCK", "The CIDR block %s overlaps with an Atlas CIDR block.", w.RouteTableCIDRBlock)
	}
	for _, x := range p.peers {
		other, err := netip.ParsePrefix(x.RouteTableCIDRBlock)
		if x != except && x.ContainerID == k.ID && err == nil && other.Overlaps(block) {
			return conflict("OVERLAPPING_CIDR_BLOCK", "The CIDR block %s overlaps with another peer's CIDR block.", w.RouteTableCIDRBlock)
		}
	}
	return nil
}

// updatePeer changes the customer's side, and the peering starts again. What a peer
// belongs to cannot change (a guess).
func (c *call) updatePeer() (answer, *problem) {
	x, bad := c.findPeer()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.peerDocument(x.ProviderName, apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	if doc["providerName"] != x.ProviderName {
		return answer{}, otherProvider("providerName")
	}
	w, bad := readAs[Peer](overlay(asDocument(x.Peer), doc))
	if bad != nil {
		return answer{}, bad
	}
	first, last := ends(x.ProviderName)
	switch {
	case x.state == last:
		return answer{}, conflict("PEER_INVALID_STATE", "The peer with ID %s in group %s cannot be updated in its current state.", x.ID, c.project.id)
	case w.ContainerID != x.ContainerID:
		return answer{}, readOnly("containerId")
	case w == x.Peer:
		return ok(peerView(x))
	}
	if bad := c.project.checkPeer(&w, x); bad != nil {
		return answer{}, bad
	}
	before := text(x.world())
	x.Peer = w
	c.a.enter(c.project, &x.timed, first, c.at, peerStages(x.ProviderName))
	c.effect(x.target(), before, text(x.world()))
	c.projectEvent(peerEvent(x.ProviderName, "UPDATED"), nil)
	return ok(peerView(x))
}

func readOnly(attribute string) *problem {
	return bad("ATTRIBUTE_READ_ONLY", "The attribute %s is read-only and cannot be changed by the user.", attribute)
}

// deletePeer answers 202 and an empty object. The event comes with the request, which
// names who asked (a guess).
func (c *call) deletePeer() (answer, *problem) {
	x, bad := c.findPeer()
	if bad != nil {
		return answer{}, bad
	}
	_, last := ends(x.ProviderName)
	if x.state == last {
		return answer{}, conflict("PEER_ALREADY_REQUESTED_DELETION", "The peer with ID %s has already been requested for deletion.", x.ID)
	}
	before := text(x.world())
	c.a.enter(c.project, &x.timed, last, c.at, peerStages(x.ProviderName))
	c.effect(x.target(), before, text(x.world()))
	c.projectEvent(peerEvent(x.ProviderName, "DELETED"), nil)
	return answer{status: http.StatusAccepted, body: object{}}, nil
}
