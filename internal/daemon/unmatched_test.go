package daemon

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestUnmatchedDeclarations: what is declared and matches nothing is counted, until it does.
func TestUnmatchedDeclarations(t *testing.T) {
	edit := func(conf string) string {
		return conf + "principals:\n  - {id: ghost, email: ghost@example.com, atlas: [ghost@example.com, rajesh@example.com]}\n"
	}
	bubble(t, edit, func(t *testing.T, s *stage) {
		s.start()
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		gauge := func(want string) {
			t.Helper()
			if _, body := ask(s.daemon.ops(), "GET", "/metrics"); !strings.Contains(body, "\n"+`gatewarden_declarations_unmatched{section="principals"} `+want+"\n") {
				_, after, _ := strings.Cut(body, "gatewarden_declarations_unmatched{")
				t.Errorf("principals that match nothing are not %s: %.200s", want, after)
			}
		}
		gauge("1")
		s.conf = strings.Replace(s.conf, "[ghost@example.com, ", "[", 1)
		if code, said := ask(s.daemon.admin(), "POST", "/-/reload"); code != 200 {
			t.Fatalf("reload: %d %s", code, said)
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		gauge("0")
	})
}
