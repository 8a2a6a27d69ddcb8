package watcher

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// specification is the schemas of the official OpenAPI document, by name.
type specification map[string]yaml.Node

// theSpecification comes with the SDK's module.
func theSpecification(t *testing.T) specification {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.mongodb.org/atlas-sdk/v20250312020").Output()
	if err != nil {
		t.Fatalf("finding the SDK's module: %v", err)
	}
	text, err := os.ReadFile(strings.TrimSpace(string(dir)) + "/openapi/atlas-api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct{ Schemas specification }
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Components.Schemas
}

// typesOf lists the event types of a schema: its own, those of its alternatives, and
// those of the events or alerts that it is the view of.
func (s specification) typesOf(t *testing.T, n yaml.Node) (out []string) {
	t.Helper()
	var x struct {
		Ref        string               `yaml:"$ref"`
		Enum       []string             `yaml:"enum"`
		OneOf      []yaml.Node          `yaml:"oneOf"`
		Properties map[string]yaml.Node `yaml:"properties"`
	}
	if err := n.Decode(&x); err != nil {
		t.Fatalf("line %d of the specification: %v", n.Line, err)
	}
	if name, ok := strings.CutPrefix(x.Ref, "#/components/schemas/"); ok {
		return s.typesOf(t, s[name])
	}
	out = x.Enum
	for _, one := range x.OneOf {
		out = append(out, s.typesOf(t, one)...)
	}
	if p, ok := x.Properties["eventTypeName"]; ok {
		out = append(out, s.typesOf(t, p)...)
	}
	return out
}

// feed lists all types that the specification knows of in the feed of an org or of a
// project: as filters, as events and, of a project, as alerts, which are events too.
func (s specification) feed(t *testing.T, org bool) []string {
	t.Helper()
	names := []string{"EventTypeForNdsGroup", "EventViewForNdsGroup", "AlertViewForNdsGroup", "GroupAlertsConfig"}
	if org {
		names = []string{"EventTypeForOrg", "EventViewForOrg"}
	}
	var out []string
	for _, name := range names {
		types := s.typesOf(t, s[name])
		if len(types) == 0 {
			t.Fatalf("the specification's %s holds no event types", name)
		}
		out = append(out, types...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
