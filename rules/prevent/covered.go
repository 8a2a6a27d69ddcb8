package prevent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Answer is whether policies forbid what a rule's own would.
type Answer string

// The answers.
const (
	Covered Answer = "covered" // all of it
	Partly  Answer = "partly"
	Open    Answer = "open"    // none of it
	Unknown Answer = "unknown" // some text could not be judged, and the others leave something open
	Without Answer = "without" // the rule has no policy, as Policy says with the same arguments
)

// Coverage is what existing policies do about a rule.
type Coverage struct {
	Answer  Answer
	Missing []string // some of what nothing forbids
	Unread  []string // titles of the policies with a text that could not be judged
}

// mostMissing is how much of what is missing is named.
const mostMissing = 5

// Covers asks the existing policies about changes that the rule's own policy forbids:
// those that it names, those that the existing texts make an exception for, and some of
// the rest. It evaluates them and never compares texts; so it may miss an exception that
// no text names, such as one by the number of clusters. A text that cannot be judged
// makes the answer unknown where the others leave something open.
func Covers(existing []access.ResourcePolicy, rule string, given Given) Coverage {
	own, ok := Policy(rule, given)
	if !ok {
		return Coverage{Answer: Without}
	}
	ours, _ := parse(access.ResourcePolicy{Policies: own.Policies})
	var c Coverage
	var theirs []judged
	for _, p := range existing {
		texts, whole := parse(p)
		theirs = append(theirs, texts...)
		if !whole {
			c.unread(p.Title)
		}
	}
	forbidden := 0
	for _, q := range probes(ours, theirs, given) {
		if refused, _ := ask(ours, q); !refused || beside(theirs, q) {
			continue
		}
		refused, failed := ask(theirs, q)
		if refused {
			forbidden++
			continue
		}
		c.unread(failed...)
		if len(c.Missing) < mostMissing {
			c.Missing = append(c.Missing, q.what)
		}
	}
	c.Answer = c.answer(forbidden)
	return c
}

func (c *Coverage) unread(titles ...string) {
	for _, t := range titles {
		if !slices.Contains(c.Unread, t) {
			c.Unread = append(c.Unread, t)
		}
	}
}

func (c *Coverage) answer(forbidden int) Answer {
	switch {
	case len(c.Missing) == 0 && forbidden > 0:
		return Covered
	case len(c.Missing) == 0 || len(c.Unread) > 0: // nothing could be learned, or not all
		return Unknown
	case forbidden > 0:
		return Partly
	}
	return Open
}

// beside says that a change is refused for another reason than the rule's, so that its
// refusal says nothing.
func beside(policies []judged, q probe) bool {
	if q.twin.Len() == 0 {
		return false
	}
	q.request.Context = q.twin
	refused, _ := ask(policies, q)
	return refused
}

// judged is one Cedar policy that can be asked.
type judged struct {
	title  string
	policy *cedar.Policy
}

// parse reads the texts of a policy; whole is false if one of them cannot be judged: it
// is not Cedar, or has names of another schema, as Atlas's had in its preview.
func parse(p access.ResourcePolicy) (out []judged, whole bool) {
	whole = true
	for _, body := range p.Policies {
		list, err := cedar.NewPolicyListFromBytes("", []byte(body))
		if err != nil || len(list) == 0 {
			whole = false
			continue
		}
		for _, one := range list {
			if foreign(one) {
				whole = false
				continue
			}
			out = append(out, judged{p.Title, one})
		}
	}
	return out, whole
}

func foreign(p *cedar.Policy) bool {
	return slices.ContainsFunc(literals(p).entities, func(e cedar.EntityUID) bool {
		return !strings.HasPrefix(string(e.Type), schema)
	})
}

// ask says whether a policy refuses the change, and otherwise names those that could not
// be evaluated: Atlas may know what they ask for.
func ask(policies []judged, q probe) (refused bool, failed []string) {
	for _, p := range policies {
		decision, why := cedar.Authorize(cedar.PolicyMap{"": p.policy}, q.known, q.request)
		if decision == cedar.Deny && len(why.Reasons) > 0 {
			return true, nil
		}
		if len(why.Errors) > 0 {
			failed = append(failed, p.title)
		}
	}
	return false, failed
}

// place names a project in what is missing.
func place(project string) string {
	if project == anyProject {
		return "any project"
	}
	return fmt.Sprintf("project %s", project)
}
