package daemon

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
)

// TestAskedAboutWhat: a question about rules that name no remedy must say what is asked.
func TestAskedAboutWhat(t *testing.T) {
	const conf = `atlas: {orgs: [{id: 64f000000000000000000001, read: {public_key: {env: A}, private_key: {env: B}}}]}
principals: [{id: alice}]
responses:
  - {rules: [RULES], do: approve, approvers: [alice]REMEDY}
`
	for _, c := range []struct {
		rules, remedy, want string
	}{
		{"dbuser/unused", "", "4:14: responses[0].rules[0]: do: approve, but dbuser/unused names no remedy"},
		{"dbuser/unused", ", remedy: quarantine", ""},
		{"network/open-to-world", "", ""},
		{`"dbuser/*"`, "", ""},
	} {
		f, err := config.Load("x.yaml", []byte(strings.NewReplacer("RULES", c.rules, "REMEDY", c.remedy).Replace(conf)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = buildFor(f, access.OwnAccess{})
		if got := err == nil; got != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%s: %v", c.rules, c.remedy, err)
		}
	}
}
