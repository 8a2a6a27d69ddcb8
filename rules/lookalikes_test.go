package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const talesDir = "testdata/lookalikes"

// tale is one file of testdata/lookalikes: something legitimate that looks like a
// violation, told in steps. It begins in the world of base.yaml, under the configuration of
// deploy/examples/examplecorp.yaml, each changed by what the tale says.
type tale struct {
	Story   string                      `json:"story"`   // what happens and why it is legitimate
	Start   time.Time                   `json:"start"`   // else that of base.yaml
	Watched span                        `json:"watched"` // how long before the start it has been watched
	Config  map[string]any              `json:"config"`  // over the configuration: lists come before its own
	World   map[string]verbs            `json:"world"`   // over the world, before anybody looks
	Visits  map[string][]visit          `json:"visits"`  // daily logins beside those of the world
	Duties  map[string]map[string][]any `json:"duties"`  // likewise, events by actor
	Idle    []string                    `json:"idle"`    // members and credentials that nobody uses
	By      string                      `json:"by"`      // who does it, unless a step says otherwise
	Steps   []act                       `json:"steps"`
	Expect  []string                    `json:"expect"` // findings that rightly open: "prod rule name"
	Because string                      `json:"because"`
	But     []twin                      `json:"but"`
}

// twin is the tale with one small change, after which one rule speaks.
type twin struct {
	Says    string           `json:"says"`
	Config  map[string]any   `json:"config"`
	World   map[string]verbs `json:"world"`
	Without []int            `json:"without"` // steps left out, from 1
	Instead map[string]act   `json:"instead"` // steps replaced, by number
	Then    []act            `json:"then"`    // steps after them
	Fires   []string         `json:"fires"`   // of one rule, beside what is expected
}

// act is one thing that happens: what the next reads show, and what the feed alone tells.
type act struct {
	After   span                `json:"after"`
	By      string              `json:"by"`
	World   map[string]verbs    `json:"world"`
	Events  []heard             `json:"events"`
	Rotated map[string][]string `json:"rotated"` // database users with a new password
	Visits  map[string][]visit  `json:"visits"`  // from now on
	Gone    map[string][]string `json:"gone"`    // database users that log in no more
	Repeat  int                 `json:"repeat"`  // the step happens so often; 0: once
}

// tellings are the ways in which the same steps may come to the engine.
var tellings = []string{
	"each step is read and judged",
	"steps that follow soon are judged together",
	"steps that follow soon are read together",
	"who did it is told later",
}

// TestLookAlikes: what is legitimate stays silent however it is read and judged, with
// every rule on; and in the twins one small change makes one rule speak.
func TestLookAlikes(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(talesDir, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("list %s: %v", talesDir, err)
	}
	book := newTaleBook(t)
	silent, spoken := 0, 0
	for _, name := range names {
		if filepath.Base(name) == "base.yaml" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var one tale
		book.decode(t, name, text, &one)
		ok := t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			if len(one.Story) < 40 || len(one.Steps) == 0 || len(one.Expect) > 0 && one.Because == "" {
				t.Fatal("a look-alike needs its story, steps, and a reason for what it expects")
			}
			for _, how := range one.tellings() {
				if diff := cmp.Diff(one.Expect, book.tell(t, one, how), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +found):\n%s", how, diff)
				}
			}
			for _, b := range one.But {
				book.contrast(t, one, b)
			}
		})
		if ok {
			silent, spoken = silent+1, spoken+len(one.But)
		}
	}
	t.Logf("look-alikes: %d silent, %d twins spoken of", silent, spoken)
	if silent < 60 || spoken < 30 {
		t.Errorf("%d look-alikes and %d twins are too few", silent, spoken)
	}
}

// tellings are those that differ for the tale.
func (one tale) tellings() []string {
	steps := drawn(one.Steps)
	for _, s := range steps[1:] {
		if time.Duration(s.After) < soon {
			return tellings
		}
	}
	return []string{tellings[0], tellings[3]}
}

// contrast tells the twin, and wants what it names beside what the tale expects.
func (b *taleBook) contrast(t *testing.T, one tale, with twin) {
	t.Helper()
	rules := map[string]bool{}
	for _, f := range with.Fires {
		rules[strings.Fields(f)[1]] = true
	}
	if len(rules) != 1 || with.Says == "" {
		t.Errorf("but %q: a twin fires one rule and says by what", with.Says)
	}
	two := one
	two.Config, two.World = merged(one.Config, with.Config), overlaid(one.World, with.World)
	two.Steps = nil
	for i, s := range one.Steps {
		if other, ok := with.Instead[fmt.Sprint(i+1)]; ok {
			s = other
		}
		if !slices.Contains(with.Without, i+1) {
			two.Steps = append(two.Steps, s)
		}
	}
	two.Steps = append(two.Steps, with.Then...)
	want := slices.Sorted(slices.Values(slices.Concat(one.Expect, with.Fires)))
	if diff := cmp.Diff(want, b.tell(t, two, tellings[0]), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("but %s (-want +found):\n%s", with.Says, diff)
	}
}

// TestLookAlikesRestOnKnowledge: the world in which the look-alikes happen is silent since
// the rules know that it is well, not since they cannot tell.
func TestLookAlikesRestOnKnowledge(t *testing.T) {
	t.Parallel()
	book := newTaleBook(t)
	unknown := map[string]string{}
	w := book.world(t, tale{})
	for _, p := range w.places() {
		for _, v := range w.verdicts(p) {
			if v.Answer == "" {
				unknown[p+" "+v.Rule+" "+v.Ref.Name] = v.Why
			}
		}
	}
	if diff := cmp.Diff(map[string]string{}, unknown); diff != "" {
		t.Errorf("nobody can tell (-want +found):\n%s", diff)
	}
}
