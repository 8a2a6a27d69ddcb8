package main

// mutants is every planted breakage.
func mutants() []mutant {
	return []mutant{
		{"ack-first", "internal/stream/handle.go", "	stop := keepAlive(msg)\n", "	s.settle(ctx, l, msg)\n	stop := keepAlive(msg)\n", "./internal/stream", "TestErrorsAreTriedAgainWithGrowingDelays|TestRedeliveryAfterARestart"},
		{"outbox-forgotten", "internal/stream/bucket.go", "	for e.owes {\n", "	for false && e.owes {\n", "./internal/stream", "TestCrashAtEveryStep"},
		{"cas-ignored", "watcher/read.go", "		if rev != s.rev {\n			return nil, nil, errMoved\n		}\n", "", "./watcher", "Test.*"},
		{"cut-list-taken-for-a-list", "internal/atlas/list.go", "	if len(all) != total {\n", "	if false && len(all) != total {\n", "./internal/atlas", "TestReadPages|TestReadStatuses|TestReadBodies"},
		{"empty-list-believed", "watcher/absorb.go", "	case unexplained <= 0:\n", "	case true:\n", "./watcher", "TestSuspectReadings"},
		{"baseline-ignored", "watcher/absorb.go", "next.Resources[i].FirstSeen, next.Resources[i].Baseline = s.reading.Began, true", "next.Resources[i].FirstSeen, next.Resources[i].ChangedAt = s.reading.Began, s.reading.Began", "./watcher", "TestFirstSightIsBaseline"},
		{"cursor-before-dirty", "watcher/read.go", "		pending: doc.pendingOf(d.kind),", "		pending: nil,", "./watcher", "TestEventWakesAReadAndNamesTheActor|TestDeathAtEveryStep"},
		{"dry-run-transport-off", "internal/atlas/transport.go", "	if g.readOnly && !reading && !asking {\n", "	if g.readOnly && !reading && !asking && false {\n", "./internal/atlas", "TestNoWrites|TestGate"},
		{"any-host-dialled", "internal/atlas/transport.go", "hostPort(req.URL) != hostPort(g.base) ||", "", "./internal/atlas", "TestOneHostOnly|TestGate"},
		{"closure-one-level-deep", "internal/reach/closure.go", "			next = enter(next, paths, c.steps(g), paths[g])\n", "			enter(next, paths, c.steps(g), paths[g])\n", "./internal/reach", "Test.*"},
		{"union-not-computed", "internal/reach/span.go", "		} else if s.hi.compare(merged[last].hi) > 0 {\n			merged[last].hi = s.hi\n", "		} else if s.hi.compare(merged[last].hi) > 0 {\n", "./internal/reach", "Test.*"},
		{"reserved-space-counted", "internal/reach/exposure.go", "func (e Exposure) WorldV4() bool { return e.V4 == publicV4Total }", "func (e Exposure) WorldV4() bool { return e.V4 == 1<<32 }", "./internal/reach", "Test.*"},
		{"no-re-read", "remediate/execute.go", "	l := s.look(ctx, f, a)\n	if ctx.Err() != nil {\n		return fmt.Errorf(\"carry out", "	l := look{began: s.now(), fresh: map[access.Kind]access.Collection{f.Ref.Kind: {Status: access.StatusComplete}}, verdict: access.Verdict{Answer: access.AnswerViolation, Ceiling: access.CeilingAuto, Evidence: f.Evidence}}\n	if ctx.Err() != nil {\n		return fmt.Errorf(\"carry out", "./remediate", "Test.*"},
		{"no-intent-first", "remediate/execute.go", "	if a, err = s.intend(ctx, a, plan); err != nil || a.State != access.ActionRunning {\n		return err\n	}\n", "	a.Plan, a.State = plan, access.ActionRunning\n", "./remediate", "Test.*"},
		{"inherited-reverted", "remediate/guard.go", "	case f.Origin != access.OriginNew:\n", "	case false:\n", "./remediate", "Test.*"},
		{"dry-run-guard-off", "remediate/guard.go", "	case c.Policy.DryRun:\n", "	case false:\n", "./remediate", "Test.*"},
		{"last-way-in-forgotten", "remediate/guard.go", "	if lastWayIn(c, plan.Operations) {\n", "	if false {\n", "./remediate", "Test.*"},
		{"lease-not-checked", "remediate/execute.go", "	if err := lease.Valid(requestTimeout + leaseMargin); err != nil {\n", "	if err := error(nil); err != nil {\n", "./remediate", "Test.*"},
		{"own-write-waited-for", "remediate/guard.go", "		if _, there := c.Fresh[r.Kind].Find(r.Name); !there {\n", "		if false {\n", "./remediate", "TestUnheardCauses"},
		{"waivers-dated-ahead", "rules/waivedate.go", "		if w.Ahead && now.Before(w.Until) {\n", "		if false {\n", "./rules", "TestWaiversOfAWeek"},
		{"unknown-written-on", "remediate/guard.go", "		case usable(col):\n", "		case col.Status != access.StatusSuspect:\n", "./remediate", "Test.*"},
		{"empty-scopes-sent", "internal/access/operationcheck.go", "		return unless(len(o.Scopes) > 0, ", "		return unless(true, ", "./internal/access", "TestOperations"},
		{"last-owner-taken", "remediate/guard.go", "	if why := ownerless(c, plan.Operations); why != \"\" {\n", "	if why := \"\"; why != \"\" {\n", "./remediate", "TestPeopleAreGuarded"},
		{"accepted-invitation-deleted", "remediate/plansetting.go", "	case i.Status != \"\" && i.Status != \"PENDING\":\n", "	case false:\n", "./remediate", "TestPlanInvitation"},
		{"last-scope-taken", "remediate/plantrim.go", "	case len(rest) == 0:\n		return ask(\"%s would be left without any scope", "	case false:\n		return ask(\"%s would be left without any scope", "./remediate", "TestPlanTrims"},
	}
}
