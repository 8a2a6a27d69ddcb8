package atlas

import (
	"encoding/json"
	"net/url"
	"time"
)

// readPrivateEndpoints asks each provider for its services, and then for the endpoints
// of federated databases and online archives.
func readPrivateEndpoints(g *gathering) {
	for _, provider := range []string{"AWS", "AZURE", "GCP"} {
		if g.array(request{route: listEndpointServices, args: []string{provider}}, provider); g.over() {
			return
		}
	}
	g.list(request{route: listEndpointIDs}, "")
}

// readPeerings asks once per provider: without one Atlas lists those of AWS.
func readPeerings(g *gathering) {
	for _, provider := range []string{"AWS", "AZURE", "GCP"} {
		if g.list(request{route: listPeers, query: url.Values{"providerName": {provider}}}, provider); g.over() {
			return
		}
	}
}

// readCertificates reads the project's authorities, and the certificates that Atlas
// issued to each user who has such.
func readCertificates(g *gathering) {
	security, at, err := g.fetchObject(request{route: getUserSecurity})
	if !g.add([]json.RawMessage{security}, "", at, err) {
		return
	}
	users, ok := g.parents(request{route: listDatabaseUsers})
	if !ok {
		return
	}
	var managed []string
	for _, raw := range users {
		switch f := fieldsOf(raw); {
		case f == nil || f.text("username") == "" && f.text("x509Type") != "NONE":
			g.odd()
		case f.text("x509Type") == "MANAGED":
			managed = append(managed, f.text("username"))
		}
	}
	g.each(managed, func(user string) ([]json.RawMessage, time.Time, error) {
		certs, at, err := g.fetchList(request{route: listUserCertificates, args: []string{user}})
		if err != nil || len(certs) == 0 {
			return nil, at, err
		}
		all, err := json.Marshal(certs)
		return []json.RawMessage{all}, at, err
	})
}

// readPerCluster reads one list per cluster. Clusters without backups answer with an
// error of their own, and have none.
func readPerCluster(r route) func(*gathering) {
	return func(g *gathering) {
		names, ok := g.clusters()
		if !ok {
			return
		}
		g.each(names, func(cluster string) ([]json.RawMessage, time.Time, error) {
			elements, at, err := g.fetchList(request{route: r, args: []string{cluster}})
			if unsupportedHere(err) {
				return nil, at, nil
			}
			return elements, at, err
		})
	}
}

func (g *gathering) clusters() (names []string, ok bool) {
	list, ok := g.parents(request{route: listClusters})
	for _, raw := range list {
		name := fieldsOf(raw).text("name")
		if name == "" {
			g.odd()
			continue
		}
		names = append(names, name)
	}
	return names, ok
}
