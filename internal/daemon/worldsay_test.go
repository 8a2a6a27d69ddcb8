package daemon

import (
	"context"
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// say plays what people decide. The action or finding is the newest of the rule in the
// project, PROJECT/RULE.
//
//	vote WHO approve|deny PROJECT/RULE     on what waits for an answer
//	undo WHO PROJECT/RULE, release …       of what was done
//	ack WHO PROJECT/RULE
//	waive WHO PROJECT/RULE DURATION
//	unwaive WHO PROJECT/RULE               the waiver that was given last
//	freeze WHO PROJECT, unfreeze WHO PROJECT
//	incident WHO PROJECT NAME DURATION, end-incident WHO PROJECT NAME
//	expect WHO PROJECT NAME-PATTERN DURATION
func (s *stage) say(verb string, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("want: %s WHO …", verb)
	}
	s.said++
	now := s.daemon.fleet.Now()
	c := access.Command{
		V: access.Version, ID: fmt.Sprintf("01JD9A00000000000000%06d", s.said), Verb: access.Verb(verb), By: args[0], At: now, Until: now.Add(10 * time.Minute), Reason: "as agreed",
	}
	if err := s.fill(&c, args[1:]); err != nil {
		return err
	}
	r, err := s.daemon.Submit(context.WithoutCancel(s.t.Context()), c)
	if err != nil {
		return err
	}
	c.At, c.Until = c.At.Add(time.Second), c.Until.Add(time.Second) // asked once more: the same answer, and nothing is done
	if again, err := s.daemon.Submit(context.WithoutCancel(s.t.Context()), c); err != nil || again.Why != r.Why || !again.At.Equal(r.At) {
		return fmt.Errorf("asked once more: %+v, %w", again, err)
	}
	result := "refused"
	if r.Accepted {
		result = "accepted"
	}
	s.mu.Lock()
	s.heard = append(s.heard, fmt.Sprintf("%s by %s: %s: %s", verb, args[0], result, r.Why))
	s.mu.Unlock()
	synctest.Wait()
	return nil
}

func (s *stage) fill(c *access.Command, args []string) (err error) {
	span := func(text string) time.Duration {
		d, wrong := time.ParseDuration(text)
		if wrong != nil {
			err = wrong
		}
		return d
	}
	switch c.Verb {
	case access.VerbVote:
		c.Reason, c.Vote = "", access.Vote(args[0])
		return s.about(c, args[1])
	case access.VerbAcknowledge, "ack":
		c.Verb = access.VerbAcknowledge
		if err = s.about(c, args[0]); err == nil {
			c.PlanHash = ""
		}
	case access.VerbUndo, access.VerbRelease:
		err = s.about(c, args[0])
	case access.VerbWaive:
		c.Waiver = &access.Waiver{Until: c.At.Add(span(args[1]))}
		if wrong := s.about(c, args[0]); wrong != nil {
			return wrong
		}
		c.PlanHash = ""
	case access.VerbUnwaive:
		return s.last(c, args[0])
	default:
		c.Scope = access.ProjectScope(s.atlas.ProjectID(args[0]))
		switch c.Verb {
		case access.VerbEndIncident:
			c.Incident = args[1]
		case access.VerbIncident:
			c.Incident, c.For = args[1], span(args[2])
		case access.VerbExpect:
			c.Expect = &access.Expectation{Name: args[1], Until: c.At.Add(span(args[2]))}
		}
	}
	return err
}

// last fills in the waiver of the rule in the project that was given last.
func (s *stage) last(c *access.Command, which string) error {
	project, rule, _ := strings.Cut(which, "/")
	c.Scope, c.Waiver = access.ProjectScope(s.atlas.ProjectID(project)), &access.Waiver{ID: "none"}
	doc, _, err := s.daemon.waivers.Get(s.t.Context(), access.WaiversKey)
	for _, w := range doc.Waivers {
		if w.Rule == rule && w.Project == c.Scope.ID() {
			c.Waiver.ID = w.ID
		}
	}
	return err
}

// about fills in the newest action of the rule in the project.
func (s *stage) about(c *access.Command, which string) error {
	project, rule, _ := strings.Cut(which, "/")
	c.Scope = access.ProjectScope(s.atlas.ProjectID(project))
	findings, err := s.daemon.AllFindings(s.t.Context())
	if err != nil {
		return err
	}
	var newest access.Finding
	for _, f := range findings {
		if f.Rule == rule && f.Ref.Scope == c.Scope && !f.OpenedAt.Before(newest.OpenedAt) {
			newest = f
		}
	}
	if newest.ID == "" {
		return fmt.Errorf("there is no finding of %s", which)
	}
	a, _, err := s.daemon.actions.Get(s.t.Context(), access.ActionID(newest.ID, newest.Episode))
	c.Finding, c.Episode, c.PlanHash = newest.ID, newest.Episode, a.PlanHash
	if c.Waiver != nil {
		c.Waiver.Digest = newest.Digest
	}
	if c.PlanHash == "" {
		c.PlanHash = "none"
	}
	return err
}
