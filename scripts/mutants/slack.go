package main

// slacked is the breakages of what people see and decide in Slack.
func slacked() []mutant {
	const (
		pkg     = "./notify/slack"
		handle  = "notify/slack/handle.go"
		decide  = "notify/slack/decide.go"
		who     = "notify/slack/who.go"
		refused = "TestForgedClicks|TestWhoIsRefusedIsToldWhy"
	)
	return []mutant{
		{"another-workspace-decides", handle, "	case o.Team == \"\" || c.Team != o.Team && (c.Team != \"\" || o.Enterprise == \"\"):\n", "	case false:\n", pkg, refused},
		{"guests-decide", who, "	case m.IsRestricted || m.IsUltraRestricted:\n", "	case false:\n", pkg, refused},
		{"bots-decide", who, "	case m.IsBot || m.IsAppUser || m.IsConnectorBot || m.IsWorkflowBot || m.ID == \"USLACKBOT\":\n", "	case false:\n", pkg, refused},
		{"several-actions-in-one-click", handle, "	case c.Kind == KindAction && c.Actions != 1, ", "	case ", pkg, refused},
		{"plan-on-the-button-not-bound", decide, "(!open || v.Plan != s.Question.Plan)", "!open", pkg, refused},
		{"group-that-cannot-be-read-lets-in", who, "		case in:\n			return nil\n", "		case in || err != nil:\n			return nil\n", pkg, "TestTiedGroupsAreAskedOfSlack|TestWhoLeftMeanwhile"},
		{"author-opens-the-form-to-keep", decide, "	if slices.Contains(s.Authors, p.principal.ID) {\n", "	if false {\n", pkg, refused + "|TestKeepingTakesAForm"},
		{"kept-open-from-a-chat", "remediate/chat.go", "	case keeps && opensToWorld(f.Rule) && ", "	case false && ", "./remediate", "TestNotInChat"},
		{"nothing-is-too-hot-for-a-chat", "remediate/chat.go", "	if c.Via != ViaChat || c.Finding == \"\" {\n", "	if true {\n", "./remediate", "Chat|TestVotes|TestKeptWrites"},
		{"click-not-kept", "notify/slack/inbox.go", "		c.By, c.Claimed, c.Tries = b.me, time.Now().UTC(), 1\n		return &c, nil, nil\n", "		return nil, nil, nil\n", pkg, "TestAClickOutlivesTheProcess|TestTheSameClickTwiceIsOne"},
		{"acknowledged-when-it-is-done", "notify/slack/socket.go", "	late := time.AfterFunc(ackAfter, func() { ack(nil) })\n	defer late.Stop()\n", "", pkg, "TestTheStoreHangs|TestTheStoreIsBroken"},
		{"cards-take-no-turns", "notify/slack/client.go", "	err := c.limits.wait(ctx, method, channel)\n", "	err := error(nil)\n", pkg, "TestLimitsAreNeverReached|TestTurns"},
		{"two-post-one-card", "notify/tell.go", "		case !cur.Claimed.IsZero() && age < claimLease:\n", "		case false && age < claimLease:\n", "./notify", "TestDeadClaim|TestAtEveryStep|TestDeliveredOncePerRendering|TestWhateverHappensTheCardsAreRight"},
		{"reverts-without-a-confirm", "notify/slack/cardbuttons.go", "	b.Confirm = confirm(label+\"?\", s.blast(a), yes)\n	b.Confirm.Style = slackgo.StyleDanger\n", "	_ = yes\n", pkg, "TestButtons|TestConfirmSaysWhatWouldBreak|TestCards"},
		{"number-of-votes-not-checked", "notify/slack/ask.go", "err != nil || typed != n {\n", "err != nil || false && typed != n {\n", pkg, "TestParseUndoAndAll|TestTheNumberIsTypedAboveTen"},
		{"names-format-a-card", "notify/slack/text.go", "strings.NewReplacer(\"&\", \"&amp;\", \"<\", \"&lt;\", \">\", \"&gt;\").Replace(s)", "s", pkg, "TestWordsHaveNoEffect|TestText|TestHostileTextHasNoEffect"},
		{"names-with-hidden-characters", "notify/slack/text.go", "	return unicode.Is(unicode.C, r) || unicode.Is(unicode.Variation_Selector, r)\n", "	return false\n", pkg, "TestText|TestHostileTextHasNoEffect"},
		{"signed-request-replayed", "notify/slack/http.go", "	if s.now[id] || s.old[id] {\n", "	if false {\n", pkg, "TestOnlyWhatSlackSignedIsTaken"},
		{"clicks-without-end", handle, "	if c.Tries <= 1 && !g.paced(c.User) {\n", "	if false {\n", pkg, "TestManyClicksOfOnePersonAreBounded"},
		{"nobody-may-deny-what-is-announced", "remediate/chat.go", "(a.State != access.ActionProposed || len(a.Ask.Approvers) == 0) {\n", "(a.State != access.ActionProposed || a.Ask.Quorum == 0) {\n", "./remediate", "TestQuestionOf"},
		{"words-keep-a-card-from-changing", "notify/slack/client.go", "pause > sayWithin {\n", "false && pause > sayWithin {\n", pkg, "TestWordsWaitForNobody"},
	}
}
