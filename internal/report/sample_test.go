package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// hostile are texts as somebody might name a database user, a project or a comment.
func hostile() []string {
	return []string{
		"=HYPERLINK(\"http://evil.example\",\"x\")", "+1+cmd|' /C calc'!A0", "@SUM(1)", "-2+3", "\t=1", "\r=1", "＝1+1",
		"<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "{{.}} ${x} {0}", "]]><x/>", "\"' onmouseover=\"alert(1)",
		"[click](http://evil.example)", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "prod\u202exfdp.exe", "\u2066a\u2069", "zero\u200bwidth", "line\nbreak\r\n",
		"\u2028sep", "bad\xffutf\xc3", "nul\x00", "\ufffe\uffff", "tag\U000E0041", "ünï çødé 漢字 👩‍💻", "a,b;\"c\"", "javascript:alert(1)", "", " ",
		"x\n::error file=a::pwned", " ::set-output name=a::b", "::b::warning::x", "x\n##vso[task.setvariable variable=a]b", "##[error]x", "##teamcity[message]",
	}
}

func sampleTime() time.Time { return time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC) }

func sampleRules() []Rule {
	rule := func(id, title, why string, kind access.Kind, s access.Severity, remedy string, controls ...string) Rule {
		return Rule{
			ID: id, Title: title, Why: why, Gate: GateOf(id), Kinds: []access.Kind{kind}, On: "state", Severity: s, Remedy: remedy,
			Controls: controls, References: []string{"https://www.mongodb.com/docs/atlas/security/ip-access-list/"},
		}
	}
	return []Rule{
		rule("network/open-to-world", "Network open to the whole internet", "With the world on the access list, a leaked or guessed password is all that stands between anybody and the data.",
			access.KindIPAccessEntry, access.Critical, "delete-entries", "CC6.6", "A.8.20", "A.8.22", "PCI 1.3", "PCI 1.4", "CIS 4", "CIS 12"),
		rule("network/entry-too-broad", "Access list entry too broad", "A broad entry lets in whoever shares the network.", access.KindIPAccessEntry, access.High, "", "CC6.6", "A.8.20", "PCI 1.3", "CIS 12"),
		rule("network/undocumented-entry", "Access list entry without owner or ticket", "Nobody dares to remove what nobody owns.", access.KindIPAccessEntry, access.Low, "", "CC6.6", "A.8.20", "CIS 4"),
		rule("network/no-private-endpoint", "No private way in", "Traffic over the public internet depends on the access list alone.", access.KindPrivateEndpoint, access.Medium, "", "CC6.6", "A.8.22", "PCI 1.4"),
		rule("dbuser/unscoped", "Database user exists on every cluster", "One leaked password opens every cluster of the project, also future ones.", access.KindDatabaseUser, access.High, "restore-scopes", "CC6.1", "CC6.3", "A.5.15", "A.8.3", "PCI 7.2", "CIS 6"),
		rule("dbuser/atlas-admin-app", "Application is administrator of the database", "An application that may do everything makes each of its bugs a breach.", access.KindDatabaseUser, access.Critical, "remove-role", "CC6.1", "CC6.3", "A.8.2", "PCI 7.2", "PCI 8.6", "CIS 5"),
		rule("dbuser/expired-migration-user", "Migration user past its end", "A temporary user that stays is a password that nobody watches.", access.KindDatabaseUser, access.High, "quarantine", "CC6.1", "A.5.18", "PCI 8.6", "CIS 5"),
		rule("dbuser/without-roles", "Database user without roles", "It can do nothing, and says so.", access.KindDatabaseUser, access.Info, "", "CC6.3", "CIS 5"),
		rule("member/data-access-in-prod", "Person may read production data in the UI", "Data Explorer goes around the database's own users.", access.KindProjectMember, access.High, "remove-role", "CC6.2", "A.8.2", "PCI 7.2", "CIS 6"),
		rule("member/too-many-owners", "Too many owners", "Each owner can undo every other rule.", access.KindOrgMember, access.High, "", "CC6.2", "CC6.3", "A.8.2", "CIS 5"),
		rule("invite/stale", "Invitation pending for long", "An old invitation is a way in that nobody expects.", access.KindInvitation, access.Low, "delete-invitation", "CC6.2", "A.5.16", "CIS 5"),
		rule("key/no-access-list", "API key usable from anywhere", "A key without an access list works for whoever finds it.", access.KindAPIKey, access.High, "", "CC6.1", "A.5.17", "PCI 8.6", "CIS 6"),
		rule("key/too-old", "API key not rotated", "An old secret has been in many places.", access.KindAPIKey, access.Medium, "", "CC6.1", "A.5.17", "PCI 8.6"),
		rule("org/mfa-not-required", "Second factor not required", "A stolen password is enough to sign in.", access.KindOrgSettings, access.Critical, "", "CC6.1", "A.8.5", "PCI 8.4", "CIS 6"),
		rule("project/auditing-off", "Auditing is off", "What nobody records, nobody can investigate.", access.KindAuditing, access.High, "", "CC7.2", "A.8.15", "PCI 10.2", "CIS 8"),
		rule("watch/alert-disabled", "Alert was disabled", "The first thing that an intruder turns off.", access.KindAlertConfig, access.High, "", "CC7.2", "A.8.16", "PCI 10.7", "CIS 8"),
	}
}

// sampleNames of one thing a rule is about.
func sampleName(k access.Kind, i int) string {
	switch k {
	case access.KindIPAccessEntry:
		return fmt.Sprintf("203.0.%d.0/%d", i%250, 16+i%16)
	case access.KindDatabaseUser:
		return fmt.Sprintf("admin/%s_%d", []string{"orders_app_user", "reporting_reader", "stock_migration", "billing_etl"}[i%4], i)
	case access.KindOrgMember, access.KindProjectMember, access.KindInvitation:
		return []string{"alice@example.com", "rajesh@example.com"}[i%2]
	}
	return fmt.Sprintf("%s-%d", k, i)
}

// sample makes a report with this many findings, the same for the same numbers. With odd
// it takes its names from the hostile texts.
func sample(findings int, odd bool) Report {
	rng := rand.New(rand.NewPCG(uint64(findings), 7))
	at := sampleTime()
	r := Report{
		V: Version, Tool: "gatewarden", Version: "0.4.0", At: at, Source: Live, Profile: "scan", Rules: sampleRules(),
		Orgs:   []Org{{ID: "64f000000000000000000001", Title: "ExampleCorp"}},
		Effort: Effort{Calls: 214, Budget: 0.18, Took: 21.4},
	}
	r.Scopes = sampleScopes(max(4, min(40, findings/12)), rng)
	text := func(s string) string {
		if odd {
			return hostile()[rng.IntN(len(hostile()))] + s
		}
		return s
	}
	for i := range r.Scopes {
		r.Scopes[i].Title = text(r.Scopes[i].Title)
	}
	for i := range findings {
		r.Findings = append(r.Findings, sampleFinding(&r, i, rng, text))
	}
	for i, rule := range []string{"project/auditing-off", "dbuser/unscoped", "key/too-old"} {
		s := r.Scopes[1+i%(len(r.Scopes)-1)]
		r.Unknown = append(r.Unknown, Unknown{Rule: rule, Ref: access.Ref{Scope: s.Scope, Kind: access.KindAuditing, Name: text("")}, Why: text("auditing: denied, the credential may not read it"), Count: 1 + i})
	}
	r.NotCovered = []NotCovered{
		{Rule: "dbauth/ldap-plain", Kinds: []access.Kind{access.KindDatabaseAuth}, Why: "profile scan does not read database_auth"},
		{Rule: "federation/not-configured", Kinds: []access.Kind{access.KindFederation}, Why: "profile scan does not read federation"},
	}
	r.Waivers = []Waiver{
		{Waiver: access.Waiver{V: 1, ID: "w-old", Rule: "network/*", Owner: "alice", Reason: text("cut-over"), Granted: at.Add(-90 * time.Hour), Until: at.Add(-time.Hour)}, Void: "ended 2026-07-14T08:30:00Z"},
	}
	return r
}

func sampleScopes(projects int, rng *rand.Rand) []Scope {
	reads := func(kinds []access.Kind) map[access.Kind]Read {
		m := map[access.Kind]Read{}
		for _, k := range kinds {
			m[k] = Read{Status: access.StatusComplete, Count: rng.IntN(20)}
		}
		return m
	}
	judged := func(org bool) map[string]Judged {
		m := map[string]Judged{}
		for _, rule := range sampleRules() {
			if slices.Contains(access.OrgKinds(), rule.Kinds[0]) == org {
				m[rule.ID] = Judged{Pass: 1 + rng.IntN(9)}
			}
		}
		return m
	}
	out := []Scope{{Scope: access.OrgScope("64f000000000000000000001"), Title: "ExampleCorp", OrgID: "64f000000000000000000001", Reads: reads(access.OrgKinds()), Judged: judged(true),
		Privilege: Privilege{People: &RoleReach{Owner: 3, Manager: 4, DataAccess: 2, ReadOnly: 21}, Machines: &RoleReach{Owner: 1, Manager: 6, ReadOnly: 3}}}}
	names := []string{"orders", "stock", "billing", "reporting", "search", "identity", "catalogue", "shipping", "pricing", "payments"}
	envs := []string{"prod", "staging", "dev", ""}
	for i := range projects {
		env := envs[i%4]
		title := names[i/4%len(names)]
		if env != "" {
			title += "-" + env
		} else {
			title += "-sandbox"
		}
		s := Scope{
			Scope: access.ProjectScope(fmt.Sprintf("65a%021d", i)), Title: title, OrgID: "64f000000000000000000001", Environment: env, Production: env == "prod" || env == "",
			EnvironmentWhy: "its name", Reads: reads(access.ProjectKinds()), Judged: judged(false),
			Exposure: &Exposure{V4: 1 << rng.IntN(20), Entries: 1 + rng.IntN(12), Temporary: rng.IntN(3), PrivatePaths: rng.IntN(3)},
			Privilege: Privilege{
				Database: &DatabaseReach{Admin: rng.IntN(3), AnyDatabase: rng.IntN(4), Write: rng.IntN(9), Read: rng.IntN(12), None: rng.IntN(2)},
				People:   &RoleReach{Owner: rng.IntN(3), Manager: rng.IntN(4), DataAccess: rng.IntN(4), ReadOnly: rng.IntN(20)}, Machines: &RoleReach{Manager: rng.IntN(3), ReadOnly: rng.IntN(2)},
			},
		}
		switch i % 7 {
		case 0:
			s.Exposure.V4, s.Exposure.WorldV4 = 3702258432, true
		case 3:
			s.Exposure = &Exposure{Entries: 2, PrivatePaths: 2}
		case 5:
			s.Exposure, s.Privilege.Database = nil, nil
			s.Reads[access.KindIPAccessEntry] = Read{Status: access.StatusFailed, Reason: "GET accessList: 500 after 4 attempts"}
			s.Reads[access.KindDatabaseUser] = Read{Status: access.StatusDenied, Reason: "403: the credential may not read it"}
		}
		s.Reads[access.KindAuditing] = Read{Status: access.StatusDenied, Reason: "Project Owner is needed"}
		out = append(out, s)
	}
	return out
}

func sampleFinding(r *Report, i int, rng *rand.Rand, text func(string) string) Finding {
	rule := r.Rules[(i*5)%len(r.Rules)]
	scope := &r.Scopes[1+i%(len(r.Scopes)-1)]
	if slices.Contains(access.OrgKinds(), rule.Kinds[0]) {
		scope = &r.Scopes[0]
	}
	ref := access.Ref{Scope: scope.Scope, Kind: rule.Kinds[0], Name: text(sampleName(rule.Kinds[0], i))}
	severity := rule.Severity
	if !scope.Production && severity != access.Info && !scope.Scope.IsOrg() {
		severity = access.Severities()[rank(severity)+1]
	}
	f := Finding{
		Finding: access.Finding{
			V: 1, ID: access.FindingID(rule.ID, ref, fmt.Sprint(i)), Rule: rule.ID, Ref: ref, State: access.FindingOpen, Episode: 1, Severity: severity,
			Message: fmt.Sprintf("%s: %s of %s.", rule.Title, ref.Name, scope.Title), Environment: scope.Environment, Remedy: rule.Remedy, OpenedAt: r.At.Add(-time.Duration(rng.IntN(4000)) * time.Hour),
			Owner:    []string{"", "platform-engineers", "alice"}[i%3],
			Evidence: access.Evidence{Facts: map[string]string{"comment": text("CI runner"), "public IPv4 addresses": fmt.Sprint(1 << (i % 20))}},
		},
		ProjectTitle: scope.Title, Gate: rule.Gate, Fix: "Narrow " + ref.Name + " to what its purpose needs, or remove it.",
	}
	switch i % 11 {
	case 4:
		f.State, f.Waiver = access.FindingWaived, access.WaiverNote{ID: fmt.Sprintf("w-%d", i), Until: r.At.Add(72 * time.Hour), Owner: "alice", Reason: text("migration until the cut-over"), Ticket: "OPS-12", Renewals: i % 3}
		r.Waivers = append(r.Waivers, Waiver{Waiver: access.Waiver{V: 1, ID: f.Waiver.ID, Rule: rule.ID, Owner: "alice", Reason: f.Waiver.Reason, Granted: r.At.Add(-24 * time.Hour), Until: f.Waiver.Until}, Findings: 1})
	case 7:
		f.Unknown, f.UnknownSince = "database users: denied since 08:10", r.At.Add(-time.Hour)
	case 9:
		f.Evidence.Path = []string{"app_role", "base_role", "atlasAdmin"}
	}
	j := scope.Judged[rule.ID]
	j.Violations++
	scope.Judged[rule.ID] = j
	return f
}
