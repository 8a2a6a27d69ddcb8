package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const daemonTests = "./internal/daemon"

// spine is what issue 2 promised.
func spine() []func(options) []row {
	return []func(options) []row{
		story, coldRun, worlds, noWrites, races, tokens, badInput, properties, faults, kills, mutantsCaught, timings,
	}
}

// step is what the demo prints, one JSON object a line.
type step struct {
	Step          string `json:"step"`
	Seen          string `json:"seen"`
	OK            bool   `json:"ok"`
	DetectionMS   int64  `json:"detection_ms"`
	ContainmentMS int64  `json:"containment_ms"`
	Summary       any    `json:"summary"`
}

func story(o options) []row {
	bin := filepath.Join(o.bin, "demo")
	if r := sh(nil, "go", "build", "-o", bin, "./cmd/demo"); r.err != nil {
		return []row{r.row("the demo builds", "", func(string) (string, bool) { return "does not build", false })}
	}
	r := sh(nil, bin, "-once", "-json", "-seed", strconv.Itoa(o.seed))
	steps, held, first := 0, 0, int64(-1)
	for line := range strings.Lines(r.out) {
		var s step
		if json.Unmarshal([]byte(line), &s) != nil || s.Step == "" {
			continue
		}
		steps++
		if s.OK {
			held++
		}
		if first < 0 && s.ContainmentMS > 0 {
			first = s.ContainmentMS
		}
	}
	ok := r.err == nil && steps >= 8 && held == steps
	return []row{
		r.row("the whole story, from the built program", "≤ 60 s, every step holds", func(string) (string, bool) {
			return fmt.Sprintf("%.1f s, %d of %d steps", r.took.Seconds(), held, steps), ok && r.took <= time.Minute
		}),
		r.row("first revert: change in Atlas to verified", "≤ 10 s", func(string) (string, bool) {
			return fmt.Sprintf("%d ms", first), ok && first >= 0 && first <= 10_000
		}),
	}
}

// coldRun reports what a newcomer waits for: nothing is compiled yet.
func coldRun(o options) []row {
	cache := filepath.Join(o.bin, "cache")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return []row{{"cold go run ./cmd/demo -once", err.Error(), "reported", fail, ""}}
	}
	r := sh([]string{"GOCACHE=" + cache}, "go", "run", "./cmd/demo", "-once")
	return []row{r.row("cold go run ./cmd/demo -once", "reported", func(string) (string, bool) {
		return fmt.Sprintf("%.0f s with the modules at hand and nothing compiled", r.took.Seconds()), true
	})}
}

// worlds counts the stories of each ★ rule.
func worlds(options) []row {
	r := sh(nil, "go", "test", daemonTests, "-run", "^TestWorlds$", "-count=1", "-v", "-timeout=20m")
	var rows []row
	for _, rule := range []string{"network-open-to-world", "network-transient", "dbuser-unscoped", "dbuser-expired", "dbuser-atlas-admin"} {
		rows = append(rows, r.row("world tests of "+rule, "≥ 12, none fails", func(out string) (string, bool) {
			passed := strings.Count(out, "--- PASS: TestWorlds/"+rule+"/")
			failed := strings.Count(out, "--- FAIL: TestWorlds/"+rule+"/")
			return fmt.Sprintf("%d passed, %d failed", passed, failed), passed >= 12 && failed == 0
		}))
	}
	return rows
}

// tests runs tests by name and wants every one of them to have run.
func tests(promise, bound, pkg string, names ...string) []row {
	r := sh(nil, "go", "test", pkg, "-run", "^("+strings.Join(names, "|")+")$", "-count=1", "-v", "-timeout=20m")
	return []row{r.row(promise, bound, func(out string) (string, bool) {
		passed, missing := 0, []string(nil)
		for _, n := range names {
			if !regexp.MustCompile(`(?m)^--- PASS: ` + n + ` `).MatchString(out) {
				missing = append(missing, n)
				continue
			}
			passed++
		}
		if len(missing) > 0 {
			return fmt.Sprintf("%d passed; not passed: %s", passed, strings.Join(missing, ", ")), false
		}
		return fmt.Sprintf("%d tests passed", passed), true
	})}
}

// allTests runs a whole package.
func allTests(promise, bound, pkg string) []row {
	r := sh(nil, "go", "test", pkg, "-count=1", "-v", "-timeout=20m")
	return []row{r.row(promise, bound, func(out string) (string, bool) {
		passed, failed := strings.Count(out, "\n--- PASS"), strings.Count(out, "\n--- FAIL")
		return fmt.Sprintf("%d tests passed, %d failed", passed, failed), passed > 0 && failed == 0
	})}
}

func figure(pattern string) func(string) (string, bool) {
	return func(out string) (string, bool) {
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if m == nil {
			return "the figure is missing in the output", false
		}
		return m[1], true
	}
}

func faults(o options) []row {
	r := sh(nil, "go", "test", daemonTests, "-run", "^TestFaults$", "-count=1", "-v", "-timeout=60m", "-args", "-seed="+strconv.Itoa(o.seed), "-changes="+strconv.Itoa(o.changes))
	return []row{r.row(fmt.Sprintf("faults at 20 %%, %d random changes: findings equal the oracle's, no effect beyond a plan", o.changes), "0 differences", figure(`(\d+ deeds, .*)`))}
}

func kills(o options) []row {
	r := sh(nil, "go", "test", daemonTests, "-run", "^TestKill$", "-count=1", "-v", "-timeout=60m", "-args", "-kills="+strconv.Itoa(o.kills), "-seed="+strconv.Itoa(o.seed))
	return []row{r.row(fmt.Sprintf("kill -9 at %d instants", o.kills), "0 findings lost, 0 effects twice, 0 judged out of order", figure(`in all +(\d+) `))}
}

func mutantsCaught(options) []row {
	r := sh(nil, "go", "run", "./scripts/mutants")
	return []row{r.row("planted breakages are caught", "≥ 10, all", func(out string) (string, bool) {
		m := regexp.MustCompile(`(?m)^(\d+) passed, (\d+) failed$`).FindStringSubmatch(out)
		if m == nil {
			return "no count", false
		}
		n, err := strconv.Atoi(m[1])
		return m[1] + " caught, " + m[2] + " not", err == nil && n >= 10 && m[2] == "0"
	})}
}

func timings(options) []row {
	r := sh(nil, "make", "quick")
	return []row{r.row("make quick, warm", "≤ 3 min", func(string) (string, bool) {
		return fmt.Sprintf("%.0f s", r.took.Seconds()), r.took <= 3*time.Minute
	})}
}

func noWrites(options) []row {
	return append(
		tests("no write credentials, or dry run: the daemon sends nothing that changes", "0 mutating requests", daemonTests, "TestNoWritesAtAll"),
		tests("the same, by construction, in the client; no host but base_url is dialled, by either credential", "0", "./internal/atlas", "TestNoWrites", "TestGate", "TestOneHostOnly")...)
}

// races are those that reviews found, each as a test, where it shows best.
func races(options) []row {
	return slices.Concat(
		tests("races: old read after a newer one, death between cursor and read, empty 200, flips, gap", "each a test", "./watcher",
			"TestOldReadFinishingAfterANewerOne", "TestDeathBetweenCursorAndRead", "TestSuspectReadings", "TestFlipsWithinSeconds", "TestGap", "TestDeathAtEveryStep"),
		tests("races: redelivery after a restart, a handler outliving AckWait", "each a test", "./internal/stream",
			"TestRedeliveryAfterARestart", "TestAStalledProcessLosesTheRace", "TestALongHandlerKeepsItsMessage", "TestCrashAtEveryStep"),
		tests("races, end to end", "each a test", daemonTests,
			"TestOpenedAndClosedBeforeJudgement", "TestEmptyAnswerForAFullList", "TestFirstReadAfterAGap", "TestFlipsWithinSeconds", "TestRestartWithWorkInFlight"),
	)
}

func tokens(options) []row {
	return tests("300 restarts of the client", "≤ 3 tokens", "./internal/atlas", "TestTokenSurvivesRestarts")
}

func badInput(options) []row {
	return slices.Concat(
		tests("configuration: every mistake with line and path, exit 2, nothing started", "each a test", "./cmd/gatewarden", "TestScripts"),
		tests("wrong credentials named, readiness with the reason, a denied kind, garbage in the feed", "each a test", daemonTests,
			"TestWrongCredentials", "TestWrongCredentialsAreNamedAndTriedAgain", "TestDeniedKind", "TestGarbageInTheFeed", "TestReadiness", "TestSecondProcessOnAStore"),
		tests("10,000 events in one second, clock going back", "nothing lost, nothing twice", "./watcher", "TestTenThousandEventsInOneSecond", "TestClockGoingBack", "TestGarbageInTheFeed"),
		tests("corrupt, foreign or taken store is refused; no socket listens", "each a test", "./internal/stream/natsd",
			"TestDamageIsRefused", "TestAForeignFolderIsRefused", "TestASecondProcessIsRefused", "TestNothingListens"),
	)
}

func properties(options) []row {
	return slices.Concat(
		tests("properties of Diff", "hold", "./internal/access", "TestDiffOfItselfIsEmpty", "TestDiffAppliedGivesTheOther", "TestDiffIgnoresOrderAndDuplicates"),
		allTests("roles, closure and exposure, with their properties", "hold", "./internal/reach"),
		tests("who may import whom", "as DESIGN §5", "./internal/importtest", "TestImports", "TestTable"),
	)
}
