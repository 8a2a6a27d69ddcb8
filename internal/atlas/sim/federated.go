package sim

import (
	"net/http"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

func (f FederatedDatabase) check() *problem { return checkWritten("createGroupDataFederation", f.Rest) }

func newFederated(f FederatedDatabase) *FederatedDatabase {
	f.Rest, _ = writable("createGroupDataFederation", f.Rest) // a world's has been checked
	f.State = orDefault(f.State, "ACTIVE")
	f.Hostnames = slices.Clone(f.Hostnames)
	return &f
}

func (p *project) federatedDatabase(name string) *FederatedDatabase {
	for _, f := range p.federated {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func (f *FederatedDatabase) state() string {
	return text(masked(overlay(f.Rest, object{"name": f.Name})))
}

// federatedView has a null region where none was chosen, as the real service.
func (c *call) federatedView(f *FederatedDatabase) any {
	out := overlay(shown(f.Rest), object{
		"name": f.Name, "groupId": c.project.id, "state": f.State, "hostnames": orEmpty(f.Hostnames), "privateEndpointHostnames": []any{},
		"storage": completeStorage(f.Rest["storage"], c.project.id),
	})
	if _, chosen := out["dataProcessRegion"]; !chosen {
		out["dataProcessRegion"] = nil
	}
	return out
}

func completeStorage(v any, groupID string) object {
	storage, _ := v.(object)
	out := overlay(object{"databases": []any{}, "stores": []any{}}, deep(storage))
	for _, store := range objects(out["stores"]) {
		if store["provider"] == "atlas" {
			store["projectId"] = groupID
		}
	}
	return out
}

// listFederated answers a bare array. Online archives are not simulated.
func (c *call) listFederated() (answer, *problem) {
	switch kind := c.query.Get("type"); kind {
	case "", "USER":
		return plain(c.project.federated, c.federatedView), nil
	case "ONLINE_ARCHIVE":
		return plain([]*FederatedDatabase{}, c.federatedView), nil
	default:
		return answer{}, badEnum(kind, "type")
	}
}

func (c *call) findFederated() (*FederatedDatabase, *problem) {
	if f := c.project.federatedDatabase(c.params["tenantName"]); f != nil {
		return f, nil
	}
	return nil, missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", c.params["tenantName"])
}

func (c *call) getFederated() (answer, *problem) {
	f, bad := c.findFederated()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.federatedView(f))
}

// createFederated has the database active at once, whatever its role (a guess: roles
// are not looked up here).
func (c *call) createFederated() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	name, _ := doc["name"].(string)
	switch {
	case name == "":
		return answer{}, missingAttribute("name")
	case c.project.federatedDatabase(name) != nil: // code is a guess
		return answer{}, conflict("DUPLICATE_DATA_FEDERATION_TENANT_NAME", "A federated database instance named %s already exists in group %s.", name, c.project.id)
	}
	delete(doc, "name")
	id := c.a.nextID("federated database")
	f := &FederatedDatabase{Name: name, State: "ACTIVE", Rest: doc, Hostnames: []string{"atlas-" + name + "-" + id[:6] + ".a.query.mongodb.net"}}
	c.project.federated = append(c.project.federated, f)
	c.effect("federated database "+name, "", f.state())
	c.projectEvent("FEDERATED_DATABASE_CREATED", nil)
	return ok(c.federatedView(f))
}

func (c *call) updateFederated() (answer, *problem) {
	f, bad := c.findFederated()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	name, renamed := doc["name"].(string)
	if renamed && name != f.Name && c.project.federatedDatabase(name) != nil {
		return answer{}, conflict("DUPLICATE_DATA_FEDERATION_TENANT_NAME", "A federated database instance named %s already exists in group %s.", name, c.project.id)
	}
	delete(doc, "name")
	target, before := "federated database "+f.Name, f.state()
	f.Name = orDefault(name, f.Name)
	f.Rest = overlay(f.Rest, doc)
	if f.state() != before {
		c.effect(target, before, f.state())
		c.projectEvent("FEDERATED_DATABASE_UPDATED", nil)
	}
	return ok(c.federatedView(f))
}

func (c *call) deleteFederated() (answer, *problem) {
	f, bad := c.findFederated()
	if bad != nil {
		return answer{}, bad
	}
	c.project.federated = slices.DeleteFunc(c.project.federated, func(x *FederatedDatabase) bool { return x == f })
	c.effect("federated database "+f.Name, f.state(), "")
	c.projectEvent("FEDERATED_DATABASE_REMOVED", nil)
	return empty(http.StatusNoContent)
}
