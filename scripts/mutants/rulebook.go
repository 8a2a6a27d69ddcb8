package main

// rulebook is the breakages of the rule book: of judging, waivers, scan, replay and reports.
func rulebook() []mutant {
	const rules = "./rules"
	return []mutant{
		// Waivers and expectations.
		{"waiver-cap-forgotten", "rules/waive.go", "	if limit := w.Granted.Add(access.WaiverCap(s)); limit.Before(w.Until) {\n", "	if limit := w.Granted.Add(access.WaiverCap(s)); false && limit.Before(w.Until) {\n", rules, "TestWaiver.*"},
		{"waiver-for-any-project", "rules/waive.go", "		(w.Project == \"\" || access.Match", "		(true || w.Project == \"\" || access.Match", rules, "TestWaiver.*"},
		{"waiver-for-any-values", "rules/waive.go", "		if lapse == \"\" && w.Digest != \"\" && w.Digest != e.digest(in, names, v) {\n", "		if false && w.Digest != e.digest(in, names, v) {\n", rules, "TestWaiver.*"},
		{"lapsed-waiver-is-new", "rules/waive.go", "	n.Origin, n.OriginWhy = access.OriginInherited, \"it was waived before: \"+why\n", "	n.Origin, n.OriginWhy = access.OriginNew, \"it was waived before: \"+why\n", rules, "TestWaiver.*"},
		{"waived-entry-deleted", "rules/union.go", "	if s.w.excused(*e.res) {\n", "	if false && s.w.excused(*e.res) {\n", rules, "TestWaivedEntryStays"},
		{"reminded-for-ever", "rules/waive.go", "		note.Reminded = w.Until\n", "", rules, "TestWaiverRemindsOnce"},
		{"approver-is-the-actor", "rules/expect.go", " && !p.behind(x.Approved, c.Actor)\n", "\n", rules, "Test.*"},
		{"announcement-for-ever", "rules/advance.go", "		if open && f.unannounced(id, v, old) {\n", "		if open && false {\n", rules, "TestAnnouncementCoversItsChangeOnly"},
		{"critical-announced-by-a-star", "rules/expect.go", "	return pattern == rule || pattern == family+\"/*\"\n", "	return pattern == rule || pattern == family+\"/*\" || strings.Trim(pattern, \"*\") != \"\"\n", rules, "TestCriticalIsAnnouncedByName"},
		{"executor-without-the-name", "rules/engine.go", "	return append(reads, named)\n", "	return reads\n", rules, "TestJudgeTakesWhatTheExecutorGives"},
		{"announced-reverted", "remediate/guard.go", "	case f.Expected != \"\":\n", "	case false:\n", "./remediate", "Test.*"},

		// What is told of other scopes.
		{"unread-project-taken-for-clean", "rules/world.go", "		if why := w.in.Facts.Unread[k]; why != \"\" && !ofOrg(k) {\n", "		if why := w.in.Facts.Unread[k]; false && why != \"\" && !ofOrg(k) {\n", rules, "TestBuiltInProved|Test.*Denied.*|TestDatabase.*|Test.*Shared.*"},
		{"denied-org-taken-for-empty", "rules/world.go", "		if c, read = in.Facts.Org[k], (time.Time{}); !in.Facts.Gathered() {\n", "		if c, read = (access.Collection{Status: access.StatusComplete}), (time.Time{}); !in.Facts.Gathered() {\n", rules, "TestBuiltInProved|TestDeniedReads"},
		{"project-hears-of-all-members", "rules/gather.go", "		if r, ok := t.people[n]; ok {\n			out = append(out, r)\n		}\n	}\n", "		_ = n\n	}\n	for _, r := range t.people {\n		out = append(out, r)\n	}\n", rules, "TestScopesHearOfEachOther"},
		{"facts-never-shared", "rules/share.go", "			return &facts, []access.Out{again(scope, ", "			return nil, []access.Out{again(scope, ", rules, "TestScopesHearOfEachOther"},

		// Judging.
		{"severity-not-lowered", "rules/evaluate.go", "	if !s.w.production {\n		out = lower(out)\n", "	if false {\n		out = lower(out)\n", rules, "TestBuiltInProved"},
		{"loop-variable-taken-for-the-resource", "rules/direct.go", "	if !ok || d.selected {\n", "	for up := interpreter.Activation(frame); !ok && up != nil; up = up.Parent() {\n		s, ok = up.(*subject)\n	}\n	if !ok || d.selected {\n", rules, "TestDirectly"},
		{"selected-field-taken-for-the-resource", "rules/direct.go", "	d.selected = true\n", "", rules, "TestDirectly|TestBuiltInProved"},
		{"failing-rule-asked-for-ever", "rules/failure.go", "!f.builtIn && f.costly >= quarantineAfter", "false && f.costly >= quarantineAfter", rules, "Test.*"},
		{"failing-rule-not-told", "rules/failure.go", "	for _, id := range slices.Sorted(maps.Keys(w.failures)) {\n", "	for _, id := range slices.Sorted(maps.Keys(w.failures))[:0] {\n", rules, "TestBuiltInProved"},
		{"domain-by-its-end", "rules/people_accounts.go", "access.FoldName(allowed) == d })", "strings.HasSuffix(d, access.FoldName(allowed)) })", rules, "Test.*"},
		{"tests-that-assert-nothing-pass", "rules/filetest.go", "	if why := t.vacuous(r); why != \"\" {\n", "	if why := t.vacuous(r); false && why != \"\" {\n", "./cmd/gatewarden", "TestScripts"},
		{"ceiling-raised-in-silence", "rules/override.go", "	case !d.rule.Ceiling.Allows(*o.Ceiling) && !o.AcceptRisk:\n", "	case false:\n", rules, "TestOverride.*|TestCeiling.*"},

		// One look, and what is made of it.
		{"denied-read-taken-for-empty-list", "internal/scan/inventory.go", "	c.Status, c.Reason, c.StatusSince, c.Odd = r.Status, r.Reason, r.Began, r.Odd\n", "	c.Status, c.Reason, c.StatusSince, c.Odd = access.StatusComplete, r.Reason, r.Began, r.Odd\n", "./internal/scan", "TestScanDenied"},
		{"file-in-the-place-of-a-pipe", "internal/wholefile/wholefile.go", "	case !at.Mode().IsRegular():\n", "	case at.IsDir():\n", "./internal/wholefile", "TestWriteThroughWhatIsNoFile"},
		{"kept-file-for-everybody", "internal/wholefile/wholefile.go", "said(name, f.Sync())", "said(name, f.Chmod(0o644))", "./internal/scan", "TestKept"},
		{"baseline-hides-ended-waivers", "internal/report/baseline.go", "	case old.IsWaived() && !f.IsWaived():\n", "	case false:\n", "./internal/report", "Test.*Baseline.*"},
		{"formula-in-a-cell", "internal/report/csv.go", "		return \"'\" + s\n", "		return s\n", "./internal/report", "Test.*CSV.*|FuzzFormats"},

		// The past.
		{"history-claims-a-gap", "watcher/history.go", "		r.span(&r.doc.Feed, in.now, !gap)\n", "		r.span(&r.doc.Feed, in.now, true)\n", "./watcher", "TestHistory.*"},
		{"short-evidence-is-enough", "internal/reach/leastprivilege.go", "		e.Window = EnoughEvidence\n", "		e.Window = 24 * time.Hour\n", "./internal/reach", "Test.*"},
	}
}
