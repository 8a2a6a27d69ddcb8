package sim

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestConformance asks of every served operation what the official document promises of
// it, and prints what was asked: with -v a table by family, and the operations of the
// document that are not served by tag.
func TestConformance(t *testing.T) {
	all, err := readSamples("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	m := &matrix{doc: officialDocument(t), all: all, world: conformanceWorld(t), known: knownDifferences(), families: map[string]*tally{}, written: map[string]bool{}}
	m.served(t)
	m.examineAll(t)
	m.byHand(t)
	m.eventsSeen(t)
	m.documentMended()
	m.differencesUsed(t)
	m.print(t)
}

// examineAll examines the samples side by side. They are no subtests, so that the table
// is the last that the test prints.
func (m *matrix) examineAll(t *testing.T) {
	var wait sync.WaitGroup
	slots := make(chan bool, runtime.GOMAXPROCS(0)+1)
	for _, s := range m.all.list {
		slots <- true
		wait.Go(func() {
			defer func() { <-slots }()
			m.examine(t, s)
		})
	}
	wait.Wait()
}

// matrix is what the checks of all operations share.
type matrix struct {
	doc   *document
	all   *samples
	world World
	known []*difference

	mu       sync.Mutex
	families map[string]*tally
	written  map[string]bool // event types seen
}

// tally counts for one family.
type tally struct {
	ops, differences map[string]bool
	checks           map[string]int
	failed           int
}

func (m *matrix) tally(family string) *tally {
	if m.families[family] == nil {
		m.families[family] = &tally{ops: map[string]bool{}, differences: map[string]bool{}, checks: map[string]int{}}
	}
	return m.families[family]
}

// served compares what is served with the document and with the samples.
func (m *matrix) served(t *testing.T) {
	sampled := map[string]string{}
	for _, s := range m.all.list {
		sampled[s.op] = s.family
	}
	for _, r := range routes() {
		op, found := m.doc.operations[r.op]
		family, has := sampled[r.op]
		delete(sampled, r.op)
		switch {
		case !found:
			t.Errorf("%s is not in the document", r.op)
			continue
		case !has:
			t.Errorf("%s is served and has no sample", r.op)
			family = "none"
		}
		m.count(t, sample{family: family, op: r.op}, "route", routeDiffers(r, op))
		m.tally(family).ops[r.op] = true
	}
	for _, op := range slices.Sorted(maps.Keys(sampled)) {
		t.Errorf("%s has a sample and is not served", op)
	}
}

func routeDiffers(r route, op officialOperation) string {
	newest := r.parsed[len(r.parsed)-1].date
	switch {
	case r.method != op.method || strings.Trim(r.path, "/") != strings.Trim(op.path, "/"):
		return fmt.Sprintf("%s %s, the document has %s %s", r.method, r.path, op.method, op.path)
	case op.newest() != "" && newest != op.newest():
		return fmt.Sprintf("newest version %s, the document has %s", newest, op.newest())
	}
	return ""
}

// count notes one check; why says what is wrong, if anything is.
func (m *matrix) count(t *testing.T, s sample, check, why string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.tally(s.family)
	sum.checks[check]++
	if why != "" {
		sum.failed++
		t.Errorf("%s (line %d): %s: %s", s.op, s.line, check, why)
	}
}

// differ notes that a known difference was needed.
func (m *matrix) differ(family string, k *difference) {
	k.used.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tally(family).differences[k.what] = true
}

func (m *matrix) documentMended() {
	for _, k := range m.known {
		if k.mended != nil {
			k.used.Add(int64(k.mended(m.doc.mended)))
		}
	}
}

// A difference that nothing needs is no difference.
func (m *matrix) differencesUsed(t *testing.T) {
	for _, k := range m.known {
		if k.used.Load() == 0 {
			t.Errorf("known difference %q (%s) is nowhere needed", k.what, k.source)
		}
	}
}

func (m *matrix) print(t *testing.T) {
	out := &strings.Builder{}
	fmt.Fprintf(out, "%-14s %8s %8s %18s %8s\n", "family", "served", "checks", "known differences", "failed")
	ops, checks, failed := 0, 0, 0
	for _, name := range slices.Sorted(maps.Keys(m.families)) {
		f, n := m.families[name], 0
		for _, c := range f.checks {
			n += c
		}
		fmt.Fprintf(out, "%-14s %8d %8d %18d %8d\n", name, len(f.ops), n, len(f.differences), f.failed)
		ops, checks, failed = ops+len(f.ops), checks+n, failed+f.failed
	}
	out.WriteString("\nchecks by kind\n")
	m.printKinds(out)
	out.WriteString("\nknown differences\n")
	for _, k := range m.known {
		fmt.Fprintf(out, "  %s (%s): needed %d times\n", k.what, k.source, k.used.Load())
	}
	m.printUnserved(out)
	fmt.Fprintf(out, "%d operations served, %d checks, %d known differences, %d failed", ops, checks, len(m.known), failed)
	if testing.Verbose() {
		fmt.Println(out)
	}
}

func (m *matrix) printKinds(out *strings.Builder) {
	sum := map[string]int{}
	for _, f := range m.families {
		for check, n := range f.checks {
			sum[check] += n
		}
	}
	for _, check := range slices.Sorted(maps.Keys(sum)) {
		fmt.Fprintf(out, "  %-28s %6d\n", check, sum[check])
	}
}

func (m *matrix) printUnserved(out *strings.Builder) {
	served, tags, n := map[string]bool{}, map[string]int{}, 0
	for _, r := range routes() {
		served[r.op] = true
	}
	for id, op := range m.doc.operations {
		if !served[id] {
			tags[strings.Join(op.Tags, ", ")]++
			n++
		}
	}
	fmt.Fprintf(out, "\n%d of the document's %d operations are not served\n", n, len(m.doc.operations)-m.doc.mended.newer)
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		fmt.Fprintf(out, "  %-60s %4d\n", tag, tags[tag])
	}
	out.WriteString("\n")
}
