package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// rulebook is what issue 4 promised.
func rulebook() []func(options) []row {
	return []func(options) []row{
		book, counted, planted, plantedDenied, lookAlikes, evasions, deniedReads, bench, reports, waived, leastPrivilege, userRules,
		scans, replays, prevention, mutantsCaught,
	}
}

// atLeast wants a number in the output to be so large.
func atLeast(pattern string, least int) func(string) (string, bool) {
	return func(out string) (string, bool) {
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if m == nil {
			return "the figure is missing in the output", false
		}
		n, err := strconv.Atoi(m[1])
		return m[0], err == nil && n >= least
	}
}

func book(options) []row {
	r := sh(nil, "go", "test", "./rules", "-run", "^(TestRuleBook|TestBuiltInProved)$", "-count=1", "-v")
	return []row{r.row("every rule of the rule book exists, loads and has its tests", "102 of 102", figures(`102 rules in the book, 102 loaded, (\d+) tests with (\d+) assertions`))}
}

func counted(options) []row {
	return tests("the README counts rules per gate from rules list; the reference is current; the worked example is accepted", "each a test",
		"./cmd/gatewarden", "TestReadmeCountsRules", "TestReadmeNamesWhatIsReverted", "TestRulesDocsIsCurrent", "TestExampleIsAccepted")
}

func planted(o options) []row {
	r := sh(nil, "go", "test", "./internal/scan", "-run", "^TestPlanted$", "-count=1", "-v", "-timeout=30m", "-args", "-projects=500", fmt.Sprintf("-seed=%d", o.seed))
	return []row{r.row("500 generated projects with planted violations of every rule: every one found, nothing else", "0 missed, 0 false",
		figures(`planted: projects=500 violations=(\d+) rules=102 missed=(\d+) false=(\d+)`, 2, 3))}
}

func plantedDenied(options) []row {
	return tests("with each single read denied, exactly the rules that need it turn unknown, over the planted fleet", "each a test", "./internal/scan", "TestPlantedDenied")
}

func lookAlikes(options) []row {
	r := sh(nil, "go", "test", "./rules", "-run", "^TestLookAlikes$", "-count=1", "-v", "-timeout=20m")
	return []row{r.row("look-alikes stay silent", "≥ 60, each", atLeast(`look-alikes: (\d+) silent`, 60))}
}

func evasions(options) []row {
	r := sh(nil, "go", "test", "./rules", "-run", "^TestEvasions$", "-count=1", "-v", "-timeout=20m")
	return []row{r.row("evasions are caught", "≥ 40, each", atLeast(`evasions: (\d+) caught`, 40))}
}

func deniedReads(options) []row {
	return tests("with each single read denied, exactly the rules that need it turn unknown, over every rule's own tests", "each a test", "./rules", "TestDeniedReads", "TestJudgeAgrees")
}

// bench measures the engine beside OPA, in one run.
func bench(options) []row {
	r := sh(nil, "go", "run", "-C", "scripts/benchrules", ".", "-json")
	var f struct {
		PerSecond float64 `json:"evaluationsPerSecond"`
		Limited   float64 `json:"evaluationsPerSecondUnderCostLimit"`
		Load      float64 `json:"loadMilliseconds"`
		Rules     int     `json:"rules"`
		Compared  int     `json:"comparedRules"`
		Verdicts  int     `json:"comparedVerdicts"`
		Differing int     `json:"differingVerdicts"`
		Ratio     float64 `json:"ratio"`
	}
	line := r.out[max(0, lastLine(r.out)):]
	if err := json.Unmarshal([]byte(line), &f); err != nil && r.err == nil {
		r.err = err
	}
	judge := func(promise, bound, figure string, ok bool) row {
		return r.row(promise, bound, func(string) (string, bool) { return figure, ok })
	}
	return []row{
		judge("evaluations by all built-in rules, a second and core", "≥ 1,000,000", fmt.Sprintf("%.0f (%.0f under a cost limit), %d rules", f.PerSecond, f.Limited, f.Rules), f.PerSecond >= 1e6),
		judge("against OPA on equal verdicts, in the same run", "≥ 4 times, 0 differ", fmt.Sprintf("%.1f times; %d rules, %d violations in both, %d differ", f.Ratio, f.Compared, f.Verdicts, f.Differing), f.Ratio >= 4 && f.Differing == 0 && f.Verdicts > 0),
		judge("all rules load", "≤ 100 ms", fmt.Sprintf("%.1f ms, median", f.Load), f.Load > 0 && f.Load <= 100),
	}
}

// lastLine is where the last line of a text begins that is an object.
func lastLine(out string) int {
	all := regexp.MustCompile(`(?m)^\{.*\}$`).FindAllStringIndex(out, -1)
	if len(all) == 0 {
		return len(out)
	}
	return all[len(all)-1][0]
}

func reports(options) []row {
	r := sh(nil, "go", "test", "./internal/report", "-count=1", "-v", "-timeout=20m")
	return []row{r.row("reports validate: SARIF by its schema, OCSF by its table, JUnit golden, JSON by ours; the page opens in Chromium without a console error, light, dark and in print, 5 and 500 findings",
		"each a test", func(out string) (string, bool) {
			passed := regexp.MustCompile(`(?m)^--- PASS: (\w+)`).FindAllStringSubmatch(out, -1)
			names := make([]string, 0, len(passed))
			for _, m := range passed {
				names = append(names, m[1])
			}
			return fmt.Sprintf("%d tests passed", len(names)), len(names) >= 10 && !slices.Contains(names, "") && !regexp.MustCompile(`(?m)^\s*--- (FAIL|SKIP)`).MatchString(out)
		})}
}

func waived(options) []row {
	return slices.Concat(
		tests("waivers: capped by severity, bound to values, reminded, lapsing into inherited; refused when too long or for everything", "each a test",
			"./rules", "TestWaiverHoldsAsLongAsItMay", "TestWaiverOfValues", "TestWaiverOfAKey", "TestWaiverRemindsOnce", "TestWaivedEntryStays", "TestRenewalIsCounted"),
		tests("no chain of waivers outlasts the cap of its severity, whatever dates are written", "properties hold", "./rules", "TestNoWaiverOutlastsItsCap", "TestOneWritingNeverOutlastsTheCap"),
		tests("waivers and expectations of the store hold in the whole daemon, lapse, and one that is dated ahead never holds", "each a test", "./internal/daemon", "TestStoredWaiver", "TestStoredWaiverDatedAhead", "TestStoredExpectation"),
		tests("one evaluator: judging step by step and at once agree, waivers included", "property holds", "./rules", "TestOneEvaluator"),
		tests("announced changes are noted, by whomever they are known late", "each a test", "./rules", "TestExpectedIsNoted", "TestAnnouncedChangesAreNotes", "TestApproverTurnsOutToBeTheActor"),
	)
}

func leastPrivilege(options) []row {
	r := sh(nil, "go", "test", "./internal/reach", "-run", "Least|Duties|Duty|Cover", "-count=1", "-v")
	return []row{r.row("least privilege from use: every event type mapped, the smallest roles, what is rare or leaves no event is kept; unknown below 90 days", "each a test",
		func(out string) (string, bool) {
			n := len(regexp.MustCompile(`(?m)^--- PASS`).FindAllString(out, -1))
			return fmt.Sprintf("%d tests passed", n), n >= 4
		})}
}

func userRules(options) []row {
	return slices.Concat(
		tests("bad input: rules, waivers, identities, matrix, each with its place; the rest keeps working", "each a test", "./cmd/gatewarden", "TestScripts", "TestBadRulesAndWaivers"),
		tests("the daemon starts without the rules that have mistakes, and tells of each; a bad reload leaves the old ones in force", "each a test", "./internal/daemon", "TestStartsWithoutBadRules", "TestBadReload", "TestRuleThatFails"),
		tests("what a rule may say is told, all of it, and the page is current", "each a test", "./rules", "TestVariablesAreTold", "TestVocabularyIsWhole", "TestFunctionsAreTold", "TestKeysAreThoseOfTheParser"),
		tests("the page that teaches to write rules: its example loads", "each a test", "./cmd/gatewarden", "TestWritingRulesIsCurrent", "TestWritingRulesExample"),
		tests("what other scopes told is believed for as long as it is fresh", "each a test", "./rules", "TestOldWordIsUnknown", "TestWordOfNoTimeIsOld", "TestScopesHearOfEachOther"),
	)
}

func scans(options) []row {
	return tests("scan: once, kept, judged again, baseline, exit codes; what cannot be read is unknown", "each a test",
		"./internal/scan", "TestScan", "TestScanDenied", "TestScanWithoutProjects", "TestScanWaived", "TestKept")
}

func replays(options) []row {
	return slices.Concat(
		tests("replay agrees with the daemon step by step, knows use as it was known then, and walks back all that a rule reads; an export gives the same", "each a test",
			"./internal/scan", "TestAgreement", "TestNothingIsRead", "TestWhatARuleReadsBeside", "TestRewind", "TestReplayKnowsUse", "TestUseAt", "TestCovered"),
		tests("replay of a real daemon's history: what it told, by all rules, what each response would have done; a revert without a replay of 7 watched days warns, and nobody forges one", "each a test",
			"./internal/daemon", "TestReplayTellsWhatTheDaemonTold", "TestReplayByAllRules", "TestReplayOfResponses", "TestRevertWithoutReplayWarns", "TestStoredReplays", "TestReplayRequests"),
	)
}

func prevention(options) []row {
	r := sh(nil, "go", "test", "./rules/prevent", "-count=1", "-v")
	return []row{r.row("prevention: each policy is parsed by cedar-go, validated and stored by the simulator, and forbids what it says", "each a test",
		func(out string) (string, bool) {
			n := len(regexp.MustCompile(`(?m)^--- PASS`).FindAllString(out, -1))
			return fmt.Sprintf("%d tests passed", n), n >= 5
		})}
}
