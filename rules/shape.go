package rules

import (
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// complete checks what every rule must have.
func (p *parser) complete(d *draft, on, severity, ceiling string) {
	r := d.rule
	at := func(key, format string, args ...any) {
		p.errs.add(d.place(key), "rule %s: "+format, append([]any{r.ID}, args...)...)
	}
	bad := func(format string, args ...any) { at("", format, args...) }
	if !ruleID.MatchString(r.ID) {
		p.errs.add(d.place("id"), "rule id %q: want family/name in lower case, such as network/open-to-world", r.ID)
	}
	if len(r.Kinds) > 0 {
		r.Kind = r.Kinds[0]
	}
	for key, v := range map[string]string{"title": r.Title, "why": r.Why, "kind": string(r.Kind)} {
		if v == "" {
			bad("%s is missing", key)
		}
	}
	if on != "" {
		r.On = On(on)
	}
	if !slices.Contains([]On{OnState, OnChange, OnReading, OnFailure}, r.On) {
		at("on", "on: %q: want state, change, reading or failure", on)
	}
	if severity != "" && !slices.Contains(access.Severities(), access.Severity(severity)) {
		at("severity", "severity %q: want one of %v", severity, access.Severities())
	} else if severity != "" {
		r.Severity = access.Severity(severity)
	}
	if !slices.Contains(remedies, r.Remedy) {
		at("remedy", "remedy %q: want one of %s", r.Remedy, strings.Join(remedies, ", "))
	}
	c, ok := parseCeiling(ceiling)
	if !ok {
		at("ceiling", "ceiling %q: want tell, ask or auto", ceiling)
	}
	r.Ceiling = c
	p.fits(r, at)
	p.shape(d, bad)
	d.written = *r
}

// fits checks that what puts a finding right is of what the rule judges, and that there is
// something to do without being asked.
func (p *parser) fits(r *Rule, at func(key, format string, args ...any)) {
	if of := remedied()[r.Remedy]; len(of) > 0 && len(r.Kinds) > 0 && !slices.ContainsFunc(r.Kinds, func(k access.Kind) bool { return slices.Contains(of, k) }) {
		at("remedy", "remedy %s is of %s, and the rule judges %s", r.Remedy, kindList(of), kindList(r.Kinds))
	}
	if r.Ceiling == access.CeilingAuto && r.Remedy == "none" {
		at("ceiling", "ceiling auto, and no remedy that would be done: name one, or say tell or ask")
	}
}

func kindList(of []access.Kind) string {
	texts := make([]string, 0, len(of))
	for _, k := range of {
		texts = append(texts, string(k))
	}
	return strings.Join(texts, ", ")
}

// shape checks which keys go together.
func (p *parser) shape(d *draft, bad func(string, ...any)) {
	r := d.rule
	has := func(key string) bool { _, ok := d.exprs[key]; return ok }
	if has("when") != has("message") || !has("when") && !has("whole.when") {
		bad("when and message are needed, or both under whole")
	}
	if slices.ContainsFunc([]string{"when", "message"}, func(k string) bool { return has("whole." + k) }) && (!has("whole.when") || !has("whole.message")) {
		bad("whole needs when and message")
	}
	if r.On != OnState && (has("whole.when") || has("through.names") || has("since")) {
		bad("whole, through and since are of state rules only")
	}
	if r.On == OnChange && has("values") || has("changes.values") {
		bad("values is of no change, which is its own value")
	}
	if has("through.names") && len(r.Kinds) > 1 {
		bad("through is of rules on one kind only")
	}
	if r.On != OnChange && has("until") {
		bad("until is of change rules only: a state rule ends with its state")
	}
	if r.On != OnChange && (has("ends") || r.about) {
		bad("ends and about are of change rules only")
	}
	if d.changes != nil && (r.On != OnState || has("key")) {
		bad("changes is of state rules without a key of their own")
	}
	if d.changes != nil && (!has("changes.when") || !has("changes.message") || !has("changes.key")) {
		bad("changes needs when, message and key")
	}
	if has("through.names") != (d.through != "") || has("each_of.names") != (d.eachOf != "") {
		bad("through and each_of need kind and names")
	}
	if d.eachOf != "" && (r.On != OnState || len(r.Kinds) > 1 || d.through != "" || has("whole.when")) {
		bad("each_of is of state rules on one kind, without through and whole")
	}
	p.foreign(r, bad)
	if r.On == OnState {
		r.Reads = slices.Concat(r.Kinds, slices.DeleteFunc(r.Reads, func(k access.Kind) bool { return slices.Contains(r.Kinds, k) }))
	}
	if d.through != "" && !slices.Contains(r.Reads, d.through) {
		r.Reads = append(r.Reads, d.through)
	}
}

// foreign checks that what a rule reads of other scopes is told to its own.
func (p *parser) foreign(r *Rule, bad func(string, ...any)) {
	for _, k := range r.Siblings {
		if k != "" && !slices.Contains(access.ContributedKinds(), k) {
			bad("siblings: %s of the projects is not told to each other: those that are are %v", k, access.ContributedKinds())
		}
	}
	for _, k := range slices.Concat(r.Reads, r.WhereCovered) {
		org := slices.ContainsFunc(r.Kinds, ofOrg)
		prj := slices.ContainsFunc(r.Kinds, func(o access.Kind) bool { return !ofOrg(o) })
		switch {
		case k == "":
		case ofOrg(k) && !org && !slices.Contains(access.GatheredKinds(), k):
			bad("reads: %s of the org is not told to projects: those that are are %v", k, access.GatheredKinds())
		case !ofOrg(k) && !prj && !slices.Contains(access.ContributedKinds(), k):
			bad("reads: %s of the projects is not told to their org: those that are are %v", k, access.ContributedKinds())
		}
	}
}

// remedies are what a rule may name. Those that no plan is built for yet are told.
var remedies = []string{
	"none", "delete-entries", "delete-entry", "replace-entry", "restore-scopes", "restore-roles", "quarantine", "remove-role", "remove-scope",
	"set-team-roles", "restore-member-roles", "remove-project-member", "remove-member-role", "delete-invitation", "set-org-setting",
	"disable-data-explorer", "restore-alert",
}

// remedied are the kinds that each remedy is of: a rule on other ones as well is left as it
// is for those. None is of all.
func remedied() map[string][]access.Kind {
	entries, users := []access.Kind{access.KindIPAccessEntry}, []access.Kind{access.KindDatabaseUser}
	members := []access.Kind{access.KindOrgMember, access.KindProjectMember, access.KindTeamGrant, access.KindTeamMember, access.KindRoleMapping}
	return map[string][]access.Kind{
		"delete-entries": entries, "delete-entry": entries, "replace-entry": entries,
		"restore-scopes": users, "restore-roles": users, "quarantine": users, "remove-role": users, "remove-scope": users,
		"set-team-roles": members, "restore-member-roles": members, "remove-project-member": members, "remove-member-role": members,
		"delete-invitation": {access.KindInvitation}, "set-org-setting": {access.KindOrgSettings},
		"disable-data-explorer": {access.KindProjectSettings}, "restore-alert": {access.KindAlertConfig},
	}
}

// parseCeiling reads a ceiling as rules write it.
func parseCeiling(s string) (access.Ceiling, bool) {
	switch s {
	case "", "tell":
		return access.CeilingTell, true
	case "ask":
		return access.CeilingAsk, true
	case "auto":
		return access.CeilingAuto, true
	}
	return access.CeilingTell, false
}
