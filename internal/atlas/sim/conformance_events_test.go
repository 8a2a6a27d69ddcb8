package sim

import (
	"go/ast"
	"go/parser"
	positions "go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// eventsSeen compares the event types that the simulator's source names with those that
// were written, and so judged, on the way.
func (m *matrix) eventsSeen(t *testing.T) {
	unseen := map[string]bool{}
	for _, kind := range namedEvents(t) {
		if !m.written[kind] {
			unseen[kind] = true
		}
	}
	for kind := range unwritten() {
		if !unseen[kind] {
			t.Errorf("event %s is written, or no longer named: take it out of the list", kind)
		}
		delete(unseen, kind)
	}
	m.count(t, sample{family: "core", op: "events"}, "every event type is judged", strings.Join(slices.Sorted(maps.Keys(unseen)), " "))
}

// namedEvents are the string literals of the package that are event types.
func namedEvents(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	types, found := newEventTypes(), map[string]bool{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(positions.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == positions.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && types[s].name != "" {
					found[s] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// unwritten are the types that the source names for something else than an event.
func unwritten() map[string]string {
	out := map[string]string{}
	for _, kind := range []string{"HOST_DOWN", "HOST_UP", "NO_PRIMARY", "PRIMARY_ELECTED", "USERS_WITHOUT_MULTI_FACTOR_AUTH", "ALL_USERS_HAVE_MULTI_FACTOR_AUTH", "GROUP_SERVICE_ACCOUNT_SECRETS_EXPIRING"} {
		out[kind] = "the type of an alert"
	}
	return out
}

// byHand judges the events of what has no operation: people do it in the UI alone.
func (m *matrix) byHand(t *testing.T) {
	w := openWorld(t, m.world, "", nil)
	alice := Actor{Username: "alice@example.com"}
	id := w.ConnectOrg(alice, w.OrgID("LoneCorp"), "")
	w.AddIdentityProvider(alice, id, IdentityProvider{Protocol: "SAML", DisplayName: "lone", IssuerURI: "urn:lone"})
	w.EditFederatedDomains(alice, id, []string{"lone.example"})
	w.EditFederatedDomains(alice, id, nil)
	on, off := true, false
	for _, enabled := range []*bool{&on, &off, nil} {
		w.EditUIAccessList(alice, w.OrgID("ExampleCorp"), enabled)
	}
	if err := w.AcceptInvitation("paula@example.com"); err != nil {
		t.Error(err)
	}
	e := &exam{matrix: m, t: t, sample: sample{family: "core", op: "by hand"}}
	for _, h := range w.feeds() {
		m.count(t, e.sample, "event valid", e.eventDiffers(h))
	}
}
