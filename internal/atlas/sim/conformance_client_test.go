package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// party is a credential of the matrix.
type party struct {
	id, secret string
	digest     bool
}

// owners are the service account and the API key of an organisation's owner.
func owners(org string) (account, key party) {
	if org == "LoneCorp" {
		return party{id: "mdb_sa_id_0123456789abcdef0123456b", secret: "fake-lone"},
			party{id: "lonelone", secret: "00000000-0000-0000-0000-0000000000bb", digest: true}
	}
	return party{id: "mdb_sa_id_0123456789abcdef01234567", secret: "fake secret/with+signs"},
		party{id: "ownerkey", secret: "00000000-0000-0000-0000-0000000000aa", digest: true}
}

// outsider owns an organisation that has nothing to do with the samples.
func outsider() party {
	return party{id: "mdb_sa_id_0123456789abcdef0123456a", secret: "fake-stranger"}
}

// holder is a service account that holds the roles and nothing else.
func holder(roles ...string) (party, ServiceAccount) {
	p := party{id: fmt.Sprintf("mdb_sa_id_%024x", fnvOf(strings.Join(roles, " "))), secret: "fake-holder"}
	a := ServiceAccount{ClientID: p.id, Secret: p.secret, Name: "holder"}
	for _, r := range roles {
		name, project, _ := strings.Cut(r, "@")
		a.Roles = append(a.Roles, Grant{name, project})
	}
	return p, a
}

func fnvOf(s string) uint64 {
	var h uint64 = 14695981039346656037
	for _, c := range []byte(s) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// conformanceWorld is the world of the matrix.
func conformanceWorld(t *testing.T) World {
	t.Helper()
	src, err := os.ReadFile("testdata/conformance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := ParseWorld("conformance.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// openWorld starts a world, which New only reads, with further service accounts in an
// organisation.
func openWorld(t *testing.T, w World, org string, more []ServiceAccount) *world {
	t.Helper()
	w.Orgs = slices.Clone(w.Orgs)
	for i := range w.Orgs {
		if o := &w.Orgs[i]; o.Name == org {
			o.ServiceAccounts = slices.Concat(o.ServiceAccounts, more)
		}
	}
	a, err := New(Options{World: w, Seed: 7, Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	return &world{a, t, &http.Client{Transport: a.Transport()}}
}

// ask is a request without credentials.
func (w *world) ask(method, path, body, accept string) *http.Request {
	w.t.Helper()
	headers := []string{"Accept", accept}
	if body != "" {
		headers = append(headers, "Content-Type", accept)
	}
	return w.request(method, path, body, headers...)
}

// signed sends a request with the party's credentials.
func (w *world) signed(p party, method, path, body, accept string) answerOf {
	w.t.Helper()
	req := w.ask(method, path, body, accept)
	if p.digest {
		challenge := w.send(w.ask("GET", "", "", accept)).header.Get("WWW-Authenticate")
		req.Header.Set("Authorization", digestHeader(challenge, p.id, p.secret, method, req.URL.RequestURI(), "auth"))
		return w.send(req)
	}
	form, _ := http.NewRequest("POST", "http://atlas.test/api/oauth/token", strings.NewReader("grant_type=client_credentials"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.SetBasicAuth(url.QueryEscape(p.id), url.QueryEscape(p.secret))
	a := w.send(form)
	token, _ := a.body["access_token"].(string)
	if token == "" {
		w.t.Fatalf("token for %s: %d %s", p.id, a.status, a.raw)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return w.send(req)
}

// prepared runs the steps before the sample and names what they made.
func (w *world) prepared(n bindings, steps []preparation) (bindings, error) {
	n = maps.Clone(n)
	for _, st := range steps {
		if st.advance > 0 {
			w.Advance(st.advance)
			continue
		}
		path, err := n.expand(st.path)
		if err != nil {
			return nil, err
		}
		body, err := n.expand(st.body)
		if err != nil {
			return nil, err
		}
		a := w.do(st.method, path, body)
		if a.status/100 == 2 == st.refused {
			return nil, fmt.Errorf("%s %s %s: %d %s", st.method, path, body, a.status, a.raw)
		}
		if st.name == "" {
			continue
		}
		v, err := jsonValue(a.raw)
		if err != nil {
			return nil, err
		}
		if n[st.name], err = pick(v, st.field); err != nil {
			return nil, fmt.Errorf("%s of %s: %w", st.name, a.raw, err)
		}
	}
	return n, nil
}

// happened is an event with the feed that it is in.
type happened struct {
	feed  string
	ofOrg bool
	scope string
	raw   map[string]any
}

// feeds are all events of all feeds by id, as the API shows them. The first
// organisation's feed is called org, others by their names.
func (w *world) feeds() map[string]happened {
	w.t.Helper()
	out := map[string]happened{}
	read := func(feed, path, scope string, ofOrg bool) {
		for page := 1; ; page++ {
			a := w.do("GET", fmt.Sprintf("%s/events?itemsPerPage=500&pageNum=%d", path, page), nil)
			rows := a.results()
			for _, e := range rows {
				out[fmt.Sprint(e["id"])] = happened{feed, ofOrg, scope, e}
			}
			if len(rows) < 500 {
				return
			}
		}
	}
	for i, o := range w.orgs {
		name := o.name
		if i == 0 {
			name = "org"
		}
		read(name, "/orgs/"+o.id, o.id, true)
		for _, p := range o.projects {
			read(p.name, "/groups/"+p.id, p.id, false)
		}
	}
	return out
}

// newEvents are the events of after that were not there before, in order of their ids.
func newEvents(before, after map[string]happened) []happened {
	var out []happened
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if _, old := before[id]; !old {
			out = append(out, after[id])
		}
	}
	return out
}

// footprint is what a request that changes nothing leaves alone: everything but when a
// credential was last used.
func (w *world) footprint() string {
	w.t.Helper()
	state := w.Snapshot()
	for i := range state.Orgs {
		for j := range state.Orgs[i].ServiceAccounts {
			a := &state.Orgs[i].ServiceAccounts[j]
			a.Secrets, a.AccessList = nil, nil
		}
		for j := range state.Orgs[i].APIKeys {
			state.Orgs[i].APIKeys[j].AccessList = nil
		}
	}
	return fmt.Sprint(len(w.Effects()), " effects, ", w.eventCount(), " events, state ", fnvOf(text(state)))
}

func (w *world) eventCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, o := range w.orgs {
		n += len(o.feed.events)
		for _, p := range o.projects {
			n += len(p.feed.events)
		}
	}
	return n
}

func jsonEqual(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
