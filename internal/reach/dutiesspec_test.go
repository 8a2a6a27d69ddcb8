package reach

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// operation is what the official OpenAPI document says of an operation.
type operation struct {
	Method string
	ID     string   `yaml:"operationId"`
	Roles  []string `yaml:"x-rolesRequirements"`
}

// officialDocument is the parts of the specification that duties are held against. It
// comes with the SDK's module.
type officialDocument struct {
	operations map[string]operation
	schemas    map[string]yaml.Node
}

func readOfficialDocument(t *testing.T) officialDocument {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.mongodb.org/atlas-sdk/v20250312020").Output()
	if err != nil {
		t.Fatalf("finding the SDK's module: %v", err)
	}
	text, err := os.ReadFile(strings.TrimSpace(string(dir)) + "/openapi/atlas-api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]yaml.Node
		Components struct{ Schemas map[string]yaml.Node }
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	d := officialDocument{operations: map[string]operation{}, schemas: doc.Components.Schemas}
	for path, methods := range doc.Paths {
		for method, node := range methods {
			if !slices.Contains([]string{"get", "put", "post", "patch", "delete"}, method) {
				continue
			}
			op := operation{Method: method}
			if err := node.Decode(&op); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			for i, title := range op.Roles {
				op.Roles[i] = roleTitled(title)
			}
			d.operations[op.ID] = op
		}
	}
	return d
}

// roleTitled is the role with this title in the user interface.
func roleTitled(title string) string {
	if title == "Organization Billing Viewer" {
		return "ORG_BILLING_READ_ONLY"
	}
	return strings.NewReplacer("ORGANIZATION_", "ORG_", "PROJECT_", "GROUP_").Replace(
		strings.ToUpper(strings.ReplaceAll(title, " ", "_")))
}

func (d officialDocument) eventTypes(t *testing.T, schema string) (out []string) {
	t.Helper()
	var enum struct {
		Enum  []string                  `yaml:"enum"`
		OneOf []struct{ Enum []string } `yaml:"oneOf"`
	}
	node := d.schemas[schema]
	if err := node.Decode(&enum); err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	out = enum.Enum
	for _, one := range enum.OneOf {
		out = append(out, one.Enum...)
	}
	if len(out) == 0 {
		t.Fatalf("the specification's %s holds no event types", schema)
	}
	return out
}

// Every event type of the specification is mapped in each feed that has it, and the
// table has no others: a type that comes with a new SDK fails here until it is mapped.
// Every operation is of some duty, whose roles are those that the specification requires;
// only what each reader of a project or member of an org may read is left out.
func TestDutiesAgainstTheSpecification(t *testing.T) {
	doc, table := readOfficialDocument(t), theDuties()
	known := slices.Clone(table.newer)
	for schema, org := range map[string]bool{"EventTypeForOrg": true, "EventTypeForNdsGroup": false} {
		for _, name := range doc.eventTypes(t, schema) {
			known = append(known, name)
			if _, ok := table.shown[feedType{name, org}]; !ok {
				t.Errorf("%s (org: %v) is not mapped", name, org)
			}
		}
	}
	for key := range table.shown {
		if !slices.Contains(known, key.name) {
			t.Errorf("%s is mapped, and no feed has it", key.name)
		}
	}
	for _, name := range table.newer {
		if _, ok := table.shows(name, true); !ok {
			t.Errorf("%s is newer and not mapped", name)
		}
	}
	checkOperations(t, doc, table)
}

func checkOperations(t *testing.T, doc officialDocument, table dutyTable) {
	t.Helper()
	of := map[string]string{}
	for _, d := range table.duties {
		official := slices.DeleteFunc(slices.Concat(d.enough, d.partly), func(r string) bool { return slices.Contains(d.page, r) })
		slices.Sort(official)
		if len(d.operations) == 0 && len(official) > 0 {
			t.Errorf("%s: %v are said to be required, by no operation", d.name, official)
		}
		for _, id := range d.operations {
			op, ok := doc.operations[id]
			if !ok || of[id] != "" {
				t.Errorf("%s: %s does not exist, or is of %s", d.name, id, of[id])
			}
			of[id] = d.name
			want := slices.Sorted(slices.Values(op.Roles))
			if diff := cmp.Diff(want, official); diff != "" && len(want)+len(official) > 0 {
				t.Errorf("%s: roles of %s (-required +table):\n%s", d.name, id, diff)
			}
		}
	}
	for id, op := range doc.operations {
		anybodys := op.Method == "get" && (slices.Contains(op.Roles, projectReadOnly) || slices.Contains(op.Roles, orgMember))
		if of[id] == "" && !anybodys {
			t.Errorf("%s %s (%v) is of no duty", op.Method, id, op.Roles)
		}
		for _, r := range op.Roles {
			if !KnownOrgRole(r) && !KnownProjectRole(r) {
				t.Errorf("%s requires %s, which no table has", id, r)
			}
		}
	}
}

// A duty that no event shows could never be seen, so it says why it is kept; and each
// documented role is enough for something, the purpose-built ones for a duty of their own.
func TestEveryDutyIsSeenOrKept(t *testing.T) {
	table := theDuties()
	shown := map[int]bool{}
	for _, s := range table.shown {
		shown[s.duty] = true
	}
	for i, d := range table.duties {
		if !shown[i] && d.kept == "" && d.name != dutyOrgMember && d.name != dutyProjectRead {
			t.Errorf("%s can neither be seen nor is it kept", d.name)
		}
	}
	for _, role := range slices.Concat(OrgRoles(), ProjectRoles()) {
		if table.part[role] == (dutySet{}) {
			t.Errorf("%s is enough for nothing", role)
		}
	}
	for _, role := range purposeBuiltRoles() {
		if !KnownProjectRole(role) || !slices.ContainsFunc(table.duties, func(d duty) bool {
			return slices.Contains(d.enough, role) || slices.Contains(d.partly, role)
		}) {
			t.Errorf("%s has no duty of its own", role)
		}
	}
	if n := len(purposeBuiltRoles()); n != 15 {
		t.Errorf("%d purpose-built roles", n)
	}
}

func TestParseDutiesRefuses(t *testing.T) {
	ok := "duty org-member: a\n  roles ORG_MEMBER\nduty project-read: b\n  roles GROUP_READ_ONLY\n"
	if _, err := parseDuties(ok); err != nil {
		t.Fatal(err)
	}
	many := ok
	for i := range maxDuties {
		many += "duty d" + strings.Repeat("x", i) + ": a\n  roles ORG_MEMBER\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"a block without a sentence": {"duty x", "line 1"},
		"a block twice":              {ok + "duty org-member: c", "line 5"},
		"a reason twice":             {ok + "none a: b\nnone a: c", "line 6"},
		"an unknown block":           {"rule x: y", "heads no block"},
		"a list before any block":    {"  roles ORG_MEMBER", "outside of every block"},
		"an unknown role":            {"duty x: y\n  roles GROUP_KING", "GROUP_KING"},
		"an unknown list":            {"duty x: y\n  who ORG_MEMBER", "in no list"},
		"words before a list":        {"duty x: y\n    ORG_MEMBER", "in no list"},
		"an event twice":             {ok + "none a: b\n  events E\n    org:E", "E is there twice"},
		"a duty without a role":      {ok + "duty x: y\n  events E", "no role is enough"},
		"no base":                    {"duty org-member: a\n  roles ORG_MEMBER", "project-read"},
		"too many":                   {many, "more than a set holds"},
	} {
		if _, err := parseDuties(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShows(t *testing.T) {
	table := theDuties()
	for _, c := range []struct {
		event   string
		org     bool
		want    string
		own, ok bool
	}{
		{"MONGODB_USER_UPDATED", false, "database-users", false, true},
		{"USER_ROLES_CHANGED_AUDIT", false, "members", false, true},
		{"USER_ROLES_CHANGED_AUDIT", true, "org-users", false, true},
		{"API_KEY_CREATED", true, "org-keys", true, true},
		{"API_KEY_CREATED", false, "project-keys", false, true},
		{"ALERT_CONFIG_CHANGED_AUDIT", true, "org-alerts", false, true},
		{"JOINED_GROUP", false, "members", true, true},
		{"NETWORK_PERMISSION_ENTRY_ADDED", true, "access-list", false, true}, // not of this feed: as in the other
		{"CLUSTER_READY", false, "atlas", false, true},
		{"BRAND_NEW_TYPE", false, "", false, false},
	} {
		s, ok := table.shows(c.event, c.org)
		got := s.reason
		if ok && s.reason == "" {
			got = table.duties[s.duty].name
		}
		if ok != c.ok || got != c.want || s.own != c.own {
			t.Errorf("%s (org: %v) shows %q (own %v, known %v)", c.event, c.org, got, s.own, ok)
		}
	}
}
