package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// errFailed says that a step did not hold; the output has told which.
var errFailed = errors.New("a step did not hold")

// errInterrupted says that a signal ended the story before its end.
var errInterrupted = errors.New("interrupted")

// story is the running story.
type story struct {
	set     *set
	facts   *facts
	screen  *screen
	out     io.Writer // NDJSON; nil: none
	opening sim.World // as Atlas was before the daemon started
	results []result
	once    bool // it clicks by itself where it would ask the reader to
}

// result is one step as it went, on the wire and for the summary.
type result struct {
	Step        string `json:"step"`
	Expected    string `json:"expected"`
	Seen        string `json:"seen"`
	OK          bool   `json:"ok"`
	DetectionMS *int64 `json:"detection_ms"`   // from the event to the published finding
	ContainedMS *int64 `json:"containment_ms"` // from the event to the verified outcome

	title, ended              string
	detected, shut, contained time.Duration
}

// ending is the last line.
type ending struct {
	Summary string `json:"summary"`
	OK      bool   `json:"ok"`
}

// tell plays the story, and then keeps everything running unless it is to be told once.
func tell(ctx context.Context, o options, stdin io.Reader, stdout io.Writer) (err error) {
	begin := time.Now()
	s := &story{}
	if o.json {
		s.out, s.screen = stdout, newScreen(io.Discard, begin)
	} else {
		s.screen = newScreen(stdout, begin)
	}
	if s.set, err = newSet(ctx, o, stdin); err != nil {
		return err
	}
	defer func() { err = s.set.end(err) }()
	s.opening = s.set.atlas.Snapshot()
	s.once = o.once
	s.screen.header(s.set)
	s.facts = newFacts(func(f fact) { s.screen.fact(f, s.projectName) })
	if err := s.set.start(ctx, o, s.facts.observe); err != nil {
		return err
	}
	ok, err := s.play(ctx, begin)
	if s.set.slack != nil && !o.once && errors.Is(err, errInterrupted) {
		return nil // it waits for the reader, who has seen enough
	}
	if err != nil {
		return err
	}
	if !o.once {
		if s.set.slack != nil {
			s.screen.inviteToSlack(s.set)
		} else {
			s.screen.invite(s.set, s.opening)
		}
		err = s.set.wait(ctx)
	}
	if !ok {
		err = errors.Join(errFailed, err)
	}
	return err
}

// play plays every step, also after one that does not hold, and sums up.
func (s *story) play(ctx context.Context, begin time.Time) (bool, error) {
	if err := s.firstSight(ctx); err != nil {
		return false, err
	}
	list := steps()
	if s.set.slack != nil {
		if err := s.heard(ctx); err != nil {
			return false, err
		}
		list = slackSteps()
	}
	for i, st := range list {
		if err := s.step(ctx, i+1, st); err != nil {
			return false, err
		}
	}
	return s.end(ctx, begin)
}

func (s *story) step(ctx context.Context, n int, st step) error {
	s.screen.title(n, st.title)
	a := &act{story: s, ctx: ctx, mark: s.facts.count(), effects: len(s.set.atlas.Effects()), before: s.set.atlas.Snapshot()}
	st.play(a)
	if ctx.Err() != nil {
		return fmt.Errorf("step %s: %w: %w", st.name, errInterrupted, context.Cause(ctx))
	}
	r := result{
		Step: st.name, Expected: st.expected, Seen: strings.Join(append(a.seen, a.wrong...), "; "), OK: len(a.wrong) == 0,
		DetectionMS: millis(a.detected), ContainedMS: millis(a.contained),
		title: st.title, ended: a.result, detected: a.detected, shut: a.shut, contained: a.contained,
	}
	if !r.OK {
		r.ended = "did not hold"
	}
	s.results = append(s.results, r)
	s.screen.outcome(r, a.wrong)
	return s.print(r)
}

func millis(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	n := d.Milliseconds()
	return &n
}

func (s *story) print(line any) error {
	if s.out == nil {
		return nil
	}
	enc := json.NewEncoder(s.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// end audits the whole: every write that the daemon's accounts made belongs to a verified
// action, and every step held.
func (s *story) end(ctx context.Context, begin time.Time) (bool, error) {
	writes, stray, err := s.audit(ctx)
	if err != nil {
		return false, err
	}
	held := 0
	for _, r := range s.results {
		if r.OK {
			held++
		}
	}
	first := "no revert"
	if r := s.results[0]; r.OK {
		first = "first revert after " + seconds(s.firstRevert(begin))
	}
	e := ending{OK: held == len(s.results) && len(stray) == 0}
	e.Summary = fmt.Sprintf("%d of %d steps held in %s; %s; %d writes to Atlas, %s",
		held, len(s.results), seconds(time.Since(begin)), first, writes, strays(stray))
	s.screen.summary(s.results, e)
	return e.OK, s.print(e)
}

func strays(list []string) string {
	if len(list) == 0 {
		return "each planned and verified, and no other"
	}
	return "of which nobody planned or verified: " + strings.Join(list, ", ")
}

// audit counts the writes of the daemon's accounts and lists those that belong to no
// verified action.
func (s *story) audit(ctx context.Context) (writes int, stray []string, err error) {
	all, err := s.set.daemon.AllActions(ctx)
	if err != nil {
		return 0, nil, err
	}
	verified := map[string]bool{}
	for _, a := range all {
		verified[a.ID] = a.State == access.ActionVerified
	}
	org := s.opening.Orgs[0]
	own := []string{account(org, "gatewarden-read").ClientID, account(org, "gatewarden-write").ClientID}
	for _, r := range s.set.atlas.Mutations() {
		if !slices.Contains(own, r.Credential) {
			continue
		}
		writes++
		if !verified[r.ActionID] || r.Credential != own[1] {
			stray = append(stray, r.Method+" "+r.Path)
		}
	}
	return writes, stray, nil
}

// firstRevert is when the first change of the daemon took effect, from the start.
func (s *story) firstRevert(begin time.Time) time.Duration {
	for _, e := range s.set.atlas.Effects() {
		if e.ActionID != "" {
			return e.At.Sub(begin)
		}
	}
	return 0
}

// firstSight waits until the daemon has seen everything once and told what it found. What
// it finds then is from before it came.
func (s *story) firstSight(ctx context.Context) error {
	s.screen.title(0, "The daemon looks for the first time")
	bound, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lists := []string{readList, "listGroupDatabaseUsers", "listGroupCustomDbRoleRoles", "listGroupClusters"}
	looked := until(bound, func() bool {
		var last time.Time
		for _, op := range lists {
			at := s.requested(prod, time.Time{}, 1, func(r sim.Request) bool { return r.OperationID == op && r.Status == 200 })
			if at.IsZero() {
				return false
			}
			if at.After(last) {
				last = at
			}
		}
		return !s.requested(prod, last, 1, func(r sim.Request) bool { return r.OperationID == "listGroupEvents" }).IsZero()
	})
	told := looked
	olds := []struct{ rule, name string }{{ruleOpen, world}, {ruleUnscoped, "admin/" + oldSinUser}}
	if s.set.slack != nil {
		olds = olds[:1] // the other is not judged
	}
	for _, old := range olds {
		f, ok := s.facts.await(bound, 0, func(f fact) bool { return f.opened(old.rule, old.name) })
		if ok {
			_, ok = s.facts.await(bound, 0, func(x fact) bool { return x.ended(access.ActionID(f.finding.Finding.ID, f.finding.Finding.Episode)) })
		}
		told = told && ok
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("first sight: %w: %w", errInterrupted, context.Cause(ctx))
	case !told:
		return fmt.Errorf("the daemon did not see everything once within %s", patience)
	}
	return nil
}

// requested is when the nth request of the project since then that matches was made; zero
// if it was not.
func (s *story) requested(project string, since time.Time, n int, match func(sim.Request) bool) time.Time {
	in := "/groups/" + s.id(project) + "/"
	for _, r := range s.set.atlas.Requests() {
		if r.At.After(since) && strings.Contains(r.Path, in) && match(r) {
			if n--; n == 0 {
				return r.At
			}
		}
	}
	return time.Time{}
}

// finding is the finding of that id as the daemon has it now.
func (s *story) finding(ctx context.Context, id string) (access.Finding, bool) {
	all, err := s.set.daemon.AllFindings(ctx)
	if err != nil {
		return access.Finding{}, false
	}
	i := slices.IndexFunc(all, func(f access.Finding) bool { return f.ID == id })
	if i < 0 {
		return access.Finding{}, false
	}
	return all[i], true
}

func (s *story) id(project string) string { return s.set.atlas.ProjectID(project) }

func (s *story) path(project, rest string) string { return "/groups/" + s.id(project) + "/" + rest }

func (s *story) user(name string) string {
	return s.path(prod, "databaseUsers/admin/"+url.PathEscape(name))
}

// projectName is the name of a project's scope, for people.
func (s *story) projectName(scope access.Scope) string {
	for _, p := range s.opening.Orgs[0].Projects {
		if p.ID == scope.ID() {
			return p.Name
		}
	}
	return string(scope)
}

func dbUser(w sim.World, in, name string) (sim.DatabaseUser, bool) {
	p, _ := project(w, in)
	i := slices.IndexFunc(p.DatabaseUsers, func(u sim.DatabaseUser) bool { return u.Username == name })
	if i < 0 {
		return sim.DatabaseUser{}, false
	}
	return p.DatabaseUsers[i], true
}
