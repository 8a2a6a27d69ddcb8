package rules

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Rule is one loaded rule, with the overrides of the installation applied.
type Rule struct {
	ID           string
	Title        string
	Why          string // the reason for the rule
	Fix          string // what a person does about a finding
	Severity     access.Severity
	Kind         access.Kind   // the first of Kinds
	Kinds        []access.Kind // what it judges, each for itself
	On           On
	Reads        []access.Kind // all kinds that a judgement rests on, its own first; also of other scopes ([access.Facts])
	WhereCovered []access.Kind // kinds that are in Reads where the profile covers them; elsewhere the rule judges without them
	Siblings     []access.Kind // kinds of the other projects of the org that it rests on
	Environments []string      // empty: all
	Params       map[string]any
	StandsFor    time.Duration // of a change rule
	Remedy       string
	Ceiling      access.Ceiling
	Controls     []string
	References   []string
	Text         string // as its file has it, tests included
	Past         bool   // rests on what was seen over time: one look cannot judge it
	Tests        Tests  // that it came with, and passed
	Source       string // file
	Line         int
	BuiltIn      bool
	Warnings     []Problem // what is allowed in it and probably not meant

	each, whole *check
	key         *expr
	until, ends *expr
	changes     *Rule   // what it judges of changes beside its state
	about       bool    // of a change rule: what it finds is of the scope, whatever the change is of
	views       []*Rule // the rule as it judges each of its kinds
	through     *through
	eachOf      *through       // names to judge, each as a reference of this kind, in place of the resource
	params      map[string]any // by the name that expressions use
}

// Tests counts what proved a rule.
type Tests struct{ Worlds, Assertions int }

// On is what a rule judges.
type On string

// What rules judge.
const (
	OnState   On = "state"   // resources as they are
	OnChange  On = "change"  // changes
	OnReading On = "reading" // how each kind of the scope was read
	OnFailure On = "failure" // rules that failed in this judgement
)

// view is the rule as it judges one kind: of several, each rests on itself and on what
// the rule reads beside them. What they are together is judged once a level. Of a rule on
// kinds of both levels, what it reads of projects is for its judgement of projects.
func (r *Rule) view(k access.Kind) *Rule {
	v := *r
	v.Kind, v.Kinds, v.views = k, []access.Kind{k}, nil
	both := slices.ContainsFunc(r.Kinds, func(o access.Kind) bool { return !ofOrg(o) })
	v.Reads = slices.DeleteFunc(slices.Clone(r.Reads), func(o access.Kind) bool {
		return o != k && (slices.Contains(r.Kinds, o) || both && ofOrg(k) && !ofOrg(o))
	})
	first := slices.IndexFunc(r.Kinds, func(o access.Kind) bool { return ofOrg(o) == ofOrg(k) })
	if r.Kinds[first] != k {
		v.whole = nil
	}
	return &v
}

func ofOrg(k access.Kind) bool { return slices.Contains(access.OrgKinds(), k) }

// check is what is asked of one resource, or of all of a kind together.
type check struct {
	ask                                   *expr // when and unknown in one: which of the answers below
	notApplicable, when, unknown, message *expr
	severity, ceiling, since, path        *expr
	causes, values                        *expr
	facts                                 []fact
}

// What ask gives.
const (
	askViolation = iota
	askUnknown
	askPass
)

type fact struct {
	name string
	expr *expr
}

// through names the resources of another kind by which a violation may come about.
type through struct {
	kind  access.Kind
	names *expr
}

// expr is one compiled expression.
type expr struct {
	src  string
	at   position
	make func() (cel.Program, error) // at the first use; nil: it is made
	once sync.Once
	prog cel.Program
	err  error
}

// position is a place in a rule file, counted from 1.
type position struct {
	file      string
	line, col int
}

func (p position) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.col) }

// appliesTo reports whether the rule judges in the environment. A project that matches
// none is judged as production.
func (r *Rule) appliesTo(p *policy, env string) bool {
	if len(r.Environments) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Environments, func(e string) bool { return e == env || env == "" && p.production[e] })
}

// lower is the severity one step down.
func lower(s access.Severity) access.Severity {
	all := access.Severities()
	i := slices.Index(all, s)
	return all[min(i+1, len(all)-1)]
}

// joined reports whether a judgement by the view of a rule rests on more than its own kind.
func (r *Rule) joined() bool {
	return len(r.Siblings) > 0 || slices.ContainsFunc(r.Reads, func(k access.Kind) bool { return k != r.Kind })
}

// asks is the part of the rule that findings with this key are of: those of its changes
// have one, those of its state have none.
func (r *Rule) asks(key string) *Rule {
	if r.changes != nil && key != "" {
		return r.changes
	}
	return r
}

// like is the part for changes of a rule with the settings of r.
func (r *Rule) like(of *Rule) *Rule {
	part := *r
	part.Severity, part.Environments, part.Params, part.params = of.Severity, of.Environments, of.Params, of.params
	return &part
}

// replays are the kinds whose changes are replayed over the rule: its own, and the one
// that it comes through.
func (r *Rule) replays(k access.Kind) bool {
	return r.On == OnState && (k == r.Kind || r.through != nil && r.through.kind == k)
}
