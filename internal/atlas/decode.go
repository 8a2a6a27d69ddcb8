package atlas

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fields is a document taken apart, to get at what can be had of an odd one.
type fields map[string]json.RawMessage

// fieldsOf gives nil for anything but an object.
func fieldsOf(raw json.RawMessage) fields {
	var f fields
	if json.Unmarshal(raw, &f) != nil {
		return nil
	}
	return f
}

// text is a field that is a string; else it is empty.
func (f fields) text(name string) string {
	var s string
	if json.Unmarshal(f[name], &s) != nil {
		return ""
	}
	return s
}

// has reports whether the field is there and not null, false or an empty string.
func (f fields) has(name string) bool {
	switch string(f[name]) {
	case "", "null", `""`, "false":
		return false
	}
	return true
}

// decodeAs decodes one element into one of the SDK's models or a part of one.
func decodeAs[T any](raw json.RawMessage) (T, error) {
	var t T
	if !strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
		return t, errors.New("it is no document")
	}
	err := json.Unmarshal(raw, &t)
	return t, err
}

func decodeOrg(raw json.RawMessage) (access.State, error) {
	o, err := decodeAs[admin.AtlasOrganization](raw)
	if err != nil {
		return nil, err
	}
	return access.Org{ID: o.GetId(), Title: o.Name}, access.OrgScope(o.GetId()).Validate()
}

func decodeProject(raw json.RawMessage) (access.State, error) {
	p, err := decodeAs[admin.Group](raw)
	if err != nil {
		return nil, err
	}
	out := access.Project{ID: p.GetId(), OrgID: p.OrgId, Title: p.Name, Tags: tags(p.Tags)}
	return out, access.ProjectScope(out.ID).Validate()
}

func tags(in *[]admin.ResourceTag) []access.Label {
	if in == nil || len(*in) == 0 {
		return nil
	}
	var out []access.Label
	for _, t := range *in {
		out = append(out, access.Label{Key: t.Key, Value: t.Value})
	}
	return access.SortLabels(out)
}

// decodeCluster takes the few fields that matter from a very large document, so that
// no other field of it can be odd.
func decodeCluster(raw json.RawMessage) (access.State, error) {
	c, err := decodeAs[struct {
		ID     string               `json:"id"`
		Name   string               `json:"name"`
		Type   string               `json:"clusterType"`
		State  string               `json:"stateName"`
		Paused bool                 `json:"paused"`
		Tags   *[]admin.ResourceTag `json:"tags"`
		Specs  json.RawMessage      `json:"replicationSpecs"`
	}](raw)
	if err != nil {
		return nil, err
	}
	return access.Cluster{ID: c.ID, Cluster: c.Name, Type: c.Type, Tier: tier(c.Specs), StateName: c.State, Paused: c.Paused, Tags: tags(c.Tags)}, wantName(c.Name)
}

// tier tells by the providers of a cluster's regions whether it has machines of its own;
// empty where they do not say.
func tier(specs json.RawMessage) string {
	var parts []struct {
		Regions []struct {
			Provider string `json:"providerName"`
		} `json:"regionConfigs"`
	}
	out := ""
	if err := json.Unmarshal(specs, &parts); err != nil { // nothing else of the cluster depends on it
		return out
	}
	for _, part := range parts {
		for _, region := range part.Regions {
			switch {
			case region.Provider == "":
			case region.Provider == "TENANT" || region.Provider == "SERVERLESS":
				return access.TierShared
			default:
				out = access.TierDedicated
			}
		}
	}
	return out
}

func decodeFlex(raw json.RawMessage) (access.State, error) {
	c, err := decodeAs[struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		State string `json:"stateName"`
	}](raw)
	if err != nil {
		return nil, err
	}
	return access.FlexCluster{ID: c.ID, Cluster: c.Name, StateName: c.State}, wantName(c.Name)
}

func decodeFederated(raw json.RawMessage) (access.State, error) {
	d, err := decodeAs[struct {
		Name string `json:"name"`
	}](raw)
	if err != nil {
		return nil, err
	}
	return access.FederatedDatabase{Instance: d.Name}, wantName(d.Name)
}

func decodeWorkspace(raw json.RawMessage) (access.State, error) {
	w, err := decodeAs[struct {
		ID   string `json:"_id"`
		Name string `json:"name"`
	}](raw)
	if err != nil {
		return nil, err
	}
	return access.StreamWorkspace{ID: w.ID, Workspace: w.Name}, wantName(w.Name)
}

func wantName(name string) error {
	if name == "" {
		return errors.New("it has no name")
	}
	return nil
}

func decodeEntry(raw json.RawMessage) (access.State, error) {
	e, err := decodeAs[admin.NetworkPermissionEntry](raw)
	if err != nil {
		return nil, err
	}
	until, err := date(e.DeleteAfterDate)
	if err != nil {
		return nil, err
	}
	out := access.IPAccessEntry{Comment: e.GetComment(), DeleteAfterDate: until}
	switch {
	case e.GetCidrBlock() != "":
		out.Entry, err = canonical(e.GetCidrBlock())
	case e.GetIpAddress() != "":
		out.Entry, err = canonical(e.GetIpAddress())
	case e.GetAwsSecurityGroup() != "":
		out.Entry = e.GetAwsSecurityGroup()
	default:
		err = errors.New("it has no address")
	}
	return out, err
}

func entryName(f fields) string {
	for _, field := range []string{"cidrBlock", "ipAddress", "awsSecurityGroup"} {
		if s := f.text(field); s != "" {
			if c, err := canonical(s); err == nil {
				return c
			}
			return s
		}
	}
	return ""
}

// canonical is the one spelling of an address or CIDR block: masked, an IPv4-mapped
// one as IPv4, a single address with its full prefix length.
func canonical(s string) (string, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return "", fmt.Errorf("%q is neither an address nor a CIDR block", s)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked().String(), nil
}

// date is in UTC. What JSON cannot carry (a year above 9999, which a zone can make) is an
// error: it makes its element odd, and no more.
func date(t *time.Time) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	return carried(t.UTC())
}

func carried(t time.Time) (time.Time, error) {
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}, fmt.Errorf("a date in the year %d", y)
	}
	return t, nil
}

func decodeRole(raw json.RawMessage) (access.State, error) {
	r, err := decodeAs[admin.UserCustomDBRole](raw)
	if err != nil {
		return nil, err
	}
	out := access.CustomRole{Role: r.RoleName}
	for _, in := range r.GetInheritedRoles() {
		if in.Role == "" {
			return nil, errors.New("an inherited role has no name")
		}
		out.Inherits = append(out.Inherits, access.RoleGrant{Role: in.Role, Database: in.Db})
	}
	for _, a := range r.GetActions() {
		if a.Action == "" {
			return nil, errors.New("an action has no name")
		}
		for _, on := range a.Resources {
			p := access.Privilege{Action: a.Action, Cluster: on.Cluster}
			if !on.Cluster { // with cluster set, Atlas ignores the others
				p.Database, p.Collection = on.Db, on.Collection
			}
			out.Privileges = append(out.Privileges, p)
		}
	}
	if out.Inherits != nil {
		out.Inherits = access.SortGrants(out.Inherits)
	}
	if out.Privileges != nil {
		out.Privileges = access.SortPrivileges(out.Privileges)
	}
	return out, wantName(r.RoleName)
}
