package sim

import (
	"encoding/json"
	"regexp"
	"strings"
)

var attributeType = regexp.MustCompile(`(?i)(^|,)(cn|ou|dc)=`)

// upperTypes is a distinguished name as the official document's pattern wants it. The
// types of its attributes have no case (RFC 2253), and the real service takes any: so
// recorded by mongodb-atlas-cli's TestLDAPWithFlags.
func upperTypes(name string) string { return attributeType.ReplaceAllStringFunc(name, strings.ToUpper) }

// ldapDocument is [call.document] for a body with a bindUsername, in its object of that
// key or, where the key is "", in itself. The name stays as it was sent.
func (c *call) ldapDocument(key string) (object, *problem) {
	var raw object
	if json.Unmarshal(c.body, &raw) != nil { // answered below
		return c.document()
	}
	within := func(doc object) object {
		if key == "" {
			return doc
		}
		part, _ := doc[key].(map[string]any)
		return part
	}
	name, named := within(raw)["bindUsername"].(string)
	if !named {
		return c.document()
	}
	within(raw)["bindUsername"] = upperTypes(name)
	c.body = []byte(text(raw))
	doc, bad := c.document()
	if bad == nil {
		within(doc)["bindUsername"] = name
	}
	return doc, bad
}
