package scan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestWhatARuleReadsBeside: changes of one poll that are of several kinds are judged by what
// each of these was then, not by what it is now, and no order of them makes up a finding.
func TestWhatARuleReadsBeside(t *testing.T) {
	audited := func(on bool) access.Auditing {
		return access.Auditing{ProjectID: prodID, Enabled: on, Filter: `{"atype":"authenticate"}`}
	}
	cluster := access.Cluster{Cluster: "orders"}
	for name, c := range map[string]struct {
		before []access.State
		on     bool
		steps  []access.State // auditing, or a cluster; nil: it is deleted
		want   int
	}{
		"off and on before there was a cluster":  {nil, true, []access.State{audited(false), audited(true), cluster}, 0},
		"off and on after there was one":         {nil, true, []access.State{cluster, audited(false), audited(true)}, 1},
		"on after the cluster was made":          {nil, false, []access.State{cluster, audited(true)}, 0},
		"off and on after the cluster went":      {[]access.State{cluster}, true, []access.State{nil, audited(false), audited(true)}, 0},
		"off and on before it went":              {[]access.State{cluster}, true, []access.State{audited(false), audited(true), nil}, 1},
		"off, and there is a cluster in the end": {nil, true, []access.State{audited(false), cluster}, 1},
	} {
		l := newLive(t, mustLoad(t, testPolicy()).Only("project/auditing-off")).settle()
		l.now = l.now.Add(time.Minute)
		l.read(prod, access.KindCluster, c.before...)
		l.read(prod, access.KindAuditing, audited(c.on))
		l.judge(prod)
		l.events = nil
		l.wait(10*time.Minute, time.Hour)
		begin := l.now
		for _, s := range c.steps {
			l.now = l.now.Add(time.Second)
			switch s := s.(type) {
			case access.Auditing:
				l.read(prod, access.KindAuditing, s)
			case access.Cluster:
				l.read(prod, access.KindCluster, s)
			default:
				l.read(prod, access.KindCluster)
			}
		}
		l.judge(prod)
		told := l.episodes(begin, true)
		if len(told) != c.want {
			t.Errorf("%s: told %v", name, told)
		}
		if diff := cmp.Diff(told, replayed(l.replay(begin, ReplayOptions{}), true)); diff != "" {
			t.Errorf("%s (-daemon +replay):\n%s", name, diff)
		}
	}
}
