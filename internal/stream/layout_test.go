package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestPartitionIsFixed(t *testing.T) {
	// These values are stored in subjects: they must never change.
	for scope, want := range map[access.Scope]int{"": 5, "a": 12, "prj.64f000000000000000000000": 7} {
		if got := Partition(scope); got != want {
			t.Errorf("Partition(%q) = %d, want %d", scope, got, want)
		}
	}
}

func TestOpenSetsUpTheLayout(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		var sum int64
		for name, st := range w.streams {
			c := st.CachedInfo().Config
			if c.Metadata[layoutKey] != fmt.Sprint(Layout) || c.MaxBytes <= 0 || c.AllowDirect {
				t.Errorf("%s: layout %q, %d bytes, direct gets %v", name, c.Metadata[layoutKey], c.MaxBytes, c.AllowDirect)
			}
			if c.Storage == jetstream.FileStorage {
				sum += c.MaxBytes
			}
		}
		if len(w.streams) != 25 || sum > defaultStoreBytes*8/10 {
			t.Errorf("%d streams that may take %d bytes", len(w.streams), sum)
		}
		audit := w.streams["GW_AUDIT"].CachedInfo().Config
		if !audit.DenyDelete || !audit.DenyPurge || audit.MaxAge != 0 {
			t.Errorf("the audit stream can be cut: %+v", audit)
		}
		if _, err := w.js.KeyValue(w.Context(), "gw_locks"); err != nil {
			t.Errorf("a bucket is not a KV bucket: %v", err)
		}
		bytes, limit, err := w.Usage(w.Context())
		if err != nil || limit == 0 || bytes > limit {
			t.Errorf("usage %d of %d, %v", bytes, limit, err)
		}
	})
}

func TestOpenFollowsTheOptionsAndNotAnOlderLayout(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		s := w.replica(Options{StoreBytes: 1 << 30, Retention: 24 * time.Hour})
		c := s.streams["GW_EVENTS"].CachedInfo().Config
		if c.MaxBytes != 1<<30*65/1000 || c.MaxAge != 24*time.Hour {
			t.Errorf("limits did not follow: %d, %v", c.MaxBytes, c.MaxAge)
		}
		edit := func(change func(*jetstream.StreamConfig)) {
			t.Helper()
			c := w.streams["GW_DLQ"].CachedInfo().Config
			change(&c)
			if _, err := w.js.UpdateStream(w.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		edit(func(c *jetstream.StreamConfig) {
			c.Metadata = map[string]string{layoutKey: "0"}
			c.MaxAge = time.Hour * 5
		})
		if got := w.replica(Options{}).streams["GW_DLQ"].CachedInfo().Config; got.Metadata[layoutKey] != "1" || got.MaxAge != dlqAge {
			t.Errorf("a lower layout was not updated: %v %v", got.Metadata, got.MaxAge)
		}
		for what, metadata := range map[string]map[string]string{"newer version": {layoutKey: "2"}, "not Gatewarden's": {}} {
			edit(func(c *jetstream.StreamConfig) { c.Metadata = metadata })
			if _, err := Open(w.Context(), w.nc, Options{}); err == nil || !strings.Contains(err.Error(), what) || errors.Is(err, access.ErrTemporary) {
				t.Errorf("%v: %v, want a refusal with %q", metadata, err, what)
			}
		}
	})
}

func TestOpenRefusesWhatCannotBeChanged(t *testing.T) {
	have := jetstream.StreamConfig{Name: "GW_EVAL", Metadata: map[string]string{layoutKey: "1"}}
	want := have
	want.Retention = jetstream.WorkQueuePolicy
	if _, err := migrate(have, want); err == nil || !strings.Contains(err.Error(), "cannot be changed") {
		t.Errorf("another retention: %v", err)
	}
}

func TestOpenRefusesBadOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"prefix": {Prefix: "a.b"}, "replicas": {Replicas: 9}, "store": {StoreBytes: 5}, "retention": {Retention: time.Second},
	} {
		if _, err := Open(t.Context(), nil, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error about the %s", o, err, want)
		}
	}
}

// TestAFullStreamRefuses fills the decisions: what owes one stays owing, and is delivered
// once there is room.
func TestAFullStreamRefuses(t *testing.T) {
	inWorld(t, Options{StoreBytes: minStoreBytes}, func(w *world) {
		out := access.Out{Topic: access.TopicDecision, Scope: scopeA, Keys: []string{"intent"}, Body: []byte(`"` + noise(100_000) + `"`)}
		for err := error(nil); err == nil; {
			err = w.Publish(w.Context(), out)
		}
		kv := Bucket[note](w.Stream, "control")
		_, err := kv.Update(w.Context(), "k", set("x", out))
		wantErr(t, err, access.ErrTemporary)
		bytes, limit, err := w.Usage(w.Context())
		if err != nil || float64(bytes)/float64(limit) < 0.75 {
			t.Errorf("usage %d of %d, %v", bytes, limit, err)
		}
		if err := w.streams["GW_DECISIONS"].Purge(w.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := kv.Flush(w.Context()); n != 1 || err != nil || len(w.stored(streamDecisions)) != 1 {
			t.Errorf("flushed %d, %v; %d stored", n, err, len(w.stored(streamDecisions)))
		}
	})
}
