package atlas

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// pair is two documents in one piece.
func pair(a, b json.RawMessage) json.RawMessage {
	out, _ := json.Marshal([]json.RawMessage{a, b}) // both came out of a decoder
	return out
}

func unpair(raw json.RawMessage) (a, b json.RawMessage, err error) {
	var both []json.RawMessage
	if err := json.Unmarshal(raw, &both); err != nil || len(both) != 2 {
		return nil, nil, errors.New("it is no pair of documents")
	}
	return both[0], both[1], nil
}

// unknownToAtlas reports a 404 that is Atlas's own and speaks of what was asked for, not
// of the org or project.
func unknownToAtlas(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && errors.Is(f, access.ErrGone) && f.code != "" && !scopeGone(f.code)
}

// readAPIAccess reads the access lists of all keys and accounts of an org.
func readAPIAccess(g *gathering) {
	keys, ok := g.parents(request{route: listOrgAPIKeys})
	if !ok {
		return
	}
	ids := map[string]string{}
	for _, raw := range keys {
		f := fieldsOf(raw)
		if f.text("publicKey") == "" || f.text("id") == "" {
			g.odd()
			continue
		}
		ids[f.text("publicKey")] = f.text("id")
	}
	g.each(sortedKeys(ids), func(public string) ([]json.RawMessage, time.Time, error) {
		return g.fetchList(request{route: listAPIKeyEntries, args: []string{ids[public]}})
	})
	accounts, ok := g.parents(request{route: listOrgAccounts, query: withManaged()})
	if !ok {
		return
	}
	var clients []string
	for _, raw := range accounts {
		id := fieldsOf(raw).text("clientId")
		if id == "" {
			g.odd()
			continue
		}
		clients = append(clients, id)
	}
	g.each(clients, func(client string) ([]json.RawMessage, time.Time, error) {
		return g.fetchList(request{route: listAccountEntries, args: []string{client}})
	})
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// federation finds the id of an org's federation; "" is none. That Atlas answers 404, or
// a document without an id, where there is none is a guess.
func (g *gathering) federation() (id string, settings json.RawMessage, ok bool) {
	settings, at, err := g.fetchObject(request{route: getOrgFederation})
	if unknownToAtlas(err) {
		return "", nil, true
	}
	if !g.add(nil, "", at, err) {
		return "", nil, false
	}
	return fieldsOf(settings).text("id"), settings, true
}

func readFederation(g *gathering) {
	id, settings, ok := g.federation()
	if !ok || id == "" {
		return
	}
	connected, at, err := g.fetchObject(request{route: getConnectedOrg, args: []string{id, g.scope.ID()}})
	if unknownToAtlas(err) {
		connected, err = nil, nil // federated, and this org is not connected
	}
	if !g.add(nil, "", at, err) {
		return
	}
	others, ok := g.parents(request{route: listConnectedOrgs, args: []string{id}})
	if !ok {
		return
	}
	all, _ := json.Marshal(others) // they came out of a decoder
	g.add([]json.RawMessage{pair(pair(settings, connected), all)}, "", at, nil)
}

// readIdentityProviders asks for every protocol and type: the default leaves most out.
func readIdentityProviders(g *gathering) {
	id, _, ok := g.federation()
	if !ok || id == "" {
		return
	}
	every := url.Values{"protocol": {"SAML", "OIDC"}, "idpType": {"WORKFORCE", "WORKLOAD"}}
	g.list(request{route: listIdentityProviders, args: []string{id}, query: every}, "")
}

func readRoleMappings(g *gathering) {
	id, _, ok := g.federation()
	if !ok || id == "" {
		return
	}
	g.list(request{route: listRoleMappings, args: []string{id, g.scope.ID()}}, "")
}

// readPolicies reads the resource policies, and where there are any what Atlas lists as
// not complying with them, which it puts into each.
func readPolicies(g *gathering) {
	policies, at, err := g.client.array(g.ctx, request{route: listResourcePolicies, id: g.scope.ID()})
	if err != nil || len(policies) == 0 {
		g.add(policies, "", at, err)
		return
	}
	against, later, err := g.client.array(g.ctx, request{route: listNonCompliant, id: g.scope.ID()})
	if !g.add(nil, "", later, err) {
		return
	}
	by := nonCompliant(against)
	for i, raw := range policies {
		f := fieldsOf(raw)
		if found := by[f.text("id")]; f != nil && len(found) > 0 {
			f["nonCompliant"], _ = json.Marshal(found) // texts
			policies[i], _ = json.Marshal(f)           // it came out of a decoder
		}
	}
	g.add(policies, "", at, nil)
}

// nonCompliant names, by policy, what does not comply with it. What cannot be understood
// is left out: it is told beside the policies, and takes nothing from them.
func nonCompliant(rows []json.RawMessage) map[string][]string {
	out := map[string][]string{}
	for _, raw := range rows {
		row, err := decodeAs[struct {
			Name   string `json:"resourceName"`
			Type   string `json:"resourceType"`
			ID     string `json:"resourceId"`
			Causes []struct {
				Policy string `json:"resourcePolicyId"`
			} `json:"resourcePoliciesCausingNonCompliance"`
		}](raw)
		if err != nil {
			continue
		}
		for _, c := range row.Causes {
			out[c.Policy] = access.SortNames(append(out[c.Policy], or(row.Type, "resource")+" "+or(row.Name, row.ID)))
		}
	}
	return out
}
