package rules

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// judgeState judges all resources of a state rule's kind.
func (w *world) judgeState(r *Rule, out []access.Verdict) []access.Verdict {
	if !w.hasContent(r.Kind) {
		return out
	}
	if r.eachOf != nil {
		return w.judgeNames(r, out)
	}
	trouble := w.troubleOf(r.Reads)
	var past history
	if trouble == "" {
		past = w.replay(r)
		out = append(out, past.verdicts...)
	}
	if r.each != nil {
		subjects := w.subjectsOf(r)
		for i := range subjects {
			out = append(out, access.Verdict{})
			subjects[i].judge(&out[len(out)-1], trouble, past)
		}
	}
	if r.whole != nil {
		out = append(out, w.judgeWhole(r, trouble, past))
	}
	return out
}

// judgeOne judges one reference by a state rule.
func (w *world) judgeOne(r *Rule, ref access.Ref) []access.Verdict {
	trouble := w.troubleOf(r.Reads)
	if r.whole != nil && ref.Name == w.in.Scope.ID() && w.hasContent(r.Kind) {
		return []access.Verdict{w.judgeWhole(r, trouble, history{})}
	}
	res, ok := w.in.Collections[r.Kind].Find(ref.Name)
	if !ok || r.each == nil {
		return nil
	}
	return []access.Verdict{w.judgeResource(r, res, trouble, history{})}
}

// subjectsOf are all resources of the rule's kind. What one rule found out about them
// the next one need not.
func (w *world) subjectsOf(r *Rule) []subject {
	list, ok := w.subjects[r.Kind]
	if !ok {
		resources := w.in.Collections[r.Kind].Resources
		list = make([]subject, len(resources))
		for i := range resources {
			list[i].ref, list[i].res, list[i].w, list[i].now = access.Ref{Scope: w.in.Scope, Kind: r.Kind, Name: resources[i].Name()}, &resources[i], w, w.in.Now
		}
		w.subjects[r.Kind] = list
	}
	for i := range list {
		s := &list[i]
		s.rule, s.came, s.anew, s.since, s.exp, s.uni, s.ppl = r, false, false, time.Time{}, nil, nil, nil
	}
	return list
}

func (w *world) subject(r *Rule, res *access.Resource) *subject {
	return &subject{w: w, rule: r, res: res, now: w.in.Now, ref: access.Ref{Scope: w.in.Scope, Kind: r.Kind, Name: res.Name()}}
}

func (w *world) wholeSubject(r *Rule) *subject {
	return &subject{w: w, rule: r, res: &w.nothing, now: w.in.Now, ref: access.Ref{Scope: w.in.Scope, Kind: r.Kind, Name: w.in.Scope.ID()}}
}

// judgeResource is the verdict of one resource.
func (w *world) judgeResource(r *Rule, res access.Resource, trouble string, past history) access.Verdict {
	var v access.Verdict
	w.subject(r, &res).judge(&v, trouble, past)
	return v
}

func (s *subject) judge(v *access.Verdict, trouble string, past history) {
	if odd := s.w.in.Collections[s.rule.Kind].Odd; trouble == "" && len(odd) > 0 && slices.Contains(odd, s.ref.Name) {
		trouble = "it could not be decoded when it was last read"
	}
	s.verdict(v, s.rule.each, trouble, past)
}

func (w *world) judgeWhole(r *Rule, trouble string, past history) access.Verdict {
	var v access.Verdict
	w.wholeSubject(r).verdict(&v, r.whole, trouble, past)
	return v
}

// verdict makes v the answer with all that belongs to it.
func (s *subject) verdict(v *access.Verdict, c *check, trouble string, past history) {
	v.Rule, v.Ref, v.Answer, v.Why = s.rule.ID, s.ref, access.AnswerUnknown, trouble
	var keyless error
	if s.rule.key != nil {
		v.Key, keyless = s.rule.key.text(s)
	}
	if v.Why == "" {
		v.Why = s.w.quarantined(s.rule)
	}
	if v.Why != "" {
		return
	}
	s.recall(v.Key, past)
	var err error
	if v.Answer, v.Why, err = s.answer(c); err == nil && v.Answer == access.AnswerViolation {
		err = cmp.Or(keyless, s.describe(c, v, past)) // without its key it would be another finding
	}
	if err == nil && v.Answer == access.AnswerViolation {
		if s.anew, err = s.outgrown(c, v, past); s.anew {
			v.Evidence, v.CauseAt, v.Gap, v.Actor = access.Evidence{}, time.Time{}, false, access.Actor{}
			err = s.describe(c, v, history{})
		}
	}
	if err != nil {
		s.w.failed(s.rule, err)
		*v = access.Verdict{Rule: v.Rule, Ref: v.Ref, Key: v.Key, Why: "the rule failed on it: " + err.Error()}
	}
}

// recall takes over when the union became the world from the open finding or replay.
func (s *subject) recall(key string, past history) {
	if s.rule.whole == nil {
		return
	}
	if f, ok := s.episode(key, past); ok {
		s.since = f.CauseAt
	} else if o, ok := past.opened[s.ref.Name]; ok {
		s.since = o.CauseAt
	}
}

// episode is the open finding of the subject, unless the replay shows that what it is
// about ended and began again since.
func (s *subject) episode(key string, past history) (access.Finding, bool) {
	if len(s.w.in.Open) == 0 || s.anew {
		return access.Finding{}, false
	}
	f, ok := s.w.in.Open[access.FindingID(s.rule.ID, s.ref, key)]
	if t := past.began[s.ref.Name]; ok && t != nil {
		if c := t.of(s.ref.Name); follows(c.ID, c.Occurred, f) {
			return access.Finding{}, false
		}
	}
	return f, ok && f.Open()
}

// answer asks the rule: a violation is one even where other things cannot be told.
func (s *subject) answer(c *check) (access.Answer, string, error) {
	why, err := c.notApplicable.text(s)
	if err != nil || why != "" {
		return notApplicable(err), why, err
	}
	n, err := c.ask.int(s)
	if err != nil {
		return access.AnswerUnknown, "", err
	}
	switch n {
	case askUnknown:
		why, err := c.unknown.text(s)
		return access.AnswerUnknown, why, err
	case askViolation:
		return access.AnswerViolation, "", nil
	}
	if why := s.w.partial(s.rule); why != "" {
		return access.AnswerUnknown, why, nil
	}
	return access.AnswerPass, "", nil
}

// notApplicable is the answer of an expression that said why, or failed.
func notApplicable(err error) access.Answer {
	if err != nil {
		return access.AnswerUnknown
	}
	return access.AnswerNotApplicable
}

// describe fills in what a violation is, how bad, and what it comes from.
func (s *subject) describe(c *check, v *access.Verdict, past history) error {
	id := s.identity()
	v.Class, v.Owner, v.Remedy = id.Class, id.Owner, s.rule.Remedy
	if id.Class != "" {
		v.Evidence.DeclaredRoles, v.Evidence.DeclaredScopes = id.Roles, id.Scopes
	}
	if err := s.explain(c, v, past); err != nil {
		return err
	}
	var err error
	if v.Severity, err = s.severity(c); err != nil {
		return err
	}
	if v.Ceiling, err = s.ceiling(c); err != nil {
		return err
	}
	if v.Evidence.Path, err = c.path.texts(s); err != nil {
		return err
	}
	s.telling = true
	defer func() { s.telling = false }()
	for _, f := range c.facts {
		text, err := f.expr.text(s)
		if err != nil {
			return err
		}
		if text != "" {
			addFact(v, f.name, text)
		}
	}
	if v.Message, err = c.message.text(s); err != nil {
		return err
	}
	return s.values(c, v)
}

// values fills in what violates beside the resource's own values: what the rule says that does
// or, where it rests on other resources and does not say, all that it tells; and the resources
// that the violation may come through.
func (s *subject) values(c *check, v *access.Verdict) error {
	v.Whole = s.res == &s.w.nothing || s.rule.eachOf != nil
	switch {
	case c.values != nil:
		values, err := c.values.texts(s)
		if err != nil {
			return err
		}
		v.Values = values
	case v.Whole || s.rule.joined():
		facts, err := json.Marshal(v.Evidence.Facts)
		if err != nil {
			panic("rules: facts do not encode: " + err.Error())
		}
		v.Values = []string{v.Message, string(facts)}
	}
	if s.rule.through == nil || v.Whole {
		return nil
	}
	names, err := s.rule.through.names.texts(s)
	for _, name := range access.SortNames(names) {
		if r, ok := s.w.in.Collections[s.rule.through.kind].Find(name); ok {
			v.Values = append(v.Values, name, access.Values(r.Box))
		}
	}
	return err
}

// severity is the rule's, or the expression's; one step lower outside production.
func (s *subject) severity(c *check) (access.Severity, error) {
	text, err := c.severity.text(s)
	if err != nil {
		return "", err
	}
	out := s.rule.Severity
	if slices.Contains(access.Severities(), access.Severity(text)) {
		out = access.Severity(text)
	}
	if !s.w.production {
		out = lower(out)
	}
	return out, nil
}

// ceiling is the rule's, or a lower one where the expression says so.
func (s *subject) ceiling(c *check) (access.Ceiling, error) {
	text, err := c.ceiling.text(s)
	if err != nil || text == "" {
		return s.rule.Ceiling, err
	}
	here, _ := parseCeiling(text)
	return s.rule.Ceiling.Min(here), nil
}

func addFact(v *access.Verdict, name, text string) {
	if v.Evidence.Facts == nil {
		v.Evidence.Facts = map[string]string{}
	}
	v.Evidence.Facts[name] = text
}
