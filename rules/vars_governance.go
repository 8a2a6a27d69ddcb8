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
	{"here.name", cel.StringType, "The project by name, or \"the organization\".", func(s *subject) any { return s.govPlace() }},
}

// ofAct tell of who made a change.
var ofAct = []variable{
	{"act.by", cel.StringType, "Who made the change, for people.", func(s *subject) any { return s.govWho() }},
	{"act.day", cel.StringType, "The day of the change in UTC, as 2006-01-02.", func(s *subject) any { return s.change.Occurred.UTC().Format("2006-01-02") }},
	{"act.atlas", cel.BoolType, "Atlas itself made the change.", func(s *subject) any { return s.govActor().Type == access.ActorAtlas }},
	{"act.declared", cel.BoolType, "Somebody who is declared made the change, or one of `params.allowed`.", func(s *subject) any { return s.govDeclared() }},
	{"act.declares", cel.BoolType, "Anybody is declared at all.", func(s *subject) any { return s.govDeclares() }},
	{"own.acted", cel.StringType, "What a credential of Gatewarden did without an action of Gatewarden; empty: nothing.", func(s *subject) any { return s.govOwnAct() }},
	{"own.touched", cel.StringType, "What was done to a credential of Gatewarden against its profile; empty: nothing.", func(s *subject) any { return s.govOwnChange() }},
	{"own.rotated", cel.BoolType, "An owner of the credential changed its secrets, and nothing else.", func(s *subject) any { return s.govOwnRotation() }},
	{"own.undecided", cel.StringType, "Why neither can be told; empty if it can.", func(s *subject) any { return s.govOwnDoubt() }},
	{"own.changed", cel.StringType, "Which of Gatewarden's credentials the change is about.", func(s *subject) any { return cmpOr(s.govOwnCredential(), s.govActor().Name) }},
}

// ofDark tell how long a kind was not readable.
var ofDark = []variable{
	{"unread.known", cel.BoolType, "It is known since when the kind cannot be read.", func(s *subject) any { _, known := s.govDark(); return known }},
	{"unread.since", cel.TimestampType, "Since when the kind cannot be read; ask unread.known first.", func(s *subject) any { at, _ := s.govDark(); return at }},
	{"unread.lasts", cel.DurationType, "For how long it cannot be read; 0 if it can.", func(s *subject) any { return s.govDarkFor() }},
}

// ofOwn tell of a machine credential, one of its addresses or secrets.
var ofOwn = []variable{
	{"own.credential", cel.StringType, "Which of Gatewarden's credentials the resource is, or belongs to; empty: none.", func(s *subject) any { return s.govOwnCredential() }},
	{"own.wrong", cel.StringType, "What is wrong with what this credential holds; empty: nothing.", func(s *subject) any { return s.govOwnState() }},
	{"own.profile", cel.StringType, "The profile that Gatewarden runs with.", func(s *subject) any { return s.w.Profile }},
	{"own.configured", cel.BoolType, "It is configured which credentials are Gatewarden's own.", func(s *subject) any { return len(s.w.Own.Credentials) > 0 }},
}

// ofPlacing tell which environments match a project.
var ofPlacing = []variable{
	{"matching.configured", cel.BoolType, "Environments are configured.", func(s *subject) any { return len(s.w.Environments) > 0 }},
	{"matching.by_tag", govTexts, "The environments that match the project by its tags.", func(s *subject) any { return s.govMatching().byTag }},
	{"matching.by_name", govTexts, "The environments that match the project by its name.", func(s *subject) any { return s.govMatching().byName }},
	{"matching.environments", govTexts, "All environments that match the project, the strictest first.", func(s *subject) any { return s.govMatching().all }},
	{"matching.why", cel.StringType, "Why the project belongs to its environment, for people.", func(s *subject) any { return s.govMatching().why }},
	{"matching.catch_all", cel.StringType, "The environment that takes what no other matches; empty: there is none.", func(s *subject) any { return s.w.govCatchAll() }},
}

// ofWeakening tell whether a change puts a project under weaker rules, or out of sight.
var ofWeakening = []variable{
	{"weaker.how", cel.StringType, "How the change puts the project under weaker rules or out of sight; empty: it does not.", func(s *subject) any { return s.govWeakened().how }},
	{"weaker.before", cel.StringType, "The environment before the change.", func(s *subject) any { return s.govWeakened().from }},
	{"weaker.after", cel.StringType, "The environment after the change.", func(s *subject) any { return s.govWeakened().to }},
	{"weaker.over", cel.BoolType, "The project is again where it was before.", func(s *subject) any { return s.govRestored() }},
}

// ofClusters tell of all clusters of a project together.
var ofClusters = []variable{
	{"clusters.environments", govTexts, "The environments to which the clusters of the project belong by tag or name.", func(s *subject) any { return s.w.govMixed().environments }},
	{"clusters.placed", govTexts, "The clusters that belong to an environment, each with it.", func(s *subject) any { return s.w.govMixed().clusters }},
	{"clusters.odd", cel.IntType, "How many clusters could not be decoded.", func(s *subject) any {
		return len(s.w.in.Collections[access.KindCluster].Odd) + len(s.w.in.Collections[access.KindFlexCluster].Odd)
	}},
	{"matching.any", cel.BoolType, "Environments are configured.", func(s *subject) any { return len(s.w.Environments) > 0 }},
}

// ofDocuments tell who may open documents in Data Explorer.
var ofDocuments = []variable{
	{"explorer.matrix", cel.BoolType, "A matrix of teams is declared.", func(s *subject) any { return len(s.w.Matrix) > 0 }},
	{"explorer.teams", govTexts, "The teams to which the matrix grants Data Explorer here, by a role of the environment.", func(s *subject) any { return s.w.govExplorerTeams() }},
}

// ofBrowsing tell of somebody who did.
var ofBrowsing = []variable{
	{"explorer.may", cel.BoolType, "Who opened documents is in one of these teams.", func(s *subject) any { return s.govMayBrowse() }},
}

// ofAuditing tell of a project's database auditing.
var ofAuditing = []variable{
	{"audits.absent", cel.StringType, "Why auditing cannot be asked for here; empty if it can.", func(s *subject) any { return s.w.govUnaudited() }},
	{"audits.nothing", cel.BoolType, "The audit filter lets no event through.", func(s *subject) any { return s.govFiltered() == govNothing }},
	{"audits.unclear", cel.BoolType, "Only MongoDB can tell what the audit filter lets through.", func(s *subject) any { return s.govFiltered() == govUnclear }},
}

// ofBackup tell where a restore or export leads.
var ofBackup = []variable{
	{"backup.to", cel.StringType, "Where the restore or export leads that is not declared, in `params.targets` and `params.buckets`; empty: nowhere.", func(s *subject) any { return s.govBackup().to }},
	{"backup.target", cel.StringType, "The target as one text, by which findings of it are told apart.", func(s *subject) any { return s.govBackup().key }},
	{"backup.doubt", cel.StringType, "Why the target cannot be told; empty if it can.", func(s *subject) any { return s.govBackup().doubt }},
	{"backup.cluster", cel.StringType, "The cluster whose backup it is.", func(s *subject) any { return s.govJob() }},
}

// ofAlert tell of a change of an alert configuration.
var ofAlert = []variable{
	{"alarm.how", cel.StringType, "What became of the alert: deleted, disabled, or not told to us any more; empty: it still tells.", func(s *subject) any { return s.govAlert().how }},
	{"alarm.event", cel.StringType, "What the alert told of, where that can be read.", func(s *subject) any { return s.govAlert().event }},
	{"alarm.ours", cel.BoolType, "The alert notified Gatewarden's own webhook.", func(s *subject) any { return s.govAlert().ours }},
	{"alarm.back", cel.BoolType, "The alert is enabled again, or another one tells the same receivers the same.", func(s *subject) any { return s.govAlertBack() }},
}

// ofHook tell of a change of what Atlas reports to.
var ofHook = []variable{
	{"receiver.how", cel.StringType, "How a new receiver of what Atlas reports came about; empty: there is none.", func(s *subject) any { return s.govHook().how }},
	{"receiver.to", cel.StringType, "Where it leads.", func(s *subject) any { return s.govHook().to }},
}

// ofPrevention tell what the Resource Policies of an org leave open.
var ofPrevention = []variable{
	{"prevention.missing", govTexts, "Of `params.rules`, those that the Resource Policies of the org could enforce and do not, or not wholly.", func(s *subject) any { return s.govPrevention().missing }},
	{"prevention.doubt", govTexts, "Rules of which that cannot be told, with the policies that nobody can read.", func(s *subject) any { return s.govPrevention().doubt }},
	{"prevention.ready", cel.StringType, "A policy ready to be sent, for the first missing rule.", func(s *subject) any { return s.govReady() }},
	{"prevention.odd", cel.IntType, "How many Resource Policies could not be decoded.", func(s *subject) any { return len(s.w.in.Collections[access.KindResourcePolicy].Odd) }},
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
