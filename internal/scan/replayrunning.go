package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// Running is what a daemon judges by, so that it can be judged by that again.
type Running struct {
	Hash   string         `json:"hash"` // of [rules.Engine.Hash]
	Policy rules.Policy   `json:"policy"`
	Rules  []rules.Source `json:"rules,omitempty"` // of its owner
	Only   []string       `json:"only,omitzero"`   // ids that it judges by; nil: all
}

// Acting is what a daemon does about findings, as its configuration says.
type Acting struct {
	Name           string                          `json:"name,omitempty"` // of the configuration file
	Responses      []access.Response               `json:"responses,omitempty"`
	DryRun         bool                            `json:"dryRun"` // as the file says
	Profile        string                          `json:"profile"`
	BaseURL        string                          `json:"baseUrl"`
	Writes         map[string]bool                 `json:"writes"` // by org: whether it has write credentials
	ProjectHour    int                             `json:"projectHour"`
	OrgHour        int                             `json:"orgHour"`
	SettleCritical time.Duration                   `json:"settleCritical"`
	SettleOther    time.Duration                   `json:"settleOther"`
	NeverTouch     []string                        `json:"neverTouch,omitempty"`
	Operators      []string                        `json:"operators,omitempty"`
	Ownership      []access.Ownership              `json:"ownership,omitempty"`
	War            access.War                      `json:"war,omitzero"`
	Windows        []access.Window                 `json:"windows,omitempty"`
	Retention      time.Duration                   `json:"retention,omitempty"`
	Controls       map[access.Scope]access.Control `json:"controls,omitempty"` // freezes, incidents and rules that are stopped, where there are any
}

// Engine builds it again. An error says that this program would judge otherwise.
func (r Running) Engine() (*rules.Engine, error) {
	e, err := rules.Load(r.Policy, r.Rules...)
	if err != nil {
		return nil, fmt.Errorf("build the rules that the daemon judges by: %w", err)
	}
	if r.Only != nil {
		e = e.Only(r.Only...)
	}
	if e.Hash() != r.Hash {
		return nil, errors.New("build the rules that the daemon judges by: another version of gatewarden has others")
	}
	return e, nil
}

// MarshalJSON implements json.Marshaler. Numbers of parameters stay what they are: an
// integer is no float.
func (r Running) MarshalJSON() ([]byte, error) {
	type plain Running
	r.Policy.Overrides = exactly(r.Policy.Overrides)
	return json.Marshal(plain(r))
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Running) UnmarshalJSON(raw []byte) error {
	type plain Running
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode((*plain)(r)); err != nil {
		return err
	}
	for _, o := range r.Policy.Overrides {
		for k, v := range o.Params {
			o.Params[k] = plainNumber(v)
		}
	}
	return nil
}

// exactly writes the whole numbers among parameters that are none by type as such, 5 as
// 5.0: else they would come back as others.
func exactly(in map[string]rules.Override) map[string]rules.Override {
	out := maps.Clone(in)
	for id, o := range out {
		o.Params = maps.Clone(o.Params)
		for k, v := range o.Params {
			if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				o.Params[k] = json.Number(strconv.FormatFloat(f, 'f', 1, 64))
			}
		}
		out[id] = o
	}
	return out
}

func plainNumber(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil && !strings.ContainsAny(string(v), ".eE") {
			return i
		}
		f, _ := v.Float64() // what is no number was refused before
		return f
	case []any:
		for i := range v {
			v[i] = plainNumber(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumber(v[k])
		}
	}
	return v
}
