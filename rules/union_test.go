package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestCompanions: two ways of opening the world do not shield each other, and an entry
// that is not needed for it is no cause.
func TestCompanions(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for name, c := range map[string]struct {
		before, then []string
		ref          string
		causes       []string
	}{
		"alone":                        {nil, []string{"0.0.0.0/0"}, "0.0.0.0/0", []string{"0.0.0.0/0"}},
		"a wide one beside it":         {nil, []string{"0.0.0.0/0", "4.0.0.0/8"}, "0.0.0.0/0", []string{"0.0.0.0/0"}},
		"both families":                {nil, []string{"0.0.0.0/0", "::/0"}, "0.0.0.0/0", []string{"0.0.0.0/0", "::/0"}},
		"both families, the other one": {nil, []string{"0.0.0.0/0", "::/0"}, "::/0", []string{"::/0", "0.0.0.0/0"}},
		"the whole and its halves":     {nil, []string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"}, "0.0.0.0/0", []string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"}},
		"the halves and their whole":   {nil, []string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"}, prjID, []string{"0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/0"}},
		"a half was there before":      {[]string{"0.0.0.0/1"}, []string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"}, "0.0.0.0/0", []string{"0.0.0.0/0", "128.0.0.0/1"}},
		"the other family was there":   {[]string{"::/0"}, []string{"0.0.0.0/0", "::/0"}, "0.0.0.0/0", []string{"0.0.0.0/0"}},
		"there before":                 {[]string{"0.0.0.0/0"}, []string{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"}, "0.0.0.0/0", []string{"0.0.0.0/0"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, e)
			delete(b.inv, access.KindIPAccessEntry)
			b.read(access.KindIPAccessEntry, entries(c.before...)...)
			b.judge()
			b.wait(time.Hour)
			b.read(access.KindIPAccessEntry, entries(c.then...)...)
			b.judge()
			var got []string
			for _, r := range b.finding(openWorld, c.ref).Evidence.Causes {
				got = append(got, r.Name)
			}
			if diff := cmp.Diff(c.causes, got); diff != "" {
				t.Errorf("causes (-want +got):\n%s", diff)
			}
		})
	}
}
