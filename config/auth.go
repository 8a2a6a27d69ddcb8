package config

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Auth says who may call the admin API, and by whose keys commands are believed.
type Auth struct {
	Tokens   []Token
	OIDC     OIDC                // a zero Issuer: none
	Gateway  Source              // of the private key by which this process signs commands; zero: one that it makes itself
	Gateways []access.GatewayKey // believed besides its own
}

// IsZero reports whether nobody could sign in.
func (a Auth) IsZero() bool { return len(a.Tokens) == 0 && a.OIDC.Issuer == "" }

// Reach bounds what somebody sees and does. Empty lists bound nothing.
type Reach struct {
	Orgs     []string // ids
	Projects []string // patterns of names or ids
	Owners   []string // principals, groups or teams that own findings
}

// Token is a bearer token of the admin API: its hash, and what it may do.
type Token struct {
	Name      string // in logs
	SHA256    string // in hex
	Principal string // whose it is
	Roles     []string
	Reach
}

// OIDC is an identity provider whose tokens are taken.
type OIDC struct {
	Issuer, Audience            string
	GroupsClaim, PrincipalClaim string
	Roles                       map[string][]string // by the provider's group
	Reaches                     map[string]Reach    // of those groups that are bounded
}

// The roles of the admin API; each may do what the one before it may.
const (
	RoleViewer   = "viewer"
	RoleApprover = "approver"
	RoleAdmin    = "admin"
)

// GatewayKey reads the private key by which this process signs commands; nil: none is
// configured. It is a PKCS #8 key in PEM, as openssl genpkey -algorithm ed25519 makes it.
func (a Auth) GatewayKey() (ed25519.PrivateKey, error) {
	if a.Gateway.IsZero() {
		return nil, nil
	}
	return a.Gateway.PrivateKey()
}

// PrivateKey reads a private key by which commands are signed: a PKCS #8 key in PEM.
func (s Source) PrivateKey() (ed25519.PrivateKey, error) {
	text, err := s.text()
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("reading a key from %s: it is not one PRIVATE KEY in PEM; make one with openssl genpkey -algorithm ed25519", s)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading a key from %s: it is not PKCS #8; make one with openssl genpkey -algorithm ed25519", s)
	}
	own, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("reading a key from %s: it is a %T, want Ed25519; make one with openssl genpkey -algorithm ed25519", s, key)
	}
	return own, nil
}

// text reads what may have several lines, unlike a secret.
func (s Source) text() ([]byte, error) {
	if s.Env != "" {
		value, ok := os.LookupEnv(s.Env)
		if !ok {
			return nil, fmt.Errorf("reading a key from %s: it is not set; set it where the process is started", s)
		}
		return []byte(value), nil
	}
	f, err := os.Open(s.File)
	if err != nil {
		return nil, fmt.Errorf("reading a key from %s: %w; mount it there, readable by this process", s, cause(err))
	}
	defer func() { _ = f.Close() }() // only read from
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return nil, fmt.Errorf("reading a key from %s: %w; mount it there, readable by this process", s, cause(err))
	}
	return raw, nil
}

func authKeys() *shape {
	hash := one(patterned("the SHA-256 of a token as 64 lower-case hex digits: gatewarden token new makes a token and prints its hash", `^[0-9a-f]{64}$`))
	hash.secret = true // who writes the token itself there must not find it in a message
	return object(
		key("tokens", list(object(slices.Concat([]field{
			key("name", one(entryID("a token's name")), "What logs call it.").must(),
			key("sha256", hash, "The hash of the token, as gatewarden token new prints it. The token itself stands nowhere.").must(),
			key("principal", one(text("a principal's id")), "Whose it is: what is done with it counts as done by this principal.").must(),
			key("roles", roleList(), "What it may do: viewer reads, approver decides, admin freezes, adopts and leads incidents too.").must(),
		}, reachKeys())...)), "Bearer tokens of the admin API."),
		key("oidc", oidcKeys(), "An OpenID Connect provider whose tokens the admin API takes."),
		key("gateway", object(key("key", sourceKeys(), "The Ed25519 private key, as PKCS #8 in PEM.").must()), "By which key this process signs commands. Left out: one that it makes, in a file beside the store."),
		key("gateways", list(object(
			key("name", one(entryID("a gateway's name")), "Which gateway it is, such as slack or api: the key counts for no other.").must(),
			key("public_key", one(signerKey()), "Its Ed25519 public key in base64, as openssl pkey -pubout writes it between the lines.").must(),
			key("orgs", nonnil(list(one(orgID()))), "The orgs for which it speaks. Left out: all."),
		)), "Keys by which commands are believed besides the own one."),
	)
}

func oidcKeys() *shape {
	group := text("a group as the provider names it")
	return object(
		key("issuer", one(issuer()), "The provider: https, or http to a loopback address. Its tokens must say exactly this.").must(),
		key("audience", one(text("an audience")), "What tokens must be made for: the client id there.").must(),
		key("groups_claim", one(text("a claim's name")), "The claim that lists somebody's groups.").or("groups"),
		key("principal_claim", one(text("a claim's name")), "The claim that says who it is: a principal's id or e-mail. Of email, the provider must say that it verified it.").or("email"),
		key("roles", table(group, roleList()), "What the members of each group may do.").must(),
		key("scopes", table(group, object(reachKeys()...)), "To what the members of a group are bounded. A group that is left out is not."),
	)
}

func roleList() *shape {
	return nonnil(list(one(enum("a role", RoleViewer, RoleApprover, RoleAdmin))))
}

// reachKeys: a list that is there names something; an empty one would mean nobody knows what.
func reachKeys() []field {
	return []field{
		key("orgs", nonnil(list(one(orgID()))), "Only these orgs, by id. Left out: all."),
		key("projects", nonnil(list(one(glob("a pattern of project names or ids")))), "Only these projects, and nothing that is of an org. Left out: all."),
		key("owners", nonnil(list(one(text("a principal's id, or a group's or team's name")))), "Only what these own. Left out: all."),
	}
}

func orgID() scalar { return patterned("an org's id of 24 hex digits, as text", `^[0-9a-f]{24}$`) }

// issuer keeps the URL to the letter: tokens are compared with it.
func issuer() scalar {
	const example = "https://login.example.com/tenant"
	s := scalar{want: "a URL such as " + example, json: "string"}
	return s.parsed(func(s string) (any, error) {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
			return nil, errors.New("it is not a URL such as " + example)
		case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
			return nil, errors.New("it holds a user, query or fragment: give scheme, host and path as the provider's discovery says them")
		case u.Scheme == "http" && !loopback(u.Hostname()):
			return nil, errors.New("http would let anyone on the way say who somebody is: use https; http is for a loopback address only")
		}
		return s, nil
	})
}

// signerKey is an Ed25519 key: its 32 bytes, or the structure that openssl writes.
func signerKey() scalar {
	want := "an Ed25519 public key in base64"
	return patterned(want, `^[A-Za-z0-9+/]{43,60}={0,2}$`).parsed(func(s string) (any, error) {
		raw, err := base64.StdEncoding.DecodeString(s)
		if err == nil && len(raw) == ed25519.PublicKeySize {
			return ed25519.PublicKey(raw), nil
		}
		if err == nil {
			parsed, _ := x509.ParsePKIXPublicKey(raw) // what is none is told of below
			if k, ok := parsed.(ed25519.PublicKey); ok {
				return k, nil
			}
		}
		return nil, fmt.Errorf("%q is not %s, as openssl pkey -pubout writes it between the lines", s, want)
	})
}

func (b *builder) auth(t *tree, orgs []Org) Auth {
	a := Auth{
		Tokens:  each(t.get("tokens"), func(k *tree) Token { return b.token(k, orgs) }),
		OIDC:    b.oidc(t.get("oidc"), orgs),
		Gateway: b.source(t.get("gateway").get("key")),
	}
	b.unique(t.get("tokens"), "name")
	b.unique(t.get("tokens"), "sha256")
	a.Gateways = each(t.get("gateways"), func(g *tree) access.GatewayKey {
		return access.GatewayKey{Public: as[ed25519.PublicKey](g.get("public_key")), Gateway: as[string](g.get("name")), Orgs: b.watched(g.get("orgs"), orgs)}
	})
	for i, g := range a.Gateways {
		if slices.ContainsFunc(a.Gateways[:i], func(o access.GatewayKey) bool { return g.Public.Equal(o.Public) && len(g.Public) > 0 }) {
			b.at(t.get("gateways").items[i].get("public_key"), "the same key twice: each gateway has its own, so that one cannot speak for the other")
		}
	}
	return a
}

func (b *builder) token(t *tree, orgs []Org) Token {
	k := Token{
		Name: as[string](t.get("name")), SHA256: as[string](t.get("sha256")), Principal: as[string](t.get("principal")),
		Roles: b.distinct(t.get("roles")), Reach: b.reach(t, orgs),
	}
	b.declared(t.get("principal"), k.Principal)
	return k
}

func (b *builder) reach(t *tree, orgs []Org) Reach {
	return Reach{Orgs: b.watched(t.get("orgs"), orgs), Projects: leaves[string](t.get("projects")), Owners: leaves[string](t.get("owners"))}
}

// watched are ids of orgs that the file watches; others are reported.
func (b *builder) watched(t *tree, orgs []Org) []string {
	for _, item := range t.items {
		id := as[string](item)
		if id != "" && !slices.ContainsFunc(orgs, func(o Org) bool { return o.ID == id }) {
			b.at(item, "org %s is not under atlas.orgs: it would see nothing", id)
		}
	}
	return b.distinct(t)
}

func (b *builder) oidc(t *tree, orgs []Org) OIDC {
	o := OIDC{
		Issuer: as[string](t.get("issuer")), Audience: as[string](t.get("audience")),
		GroupsClaim: as[string](t.get("groups_claim")), PrincipalClaim: as[string](t.get("principal_claim")),
	}
	if !t.given {
		return OIDC{}
	}
	roles := t.get("roles")
	if roles.given && len(roles.keys) == 0 {
		b.at(roles, "it is empty: give at least one group, or nobody could do anything")
	}
	o.Roles, o.Reaches = map[string][]string{}, map[string]Reach{}
	for _, group := range roles.keys {
		o.Roles[group] = b.distinct(roles.sub[group])
	}
	for _, group := range t.get("scopes").keys {
		at := t.get("scopes").sub[group]
		if o.Roles[group] == nil {
			b.at(at, "%q has no roles: a scope bounds what roles give%s", cut(group), meant(group, roles.keys))
		}
		o.Reaches[group] = b.reach(at, orgs)
		if r := o.Reaches[group]; at.sub != nil && len(r.Orgs)+len(r.Projects)+len(r.Owners) == 0 {
			b.at(at, "it bounds nothing: give orgs, projects or owners, or leave the group out")
		}
	}
	return o
}

// auth warns of what is probably not meant under auth.
func (w *warner) auth() {
	for i, t := range w.file.Auth.Tokens {
		if slices.ContainsFunc(t.Projects, access.MostlyAll) {
			w.warn(fmt.Sprintf("auth.tokens[%d].projects", i), "a pattern matches every project: what is of the org is left out all the same; leave projects out if everything is meant")
		}
	}
	if strings.HasPrefix(w.file.Auth.OIDC.Issuer, "http:") {
		w.warn("auth.oidc.issuer", "http: whoever can listen at that address on this machine says who somebody is")
	}
}
