package sim

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

const sampleConnection = "sample_stream_solar"

// check judges what the types of a world's workspace cannot.
func (s StreamWorkspace) check() *problem {
	if bad := checkWritten("createGroupStreamWorkspace", s.Rest); bad != nil {
		return bad
	}
	seen := map[any]bool{}
	for _, k := range s.Connections {
		if bad := checkWritten("createGroupStreamConnection", k); bad != nil {
			return bad
		}
		if name, _ := k["name"].(string); name == "" || seen[name] {
			return invalidField("connections", "names must be there and differ")
		}
		seen[k["name"]] = true
	}
	return nil
}

// newWorkspace makes the live workspace of a world's, which has been checked.
func (a *Atlas) newWorkspace(p *project, s StreamWorkspace) *StreamWorkspace {
	s.ID = orDefault(s.ID, a.derive("workspace", p.id, s.Name)[:24])
	s.Rest, _ = writable("createGroupStreamWorkspace", s.Rest)
	s.Rest = completeWorkspace(s.Rest)
	s.Hostnames = slices.Clone(s.Hostnames)
	var connections []map[string]any
	for _, k := range s.Connections {
		doc, _ := writable("createGroupStreamConnection", k)
		connections = append(connections, doc)
	}
	s.Connections = connections
	return &s
}

func completeWorkspace(rest object) object {
	return overlay(object{
		"dataProcessRegion": object{"cloudProvider": "AWS", "region": "FRANKFURT_DEU"}, "streamConfig": object{"tier": "SP30"},
	}, rest)
}

func (p *project) workspace(name string) *StreamWorkspace {
	for _, s := range p.workspaces {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (s *StreamWorkspace) state() string { return text(overlay(s.Rest, object{"name": s.Name})) }

func (s *StreamWorkspace) connection(name string) int {
	return slices.IndexFunc(s.Connections, func(k map[string]any) bool { return k["name"] == name })
}

func (c *call) workspaceView(s *StreamWorkspace) object {
	return overlay(s.Rest, object{
		"_id": s.ID, "name": s.Name, "groupId": c.project.id, "hostnames": orEmpty(s.Hostnames),
		"links": c.self("/groups/" + c.project.id + "/streams/" + s.Name),
	})
}

// connectionView shows a connection as ready at once (a guess).
func (c *call) connectionView(s *StreamWorkspace, k object) any {
	name, _ := k["name"].(string)
	return overlay(shown(k), object{
		"id": c.a.derive("stream connection", s.ID, name)[:24], "state": "READY",
		"links": c.self("/groups/" + c.project.id + "/streams/" + s.Name + "/connections/" + name),
	})
}

func (c *call) listWorkspaces() (answer, *problem) {
	return paged(c, http.StatusOK, c.project.workspaces, func(s *StreamWorkspace) any { return c.workspaceView(s) })
}

func (c *call) findWorkspace() (*StreamWorkspace, *problem) {
	name := c.params["tenantName"]
	if s := c.project.workspace(name); s != nil {
		return s, nil
	}
	return nil, missing("STREAM_TENANT_NOT_FOUND_FOR_NAME", "No stream workspace named %s exists in group %s.", name, c.project.id)
}

func (c *call) getWorkspace() (answer, *problem) {
	s, bad := c.findWorkspace()
	if bad != nil {
		return answer{}, bad
	}
	with, bad := c.boolQuery("includeConnections", false)
	if bad != nil {
		return answer{}, bad
	}
	out := c.workspaceView(s)
	if with {
		connections := []any{}
		for _, k := range s.Connections {
			connections = append(connections, c.connectionView(s, k))
		}
		out["connections"] = connections
	}
	return ok(out)
}

func (c *call) createWorkspace() (answer, *problem) {
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	return c.addWorkspace(doc)
}

// createSampleWorkspace takes the same document: the official one says only that it is
// an object.
func (c *call) createSampleWorkspace() (answer, *problem) {
	var in object
	if err := json.Unmarshal(c.body, &in); err != nil {
		return answer{}, bad("MALFORMED_JSON", "Received JSON is malformed: %s.", err.Error())
	}
	doc, bad := writable("createGroupStreamWorkspace", in)
	if bad != nil {
		return answer{}, bad
	}
	doc["sampleConnections"] = object{"solar": true}
	return c.addWorkspace(doc)
}

func (c *call) addWorkspace(doc object) (answer, *problem) {
	name, _ := doc["name"].(string)
	switch {
	case name == "":
		return answer{}, missingAttribute("name")
	case !scopeName.MatchString(name): // of the scopes of database users
		return answer{}, invalidField("name", "must match "+scopeName.String())
	case c.project.workspace(name) != nil: // code is a guess
		return answer{}, conflict("DUPLICATE_STREAM_TENANT_NAME", "A stream workspace named %s already exists in group %s.", name, c.project.id)
	}
	delete(doc, "name")
	id := c.a.nextID("workspace")
	s := &StreamWorkspace{ID: id, Name: name, Rest: completeWorkspace(doc), Hostnames: []string{"atlas-stream-" + id + ".a.query.mongodb.net"}}
	if sample, _ := doc["sampleConnections"].(object); sample["solar"] == true {
		s.Connections = append(s.Connections, object{"name": sampleConnection, "type": "Sample"})
	}
	c.project.workspaces = append(c.project.workspaces, s)
	c.effect("stream workspace "+name, "", s.state())
	c.projectEvent("STREAM_TENANT_CREATED", nil)
	return ok(c.workspaceView(s))
}

// updateWorkspace takes the region apart from the create document.
func (c *call) updateWorkspace() (answer, *problem) {
	s, bad := c.findWorkspace()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	region, _ := s.Rest["dataProcessRegion"].(object)
	config, _ := s.Rest["streamConfig"].(object)
	sent, _ := doc["streamConfig"].(object)
	next := object{"streamConfig": overlay(config, sent), "dataProcessRegion": region}
	for _, key := range []string{"cloudProvider", "region"} {
		if v := doc[key]; v != nil {
			next["dataProcessRegion"] = overlay(next["dataProcessRegion"].(object), object{key: v})
		}
	}
	before := s.state()
	s.Rest = overlay(s.Rest, next)
	if s.state() != before {
		c.effect("stream workspace "+s.Name, before, s.state())
		c.projectEvent("STREAM_TENANT_UPDATED", nil)
	}
	return ok(c.workspaceView(s))
}

// deleteWorkspace takes its connections along.
func (c *call) deleteWorkspace() (answer, *problem) {
	s, bad := c.findWorkspace()
	if bad != nil {
		return answer{}, bad
	}
	c.project.workspaces = slices.DeleteFunc(c.project.workspaces, func(x *StreamWorkspace) bool { return x == s })
	c.effect("stream workspace "+s.Name, s.state(), "")
	c.projectEvent("STREAM_TENANT_DELETED", nil)
	return answer{status: http.StatusAccepted, body: object{}}, nil
}
