package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewarden/gatewarden/internal/reach"
)

// The pictures are drawn in units of their view box, and scaled by the page.
const (
	exposureWidth  = 320.0
	privilegeWidth = 160.0
)

// bars is the picture of exposure: how much of the public internet each project lets in,
// on a logarithmic scale, since one entry is the difference between 1 and 3.7 thousand
// million addresses.
type bars struct {
	Ticks []tick
	Rows  []exposureRow
	More  []exposureRow // what one unfolds
}

type tick struct {
	X     float64
	Label string
}

type exposureRow struct {
	Scope
	V4, V6 float64 // lengths of the bars
	Level  string  // class of the bar
	Text   string
	Ways   string
}

// place is a position on the logarithmic scale from 0 to all of total.
func placeOn(n, total uint64, width float64) float64 {
	return math.Round(10*width*math.Log2(1+float64(min(n, total)))/math.Log2(1+float64(total))) / 10
}

func (r Report) exposures() bars {
	b := bars{}
	total := reach.PublicV4Total()
	for _, t := range []struct {
		n     uint64
		label string
	}{{0, "0"}, {256, "/24"}, {1 << 16, "/16"}, {1 << 24, "/8"}, {total, "all"}} {
		b.Ticks = append(b.Ticks, tick{placeOn(t.n, total, exposureWidth), t.label})
	}
	for _, s := range r.Scopes {
		if !s.Scope.IsOrg() {
			b.Rows = append(b.Rows, exposed(s))
		}
	}
	slices.SortStableFunc(b.Rows, func(x, y exposureRow) int {
		known := func(e exposureRow) int {
			if e.Exposure == nil {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(known(x), known(y)), cmp.Compare(max(y.V4, y.V6), max(x.V4, x.V6)))
	})
	b.Rows, b.More = fold(b.Rows)
	return b
}

func exposed(s Scope) exposureRow {
	row := exposureRow{Scope: s}
	e := s.Exposure
	if e == nil {
		row.Text = "Not known: the access list could not be read."
		return row
	}
	row.V4 = placeOn(e.V4, reach.PublicV4Total(), exposureWidth)
	row.V6 = placeOn(e.V6Slash64, reach.PublicV6Slash64Total(), exposureWidth)
	switch {
	case e.World():
		row.Level, row.Text = "world", "The whole internet"
	case e.V4 == 0 && e.V6Slash64 == 0:
		row.Level, row.Text = "none", "Nothing public"
	case e.V4 > 1<<16 || e.V6Slash64 > 1<<16:
		row.Level = "wide"
	default:
		row.Level = "narrow"
	}
	if row.Text == "" {
		row.Text = plural(1, "public address", "")
		if e.V4 != 1 {
			row.Text = figure(e.V4) + " public addresses"
		}
		if e.V6Slash64 > 0 {
			row.Text += ", " + figure(e.V6Slash64) + " IPv6 /64"
		}
	}
	row.Ways = plural(e.Entries, "entry", "entries")
	if e.Temporary > 0 {
		row.Ways += ", " + strconv.Itoa(e.Temporary) + " temporary"
	}
	if e.PrivatePaths > 0 {
		row.Ways += ", " + plural(e.PrivatePaths, "private path", "private paths")
	}
	return row
}

// legend names a part of the picture of privilege.
type legend struct{ Class, Word string }

func reachLegend() []legend {
	return []legend{
		{"p1", "admin or owner"}, {"p2", "any database, or manager"}, {"p3", "writes, or data access"}, {"p4", "reads only"}, {"p5", "no data"}, {"p0", "role not known"},
	}
}

// privilegeRow is one project or org: how its identities divide up by their strongest reach.
type privilegeRow struct {
	Scope
	Parts []stack
}

// stack is one bar, all of which is 100 %.
type stack struct {
	Head  string
	Known bool
	Total int
	Parts []part
	Text  string
}

type part struct {
	X, Width float64
	Class    string
}

type share struct {
	class, word, many string // many: of several, where that is another word
	n                 int
}

// privileges lists the orgs, then the projects with most to lose first.
func (r Report) privileges() []privilegeRow {
	var out []privilegeRow
	for _, s := range r.Scopes {
		row := privilegeRow{Scope: s, Parts: []stack{databaseStack(s.Privilege.Database), roleStack("People", s.Privilege.People), roleStack("Machines", s.Privilege.Machines)}}
		if s.Scope.IsOrg() {
			row.Parts[0] = stack{Head: "Database users", Known: true, Text: "–"}
		}
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b privilegeRow) int {
		return cmp.Compare(b.Privilege.weight(b.Scope.Scope.IsOrg()), a.Privilege.weight(a.Scope.Scope.IsOrg()))
	})
	return out
}

// weight orders the picture: orgs, then what is not known, then who has most administrators.
func (p Privilege) weight(org bool) int {
	switch {
	case org:
		return math.MaxInt
	case p.Database == nil:
		return math.MaxInt - 1
	}
	return p.Database.Admin*1000 + p.Database.AnyDatabase
}

func databaseStack(d *DatabaseReach) stack {
	if d == nil {
		return stack{Head: "Database users", Text: "not known"}
	}
	return newStack("Database users", []share{
		{"p1", "admin", "admins", d.Admin}, {"p2", "any database", "", d.AnyDatabase}, {"p3", "write", "", d.Write}, {"p4", "read", "", d.Read}, {"p5", "no data", "", d.None}, {"p0", "not known", "", d.Unknown},
	})
}

func roleStack(head string, p *RoleReach) stack {
	if p == nil {
		return stack{Head: head, Text: "not known"}
	}
	return newStack(head, []share{
		{"p1", "owner", "owners", p.Owner}, {"p2", "manager", "managers", p.Manager}, {"p3", "data access", "", p.DataAccess}, {"p4", "read only", "", p.ReadOnly}, {"p0", "not known", "", p.Unknown},
	})
}

func newStack(head string, shares []share) stack {
	s := stack{Head: head, Known: true}
	for _, x := range shares {
		s.Total += x.n
	}
	var words []string
	at := 0.0
	for _, x := range shares {
		if x.n <= 0 {
			continue
		}
		width := privilegeWidth * float64(x.n) / float64(s.Total)
		s.Parts = append(s.Parts, part{X: math.Round(at*10) / 10, Width: math.Round(width*10) / 10, Class: x.class})
		at += width
		words = append(words, plural(x.n, x.word, cmp.Or(x.many, x.word)))
	}
	if len(words) == 1 { // then the total says the number
		_, words[0], _ = strings.Cut(words[0], " ")
		if s.Total > 1 {
			words[0] = "all " + words[0]
		}
	}
	s.Text = cmp.Or(strings.Join(words, ", "), "none")
	return s
}

// figure is a number with thousands set apart.
func figure(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
