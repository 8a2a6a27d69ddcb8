package apispec

import (
	_ "embed" // of the facts
	"encoding/json"
	"fmt"
	"sync"
)

//go:embed atlas.json
var facts []byte

// Facts is everything known of the API.
type Facts struct {
	Operations []*Operation       `json:"operations"` // in the document's order
	Schemas    map[string]*Schema `json:"schemas"`
	Events     Events             `json:"events"`

	byID     map[string]*Operation
	patterns *sync.Map // compiled, by their text
}

// Events are the enums of event types.
type Events struct {
	Org       []string `json:"org"`
	Project   []string `json:"project"`
	Alertable []string `json:"alertable"` // accepted by a project's alert configurations
}

// Operation is one operation of the API.
type Operation struct {
	ID         string             `json:"id"`
	Method     string             `json:"method"`
	Path       string             `json:"path"` // after /api/atlas/v2; "/" is the root
	Versions   []Version          `json:"versions"`
	Deprecated bool               `json:"deprecated,omitempty"`
	Roles      []string           `json:"roles,omitempty"` // by the names of Atlas's pages; one of them is enough
	Query      []Param            `json:"query,omitempty"`
	Bodies     map[string]*Schema `json:"bodies,omitempty"` // request body by version date
}

// Version is one dated version, with its status and, if it is deprecated, its end.
type Version struct {
	Date   string `json:"date"`
	Status int    `json:"status"`
	Sunset string `json:"sunset,omitempty"`
}

// Param is one query parameter.
type Param struct {
	Name     string  `json:"name"`
	Required bool    `json:"required,omitempty"`
	Schema   *Schema `json:"schema,omitempty"`
}

// Schema is the part of an OpenAPI 3.0 schema that requests are checked by.
type Schema struct {
	Ref           string             `json:"ref,omitempty"` // name in Facts.Schemas
	Type          string             `json:"type,omitempty"`
	Format        string             `json:"format,omitempty"`
	Nullable      bool               `json:"nullable,omitempty"`
	ReadOnly      bool               `json:"readOnly,omitempty"`
	WriteOnly     bool               `json:"writeOnly,omitempty"`
	Enum          []any              `json:"enum,omitempty"`
	Pattern       string             `json:"pattern,omitempty"`
	MinLength     *int               `json:"minLength,omitempty"`
	MaxLength     *int               `json:"maxLength,omitempty"`
	Minimum       *float64           `json:"minimum,omitempty"`
	Maximum       *float64           `json:"maximum,omitempty"`
	MinItems      *int               `json:"minItems,omitempty"`
	MaxItems      *int               `json:"maxItems,omitempty"`
	Required      []string           `json:"required,omitempty"`
	Properties    map[string]*Schema `json:"properties,omitempty"`
	Items         *Schema            `json:"items,omitempty"`
	Free          bool               `json:"free,omitempty"` // a map: any property
	OneOf         []*Schema          `json:"oneOf,omitempty"`
	AnyOf         []*Schema          `json:"anyOf,omitempty"`
	AllOf         []*Schema          `json:"allOf,omitempty"`
	Discriminator *Discriminator     `json:"discriminator,omitempty"`
}

// Discriminator says by which property an alternative is chosen.
type Discriminator struct {
	Property string            `json:"property"`
	Mapping  map[string]string `json:"mapping,omitempty"` // value to the name of a schema
}

// Load decodes the facts, once.
var Load = sync.OnceValue(func() *Facts {
	f := &Facts{}
	if err := json.Unmarshal(facts, f); err != nil {
		panic(fmt.Sprintf("apispec: atlas.json is damaged: %v", err)) // it is part of the program
	}
	f.byID, f.patterns = make(map[string]*Operation, len(f.Operations)), &sync.Map{}
	for _, op := range f.Operations {
		f.byID[op.ID] = op
	}
	return f
})

// Operation returns the operation of that id, or nil.
func (f *Facts) Operation(id string) *Operation { return f.byID[id] }

// Body is the request schema of a version: its own, or that of the newest version
// before it. It is nil where the operation takes no body.
func (op *Operation) Body(date string) *Schema {
	var best string
	for d := range op.Bodies {
		if d <= date && d > best {
			best = d
		}
	}
	return op.Bodies[best]
}

// Newest is the date of the newest version.
func (op *Operation) Newest() string {
	if len(op.Versions) == 0 {
		return ""
	}
	return op.Versions[len(op.Versions)-1].Date
}
