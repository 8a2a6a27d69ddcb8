package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// decisions is what issue 5 promised.
func decisions() []func(options) []row {
	return []func(options) []row{
		chaos, soaked, model, forged, guardsAlone, remedies, hardCases, responding, takingBack, aftermath, impact, ownership,
		planned, audited, intruded, evidence, adminAPI, commandLine, cluster, undecidable, decisionsBroken,
	}
}

// chaos runs the short one that make check runs too.
func chaos(o options) []row {
	r := sh(nil, "go", "run", "./scripts/chaos", "-seed", fmt.Sprint(o.seed), "-changes=300", "-for=30s")
	return []row{r.row("chaos: three daemons on three NATS servers as processes, killed, stopped and continued, against an oracle", "nothing broken", chaotic)}
}

// chaotic reads the summary that chaos prints last.
func chaotic(out string) (string, bool) {
	var s struct {
		Drained  string         `json:"drained"`
		People   map[string]int `json:"people"`
		Trouble  map[string]int `json:"trouble"`
		Actions  map[string]int `json:"actions"`
		Commands map[string]int `json:"commands"`
		Effects  struct {
			Ours    int `json:"ours"`
			Without int `json:"requestsWithout"`
		} `json:"effects"`
		Broken []string `json:"broken"`
	}
	at := strings.LastIndex(out, "\n{")
	if at < 0 || json.Unmarshal([]byte(out[at:]), &s) != nil {
		return "no summary in the output", false
	}
	sum := func(m map[string]int) (n int) {
		for _, v := range m {
			n += v
		}
		return n
	}
	figure := fmt.Sprintf("%d changes, %d commands, %d troubles, %d effects of ours (%d requests without), drained in %s, %d broken",
		sum(s.People), sum(s.Commands), sum(s.Trouble), s.Effects.Ours, s.Effects.Without, s.Drained, len(s.Broken))
	return figure, len(s.Broken) == 0 && s.Effects.Ours > 0 && sum(s.Commands) > 0 && sum(s.Trouble) > 0
}

// soaked reads the note of the long run, which is made once.
func soaked(options) []row {
	const note = "docs/soak.md"
	raw, err := os.ReadFile(filepath.FromSlash(note))
	m := regexp.MustCompile(`(?m)^- broken: (\d+)$`).FindStringSubmatch(string(raw))
	took := regexp.MustCompile(`(?m)^- for: (\S+)$`).FindStringSubmatch(string(raw))
	w := row{promise: "soak: half an hour of the same, run once and noted", figure: "not noted", bound: "≥ 30 min, nothing broken", verdict: notProvable, command: "make soak; see " + note}
	if err != nil || m == nil || took == nil {
		w.figure = "not run yet: it takes half an hour, and is run apart"
		return []row{w}
	}
	w.figure, w.verdict = "noted: "+took[1]+", "+m[1]+" broken", fail
	if m[1] == "0" {
		w.verdict = pass
	}
	return []row{w}
}

func model(options) []row {
	return tests("no sequence of votes, timers, state moves and deaths reaches running without what it needs; 200 approvers at once: one outcome, true answers", "properties hold",
		"./remediate", "TestModel", "TestManyAtOnce", "TestConsentNeedsNoDenial")
}

func forged(options) []row {
	return append(
		tests("forged: wrong signature, other plan, replayed, other org, revoked approver, KV written directly: refused, told, recorded", "each a test",
			"./remediate", "TestForged", "TestKeptWrites", "TestVotes", "TestConsentAtExecution", "TestNobodyDeclared", "TestRevokedBetweenWrites"),
		tests("forged by a client with another role's rights on a TLS cluster: a message on a command, action or decision subject, the deputy tricks, rollup, schedule", "each refused, and audited",
			"./internal/daemon", "TestRolesOnACluster", "TestRolesCoverEverything", "TestPermissionFilesAreCurrent")...)
}

func guardsAlone(options) []row {
	return tests("each guard has a case in which it alone stops a harm", "each a test", "./remediate", "TestEachGuardAlone", "TestEachCapAlone", "TestStalePlanAlone", "TestAskedOrTold", "TestFreezeAndIncident", "TestIncidents", "TestIncidentRightAfter", "TestIncidentEnded")
}

func remedies(options) []row {
	return tests("every remedy and its inverse round-trip on the simulator to equal state, or say why not; by the whole daemon too", "each a test", "./internal/daemon",
		"TestRemediesRoundTrip", "TestRemediesByTheDaemon", "TestRemediesWithoutWayBack", "TestRetentionTrip")
}

// told plays stories of the whole daemon, those whose name matches; there are so many at least.
func told(promise, pattern string, least int) []row {
	r := sh(nil, "go", "test", "./internal/daemon", "-run", "^TestWorlds$/"+pattern, "-count=1", "-v", "-timeout=15m")
	return []row{r.row(promise, fmt.Sprintf("≥ %d, each as told", least), func(out string) (string, bool) {
		n := len(regexp.MustCompile(`(?m)^ +--- PASS: TestWorlds/`).FindAllString(out, -1))
		return fmt.Sprintf("%d stories end as told", n), n >= least
	})}
}

func hardCases(options) []row {
	return append(append(told("CI adding an address every minute does not starve an approval", "^decisions$/^not-starved-by-ci$", 1),
		told("an incident at 03:00 is not fought", "^decisions$/^incident-at-three$", 1)...),
		told("a Terraform apply in six steps over 60 s is acted on at most once", "^decisions$/^terraform-in-six-steps$", 1)...)
}

func responding(options) []row {
	return append(tests("respond: five modes, grace with veto, deadline, escalation, quorum, ceilings, inherited and adopt", "each a test", "./remediate",
		"TestWhoIsAsked", "TestGrace", "TestDeadlines", "TestAskedApprovedDone", "TestEndsWithoutWriting", "TestAdopt", "TestLetStand",
		"TestKeepingTakesTheQuorum", "TestForgedProposal", "TestFiftyKeepAtOnce", "TestUnwaive"),
		told("stories of decisions and guards by the whole daemon", "^(decisions|guards)$", 20)...)
}

func takingBack(options) []row {
	return tests("undo and release: by another than who made the change, once, whatever dies; a short waiver is left", "each a test", "./remediate",
		"TestUndo", "TestTakenBackOnlyByWhomItMay", "TestRelease", "TestUndoDiesAnywhere", "TestQuarantineThereAndBack")
}

func aftermath(options) []row {
	return tests("aftermath stops a rule that did harm; what stays in quarantine is asked about, and deleted only by consent", "each a test", "./remediate",
		"TestAftermath", "TestHarm", "TestHarmStops", "TestRetired", "TestRetention", "TestLooks", "TestSurvey")
}

func impact(options) []row {
	return tests("impact: seen, none in a complete window, or unknown with the reason", "each a test", "./remediate", "TestImpact", "TestWaysLeft", "TestAffected", "TestImpactIsRead")
}

func ownership(options) []row {
	return tests("ownership by credential and pattern; a revert war names the other writer; change windows", "each a test", "./remediate",
		"TestOwnership", "TestOwnerInCode", "TestOwnedIsRevertedOnce", "TestWar", "TestWarOfSeveralRules", "TestNoWar", "TestWindows", "TestWindowOpen")
}

func planned(options) []row {
	return append(tests("plan: what a new configuration opens, closes and writes agrees with judging by both", "properties hold", "./internal/scan", "TestPlanAgrees", "TestPlanOfTheSame", "TestCompare", "TestCompareBecause"),
		tests("plan by the whole program: responses, dry run, questions under way, mistakes", "each a test", "./internal/daemon", "TestPlanIsWhatReloadDoes", "TestPlanDryRunOff", "TestPlanUnderway", "TestPlanMistakes", "TestPlanAnswers", "TestPlanResponses")...)
}

func audited(options) []row {
	return tests("audit: every fact once, over replicas, restarts and deaths, and every write that the simulator counted", "each a test", "./internal/daemon",
		"TestAuditRecordsEverythingOnce", "TestAuditReplicas", "TestAuditGoesOnAfterADeath", "TestAuditAccountsForEveryWrite", "TestErasedMeansErased")
}

func intruded(options) []row {
	return append(tests("audit: tampering, forks and gaps show", "each a test", "./internal/daemon", "TestAuditShowsTampering", "TestAuditForks"),
		allTests("audit: the chain, its book, pseudonyms and exports", "hold", "./internal/audit")...)
}

func evidence(options) []row {
	return tests("evidence: the whole story of a finding, signed; every value counts", "each a test", "./internal/audit",
		"TestEvidenceTellsTheStory", "TestEvidenceEveryValueCounts", "TestEvidenceOfAnotherHand", "TestEvidenceNeedsACheckpoint")
}

func adminAPI(options) []row {
	return append(allTests("admin API: tokens, OIDC with key rotation, roles and scopes, limits, OpenAPI kept true", "hold", "./internal/api"),
		tests("admin API of the running daemon", "each a test", "./internal/daemon", "TestAdminAPI", "TestRolesAreTheSame")...)
}

func commandLine(options) []row {
	return tests("the commands, played against the real daemon and simulator", "each a test", "./cmd/gatewarden", "TestScripts", "TestAnswersHaveTheirCodes", "TestHostileNames", "TestSure", "TestAPIPage")
}

func cluster(options) []row {
	return tests("external NATS: bootstrap, a layout that is missing or newer, denied rights end at once; R3 over TLS", "each a test", "./internal/stream", "TestCluster", "TestOpenSetsUpTheLayout")
}

func undecidable(options) []row {
	return tests("bad input: questions that nobody can answer, wrong keys and tokens, each with its place", "each a test", "./config", "TestFiles", "TestGatewayKey", "TestAudit", "TestNATS")
}

func decisionsBroken(o options) []row { return mutantsCaught(o) }
