package rules

import (
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Rule is one loaded rule, with the overrides of the installation applied.
type Rule struct {
	ID           string
	Title        string
	Why          string // the reason for the rule
	Severity     access.Severity
	Kind         access.Kind
	OnChange     bool          // judges changes of the kind, not its state
	Reads        []access.Kind // all kinds that a judgement rests on, its own first
	Environments []string      // empty: all
	Params       map[string]any
	StandsFor    time.Duration // of a change rule
	Remedy       string
	Ceiling      access.Ceiling
	Controls     []string
	References   []string
	Source       string // file
	Line         int
	BuiltIn      bool

	each, whole *check
	key, until  *expr
	through     *through
	params      map[string]any // by the name that expressions use
}

// check is what is asked of one resource, or of all of a kind together.
type check struct {
	ask                                   *expr // the first three in one: which of the answers below
	notApplicable, when, unknown, message *expr
	severity, ceiling, since, path        *expr
	causes                                *expr
	facts                                 []fact
}

// What ask gives.
const (
	askNotApplicable = iota
	askViolation
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
	prog cel.Program
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

// replays are the kinds whose changes are replayed over the rule: its own, and the one
// that it comes through.
func (r *Rule) replays(k access.Kind) bool {
	return !r.OnChange && (k == r.Kind || r.through != nil && r.through.kind == k)
}
