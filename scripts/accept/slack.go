package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

const (
	slackTests  = "./notify/slack"
	notifyTests = "./notify"
)

// slacked is what issue 6 promised.
func slacked() []func(options) []row {
	return []func(options) []row{inSlack, slackTrouble, secondFake, burst, hostileText, clickLatency, inABrowser, slackBadInput, whoMay, cardsSay, overHTTP, hygiene, slackFaked, slackBroken}
}

func inSlack(options) []row {
	return tests("by the whole daemon over real WebSockets: revert; keep with quorum, four-eyes and bad input; two at once; after a restart; by guests, bots, other workspaces; decided by command; undo; veto; expired; a copy; left the group", "each a test", daemonTests,
		"TestSlackRevert", "TestSlackKeep", "TestSlackTwoAtOnce", "TestSlackRestartBetween", "TestSlackWhoMayNot", "TestSlackStrangers", "TestSlackDecidedElsewhere",
		"TestSlackUndo", "TestSlackVeto", "TestSlackExpired", "TestSlackCopy", "TestSlackLeftMeanwhile")
}

func slackTrouble(options) []row {
	return append(
		tests("by the whole daemon: the socket drops mid-click, Slack is down, 429 on every third call", "each a test", daemonTests, "TestSlackDroppedMidClick", "TestSlackDown", "TestSlackLimited"),
		tests("the gateway by itself: an hour without Slack, calls that hang, disconnect storms, a store that hangs or breaks, death at each step", "each a test", slackTests,
			"TestSlackIsDownForAnHour", "TestSlackHangs", "TestADisconnectStormIsThrottled", "TestSocketDroppedMidClick", "TestEveryThirdCallIsLimited", "TestTheStoreHangs", "TestTheStoreIsBroken", "TestAClickOutlivesTheProcess", "TestTheSameClickTwiceIsOne")...)
}

func secondFake(options) []row {
	return tests("against the library's own test server", "holds", slackTests, "TestTheLibrarysOwnServer")
}

func burst(options) []row {
	return append(tests("10,000 findings in a minute: ≤ 60 messages a channel, none untold, memory bounded", "holds", notifyTests, "TestTenThousandFindingsInAMinute"),
		tests("limits of Slack are never exceeded", "holds", slackTests, "TestLimitsAreNeverReached", "TestTurns")...)
}

func hostileText(options) []row {
	r := sh(nil, "go", "test", slackTests, "-run", "^TestHostileTextHasNoEffect$", "-count=1", "-v", "-timeout=20m", "-args", "-hostile=100000")
	return []row{r.row("100,000 hostile strings: no mention, link or markup survives, no limit broken", "≥ 100,000, none", func(out string) (string, bool) {
		ok := regexp.MustCompile(`(?m)^--- PASS: TestHostileTextHasNoEffect `).MatchString(out)
		return "100,000 strings, test passed: " + strconv.FormatBool(ok), ok
	})}
}

// clickLatency reads what the test printed: it asserts only that all is done.
func clickLatency(o options) []row {
	r := sh(nil, "go", "test", daemonTests, "-run", "^TestSlackLatency$", "-count=1", "-v", "-timeout=20m", "-args", "-clicks="+strconv.Itoa(o.clicks))
	return []row{
		r.row(fmt.Sprintf("click → ack, %d clicks", o.clicks), "≤ 500 ms always", within(`slack click to ack: n=(\d+) p50=(\S+) .*max=(\S+)`, o.clicks, time.Hour, 500*time.Millisecond)),
		r.row(fmt.Sprintf("click → card edited with the verified outcome, without the time in Atlas, %d clicks", o.clicks), "p50 ≤ 300 ms", within(`slack click to card, own time: n=(\d+) p50=(\S+) .*max=(\S+)`, o.clicks, 300*time.Millisecond, time.Hour)),
	}
}

// within judges the count, the median and the worst of what was measured.
func within(pattern string, n int, p50, worst time.Duration) func(string) (string, bool) {
	return func(out string) (string, bool) {
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if m == nil {
			return "the figure is missing in the output", false
		}
		got, errN := strconv.Atoi(m[1])
		half, err50 := time.ParseDuration(m[2])
		most, errMax := time.ParseDuration(m[3])
		return m[0], errN == nil && err50 == nil && errMax == nil && got >= n && half <= p50 && most <= worst
	}
}

func inABrowser(options) []row {
	return append(tests("in a browser, on the fake's page: Revert now, the card turns, the entry is gone from the simulator", "holds", "./cmd/demo", "TestSlackPage"),
		tests("the fake's page itself", "each a test", "./notify/slack/slackfake", "TestPage", "TestPageLive", "TestPageParts", "TestPageModal", "TestPageDoings")...)
}

func slackBadInput(options) []row {
	return append(
		tests("bad input, by the whole daemon: wrong token, missing scope, unknown and archived channels, uninstalled, group deleted: told once, the rest keeps working", "each a test", daemonTests,
			"TestSlackWrongToken", "TestSlackMissingScope", "TestSlackBadChannels", "TestSlackUninstalled", "TestSlackGroupDeleted"),
		tests("bad input, by the gateway: the same, principals twice, a clock off by ten minutes, revoked tokens; what is mended passes; no token is ever said", "each a test", slackTests,
			"TestWhatIsWrongIsToldOnceAndPasses", "TestTheClockOfTheMachine", "TestATokenThatIsRevoked", "TestATokenOfAnotherWorkspace", "TestWhatIsWrongWithAPost", "TestNoTokenIsEverSaid", "TestSecretsAreHidden", "TestManifests")...)
}

func whoMay(options) []row {
	return append(
		tests("who may: principals, groups, trusted e-mail; guests, bots, strangers, shared channels refused and told why; forged clicks change nothing", "each a test", slackTests,
			"TestWhoIsRefusedIsToldWhy", "TestWhoIsKnownByEMail", "TestTiedGroupsAreAskedOfSlack", "TestWhoLeftMeanwhile", "TestForgedClicks", "TestValuesOfOthersAreRefused", "TestManyClicksOfOnePersonAreBounded"),
		tests("what is never decided in a chat", "holds", "./remediate", "TestNotInChat", "TestQuestionOf")...)
}

func cardsSay(options) []row {
	return tests("the card: every state, what people must know, buttons by response, keeping never easier than fixing, groups, forms, Home, slash command", "each a test", slackTests,
		"TestCards", "TestEveryStateIsSaid", "TestEveryPurposeIsSaid", "TestWhatPeopleMustKnow", "TestConfirmSaysWhatWouldBreak", "TestButtons", "TestKeepingIsNotEasier", "TestWhatAButtonShowsIsWhatItCarries",
		"TestOneVoteForEachOfAGroup", "TestTheNumberIsTypedAboveTen", "TestKeepingTakesAForm", "TestTheHomeTab", "TestSlashCommands", "TestTickets")
}

func overHTTP(options) []row {
	return tests("HTTP interactivity: signature, ±5 min, replay refused, and all of it that way", "each a test", slackTests, "TestSlacksOwnVector", "TestOnlyWhatSlackSignedIsTaken", "TestAllOfItOverHTTP", "TestTheAddressIsProved")
}

func hygiene(options) []row {
	return tests("bursts: one cause is one card, inhibition, digests, quiet hours, budgets, second looks; cards survive deaths and copies", "each a test", notifyTests,
		"TestFindingsOfOneCauseAreOneCard", "TestNarrowerEntriesWaitForOpenToWorld", "TestTooManyAtOnceAreADigest", "TestQuietHours", "TestABudgetOfCards", "TestSecondLook", "TestLookingAgainIsAskedForOnceAWeek",
		"TestAtEveryStep", "TestWhateverHappensTheCardsAreRight")
}

func slackFaked(options) []row {
	return allTests("the Slack for newcomers and tests enforces Slack's rules", "hold", "./notify/slack/slackfake")
}

func slackBroken(o options) []row { return mutantsCaught(o) }
