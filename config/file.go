package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// File is a configuration that Load accepted, with its defaults filled in.
type File struct {
	Name           string // as given to Load
	Atlas          Atlas
	Environments   []access.Environment // the strictest first
	Identities     []access.Identity
	Principals     []access.Principal
	Groups         map[string][]string // ids of principals, by the group's name
	Networks       []access.Network    // in the order of the file; ranges canonical
	Ranges         access.Ranges
	Matrix         []access.TeamAccess // in the order of the file
	Sensitive      []access.Sensitive
	AllowedDomains []string // of e-mail addresses
	Waivers        []access.Waiver
	Expectations   []access.Expectation
	Rules          Rules
	Responses      []access.Response // the first that matches counts
	Guards         Guards
	DryRun         bool
	Routes         []Route // at least one
	Slack          Slack
	Auth           Auth
	NATS           NATS
	Audit          Audit
	Schedule       Schedule
	HTTP           HTTP
	Warnings       []Problem // what is allowed and probably not meant, in the order of the file

	places map[string]place
}

// Atlas says what is watched.
type Atlas struct {
	BaseURL string // without a slash at the end
	Profile string // one of reach.Profiles
	Orgs    []Org
	Webhook Webhook
}

// Webhook says how Atlas wakes the daemon. A zero Secret means that it cannot.
type Webhook struct {
	URL    string // where Atlas reaches the public listener; empty: not known
	Secret Source // of the signatures
}

// MinWebhookSecret is how many characters a webhook's secret has at least.
const MinWebhookSecret = 16

// Key reads the secret now. What is too short to be one is an error.
func (w Webhook) Key() (Secret, error) {
	s, err := w.Secret.Resolve()
	if err != nil {
		return Secret{}, err
	}
	if len(s.Reveal()) < MinWebhookSecret {
		return Secret{}, fmt.Errorf("reading a secret from %s: it has fewer than %d characters and could be guessed; make a random one", w.Secret, MinWebhookSecret)
	}
	return s, nil
}

// Org is one watched org. A zero Write means that nothing can be written there.
type Org struct {
	ID          string
	Read, Write Credentials
}

// Credentials are a service account's client id and secret or an API key's two keys.
type Credentials struct {
	ClientID, ClientSecret Source
	PublicKey, PrivateKey  Source
}

// IsZero reports whether there are none.
func (c Credentials) IsZero() bool { return c == Credentials{} }

// ServiceAccount reports whether they are a service account's, and not an API key's.
func (c Credentials) ServiceAccount() bool { return !c.ClientID.IsZero() }

// Resolve reads both halves now: the client id or public key, which may be shown, and
// the client secret or private key.
func (c Credentials) Resolve() (id string, secret Secret, err error) {
	idSource, secretSource := c.PublicKey, c.PrivateKey
	if c.ServiceAccount() {
		idSource, secretSource = c.ClientID, c.ClientSecret
	}
	shown, idErr := idSource.Resolve()
	secret, secretErr := secretSource.Resolve()
	if err := errors.Join(idErr, secretErr); err != nil {
		return "", Secret{}, err
	}
	return shown.Reveal(), secret, nil
}

// Rules are the rules of the file's owner and their adjustments of any rule, by id.
type Rules struct {
	Only      []string // patterns of the rules that are judged; nil: all
	Paths     []string
	Overrides map[string]Override
}

// Override adjusts one rule. Zero fields leave it as it is. Params hold int64, float64,
// bool, string, []any and map[string]any, as written. Whether a ceiling is above the
// rule's own, and so needs AcceptRisk, the rules know.
type Override struct {
	Severity     access.Severity
	Environments []string
	Params       map[string]any
	Ceiling      access.Ceiling // with HasCeiling
	HasCeiling   bool           // tell is the zero ceiling
	AcceptRisk   bool
}

// Guards bound every write.
type Guards struct {
	ProjectHour, OrgHour        int // writes at most; 0: none
	SettleCritical, SettleOther time.Duration
	NeverTouch                  []string // patterns, * for any run of characters
	Operators                   []string // ids of principals and names of groups
	War                         access.War
	Ownership                   []access.Ownership
	Windows                     []access.Window
	Retention                   time.Duration // of users in quarantine
}

// Route says where findings are told. Empty fields match everything.
type Route struct {
	Environments []string
	Severity     access.Severity // the lowest that is told
	To           []string        // sinks: SinkLog, or SinkSlack with a colon and a channel
}

// Schedule says how often things are done.
type Schedule struct {
	FeedActive, FeedIdle time.Duration
	SweepGate, SweepRest time.Duration
	Clock                time.Duration
}

// HTTP says where the daemon listens, as host:port.
type HTTP struct {
	Public, Ops, Admin string
}

// Position is where a value stands in the file, from 1: of a default, where the nearest
// value above it stands. Paths are written as in problems: atlas.orgs[0].id,
// rules.override.network/entry-too-broad.severity.
func (f *File) Position(path string) (line, col int) {
	for {
		if p, ok := f.places[path]; ok {
			return p.line, p.col
		}
		at := strings.LastIndexAny(path, ".[")
		if at < 0 {
			return 1, 1
		}
		path = path[:at]
	}
}
