package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

const simulator = "./internal/atlas/sim"

// faithful is what issue 3 promised.
func faithful() []func(options) []row {
	return []func(options) []row{
		conformance, lifeCycles, publicAnswers, everyType, everyKind, profiles, webhook, latency, hooks, volume, mutantsCaught,
	}
}

// figures joins what the submatches of a line say; it wants the named ones to be zero.
func figures(pattern string, zero ...int) func(string) (string, bool) {
	return func(out string) (string, bool) {
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if m == nil {
			return "the figure is missing in the output", false
		}
		for _, i := range zero {
			if m[i] != "0" {
				return m[0], false
			}
		}
		return m[0], true
	}
}

// conformance is the matrix of every served operation against the official document.
func conformance(options) []row {
	r := sh(nil, "go", "test", simulator, "-run", "^TestConformance$", "-count=1", "-v", "-timeout=20m")
	return []row{r.row("every served operation against the official document", "0 failed; what differs is named with its source",
		figures(`(\d+) operations served, (\d+) checks, (\d+) known differences, (\d+) failed`, 4))}
}

// lifeCycles are run by two clients that share nothing.
func lifeCycles(options) []row {
	rows := tests("life cycles by the official SDK, with both credentials, and what was written reads back equal", "each a test", simulator, "TestSDKLifeCycles")
	r := sh(nil, "go", "run", "./scripts/conformance")
	return append(rows, r.row("life cycles by a second client of the Python standard library, shapes from the document", "0 failed",
		figures(`(\d+) lives, (\d+) operations, (\d+) calls, (\d+) checks, (\d+) lives with failures, (\d+) not served`, 5, 6)))
}

func publicAnswers(options) []row {
	r := sh(nil, "go", "test", simulator, "-run", "^TestPublicAnswers$", "-count=1", "-v")
	return []row{r.row("answers that public documentation shows: they decode, ours has the same shape", "≥ 30, 0 differ, 0 pending", func(out string) (string, bool) {
		m := regexp.MustCompile(`(\d+) answers, (\d+) differ, (\d+) pending`).FindStringSubmatch(out)
		if m == nil {
			return "the figure is missing in the output", false
		}
		n, err := strconv.Atoi(m[1])
		return m[0], err == nil && n >= 30 && m[2] == "0" && m[3] == "0"
	})}
}

func everyType(options) []row {
	return tests("every event type of the document is mapped to kinds or ignored for a reason", "each a test", "./watcher", "TestEventTableIsComplete", "TestEventTableMissing", "TestEventTableIsSane", "TestMeanings")
}

func everyKind(options) []row {
	r := sh(nil, "go", "test", daemonTests, "-run", "^TestEveryKind$", "-count=1", "-v", "-timeout=20m")
	return []row{r.row("a planted change of every kind: one Change, right before and after, right actor; by feed and by sweep alone", "38 and 38, 0 failed",
		func(out string) (string, bool) {
			m := regexp.MustCompile(`(\d+) kinds by feed, (\d+) by sweep alone, (\d+) failed`).FindStringSubmatch(out)
			if m == nil {
				return "the figure is missing in the output", false
			}
			return m[0], m[1] == "38" && m[2] == "38" && m[3] == "0"
		})}
}

func profiles(options) []row {
	return slices.Concat(
		tests("every profile: its roles are exactly enough, and with one less the right kinds are unknown", "each a test", daemonTests, "TestProfileRoles", "TestProfileWriteRoles"),
		tests("kinds outside of a profile are not covered by choice; check --permissions says what is missing", "each a test", daemonTests, "TestCheckPermissions", "TestCheckPermissionsWithoutAnswer", "TestOutsideTheProfile"),
	)
}

func webhook(options) []row {
	return tests("webhook: signature over the raw body, replay, foreign and oversized bodies, flood", "each a test", daemonTests,
		"TestSignature", "TestWebhookAnswers", "TestWebhookReplays", "TestReplayMemory", "TestWebhookFlood", "TestWebhookRestart", "TestWebhookEndToEnd")
}

// latency is DESIGN §10, row 1.
func latency(o options) []row {
	r := sh(nil, "go", "test", daemonTests, "-run", "^TestWebhookLatency$", "-count=1", "-v", "-timeout=30m", "-args", "-reverts="+strconv.Itoa(o.reverts))
	return []row{r.row(fmt.Sprintf("webhook: event visible → verified revert, %d reverts", o.reverts), "p50 ≤ 250 ms, p99 ≤ 1 s", func(out string) (string, bool) {
		m := regexp.MustCompile(`webhook latency: n=(\d+) p50=(\S+) p90=(\S+) p99=(\S+) max=(\S+)`).FindStringSubmatch(out)
		if m == nil {
			return "the figure is missing in the output", false
		}
		n, errN := strconv.Atoi(m[1])
		p50, err50 := time.ParseDuration(m[2])
		p99, err99 := time.ParseDuration(m[4])
		ok := errN == nil && err50 == nil && err99 == nil && n >= o.reverts && p50 <= 250*time.Millisecond && p99 <= time.Second
		return m[0], ok
	})}
}

func hooks(options) []row {
	return tests("hooks plan, install, remove: idempotent, and only its own", "each a test", daemonTests, "TestHookPlans", "TestHooksUnderFaults", "TestHooksKeepTheirHands")
}

// volume is what is far above 1 MiB.
func volume(o options) []row {
	r := sh(nil, "go", "test", daemonTests, "-run", "^TestVolume$", "-count=1", "-v", "-timeout=30m", "-args", "-members="+strconv.Itoa(o.members))
	return []row{
		r.row(fmt.Sprintf("an org of %d members and 2,000 projects: read, stored, diffed; a second read writes nothing", o.members), "0 writes on the second; memory and time reported",
			figures(`large org: .*second read wrote (\d+)`, 1)),
		r.row("a project at Atlas's limits", "0 writes on the second", figures(`full project: .*second read wrote (\d+); .*second read wrote (\d+)`, 1, 2)),
	}
}
