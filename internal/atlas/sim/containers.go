package sim

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// Container is a network container: Atlas's own network in a region (AWS, Azure) or of
// a project (GCP), which peers connect to. Provisioned says that clusters are in it;
// only a world sets it.
type Container struct {
	ID                  string   `yaml:"id,omitempty" json:"id"`
	ProviderName        string   `yaml:"providerName" json:"providerName"`
	AtlasCIDRBlock      string   `yaml:"atlasCidrBlock,omitempty" json:"atlasCidrBlock"`
	Provisioned         bool     `yaml:"provisioned,omitempty" json:"provisioned"`
	RegionName          string   `yaml:"regionName,omitempty" json:"regionName,omitempty"` // AWS
	VPCID               string   `yaml:"vpcId,omitempty" json:"vpcId,omitempty"`
	Region              string   `yaml:"region,omitempty" json:"region,omitempty"` // Azure
	AzureSubscriptionID string   `yaml:"azureSubscriptionId,omitempty" json:"azureSubscriptionId,omitempty"`
	VNetName            string   `yaml:"vnetName,omitempty" json:"vnetName,omitempty"`
	Regions             []string `yaml:"regions,omitempty" json:"regions,omitempty"` // GCP
	GCPProjectID        string   `yaml:"gcpProjectId,omitempty" json:"gcpProjectId,omitempty"`
	NetworkName         string   `yaml:"networkName,omitempty" json:"networkName,omitempty"`
}

// defaultBlock is what an AWS container gets that names none.
const defaultBlock = "192.168.248.0/21"

// where is the part of the cloud in which a project has one container at most.
func (k *Container) where() string { return k.ProviderName + " " + k.RegionName + k.Region }

func (k *Container) target() string { return "network container " + k.ID }

func (a *Atlas) buildContainers(p *project, all []Container) error {
	for i, k := range all {
		k = deep(k)
		if bad := k.complete(); bad != nil {
			return fmt.Errorf("container %d: %s", i, bad.detail)
		}
		k.ID = orDefault(k.ID, a.derive("container", p.id, k.where())[:24])
		if !isID(k.ID) || p.containerIn(k.where()) != nil {
			return fmt.Errorf("container %d: its id is malformed or there is one in %s already", i, k.where())
		}
		if k.Provisioned {
			a.network(&k)
		}
		p.containers = append(p.containers, &k)
	}
	return nil
}

// network names Atlas's network, which comes to be with a cluster or a peer.
func (a *Atlas) network(k *Container) {
	digest := a.derive("network", k.ID)
	switch k.ProviderName {
	case "AWS":
		k.VPCID = orDefault(k.VPCID, "vpc-"+digest[:17])
	case "AZURE":
		k.AzureSubscriptionID = orDefault(k.AzureSubscriptionID, digest[:24])
		k.VNetName = orDefault(k.VNetName, "vnet_"+k.ID+"_"+digest[24:32])
	case "GCP":
		k.GCPProjectID = orDefault(k.GCPProjectID, "p-"+letters(digest[:24]))
		k.NetworkName = orDefault(k.NetworkName, "nt-"+k.ID+"-"+digest[24:32])
	}
}

// complete checks a container and writes it as Atlas returns it.
func (k *Container) complete() *problem {
	if _, bad := oneProvider(k.ProviderName, "AWS", "AZURE", "GCP"); bad != nil {
		return bad
	}
	var bad *problem
	switch k.ProviderName {
	case "AWS":
		if k.RegionName == "" {
			return missingAttribute("regionName")
		}
		k.AtlasCIDRBlock = orDefault(k.AtlasCIDRBlock, defaultBlock)
		k.RegionName, bad = region("AWS", k.RegionName)
	case "AZURE":
		if k.Region == "" {
			return missingAttribute("region")
		}
		k.Region, bad = region("AZURE", k.Region)
	case "GCP":
		for i := range k.Regions {
			if k.Regions[i], bad = region("GCP", k.Regions[i]); bad != nil {
				return bad
			}
		}
	}
	if bad != nil {
		return bad
	}
	if k.AtlasCIDRBlock == "" {
		return missingAttribute("atlasCidrBlock")
	}
	return k.checkBlock()
}

// checkBlock applies the rules for an Atlas CIDR block.
func (k *Container) checkBlock() *problem {
	block, err := netip.ParsePrefix(k.AtlasCIDRBlock)
	switch {
	case err != nil:
		return bad("INVALID_CIDR_BLOCK", "The CIDR block %s must be in valid CIDR notation.", k.AtlasCIDRBlock)
	case !block.Addr().Is4() || !block.Addr().IsPrivate():
		return bad("ATLAS_INVALID_CIDR_RANGE", "The Atlas CIDR block %s must be in a private range.", k.AtlasCIDRBlock)
	case block != block.Masked():
		return bad("ATLAS_NON_CANONICAL_CIDR_BLOCK", "The canonical form of the Atlas CIDR block %s is %s.", k.AtlasCIDRBlock, block.Masked().String())
	}
	small := block.Bits() >= 21 && block.Bits() <= 24
	switch {
	case k.ProviderName == "GCP" && len(k.Regions) > 0 && !small:
		return bad("ATLAS_INVALID_CIDR_BLOCK_FOR_SMALL_CONTAINER", "The Atlas CIDR block of a container with regions must be from /21 to /24.")
	case k.ProviderName == "GCP" && len(k.Regions) == 0 && block.Bits() > 18:
		return bad("ATLAS_INVALID_CIDR_BLOCK", "The Atlas CIDR block %s must be a /%s block for %s.", k.AtlasCIDRBlock, "18", "GCP")
	case k.ProviderName != "GCP" && !small:
		return bad("ATLAS_INVALID_CIDR_BLOCK", "The Atlas CIDR block %s must be a /%s block for %s.", k.AtlasCIDRBlock, "21 to /24", k.ProviderName)
	}
	return nil
}

func (p *project) containerIn(where string) *Container {
	for _, k := range p.containers {
		if k.where() == where {
			return k
		}
	}
	return nil
}

func (p *project) container(id string) *Container {
	for _, k := range p.containers {
		if k.ID == id {
			return k
		}
	}
	return nil
}

func containerView(k *Container) any {
	out := asDocument(k)
	if k.ProviderName == "GCP" {
		out["regions"] = orEmpty(k.Regions)
	}
	return out
}

// listContainers wants the provider, though the reference gives AWS as a default.
func (c *call) listContainers() (answer, *problem) {
	if c.query.Get("providerName") == "" {
		return answer{}, bad("MISSING_QUERY_PARAMETER", "The required query parameter %s was not specified.", "providerName")
	}
	provider, bad := oneProvider(c.query.Get("providerName"), "AWS", "AZURE", "GCP")
	if bad != nil {
		return answer{}, bad
	}
	of := slices.DeleteFunc(slices.Clone(c.project.containers), func(k *Container) bool { return k.ProviderName != provider })
	return paged(c, http.StatusOK, of, containerView)
}

func (c *call) listAllContainers() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.containers, containerView)
}

func (c *call) findContainer() (*Container, *problem) {
	id, bad := c.pathID("containerId")
	if bad != nil {
		return nil, bad
	}
	if k := c.project.container(id); k != nil {
		return k, nil
	}
	return nil, noContainer(id)
}

func noContainer(id string) *problem {
	return missing("CLOUD_PROVIDER_CONTAINER_NOT_FOUND", "An invalid cloud provider container ID %s was specified.", id)
}

func (c *call) getContainer() (answer, *problem) {
	k, bad := c.findContainer()
	if bad != nil {
		return answer{}, bad
	}
	return ok(containerView(k))
}

// createContainer leaves to complete what the official document requires: it calls the
// regions of GCP required, which a large container does not have.
func (c *call) createContainer() (answer, *problem) {
	c.assume("providerName", "AWS")
	doc, bad := c.document(apispec.Missing, apispec.Range)
	if bad != nil {
		return answer{}, bad
	}
	k, bad := readAs[*Container](doc)
	if bad != nil {
		return answer{}, bad
	}
	if bad := k.complete(); bad != nil {
		return answer{}, bad
	}
	if c.project.containerIn(k.where()) != nil {
		return answer{}, conflict("CONTAINER_ALREADY_EXISTS", "A container already exists for group %s.", c.project.id)
	}
	k.ID = c.a.nextID("container")
	c.project.containers = append(c.project.containers, k)
	c.effect(k.target(), "", text(k))
	return ok(containerView(k))
}

// updateContainer changes the block of a container that nothing uses.
func (c *call) updateContainer() (answer, *problem) {
	held, bad := c.findContainer()
	if bad != nil {
		return answer{}, bad
	}
	c.assume("providerName", held.ProviderName)
	doc, bad := c.document(apispec.Missing, apispec.Range)
	if bad != nil {
		return answer{}, bad
	}
	if doc["providerName"] != held.ProviderName {
		return answer{}, otherProvider("providerName")
	}
	k, bad := readAs[*Container](overlay(asDocument(held), doc))
	if bad == nil {
		bad = k.complete()
	}
	if bad != nil {
		return answer{}, bad
	}
	if text(k) == text(held) {
		return ok(containerView(held))
	}
	if bad := c.mayChange(held, k); bad != nil {
		return answer{}, bad
	}
	before := text(held)
	*held = *k
	c.effect(held.target(), before, text(held))
	c.projectEvent("CONTAINER_SUBNETS_UPDATE_REQUESTED", nil)
	return ok(containerView(held))
}

func (c *call) mayChange(held, wanted *Container) *problem {
	switch {
	case held.where() != wanted.where():
		return bad("CANNOT_CHANGE_CONTAINER_REGION", "The region of a cloud provider container cannot be changed.")
	case held.ProviderName == "GCP" && len(held.Regions) > 0:
		return bad("CANNOT_UPDATE_SMALL_CONTAINER", "The container %s is small and cannot be updated.", held.ID)
	}
	return c.project.containerInUse(held)
}

func (p *project) containerInUse(k *Container) *problem {
	if k.Provisioned {
		return conflict("CONTAINERS_IN_USE", "Cannot modify containers that are in use. %s", "There are clusters in the container.")
	}
	if slices.ContainsFunc(p.peers, func(x *peer) bool { return x.ContainerID == k.ID }) {
		return conflict("CONTAINERS_IN_USE", "Cannot modify containers that are in use. %s", "There are peers of the container.")
	}
	return nil
}

func (c *call) deleteContainer() (answer, *problem) {
	k, bad := c.findContainer()
	if bad != nil {
		return answer{}, bad
	}
	if bad := c.project.containerInUse(k); bad != nil {
		return answer{}, bad
	}
	c.project.containers = slices.DeleteFunc(c.project.containers, func(x *Container) bool { return x == k })
	c.effect(k.target(), text(k), "")
	c.projectEvent("CONTAINER_DELETED", nil)
	return empty(http.StatusNoContent)
}
