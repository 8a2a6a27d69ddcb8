package reach

import (
	_ "embed"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

//go:embed duties.txt
var dutiesText string

// duty is something that a person or machine does in Atlas, with the roles that are
// enough for it.
type duty struct {
	name, does string
	enough     []string // any of them will do
	partly     []string // any of them will do for a part of it
	page       []string // those of both that only the page of roles names
	operations []string
	kept       string // why not having been seen at it is no reason to lose it
}

// showing is what an event type says of its actor: the number of a duty, or the name of
// a reason why there is none.
type showing struct {
	duty   int
	reason string
	own    bool // others cause it too: it counts if the actor's roles are enough
}

// feedType is an event type in the feed of an org or of a project.
type feedType struct {
	name string
	org  bool
}

// dutyTable is duties.txt, which says how it is to be read.
type dutyTable struct {
	duties  []duty
	reasons map[string]string
	shown   map[feedType]showing
	newer   []string
	sure    map[string]dutySet // by role: what it is enough for
	part    map[string]dutySet // by role: what it is enough for in part, or wholly
	gives   map[string]dutySet // by role: the same, and a mark for each role that it includes
}

// dutySet is a set of duties by number.
type dutySet [2]uint64

func (s dutySet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s dutySet) with(i int) dutySet { s[i/64] |= 1 << (i % 64); return s }

func (s dutySet) or(o dutySet) dutySet { return dutySet{s[0] | o[0], s[1] | o[1]} }

func (s dutySet) and(o dutySet) dutySet { return dutySet{s[0] & o[0], s[1] & o[1]} }

func (s dutySet) without(o dutySet) dutySet { return dutySet{s[0] &^ o[0], s[1] &^ o[1]} }

func (s dutySet) within(o dutySet) bool { return s.without(o) == dutySet{} }

func (s dutySet) len() int { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

// maxDuties is what a set holds less the marks of roles, with room for some new ones.
const maxDuties = 128 - 40

var theDuties = sync.OnceValue(func() dutyTable {
	t, err := parseDuties(dutiesText)
	if err != nil {
		panic(err) // the table is a part of the program
	}
	return t
})

func parseDuties(text string) (dutyTable, error) {
	p := dutyParser{dutyTable: dutyTable{reasons: map[string]string{}, shown: map[feedType]showing{}}}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.line(line); err != nil {
			return p.dutyTable, fmt.Errorf("table of duties, line %d: %w", i+1, err)
		}
	}
	if err := p.check(); err != nil {
		return p.dutyTable, fmt.Errorf("table of duties: %w", err)
	}
	p.index()
	return p.dutyTable, nil
}

// dutyParser knows which block and which list of it a line belongs to.
type dutyParser struct {
	dutyTable
	block, list string
	reason      string
}

func (p *dutyParser) line(line string) error {
	switch {
	case !strings.HasPrefix(line, "  "):
		return p.head(line)
	case p.block == "":
		return fmt.Errorf("%q is outside of every block", line)
	case strings.HasPrefix(line, "    "):
		return p.words(strings.Fields(line))
	}
	list, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	p.list = list
	if list == "kept" && p.block == "duty" {
		p.duties[len(p.duties)-1].kept = rest
		return nil
	}
	return p.words(strings.Fields(rest))
}

func (p *dutyParser) head(line string) error {
	p.list = ""
	if line == "newer" {
		p.block = line
		return nil
	}
	front, does, _ := strings.Cut(line, ": ")
	block, name, _ := strings.Cut(front, " ")
	if name == "" || does == "" || p.named(name) >= 0 || p.reasons[name] != "" {
		return fmt.Errorf("%q heads no new block", line)
	}
	switch p.block = block; block {
	case "duty":
		p.duties = append(p.duties, duty{name: name, does: does})
	case "none":
		p.reason, p.reasons[name] = name, does
	default:
		return fmt.Errorf("%q heads no block", line)
	}
	return nil
}

func (p *dutyParser) words(words []string) error {
	for _, w := range words {
		if err := p.word(w); err != nil {
			return err
		}
	}
	return nil
}

func (p *dutyParser) word(w string) error {
	switch p.block + " " + p.list {
	case "duty roles":
		return p.role(w)
	case "duty operations":
		d := &p.duties[len(p.duties)-1]
		d.operations = append(d.operations, w)
	case "duty events":
		return p.event(w, showing{duty: len(p.duties) - 1})
	case "none events":
		return p.event(w, showing{duty: -1, reason: p.reason})
	case "newer events":
		p.newer = append(p.newer, w)
	default:
		return fmt.Errorf("%q is in no list", w)
	}
	return nil
}

func (p *dutyParser) role(w string) error {
	d := &p.duties[len(p.duties)-1]
	name, partly := strings.CutPrefix(w, "~")
	name, page := strings.CutPrefix(name, "+")
	if !KnownOrgRole(name) && !KnownProjectRole(name) {
		return fmt.Errorf("%s: unknown role %q", d.name, name)
	}
	if partly {
		d.partly = append(d.partly, name)
	} else {
		d.enough = append(d.enough, name)
	}
	if page {
		d.page = append(d.page, name)
	}
	return nil
}

func (p *dutyParser) event(w string, s showing) error {
	feeds := []bool{true, false}
	if rest, ok := strings.CutPrefix(w, "org:"); ok {
		w, feeds = rest, feeds[:1]
	} else if rest, ok := strings.CutPrefix(w, "project:"); ok {
		w, feeds = rest, feeds[1:]
	}
	w, s.own = strings.CutPrefix(w, "?")
	for _, org := range feeds {
		key := feedType{w, org}
		if _, twice := p.shown[key]; twice {
			return fmt.Errorf("%s is there twice", w)
		}
		p.shown[key] = s
	}
	return nil
}

// check is what only the whole table can show.
func (t dutyTable) check() error {
	for _, d := range t.duties {
		if len(d.enough) == 0 {
			return fmt.Errorf("%s: no role is enough for it", d.name)
		}
	}
	for _, base := range []string{dutyOrgMember, dutyProjectRead} {
		if t.named(base) < 0 {
			return fmt.Errorf("there is no %s", base)
		}
	}
	if len(t.duties) > maxDuties {
		return fmt.Errorf("%d duties are more than a set holds", len(t.duties))
	}
	return nil
}

// The duties that every role of an org or project is for.
const (
	dutyOrgMember   = "org-member"
	dutyProjectRead = "project-read"
)

func (t dutyTable) named(name string) int {
	return slices.IndexFunc(t.duties, func(d duty) bool { return d.name == name })
}

// index works out what each documented role is enough for.
func (t *dutyTable) index() {
	t.sure, t.part, t.gives = map[string]dutySet{}, map[string]dutySet{}, map[string]dutySet{}
	all := documentedRoles()
	for _, role := range all {
		var sure, part dutySet
		for i, d := range t.duties {
			includes := func(other string) bool { return includesRole(role, other) }
			if slices.ContainsFunc(d.enough, includes) {
				sure = sure.with(i)
			}
			if slices.ContainsFunc(d.partly, includes) {
				part = part.with(i)
			}
		}
		t.sure[role], t.part[role] = sure, sure.or(part)
		gives := t.part[role]
		for i, other := range all {
			if includesRole(role, other) {
				gives = gives.with(len(t.duties) + i)
			}
		}
		t.gives[role] = gives
	}
}

func documentedRoles() []string { return slices.Concat(OrgRoles(), ProjectRoles()) }

// shows looks up what an event type shows. A type that this feed is not known to have is
// taken for what it is in the other.
func (t dutyTable) shows(eventType string, org bool) (showing, bool) {
	s, ok := t.shown[feedType{eventType, org}]
	if !ok {
		s, ok = t.shown[feedType{eventType, !org}]
	}
	return s, ok
}

// includesRole says that a grants everything that b grants, where a role of the org may
// bring roles on its projects.
func includesRole(a, b string) bool {
	switch {
	case a == b:
		return true
	case !KnownOrgRole(a):
		return ContainsProjectRole(a, b)
	case KnownOrgRole(b):
		return ContainsOrgRole(a, b)
	}
	return slices.ContainsFunc(ImpliedProjectRoles(a), func(r string) bool { return ContainsProjectRole(r, b) })
}
