package slackfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// surface is what blocks are shown on.
type surface int

const (
	forMessage surface = iota
	forView
)

// Limits of a message and of a view as a whole.
const (
	maxText          = 40_000     // characters of a message's text
	maxMessageBlocks = 50         //
	maxMessageChars  = 13_200     // characters of all blocks of a message; undocumented, as measured by others (bolt-js#2509)
	maxViewBlocks    = 100        //
	maxViewBytes     = 250 * 1024 // of a view's JSON
)

// checkBlocks holds blocks against Block Kit and answers them as maps.
func (s *Slack) checkBlocks(raw any, on surface) ([]Block, *refusal) {
	list, ok := raw.([]any)
	if !ok {
		return nil, invalid("invalid_blocks_format", "[ERROR] must be an array [json-pointer:/blocks]")
	}
	c := &checker{shapes: s.shapes, seen: map[string]bool{}}
	most := maxMessageBlocks
	if on == forView {
		most = maxViewBlocks
	}
	c.blocks("/blocks", list, most)
	if len(c.problems) > 0 {
		return nil, invalid("invalid_blocks", c.problems...)
	}
	// What exactly Slack counts is not documented: all of the JSON (a guess, the
	// strictest one).
	if on == forMessage && utf8.RuneCount(plainJSON(list)) > maxMessageChars {
		return nil, refuse("msg_blocks_too_long")
	}
	return asBlocks(list), nil
}

// plainJSON is v as JSON without escapes that it does not need.
func plainJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // it came as JSON
	return bytes.TrimSpace(b.Bytes())
}

func asBlocks(list []any) []Block {
	out := make([]Block, 0, len(list))
	for _, b := range list {
		m, _ := b.(Block) // checked
		out = append(out, m)
	}
	return out
}

// checker collects what is wrong with blocks, in Slack's words.
type checker struct {
	shapes   shapes
	seen     map[string]bool // block ids, and action ids within their block
	problems []string
}

func (c *checker) wrong(at, format string, a ...any) {
	c.problems = append(c.problems, fmt.Sprintf("[ERROR] "+format+" [json-pointer:%s]", append(a, at)...))
}

func (c *checker) blocks(at string, list []any, most int) {
	if len(list) > most {
		c.wrong(at, "no more than %d items allowed", most)
		return
	}
	for i, b := range list {
		here := fmt.Sprintf("%s/%d", at, i)
		c.typed(here, b, c.shapes.blocks)
		m, _ := b.(Block)
		c.together(here, m)
		if id, ok := m["block_id"].(string); ok {
			if c.seen[id] {
				c.wrong(here+"/block_id", "`block_id` %q already exists", id)
			}
			c.seen[id] = true
		}
		c.uniqueActions(here, m)
	}
}

// together checks what no single property shows.
func (c *checker) together(at string, block Block) {
	if block["type"] == "section" && block["text"] == nil && block["fields"] == nil {
		c.wrong(at, "missing required field: text")
	}
	for _, e := range elementsOf(block) {
		kind, _ := e["type"].(string)
		if strings.HasSuffix(kind, "static_select") && (e["options"] == nil) == (e["option_groups"] == nil) {
			c.wrong(at, "one of options and option_groups is required")
		}
		if first, ok := e["initial_option"].(Block); ok && optionOf(e, first["value"]) == nil {
			c.wrong(at, "initial_option is none of the options")
		}
	}
}

// optionOf finds the option of a select, menu, or set of buttons by its value.
func optionOf(element Block, value any) Block {
	options, _ := element["options"].([]any)
	groups, _ := element["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(Block)
		more, _ := group["options"].([]any)
		options = append(slices.Clone(options), more...)
	}
	for _, o := range options {
		if m, ok := o.(Block); ok && m["value"] == value {
			return m
		}
	}
	return nil
}

// uniqueActions refuses two elements of one block with the same action_id.
func (c *checker) uniqueActions(at string, block Block) {
	seen := map[string]bool{}
	for _, e := range elementsOf(block) {
		id, _ := e["action_id"].(string)
		if id != "" && seen[id] {
			c.wrong(at, "`action_id` %q already exists", id)
		}
		seen[id] = true
	}
}

// elementsOf lists the interactive elements of a block.
func elementsOf(block Block) []Block {
	var out []Block
	switch block["type"] {
	case "actions":
		list, _ := block["elements"].([]any)
		for _, e := range list {
			if m, ok := e.(Block); ok {
				out = append(out, m)
			}
		}
	case "section":
		if m, ok := block["accessory"].(Block); ok {
			out = append(out, m)
		}
	case "input":
		if m, ok := block["element"].(Block); ok {
			out = append(out, m)
		}
	}
	return out
}

// typed checks an object whose "type" says which shape it has.
func (c *checker) typed(at string, v any, among map[string]shape) {
	m, ok := v.(Block)
	if !ok {
		c.wrong(at, "must be an object")
		return
	}
	kind, _ := m["type"].(string)
	sh, known := among[kind]
	if !known {
		c.wrong(at, "unsupported type: %s", kind)
		return
	}
	c.object(at, m, sh)
}

// object checks the properties of an object: all that it must have, none that is not
// known.
func (c *checker) object(at string, m Block, sh shape) {
	for _, name := range slices.Sorted(maps.Keys(sh)) {
		if _, ok := m[name]; !ok && sh[name].required {
			c.wrong(at, "missing required field: %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v := m[name]
		p, known := sh[name]
		switch {
		case name == "type":
		case !known:
			c.wrong(at, "invalid additional property: %s", name)
		default:
			p.rule(c, at+"/"+name, v)
		}
	}
}
