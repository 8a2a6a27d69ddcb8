package rules

import (
	"net/netip"

	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules/prevent"
)

var govTexts = cel.ListType(cel.StringType)

// ofGovernance are there for every rule.
var ofGovernance = []variable{
	{"here.name", cel.StringType, func(s *subject) any { return s.govPlace() }}, // the project by name, or "the organization"
}

// ofAct tell of who made a change.
var ofAct = []variable{
	{"act.by", cel.StringType, func(s *subject) any { return s.govWho() }},                                          // for people
	{"act.day", cel.StringType, func(s *subject) any { return s.change.Occurred.UTC().Format("2006-01-02") }},       // in UTC
	{"act.atlas", cel.BoolType, func(s *subject) any { return s.govActor().Type == access.ActorAtlas }},             // Atlas itself
	{"act.declared", cel.BoolType, func(s *subject) any { return s.govDeclared() }},                                 // by somebody declared, or of params.allowed
	{"act.declares", cel.BoolType, func(s *subject) any { return s.govDeclares() }},                                 // anybody is declared at all
	{"own.acted", cel.StringType, func(s *subject) any { return s.govOwnAct() }},                                    // what a credential of ours did without an action of ours
	{"own.touched", cel.StringType, func(s *subject) any { return s.govOwnChange() }},                               // what was done to a credential of ours against the profile
	{"own.rotated", cel.BoolType, func(s *subject) any { return s.govOwnRotation() }},                               // an owner of the credential changed its secrets, and nothing else
	{"own.undecided", cel.StringType, func(s *subject) any { return s.govOwnDoubt() }},                              // why it cannot be told
	{"own.changed", cel.StringType, func(s *subject) any { return cmpOr(s.govOwnCredential(), s.govActor().Name) }}, // which of ours it is about
}

// ofDark tell how long a kind was not readable.
var ofDark = []variable{
	{"unread.known", cel.BoolType, func(s *subject) any { _, known := s.govDark(); return known }}, // false: since when is not known
	{"unread.since", cel.TimestampType, func(s *subject) any { at, _ := s.govDark(); return at }},
	{"unread.lasts", cel.DurationType, func(s *subject) any { return s.govDarkFor() }}, // 0: it can be read
}

// ofOwn tell of a machine credential, one of its addresses or secrets.
var ofOwn = []variable{
	{"own.credential", cel.StringType, func(s *subject) any { return s.govOwnCredential() }}, // which of ours it is, or belongs to; "": none
	{"own.wrong", cel.StringType, func(s *subject) any { return s.govOwnState() }},           // what is wrong with what it holds
	{"own.profile", cel.StringType, func(s *subject) any { return s.w.Profile }},
	{"own.configured", cel.BoolType, func(s *subject) any { return len(s.w.Own.Credentials) > 0 }},
}

// ofPlacing tell which environments match a project.
var ofPlacing = []variable{
	{"matching.configured", cel.BoolType, func(s *subject) any { return len(s.w.Environments) > 0 }},
	{"matching.by_tag", govTexts, func(s *subject) any { return s.govMatching().byTag }},
	{"matching.by_name", govTexts, func(s *subject) any { return s.govMatching().byName }},
	{"matching.environments", govTexts, func(s *subject) any { return s.govMatching().all }}, // of both, the strictest first
	{"matching.why", cel.StringType, func(s *subject) any { return s.govMatching().why }},    // for people
	{"matching.catch_all", cel.StringType, func(s *subject) any { return s.w.govCatchAll() }},
}

// ofWeakening tell whether a change puts a project under weaker rules, or out of sight.
var ofWeakening = []variable{
	{"weaker.how", cel.StringType, func(s *subject) any { return s.govWeakened().how }}, // "": it does not
	{"weaker.before", cel.StringType, func(s *subject) any { return s.govWeakened().from }},
	{"weaker.after", cel.StringType, func(s *subject) any { return s.govWeakened().to }},
	{"weaker.over", cel.BoolType, func(s *subject) any { return s.govRestored() }},
}

// ofClusters tell of all clusters of a project together.
var ofClusters = []variable{
	{"clusters.environments", govTexts, func(s *subject) any { return s.w.govMixed().environments }},
	{"clusters.placed", govTexts, func(s *subject) any { return s.w.govMixed().clusters }}, // those that belong to an environment, with it
	{"clusters.odd", cel.IntType, func(s *subject) any {
		return len(s.w.in.Collections[access.KindCluster].Odd) + len(s.w.in.Collections[access.KindFlexCluster].Odd)
	}},
	{"matching.any", cel.BoolType, func(s *subject) any { return len(s.w.Environments) > 0 }},
}

// ofDocuments tell who may open documents in Data Explorer.
var ofDocuments = []variable{
	{"explorer.matrix", cel.BoolType, func(s *subject) any { return len(s.w.Matrix) > 0 }},
	{"explorer.teams", govTexts, func(s *subject) any { return s.w.govDocumentTeams() }}, // that the matrix lets here
}

// ofBrowsing tell of somebody who did.
var ofBrowsing = []variable{
	{"explorer.may", cel.BoolType, func(s *subject) any { return s.govMayBrowse() }}, // they are in one of these teams
}

// ofAuditing tell of a project's database auditing.
var ofAuditing = []variable{
	{"audits.absent", cel.StringType, func(s *subject) any { return s.w.govUnaudited() }}, // why Atlas cannot audit here
	{"audits.nothing", cel.BoolType, func(s *subject) any { return s.govFiltered() == govNothing }},
	{"audits.unclear", cel.BoolType, func(s *subject) any { return s.govFiltered() == govUnclear }},
}

// ofBackup tell where a restore or export leads.
var ofBackup = []variable{
	{"backup.to", cel.StringType, func(s *subject) any { return s.govBackup().to }}, // "": to nowhere that is not declared
	{"backup.target", cel.StringType, func(s *subject) any { return s.govBackup().key }},
	{"backup.doubt", cel.StringType, func(s *subject) any { return s.govBackup().doubt }},
	{"backup.cluster", cel.StringType, func(s *subject) any { return s.govJob() }},
}

// ofAlert tell of a change of an alert configuration.
var ofAlert = []variable{
	{"alarm.how", cel.StringType, func(s *subject) any { return s.govAlert().how }}, // deleted, disabled …; "": it still tells
	{"alarm.event", cel.StringType, func(s *subject) any { return s.govAlert().event }},
	{"alarm.ours", cel.BoolType, func(s *subject) any { return s.govAlert().ours }}, // it notified our own webhook
	{"alarm.back", cel.BoolType, func(s *subject) any { return s.govAlertBack() }},
}

// ofHook tell of a change of what Atlas reports to.
var ofHook = []variable{
	{"receiver.how", cel.StringType, func(s *subject) any { return s.govHook().how }}, // "": nothing new
	{"receiver.to", cel.StringType, func(s *subject) any { return s.govHook().to }},
}

// ofPrevention tell what the Resource Policies of an org leave open.
var ofPrevention = []variable{
	{"prevention.missing", govTexts, func(s *subject) any { return s.govPrevention().missing }},
	{"prevention.doubt", govTexts, func(s *subject) any { return s.govPrevention().doubt }},
	{"prevention.ready", cel.StringType, func(s *subject) any { return s.govReady() }}, // a policy for the first that is missing
	{"prevention.odd", cel.IntType, func(s *subject) any { return len(s.w.in.Collections[access.KindResourcePolicy].Odd) }},
}

// governanceFamilies are the variables of the rules in builtin/ that this family holds.
func governanceFamilies() []family {
	backups := []access.Kind{access.KindBackupRestoreJob, access.KindBackupExportJob}
	return []family{
		{nil, forEach | forWhole | forChange | forReading | forFailure, ofGovernance},
		{nil, forChange, ofAct},
		{nil, forReading, ofDark},
		{govOwnKinds(), forEach, ofOwn},
		{[]access.Kind{access.KindProject}, forEach, ofPlacing},
		{[]access.Kind{access.KindProject, access.KindOrg}, forChange, ofWeakening},
		{[]access.Kind{access.KindCluster}, forWhole, ofClusters},
		{[]access.Kind{access.KindProjectSettings}, forEach, ofDocuments},
		{[]access.Kind{access.KindProject}, forChange, append(ofBrowsing, ofDocuments...)},
		{[]access.Kind{access.KindAuditing}, forEach, ofAuditing},
		{backups, forChange, ofBackup},
		{[]access.Kind{access.KindAlertConfig, access.KindOrgSettings}, forChange, ofAlert},
		{[]access.Kind{access.KindIntegration, access.KindAlertConfig}, forChange, ofHook},
		{[]access.Kind{access.KindResourcePolicy}, forWhole, ofPrevention},
	}
}

// governanceMemo is what they derive once from the collections of a world.
type governanceMemo struct {
	addresses []netip.Prefix
	coverage  map[string]prevent.Coverage
}

// govList is for expressions, which know no list that is not there.
func govList(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}
