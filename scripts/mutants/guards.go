package main

// guards is every guard broken in turn: each harm that it alone stops is done then, and a
// test sees it.
func guards() []mutant {
	const (
		pkg   = "./remediate"
		file  = "remediate/guard.go"
		alone = "TestEachGuardAlone"
	)
	return []mutant{
		{"frozen-and-written", file, "	case c.Control.Freeze.On:\n", "	case false:\n", pkg, alone},
		{"dry-run-and-written", file, "	case c.Policy.DryRun:\n", "	case c.Policy.DryRun && false:\n", pkg, alone},
		{"written-without-a-credential", file, "	case !c.CanWrite:\n", "	case false:\n", pkg, alone},
		{"any-clock-will-do", file, "	case c.Skew.Abs() > maxSkew:\n", "	case false:\n", pkg, alone},
		{"never-touched-and-written", file, "		if pattern, ok := untouchable(c.Policy.NeverTouch, o.Ref); ok {\n", "		if pattern, ok := untouchable(c.Policy.NeverTouch, o.Ref); ok && false {\n", pkg, alone},
		{"own-credential-written", file, "		if own := ownPerson(c, o); own != \"\" {\n", "		if own := ownPerson(c, o); own != \"\" && false {\n", pkg, alone},
		{"own-address-locked-out", file, "	if own := lockedOut(c, plan.Operations); own != \"\" {\n", "	if own := lockedOut(c, plan.Operations); own != \"\" && false {\n", pkg, alone},
		{"last-way-in-closed", file, "	if lastWayIn(c, plan.Operations) {\n", "	if lastWayIn(c, plan.Operations) && false {\n", pkg, alone},
		{"not-settled-and-written", file, "	if at := ready(c.Policy, c.Finding); c.Now.Before(at) {\n", "	if at := ready(c.Policy, c.Finding); c.Now.Before(at) && false {\n", pkg, alone},
		{"suspect-read-believed", file, "		case usable(col):\n", "		case usable(col), col.Status == access.StatusSuspect:\n", pkg, alone},
		{"denied-read-believed", file, "		case usable(col):\n", "		case col.Status != access.StatusSuspect:\n", pkg, alone},
		{"nothing-read-and-written", file, "	if len(c.Fresh) == 0 {\n", "	if false {\n", pkg, alone},
		{"unjudged-causes-written", file, "	if more := unheard(c); len(more) > 0 {\n", "	if more := unheard(c); len(more) > 0 && false {\n", pkg, alone},
		{"unknown-verdict-written", file, "	if c.Verdict.Answer != access.AnswerViolation {\n", "	if false {\n", pkg, alone},
		{"announced-and-reverted", file, "	case f.Expected != \"\":\n", "	case f.Expected != \"\" && false:\n", pkg, alone},
		{"incident-fought", file, "	if i, ok := c.Control.Incident(c.Now); ok {\n", "	if i, ok := c.Control.Incident(c.Now); ok && false {\n", pkg, alone},
		{"stopped-rule-writes", file, "		if s.Rule == c.Finding.Rule {\n", "		if false {\n", pkg, alone},
		{"no-environment-written", file, "	case f.Environment == \"\":\n", "	case false:\n", pkg, alone},
		{"what-was-before-reverted", file, "	case f.Origin != access.OriginNew:\n", "	case f.Origin != access.OriginNew && false:\n", pkg, alone},
		{"rule-beyond-its-ceiling", file, "	case !f.Ceiling.Allows(access.CeilingAuto):\n", "	case false:\n", pkg, alone},
		{"a-day-old-and-reverted", file, "	case c.Now.Sub(f.CauseAt) > maxAge:\n", "	case false:\n", pkg, alone},
		{"user-deleted-by-itself", file, "	case slices.ContainsFunc(plan.Operations, func(o access.Operation) bool { return o.Type == access.DeleteDatabaseUser }):\n", "	case false:\n", pkg, alone},
		{"project-cap-forgotten", "remediate/ledger.go", "a, GuardCapProject, p.Caps.ProjectHour, now)", "a, GuardCapProject, 1<<30, now)", pkg, "TestEachCapAlone"},
		{"org-cap-forgotten", "remediate/ledger.go", "a, GuardCapOrg, p.Caps.OrgHour, now)", "a, GuardCapOrg, 1<<30, now)", pkg, "TestEachCapAlone"},
		{"hour-of-a-minute", "remediate/ledger.go", "const ledgerSpan = time.Hour\n", "const ledgerSpan = time.Minute\n", pkg, "TestEachCapAlone"},
		{"stale-plan-alone-carried-out", "remediate/execute.go", "	case c.Asked != nil && (hashOf(&a, plan) != a.PlanHash || hashOf(&a, a.Plan) != a.PlanHash):\n", "	case false:\n", pkg, "TestStalePlanAlone"},

		// What is left to people because of who did it, how often, and when.
		{"owner-not-asked", "remediate/guards.go", "{warring, owned, windowed}", "{warring, windowed}", pkg, alone},
		{"owner-by-pattern-alone", "remediate/ownership.go", "		if madeBy(o, actorOf(c)) && holds(", "		if holds(", pkg, "TestOwnership"},
		{"owner-by-credential-alone", "remediate/ownership.go", " && holds(o, c, targets(c.Finding)) {\n", " {\n", pkg, "TestOwnership"},
		{"owner-by-the-name-of-a-person", "remediate/ownership.go", "	return machine && a.Name", "	return (machine || true) && a.Name", pkg, "TestOwnership"},
		{"critical-left-to-its-owner", "remediate/ownership.go", "	if c.Finding.Severity != access.Critical {\n", "	if true {\n", pkg, "TestOwnership|TestOwnedIsRevertedOnce"},
		{"owner-reverted-for-ever", "remediate/ownership.go", "	if before, ok := reverted(c, o); ok {\n", "	if before, ok := reverted(c, o); ok && false {\n", pkg, "TestOwnedIsRevertedOnce"},
		{"war-without-an-end", "remediate/war.go", "	if n >= w.Flips {\n", "	if false {\n", pkg, alone},
		{"war-begun-again", "remediate/war.go", "a.Guard == GuardWar && c.Now.Sub(at) < w.Window {\n", "a.Guard == GuardWar && c.Now.Sub(at) < w.Window && false {\n", pkg, alone},
		{"war-of-one-finding-only", "remediate/war.go", "		if !alike(f, c.Finding) {\n", "		if f.ID != c.Finding.ID {\n", pkg, "TestWarOfSeveralRules"},
		{"war-counted-by-rules", "remediate/war.go", "	return r.cause.After(former.cause) && ", "	return ", pkg, "TestFlips"},
		{"past-forgotten", "remediate/stage.go", "	err = s.recall(ctx, &c)\n", "", pkg, "TestWar"},
		{"freeze-window-ignored", "remediate/window.go", "	case len(frozen) > 0:\n", "	case false:\n", pkg, alone},
		{"maintenance-window-ignored", "remediate/window.go", "	case len(closed) > 0 && !open:\n", "	case len(closed) > 0 && !open && false:\n", pkg, alone},
		{"window-by-our-own-clock", "remediate/window.go", "	now = now.In(zone)\n", "	_ = zone\n", pkg, "TestWindowOpen"},
		{"window-ends-at-midnight", "remediate/window.go", "|| on(yesterday) && at < w.To", "|| false && on(yesterday)", pkg, "TestWindowOpen"},
		{"question-where-only-told", "remediate/policy.go", "	case no.Tell || no.Guard", "	case no.Guard", pkg, "TestAskedOrTold"},

		// What it would cost, and what it did.
		{"none-seen-in-what-was-not-read", "remediate/impact.go", "	case logins.Quality == access.QualityComplete:\n", "	case true:\n", pkg, "TestImpact"},
		{"lines-without-an-address-forgotten", "remediate/impact.go", "		a.unplaced++\n", "", pkg, "TestAffected"},
		{"failures-never-enough", "remediate/aftermath.go", "n > failedLogins && oftener(before, after)", "n > failedLogins && false", pkg, "TestAftermath"},
		{"failures-of-before-forgotten", "remediate/aftermath.go", "n > failedLogins && oftener(before, after)", "n > failedLogins", pkg, "TestAftermath"},
		{"nobody-is-missed", "remediate/aftermath.go", "		if before.Slots[user] >= aftermathSlots && after.Slots[user] == 0 {\n", "		if false {\n", pkg, "TestHarm|TestAftermath"},
		{"missed-in-half-a-read", "remediate/aftermath.go", " || after.Logins.Quality != access.QualityComplete ||", " ||", pkg, "TestAftermath"},
		{"deleted-before-the-end", "remediate/retention.go", "	case due.IsZero() || c.Now.Before(due):\n", "	case due.IsZero():\n", pkg, "TestRetention"},
		{"released-user-deleted", "remediate/retention.go", "	case len(u.Roles) > 0:\n", "	case false:\n", pkg, "TestRetention"},
		{"user-with-roles-deleted", "internal/access/operationcheck.go", "unless(len(u.Roles) == 0, \"it has roles", "unless(true, \"it has roles", "./internal/atlas", "TestApplyRefuses"},
		{"deletion-bound-to-nothing", "internal/access/operation.go", "		u.Roles, u.Scopes = SortGrants(u.Roles), SortScopes(u.Scopes)\n		return u\n", "		_ = u\n		return nil\n", "./internal/access", "TestHashOfADeletion"},
	}
}
