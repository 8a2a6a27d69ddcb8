package atlas

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestNonCompliant: each policy is read with what does not comply with it. Where there
// are no policies nobody asks; what is odd in the answer takes nothing from them.
func TestNonCompliant(t *testing.T) {
	const two = `[{"id":"p1","name":"no world","policies":[]},{"id":"p2","name":"regions","policies":[]}]`
	for name, c := range map[string]struct {
		policies, rows string
		status         int
		want           string
		asked          int
	}{
		"nothing": {two, `[]`, 200, "complete p1 [] p2 []", 2},
		"some": {two, `[{"resourceName":"shop","resourceType":"PROJECT","resourceId":"i","resourcePoliciesCausingNonCompliance":[{"resourcePolicyId":"p1"},{"resourcePolicyId":"p9"}]},
			{"resourceType":"CLUSTER","resourceId":"c1","resourcePoliciesCausingNonCompliance":[{"resourcePolicyId":"p1"},{"resourcePolicyId":"p2"}]},
			{"resourceName":"shop","resourceType":"PROJECT","resourcePoliciesCausingNonCompliance":[{"resourcePolicyId":"p1"}]}]`, 200,
			"complete p1 [CLUSTER c1 PROJECT shop] p2 [CLUSTER c1]", 2},
		"odd":         {two, `[{"resourceName":7},{"resourcePoliciesCausingNonCompliance":[{"resourcePolicyId":"p1"}]}]`, 200, "complete p1 [resource ] p2 []", 2},
		"no policies": {`[]`, `[]`, 200, "complete", 1},
		"denied":      {two, `{"error":403,"errorCode":"USER_UNAUTHORIZED"}`, 403, "denied", 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			client := connect(t, answering(func(r *http.Request) (int, string) {
				asked++
				if strings.HasSuffix(r.URL.Path, "/nonCompliantResources") {
					return c.status, c.rows
				}
				return 200, c.policies
			}), nil)
			reading := client.Read(t.Context(), org, access.KindResourcePolicy)
			got := string(reading.Status)
			for _, s := range reading.States {
				p := s.(access.ResourcePolicy)
				got += fmt.Sprintf(" %s %v", p.ID, p.NonCompliant)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || asked != c.asked {
				t.Errorf("%s: asked %d (-want +got):\n%s", name, asked, diff)
			}
		})
	}
}
