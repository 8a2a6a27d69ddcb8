package sim

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

// listConnections and getConnection write no event, though Atlas has types for both:
// whether its API writes them is not known.
func (c *call) listConnections() (answer, *problem) {
	s, bad := c.findWorkspace()
	if bad != nil {
		return answer{}, bad
	}
	return paged(c, http.StatusOK, s.Connections, func(k map[string]any) any { return c.connectionView(s, k) })
}

func (c *call) findConnection() (*StreamWorkspace, int, *problem) {
	s, bad := c.findWorkspace()
	if bad != nil {
		return nil, 0, bad
	}
	name := c.params["connectionName"]
	i := s.connection(name)
	if i < 0 {
		return nil, 0, missing("STREAM_CONNECTION_NOT_FOUND_FOR_NAME", "No connection named %s exists in stream workspace %s.", name, s.Name)
	}
	return s, i, nil
}

func (c *call) getConnection() (answer, *problem) {
	s, i, bad := c.findConnection()
	if bad != nil {
		return answer{}, bad
	}
	return ok(c.connectionView(s, s.Connections[i]))
}

// createConnection does not look whether a cluster that it names is there (a guess): it
// may be one of another project.
func (c *call) createConnection() (answer, *problem) {
	s, bad := c.findWorkspace()
	if bad != nil {
		return answer{}, bad
	}
	doc, bad := c.document()
	if bad != nil {
		return answer{}, bad
	}
	name, _ := doc["name"].(string)
	switch {
	case name == "":
		return answer{}, missingAttribute("name")
	case doc["type"] == nil:
		return answer{}, missingAttribute("type")
	case s.connection(name) >= 0: // code is a guess
		return answer{}, conflict("DUPLICATE_STREAM_CONNECTION_NAME", "A connection named %s already exists in stream workspace %s.", name, s.Name)
	}
	s.Connections = append(s.Connections, doc)
	c.effect(s.connectionTarget(name), "", text(masked(doc)))
	c.projectEvent("STREAM_TENANT_CONNECTION_CREATED", nil)
	return ok(c.connectionView(s, doc))
}

func (s *StreamWorkspace) connectionTarget(name string) string {
	return "stream connection " + s.Name + "/" + name
}

func (c *call) updateConnection() (answer, *problem) {
	s, i, bad := c.findConnection()
	if bad != nil {
		return answer{}, bad
	}
	held := s.Connections[i]
	c.withType(held["type"])
	doc, bad := c.document(apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	for _, fixed := range []string{"name", "type"} { // that these are fixed is a guess
		if v := doc[fixed]; v != nil && v != held[fixed] {
			return answer{}, conflict("ATTRIBUTE_READ_ONLY", "The attribute %s cannot be changed.", fixed)
		}
	}
	keepUnread(doc, held)
	next := overlay(held, doc)
	if before, after := text(masked(held)), text(masked(next)); before != after {
		s.Connections[i] = next
		c.effect(s.connectionTarget(c.params["connectionName"]), before, after)
		c.projectEvent("STREAM_TENANT_CONNECTION_UPDATED", nil)
	}
	return ok(c.connectionView(s, next))
}

// withType adds the connection's type to a body that leaves it out: which attributes a
// body may have depends on it.
func (c *call) withType(kind any) {
	var in object
	if json.Unmarshal(c.body, &in) == nil && in != nil && in["type"] == nil { // what cannot be read is answered later
		c.body = []byte(text(overlay(in, object{"type": kind})))
	}
}

func (c *call) deleteConnection() (answer, *problem) {
	s, i, bad := c.findConnection()
	if bad != nil {
		return answer{}, bad
	}
	before := text(masked(s.Connections[i]))
	s.Connections = slices.Delete(s.Connections, i, i+1)
	c.effect(s.connectionTarget(c.params["connectionName"]), before, "")
	c.projectEvent("STREAM_TENANT_CONNECTION_DELETED", nil)
	return answer{status: http.StatusAccepted, body: object{}}, nil
}
