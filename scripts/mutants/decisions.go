package main

// decisions is the breakages of what people decide: of votes, commands, taking back, and what
// is proved of it afterwards.
func decisions() []mutant {
	const (
		pkg     = "./remediate"
		model   = "TestModel"
		consent = "remediate/consent.go"
		vote    = "remediate/vote.go"
		ask     = "remediate/ask.go"
		run     = "remediate/execute.go"
		follow  = "remediate/follow.go"
		command = "remediate/command.go"
		keep    = "remediate/keep.go"
	)
	return []mutant{
		{"revoked-key-counts", consent, "	case !p.People.believed(b.Key):\n", "	case false:\n", pkg, "TestVotes|TestConsentAtExecution|TestKeptWrites"},
		{"who-left-still-counts", consent, "	case !slices.Contains(approvers(p, a, f), b.By):\n", "	case false:\n", pkg, "TestVotes|TestConsentAtExecution"},
		{"quorum-of-one-is-enough", consent, "	if need := quorum(p, a, f); len(yes) < need {\n", "	if need := 1; len(yes) < need {\n", pkg, "TestVotes"},
		{"who-opened-it-has-it-back", consent, "	case opens(a) && b.Vote == access.VoteApprove && slices.Contains(p.People.made(a, f), b.By):\n", "	case false:\n", pkg, "TestTakenBackOnlyByWhomItMay"},
		{"nobody-knows-who-and-one-is-enough", consent, "	if opens(a) && len(p.People.answersFor(f.Actor)) == 0 {\n", "	if false {\n", pkg, "TestTakenBackOnlyByWhomItMay"},
		{"another-plan-approved", vote, "	case c.PlanHash != a.PlanHash:\n", "	case false:\n", pkg, "TestVotes"},
		{"approved-after-its-time", vote, "	case !now.Before(a.Ask.Deadline):\n", "	case false:\n", pkg, "TestVotes"},
		{"denial-forgotten", vote, "	case access.ActionProposed, access.ActionAwaiting, access.ActionApproved:\n", "	case access.ActionAwaiting:\n", pkg, "TestVotes|TestGrace"},
		{"stale-plan-carried-out", run, "	case c.Asked != nil && (hashOf(&a, plan) != a.PlanHash || hashOf(&a, a.Plan) != a.PlanHash):\n", "	case false:\n", pkg, "TestConsentAtExecution"},
		{"consent-not-asked-again", run, "		if r := Consent(c.Policy, a, f); !r.OK() {\n", "		if r := Consent(c.Policy, a, f); !r.OK() && false {\n", pkg, "TestRevokedBetweenWrites"},
		{"silence-is-consent", ask, "		if no := eligible(c); no.OK() && a.Plan.Ceiling.Allows(access.CeilingAuto) {\n", "		if no := eligible(c); no.OK() || a.Plan.Ceiling.Allows(access.CeilingAsk) {\n", pkg, "TestDeadlines"},
		{"last-way-in-asked-about", ask, "	if no := harmless(c, plan); !no.OK() {\n", "	if no := harmless(c, plan); !no.OK() && false {\n", pkg, "TestWhoIsAsked"},
		{"undone-over-anothers-change", follow, "			if !l.shows(o) && !left(of, o, l) {\n				return refuse(GuardStalePlan", "			if false {\n				return refuse(GuardStalePlan", pkg, "TestRelease"},
		{"undone-without-a-waiver", follow, "	if !opens(a) {\n		return nil\n", "	if opens(a) {\n		return nil\n", pkg, "TestUndo"},
		{"undone-for-ever", follow, "	case c.Verb == access.VerbUndo && !of.UndoUntil.IsZero() && !s.now().Before(of.UndoUntil):\n", "	case false:\n", pkg, "TestTakenBackOnlyByWhomItMay"},
		{"a-command-given-twice", command, "	case rev != 0 && before.Digest == r.Digest:\n		return nil\n", "	case rev != 0 && before.Digest == \"\":\n		return nil\n", pkg, "TestVotes|TestUndoDiesAnywhere|TestModel"},
		{"nobody-declared-decides", command, "	if !p.People.known(c.By) {\n", "	if false {\n", pkg, "TestNobodyDeclared"},
		{"anybody-unfreezes", "remediate/halt.go", "	if c.Verb != access.VerbFreeze && !slices.Contains(p.People.members(p.People.Operators), c.By) {\n", "	if false {\n", pkg, "TestFreezeAndIncident"},
		{"opener-extends-the-incident", "remediate/halt.go", "	case cur.Incidents[i].By == c.By:\n", "	case false:\n", pkg, "TestIncidents"},
		{"opener-goes-on-by-another", "remediate/halt.go", "		case !now.Before(x.Until) && rested(x).After(rested(last)):\n", "		case false:\n", pkg, "TestIncidentRightAfter"},
		{"opener-goes-on-in-the-project", "remediate/halt.go", "prolongs(together(cur, above).Incidents, c, now)", "prolongs(cur.Incidents, c, now)", pkg, "TestIncidentRightAfter"},
		{"anybody-ends-a-waiver", "remediate/unwaive.go", "	if !mayEnd(p, f, w, c.By) {\n", "	if !mayEnd(p, f, w, c.By) && false {\n", pkg, "TestUnwaive"},
		{"waiver-ended-and-not-judged", "remediate/unwaive.go", "), holds\n", "), false\n", pkg, "TestUnwaive"},
		{"incident-ended-and-on", "remediate/halt.go", "		cur.Incidents[i].Until, cur.Incidents[i].EndedBy = now, c.By\n", "		cur.Incidents[i].EndedBy = c.By\n", pkg, "TestIncidentEnded"},
		{"adopted-by-one", "remediate/adopt.go", "	if cur.Adoptions[i].Votes[0].By == c.By {\n", "	if false {\n", pkg, "TestAdopt"},
		{"kept-by-who-did-it", "remediate/stand.go", "	case slices.Contains(answers, c.By):\n", "	case false:\n", pkg, "TestLetStand"},
		{"waived-for-too-long", "remediate/stand.go", "	case c.Waiver.Until.Sub(now) > most:\n", "	case false:\n", pkg, "TestLetStand"},
		{"one-keeps-what-takes-two", keep, "max(1, Respond(k.p, k.f).Quorum)-len(yes)", "1-len(yes)", pkg, "TestKeepingTakesTheQuorum"},
		{"who-left-keeps-it", keep, "	return c, mayStand(k.p, k.f, k.a, c)\n", "	return c, \"\"\n", pkg, "TestKeepingTakesTheQuorum"},
		{"a-proposal-that-nobody-signed", keep, "	case err != nil || !k.said(b, c):\n", "	case err != nil && c.Waiver == nil:\n		c.By, c.At, c.Waiver = b.By, k.now, &access.Waiver{Until: k.now.Add(time.Hour)}\n", pkg, "TestForgedProposal"},
		{"kept-for-the-longest-asked", keep, "c.Waiver.Until.Before(until) {\n", "c.Waiver.Until.After(until) {\n", pkg, "TestKeepingTakesTheQuorum"},
		{"harm-told-to-nobody", "remediate/afterwards.go", "	} else if stop, harm := s.Harm(ctx, a); harm {\n", "	} else if stop, harm := s.Harm(ctx, a); harm && false {\n", pkg, "TestHarmStops"},
		{"acknowledged-is-done-with", "remediate/stage.go", "	return f.State == access.FindingOpen || f.State == access.FindingAcknowledged\n", "	return f.State == access.FindingOpen\n", pkg, "TestWhoIsAsked"},
		{"no-signature-checked", "internal/access/envelope.go", "	case len(keys[i].Public) != ed25519.PublicKeySize || !ed25519.Verify(keys[i].Public, append([]byte(signedAs), e.Payload...), e.Signature):\n", "	case false:\n", pkg, "TestForged"},
		{"a-vote-that-nobody-signed", consent, "	case !p.People.said(a, b):\n", "	case false:\n", pkg, "TestKeptWrites"},
		{"who-opened-it-denies", consent, "	case !opens(a) && b.Vote == access.VoteDeny && slices.Contains(p.People.made(a, f), b.By):\n", "	case false:\n", pkg, "TestWhoOpenedItKeepsNothing"},
		{"counted-vote-lost", "remediate/transition.go", "		len(cur.Votes) == len(a.Votes) && cur.Snoozed", "		cur.Snoozed", pkg, "TestCountedVoteIsKept"},
		{"consent-for-ever", ask, "	return a.State == access.ActionApproved && s.stood(a) > approvedFor\n", "	return false\n", pkg, "TestConsentEnds"},
		{"a-plan-below-its-hash", run, " && hashOf(&a, a.Plan) == hash {", " {", pkg, "TestKeptLapse"},
		{"an-intent-below-its-hash-names-others", run, "	if hashOf(&a, a.Plan) != a.PlanHash {\n		return nil\n", "	if false {\n		return nil\n", pkg, "TestAnIntentBelowItsHash"},
		{"any-projects-command", "internal/access/envelope.go", "	case c.Scope != scope:\n", "	case false:\n", pkg, "TestForged"},
		{"old-commands-hold", "internal/access/envelope.go", "	case !now.Before(c.Until):\n", "	case false:\n", pkg, "TestForged"},
		{"denied-for-another-and-written", "remediate/contradict.go", "		case a.State == access.ActionVetoed:\n", "		case false:\n", pkg, "TestOverlappingPlans"},
		{"taken-back-and-fought", "remediate/contradict.go", "		case a.State == access.ActionUndone && c.Asked == nil && c.Now.Sub(lastStep(a)) < undoWaiver:\n", "		case false:\n", pkg, "TestOverlappingPlans"},
		{"model-blind-to-votes", consent, "	case b.Vote != access.VoteApprove:\n			return", "	case false:\n			return", pkg, "TestConsentNeedsNoDenial"},
		{"model-sees-the-freeze", "remediate/guard.go", "	case c.Control.Freeze.On:\n", "	case false:\n", pkg, model},
	}
}
