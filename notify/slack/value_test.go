package slack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestValuesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[0-9a-f]{0,32}`)
		v := Value{
			Group: id.Draw(t, "group"), Rev: rapid.IntRange(0, 1e6).Draw(t, "rev"), Finding: id.Draw(t, "finding"), Episode: rapid.IntRange(0, 1e6).Draw(t, "episode"),
			Action: id.Draw(t, "action"), Plan: id.Draw(t, "plan"), Scope: access.ProjectScope("64f000000000000000000002"),
		}
		got, err := ParseValue(v.String())
		if diff := cmp.Diff(v, got); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		if len(v.String()) > 400 {
			t.Fatalf("%d characters", len(v.String()))
		}
	})
}

func TestValuesOfOthersAreRefused(t *testing.T) {
	for want, s := range map[string]string{
		"another version":    "v2|g|1||f|1|a|p",
		"parts":              "v1|g|1",
		"revision":           "v1|g|one||f|1|a|p",
		"episode":            "v1|g|1||f|-1|a|p",
		"scope":              "v1|g|1|prj.*|f|1|a|p",
		"401 parts":          "v1" + strings.Repeat("|", 400),
		"revision \"99999":   "v1|g|99999999999999999999||f|1|a|p",
		"1 parts of version": "",
	} {
		if _, err := ParseValue(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", s, err, want)
		}
	}
}
