package sim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Actor is who does something. The zero Actor is Atlas itself, whose events name
// nobody.
type Actor struct {
	Username, UserID    string // a human; the id is looked up or made up where empty
	PublicKey, APIKeyID string // an API key
	ClientID            string // a service account
	RemoteAddress       string
	GlobalAdmin         bool // a MongoDB employee
	Delegate            *Delegate
}

// Delegate is an OAuth application that acts on somebody's behalf.
type Delegate struct {
	ID, Name, OnBehalfOf string
}

// fields are the actor's part of an event. A service account's client id is in
// publicKey (a guess of the reference).
func (w Actor) fields() object {
	out := object{}
	set := func(key, value string) {
		if value != "" {
			out[key] = value
		}
	}
	set("userId", w.UserID)
	set("username", w.Username)
	set("apiKeyId", w.APIKeyID)
	set("publicKey", orDefault(w.PublicKey, w.ClientID))
	set("remoteAddress", w.RemoteAddress)
	if w.Delegate != nil {
		out["delegatePrincipal"] = object{"id": w.Delegate.ID, "name": w.Delegate.Name, "onBehalfOf": w.Delegate.OnBehalfOf}
	}
	return out
}

// Do acts as somebody without credentials, as a click in the Atlas UI would: same
// handlers, validation, effects and events, but no role check, bucket, fault or
// request log. The path has no /api/atlas/v2; the body is JSON text (string, []byte or
// json.RawMessage), a value to marshal, or nil.
func (a *Atlas) Do(actor Actor, method, path string, body any) (status int, response []byte) {
	raw, err := jsonBody(body)
	if err != nil {
		return a.refuse(bad("INVALID_JSON", "The body cannot be written as JSON: %s.", err.Error()))
	}
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return a.refuse(bad("INVALID_QUERY_PARAMETER", "The query cannot be read: %s.", err.Error()))
	}
	defer a.announceWebhooks()
	a.mu.Lock()
	defer a.mu.Unlock()
	route, params, known := a.find(method, path)
	if route == nil {
		p := noRoute(method, path, known)
		return a.refuse(p)
	}
	c := &call{
		a: a, route: route, params: params, query: values, path: path, base: "https://cloud.mongodb.com",
		body: raw, actor: a.identify(actor), at: a.now(),
	}
	a.tick(c.at)
	out := a.render(c, c.direct(), version{})
	return out.status, out.body
}

// direct runs the handler for Do.
func (c *call) direct() answer {
	if bad := c.resolve(); bad != nil {
		return bad.answer()
	}
	ans, bad := c.route.handle(c)
	if bad != nil {
		return bad.answer()
	}
	return ans
}

func (a *Atlas) refuse(p *problem) (int, []byte) {
	out := a.render(nil, p.answer(), version{})
	return out.status, out.body
}

// identify fills in the ids that belong to the names.
func (a *Atlas) identify(w Actor) Actor {
	if w.PublicKey != "" && w.APIKeyID == "" {
		w.APIKeyID = a.derive("api key", w.PublicKey)[:24]
		if k := a.keys[w.PublicKey]; k != nil {
			w.APIKeyID = k.keyID
		}
	}
	if w.Username == "" || w.UserID != "" {
		return w
	}
	w.UserID = a.derive("user", w.Username)[:24]
	for _, o := range a.orgs {
		if m := o.byUsername[w.Username]; m != nil {
			w.UserID = m.id
		}
	}
	return w
}

func jsonBody(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return b, nil
	case string:
		return []byte(b), nil
	case json.RawMessage:
		return b, nil
	}
	out, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("marshalling %T: %w", body, err)
	}
	return out, nil
}
