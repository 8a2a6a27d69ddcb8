package sim

import (
	"net/mail"
	"slices"

	"github.com/gatewarden/gatewarden/internal/atlas/sim/apispec"
)

const (
	mostSecretHours  = 8760  // the default as well (a guess)
	absoluteTimeout  = 43200 // default and most, in seconds
	absoluteLeast    = 3600
	idleTimeoutLeast = 300
)

// OrganizationSettings are the settings of an organisation. The zero value has every
// default.
type OrganizationSettings struct {
	APIAccessListRequired    bool             `yaml:"apiAccessListRequired,omitempty" json:"apiAccessListRequired"`
	CustomSessionTimeouts    *SessionTimeouts `yaml:"customSessionTimeouts,omitempty" json:"customSessionTimeouts,omitempty"`
	GenAIFeaturesEnabled     *bool            `yaml:"genAIFeaturesEnabled,omitempty" json:"genAIFeaturesEnabled,omitempty"`
	MaxSecretValidityInHours *int             `yaml:"maxServiceAccountSecretValidityInHours,omitempty" json:"maxServiceAccountSecretValidityInHours,omitempty"`
	MultiFactorAuthRequired  bool             `yaml:"multiFactorAuthRequired,omitempty" json:"multiFactorAuthRequired"`
	OperationsContact        string           `yaml:"operationsContact,omitempty" json:"operationsContact,omitempty"`
	RestrictEmployeeAccess   bool             `yaml:"restrictEmployeeAccess,omitempty" json:"restrictEmployeeAccess"`
	SecurityContact          string           `yaml:"securityContact,omitempty" json:"securityContact"`
	StreamsCrossGroupEnabled bool             `yaml:"streamsCrossGroupEnabled,omitempty" json:"streamsCrossGroupEnabled"`
}

// SessionTimeouts are in seconds; nil is the default: 43200 absolute, no idle one.
type SessionTimeouts struct {
	Absolute *int `yaml:"absoluteSessionTimeoutInSeconds,omitempty" json:"absoluteSessionTimeoutInSeconds,omitempty"`
	Idle     *int `yaml:"idleSessionTimeoutInSeconds,omitempty" json:"idleSessionTimeoutInSeconds,omitempty"`
}

// accessListRequired says whether API requests must come from an address on the
// credential's access list.
func (o *org) accessListRequired() bool { return o.settingsDoc.APIAccessListRequired }

// maxSecretHours is the longest life of a new service account secret.
func (o *org) maxSecretHours() int {
	return valueOr(o.settingsDoc.MaxSecretValidityInHours, mostSecretHours)
}

// valueOr is the value of a pointer, or a default.
func valueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

func (s OrganizationSettings) timeouts() object {
	out := object{"absoluteSessionTimeoutInSeconds": absoluteTimeout}
	if t := s.CustomSessionTimeouts; t != nil {
		out["absoluteSessionTimeoutInSeconds"] = valueOr(t.Absolute, absoluteTimeout)
		if t.Idle != nil {
			out["idleSessionTimeoutInSeconds"] = *t.Idle
		}
	}
	return out
}

// view is the settings as the API shows them. Without a contact, securityContact is ""
// (a guess) and operationsContact null.
func (s OrganizationSettings) view() object {
	out := object{
		"apiAccessListRequired": s.APIAccessListRequired, "customSessionTimeouts": s.timeouts(),
		"genAIFeaturesEnabled":                   valueOr(s.GenAIFeaturesEnabled, true),
		"maxServiceAccountSecretValidityInHours": valueOr(s.MaxSecretValidityInHours, mostSecretHours),
		"multiFactorAuthRequired":                s.MultiFactorAuthRequired, "operationsContact": nil,
		"restrictEmployeeAccess": s.RestrictEmployeeAccess, "securityContact": s.SecurityContact,
		"streamsCrossGroupEnabled": s.StreamsCrossGroupEnabled,
	}
	if s.OperationsContact != "" {
		out["operationsContact"] = s.OperationsContact
	}
	return out
}

// check holds the rules that the schema does not have.
func (s OrganizationSettings) check() *problem {
	for field, contact := range map[string]string{"securityContact": s.SecurityContact, "operationsContact": s.OperationsContact} {
		if contact != "" && !isContactAddress(contact) {
			return invalidField(field, "must be one e-mail address")
		}
	}
	if h := s.MaxSecretValidityInHours; h != nil && (*h < 8 || *h > mostSecretHours) {
		return invalidField("maxServiceAccountSecretValidityInHours", "must be from 8 to 8760")
	}
	t := s.CustomSessionTimeouts
	if t == nil {
		return nil
	}
	absolute := valueOr(t.Absolute, absoluteTimeout)
	if absolute < absoluteLeast || absolute > absoluteTimeout {
		return invalidField("customSessionTimeouts.absoluteSessionTimeoutInSeconds", "must be from 3600 to 43200")
	}
	if t.Idle != nil && (*t.Idle < idleTimeoutLeast || *t.Idle > absolute) {
		return invalidField("customSessionTimeouts.idleSessionTimeoutInSeconds", "must be from 300 to the absolute timeout")
	}
	return nil
}

func isContactAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func (c *call) getOrgSettings() (answer, *problem) { return ok(c.org.settingsDoc.view()) }

// updateOrgSettings is partial. The operations contact is newer than the SDK's document.
func (c *call) updateOrgSettings() (answer, *problem) {
	doc, bad := c.documentKnowing([]string{"operationsContact"}, apispec.Missing)
	if bad != nil {
		return answer{}, bad
	}
	if contact, sent := doc["operationsContact"]; sent && contact == "" {
		return answer{}, invalidField("operationsContact", "must be one e-mail address; null clears it")
	} else if _, isText := contact.(string); sent && contact != nil && !isText {
		return answer{}, wrongType("operationsContact")
	}
	for name, v := range doc {
		if v == nil && !slices.Contains([]string{"operationsContact", "customSessionTimeouts"}, name) {
			delete(doc, name) // what cannot be null is as if it were not sent (a guess)
		}
	}
	before := c.org.settingsDoc
	after := onto(before, doc)
	if t, ok := doc["customSessionTimeouts"].(object); ok {
		merged := onto(valueOr(before.CustomSessionTimeouts, SessionTimeouts{}), t)
		after.CustomSessionTimeouts = &merged
	}
	if bad := after.check(); bad != nil {
		return answer{}, bad
	}
	c.org.settingsDoc = after
	c.effect("organization settings", text(before.view()), text(after.view()))
	for _, kind := range settingEvents(before, after) {
		c.orgEvent(kind, "", nil)
	}
	return ok(after.view())
}

// settingEvents are one for each setting that changed and has an event of its own.
func settingEvents(before, after OrganizationSettings) []string {
	var out []string
	flag := func(was, is bool, on, off string) {
		if was != is && is {
			out = append(out, on)
		} else if was != is {
			out = append(out, off)
		}
	}
	changed := func(was, is any, kind string) {
		if text(was) != text(is) {
			out = append(out, kind)
		}
	}
	flag(before.MultiFactorAuthRequired, after.MultiFactorAuthRequired, "ORG_TWO_FACTOR_AUTH_REQUIRED", "ORG_TWO_FACTOR_AUTH_OPTIONAL")
	flag(before.APIAccessListRequired, after.APIAccessListRequired, "ORG_PUBLIC_API_ACCESS_LIST_REQUIRED", "ORG_PUBLIC_API_ACCESS_LIST_NOT_REQUIRED")
	flag(before.RestrictEmployeeAccess, after.RestrictEmployeeAccess, "ORG_EMPLOYEE_ACCESS_RESTRICTED", "ORG_EMPLOYEE_ACCESS_UNRESTRICTED")
	changed(before.SecurityContact, after.SecurityContact, "SECURITY_CONTACT_MODIFIED")
	changed(before.OperationsContact, after.OperationsContact, "OPERATIONS_CONTACT_MODIFIED")
	changed(before.timeouts(), after.timeouts(), "CUSTOM_SESSION_TIMEOUT_MODIFIED")
	changed(valueOr(before.MaxSecretValidityInHours, mostSecretHours), valueOr(after.MaxSecretValidityInHours, mostSecretHours), "ORG_SERVICE_ACCOUNT_MAX_SECRET_VALIDITY_EDITED")
	return out
}

// EditUIAccessList edits the entries of an organisation's UI IP access list, as somebody
// would in the UI; the API has no such resource. With enabled the list is switched
// instead, if that changes anything. An unknown organisation does nothing.
func (a *Atlas) EditUIAccessList(actor Actor, orgID string, enabled *bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.org(orgID)
	if o == nil || enabled != nil && *enabled == o.uiAccessList {
		return
	}
	kind := "ORG_EDITED_UI_IP_ACCESS_LIST_ENTRIES"
	if enabled != nil {
		o.uiAccessList = *enabled
		kind = map[bool]string{true: "ORG_UI_IP_ACCESS_LIST_ENABLED", false: "ORG_UI_IP_ACCESS_LIST_DISABLED"}[*enabled]
	}
	a.record(&o.feed, a.now(), a.identify(actor), kind, object{"orgId": o.id}, nil)
}

// documentKnowing is [call.document] for an operation whose body has more attributes
// than the official document in the SDK.
func (c *call) documentKnowing(extra []string, lax ...apispec.Rule) (object, *problem) {
	doc, bad := c.document(append(lax, apispec.Unknown)...)
	if bad != nil {
		return nil, bad
	}
	for _, wrong := range apispec.Load().Check(c.route.spec.Body(c.route.spec.Newest()), doc) {
		if wrong.Rule == apispec.Unknown && !slices.Contains(extra, wrong.Path) {
			return nil, violation(wrong)
		}
	}
	return doc, nil
}
