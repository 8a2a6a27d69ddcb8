package daemon

import (
	"testing"
	"testing/synctest"
)

// TestJunkInABucket: what somebody else stored among the actions makes a list an error and not a
// shorter list, and stops nothing of what is looked after one by one.
func TestJunkInABucket(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, dir, read(t, "testdata/world.yaml"), read(t, "testdata/config.yaml"))
		s.start()
		defer s.stop()
		synctest.Wait()
		d := s.daemon
		if _, err := d.AllActions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.conn.Request("$KV.gw_actions.junk", []byte(`{"stream":"GW_CHANGES","seq":1}`), shutdownGrace); err != nil {
			t.Fatal(err)
		}
		if all, err := d.AllActions(t.Context()); err == nil {
			t.Errorf("the list is taken for whole, with %d actions", len(all))
		}
		if err := d.tended(t.Context()); err != nil {
			t.Errorf("what follows from commands is not looked after: %v", err)
		}
	})
}
