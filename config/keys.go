package config

import (
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// SinkLog is the sink that writes a line into the daemon's log.
const SinkLog = "log"

// root describes the whole file.
func root() *shape {
	return object(
		key("atlas", atlasKeys(), "The Atlas orgs that are watched, and with which credentials.").must(),
		key("environments", environmentKeys(),
			"Environments, the strictest first. A project belongs to the one that its tags or, failing that, its name say; one that matches none is judged as production and never written to."),
		key("identities", list(identityKeys()), "What database users and machine credentials are for."),
		key("principals", list(principalKeys()), "People and teams that answer for identities."),
		key("groups", table(groupName(), nonnil(list(one(text("a principal's id"))))), "Groups of principals, by name."),
		key("networks", networkKeys(), "The declared networks of each environment, and those that belong to none."),
		key("matrix", matrixKeys(), "What each team of Atlas may do: its roles by environment, and on the org under org. An environment that is left out grants the team nothing."),
		key("sensitive", list(sensitiveKeys()), "Namespaces that only those listed may reach."),
		key("allowed_domains", list(one(domain())), "The domains that e-mail addresses of people may have, exactly: a subdomain is another one."),
		key("rules", ruleKeys(), "Rules of your own, and adjustments of any rule."),
		key("waivers", list(waiverKeys()), "Violations that may stand for a while, reviewed as code is."),
		key("expectations", list(expectationKeys()), "Changes announced beforehand: what matches is recorded, and not reverted."),
		key("responses", list(responseKeys()), "What is done about findings. The first that matches counts; where none does, people are told."),
		key("guards", guardKeys(), "What bounds every write."),
		key("dry_run", one(boolean()), "Writes to Atlas nothing and shows what it would do.").or("true"),
		key("routes", list(routeKeys()), "Who is told. Left out: everything goes to the log."),
		key("nats", natsKeys(), "Where state is kept."),
		key("audit", auditKeys(), "What proves later what was done: a chain of hashes over all facts, with signed checkpoints outside the store."),
		key("schedule", scheduleKeys(), "How often Atlas is read and findings are judged again."),
		key("http", httpKeys(), "Where the daemon listens."),
		key("slack", slackKeys(), "How people are told and asked in Slack. Left out: they are not."),
		later("jira"), later("github"), later("servicenow"), later("pagerduty"),
		later("webhook"), later("email"), later("alertmanager"),
		key("auth", authKeys(), "Who may call the admin API, and by whose keys commands are believed."),
	)
}

func atlasKeys() *shape {
	orgs := list(object(
		key("id", one(patterned("an org's id of 24 hex digits, as text", `^[0-9a-f]{24}$`)), "The org's id. Its projects are discovered.").must(),
		key("read", credentialKeys(), "Credentials for reading.").must(),
		key("write", credentialKeys(), "Credentials for writing. Without them nothing can be written in this org at all."),
	))
	orgs.nonnil = true
	return object(
		key("base_url", one(baseURL()), "Where the Atlas Admin API is: https, or http to a loopback address. No other host is ever called.").or("https://cloud.mongodb.com"),
		key("profile", one(enum("a profile", reach.ProfileScan, reach.ProfileObserve, reach.ProfileRemediate, reach.ProfileOwner)),
			"Which roles the credentials have, and so what is done with them: scan and observe never write. Kinds of resources beyond them are not covered by choice; check --permissions tells which roles are missing.").or(reach.ProfileObserve),
		key("orgs", orgs, "The orgs that are watched.").must(),
		key("webhook", webhookKeys(), "What lets Atlas wake the daemon: a change that Atlas pushes is read at once, and not at the next poll."),
	)
}

// webhookKeys: the secret alone lets the daemon listen; gatewarden hooks needs both.
func webhookKeys() *shape {
	return object(
		key("url", one(webhookURL()), "Where Atlas reaches /atlas/webhook of http.public: https, or http to a loopback address. gatewarden hooks install writes it into the projects' integrations."),
		key("secret", sourceKeys(), "What Atlas signs its webhooks with, 16 characters at least. With it http.public listens."),
	)
}

func credentialKeys() *shape {
	s := object(
		key("client_id", sourceKeys(), "A service account's client id."),
		key("client_secret", sourceKeys(), "A service account's client secret."),
		key("public_key", sourceKeys(), "An API key's public key."),
		key("private_key", sourceKeys(), "An API key's private key."),
	)
	s.secret = true
	s.choice = choice{
		sets: [][]string{{"client_id", "client_secret"}, {"public_key", "private_key"}},
		want: "client_id and client_secret of a service account, or public_key and private_key of an API key",
	}
	return s
}

func sourceKeys() *shape {
	s := object(
		key("env", one(patterned("the name of an environment variable", `^[A-Za-z_][A-Za-z0-9_]*$`)), "The environment variable that holds the value."),
		key("file", one(text("the path of a file")), "The file that holds the value and nothing else; a relative path starts at this file's folder. It is read again when the value is rotated."),
	)
	s.secret = true
	s.choice = choice{sets: [][]string{{"env"}, {"file"}}, want: "{env: NAME} or {file: PATH}"}
	return s
}

func environmentName() scalar {
	return patterned("an environment's name: lower-case letters, digits, - and _", `^[a-z][a-z0-9_-]{0,39}$`)
}

func environmentKeys() *shape {
	return table(environmentName(), object(
		key("projects", list(one(glob("a pattern of project names"))), `Patterns of project names; * stands for any run of characters.`),
		key("tags", table(text("a tag's name"), one(text("a tag's value, as text"))), "Project tags; all must match. A tag decides over a name."),
		key("catch_all", one(boolean()), "This environment, the last one, takes what no other one matches. A pattern that matches every project is refused without it.").or("false"),
	))
}

// environmentList is a list of names that environments declares.
func environmentList(doc string) field {
	return key("environments", list(one(environmentName())), doc)
}

func identityKeys() *shape {
	scopeName := one(target())
	scopeName.object = object(
		key("name", one(patterned("a cluster's name", `^[A-Za-z0-9_-]+$`)), "Its name.").must(),
		key("type", one(enum("a type", scopeTypes()...)), "Its type.").or("CLUSTER"),
	)
	return object(
		key("class", one(enum("a class", access.Classes()...)), "What they are for.").must(),
		key("usernames", list(one(glob("a pattern of usernames"))), "Patterns of usernames."),
		key("labels", table(text("a label's key"), one(text("a label's value, as text"))), "Labels of the database user; all must match."),
		environmentList("Where this holds. Left out: everywhere."),
		key("roles", list(one(grant())), "The roles that they are declared to have: role@database or role@database.collection."),
		key("scopes", list(scopeName), "The clusters that they are declared to be limited to: a name, TYPE:name, or {name, type}."),
		key("max_age", one(interval()), "How long such a user may exist: of class migration, break_glass, human or dynamic."),
		key("until", one(instant()), "When their declared use ends: of class sync."),
		key("machines", list(one(glob("a pattern of client ids, public keys or names"))), "Patterns of client ids, public keys or names of machine credentials."),
		key("atlas_roles", list(one(atlasRole())), "The org and project roles that these machines are declared to have."),
		key("owner", one(text("a principal's id, or a group's or team's name")), "Who answers for them."),
	)
}

func principalKeys() *shape {
	return object(
		key("id", one(patterned("an id: letters, digits, and . _ @ - after the first", `^[A-Za-z0-9][A-Za-z0-9._@-]*$`)), "How the rest of the file names them.").must(),
		key("email", one(email()), "Their e-mail address."),
		key("slack", one(patterned("a Slack member id such as U012AB3CD", `^[USW][A-Z0-9]+$`)), "Their Slack member id."),
		key("atlas", list(one(text("a name by which Atlas knows them"))), "By which names the Activity Feed knows them: e-mail addresses, public keys, client ids."),
		key("owns", list(one(text("a machine identity"))), "The machine identities that they answer for: client ids, public keys."),
	)
}

func ruleKeys() *shape {
	ruleID := patterned("a rule's id such as network/open-to-world", `^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*$`)
	return object(
		key("only", nonnil(list(one(ruleGlob()))), "Only these rules are judged, by id or pattern. Left out: all of them."),
		key("paths", list(one(text("a path"))), "Files and folders with rules of your own; a relative path starts at this file's folder."),
		key("override", table(ruleID, object(
			key("severity", one(severity()), "The severity in place of the rule's own."),
			environmentList("The only environments in which the rule is judged."),
			key("params", table(patterned("a parameter's name", `^[a-z][a-z0-9_]*$`), &shape{form: formFree}), "Parameters of the rule, checked against its declaration."),
			key("ceiling", one(ceiling()), "The strongest response that the rule allows, in place of its own: tell (notify, ticket), ask (approval) or auto (revert)."),
			key("accept_risk", one(boolean()), "Without it a ceiling is only ever lowered.").or("false"),
		)), "Adjustments of rules, by id."),
	)
}

func severity() scalar {
	var names []string
	for _, s := range access.Severities() {
		names = append(names, string(s))
	}
	return enum("a severity", names...).parsed(func(s string) (any, error) { return access.Severity(s), nil })
}

func mode() scalar {
	return enum("a response", "observe", string(access.ModeNotify), string(access.ModeTicket), string(access.ModeApprove), string(access.ModeRevert)).
		parsed(func(s string) (any, error) {
			if s == "observe" {
				return access.ModeObserve, nil
			}
			return access.Mode(s), nil
		})
}

// late is what is done when nobody answers.
func late() scalar {
	return enum("what is done", "notify", string(access.LateTicket), string(access.LateEscalate), string(access.LateRevert)).
		parsed(func(s string) (any, error) {
			if s == "notify" {
				return access.LateNotify, nil
			}
			return access.Late(s), nil
		})
}

func people() scalar { return text("a principal's id, or a group's name") }

func responseKeys() *shape {
	return object([]field{
		key("rules", list(one(ruleGlob())), "Rule ids or patterns. Left out: every rule."),
		environmentList("Environments. Left out: every one."),
		key("severities", list(one(severity())), "Severities. Left out: every one."),
		key("owners", list(one(text("a principal's id or a team's name"))), "Owners. Left out: every one."),
		key("do", one(mode()), "What is done: observe records, notify tells, ticket asks for a ticket, approve asks people, revert puts it back where the rule allows that, and asks where it does not and approvers are named.").must(),
		key("grace", one(duration()), "How long a violation may stand before it is reverted. It is announced, and approvers may deny it until then.").or("0s"),
		key("approvers", list(one(people())), "Who may decide, or deny a revert in its time of grace: ids of principals and names of groups. Left out: nobody, and so nobody is asked."),
		key("quorum", one(count()), "How many of them must agree. One who denies is enough to veto.").or("1"),
		key("deadline", one(interval()), "Until when they may decide.").or("4h"),
		key("on_deadline", one(late()), "What is done when nobody has decided by then: notify and ticket tell, escalate asks those of escalate too and once more, revert puts it back where the rule allows that without being asked. Nothing is kept or opened by a deadline.").or("notify"),
		key("escalate", list(one(people())), "Who may decide too, once the deadline has passed, with on_deadline: escalate."),
		key("remedy", one(enum("a remedy", access.ChosenRemedies()...)), "What people are asked about where the rule names no remedy: delete the access list entry, put the database user into quarantine, or take the roles that are not declared for it. It is never done unasked."),
		key("undo", one(interval()), "For how long a write can be taken back by a command.").or("24h"),
	}...)
}

func guardKeys() *shape {
	return object(
		key("caps", object(
			key("project_hour", one(count()), "Writes a project and hour; 0 allows none.").or("10"),
			key("org_hour", one(count()), "Writes an org and hour; 0 allows none.").or("50"),
		), "How much may be written."),
		key("settle", object(
			key("critical", one(duration()), "For critical findings.").or("0s"),
			key("other", one(duration()), "For all others.").or("90s"),
		), "How long a change rests before it is reverted, so that an apply that is under way ends first."),
		key("never_touch", list(one(glob("a pattern of resource names"))),
			`Patterns of what is never written to: a resource's name, kind/name, an Atlas id; such as 203.0.113.10/32 or database_user/admin/admin_*.`),
		key("operators", list(one(people())), "Who may unfreeze, open incidents, announce changes and adopt what was there before. Left out: nobody."),
		key("war", warKeys(), "When to stop putting right what somebody puts back each time."),
		key("ownership", list(ownershipKeys()), "Tools whose own changes are left to their owners. Both must match, the credential and the pattern; a critical finding is put right once all the same."),
		key("windows", list(windowKeys()), "Change freezes and maintenance windows. Of several that are open the strictest counts."),
		key("retention", one(interval()), "How long a database user stays in quarantine before people are asked whether to delete it.").or("30d"),
	)
}

func routeKeys() *shape {
	sink := patterned("log, or slack: and a channel's name", `^(log|slack:[a-z0-9][a-z0-9_-]{0,79})$`).without("jira", "github", "servicenow", "pagerduty", "webhook", "email", "alertmanager")
	return object(
		environmentList("Environments. Left out: every one."),
		key("severity", one(severity()), "The lowest severity that is told. Left out: every one."),
		key("to", nonnil(list(one(sink))), "Where to: log, or slack:CHANNEL by the names under slack.channels. Other sinks are not built yet.").must(),
	)
}

func nonnil(s *shape) *shape { s.nonnil = true; return s }

func scheduleKeys() *shape {
	return object(
		key("feed", object(
			key("active", one(interval()), "Projects in which something happened lately.").or("20s"),
			key("idle", one(interval()), "The others.").or("60s"),
		), "How often the Activity Feed is polled."),
		key("sweep", object(
			key("gate", one(interval()), "Access lists, database users and what else opens a gate.").or("15m"),
			key("rest", one(interval()), "Everything else.").or("6h"),
		), "How often everything is read, whatever the feed says."),
		key("clock", one(interval()), "How often findings are judged again because time passed.").or("15m"),
	)
}

func httpKeys() *shape {
	return object(
		key("public", one(listener()), "What Atlas and Slack call. It listens only with atlas.webhook.secret or slack.signing_secrets.").or(":8080"),
		key("ops", one(listener()), "Health and metrics.").or(":9090"),
		key("admin", one(adminListener()), "Administration and the API, on a loopback address only: tokens would cross a network in the clear.").or("127.0.0.1:9091"),
	)
}
