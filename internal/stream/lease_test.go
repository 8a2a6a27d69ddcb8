package stream

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func TestLeaseExcludesOthersUntilItEnds(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		other := w.replica(Options{})
		a, err := w.Acquire(w.Context(), scopeA, "a", 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, owner := range []string{"b", "a"} {
			_, err = other.Acquire(w.Context(), scopeA, owner, 30*time.Second)
			wantErr(t, err, access.ErrTemporary)
			if !strings.Contains(err.Error(), "locked by a") {
				t.Errorf("the error %v does not name the owner", err)
			}
		}
		if _, err := other.Acquire(w.Context(), scopeB, "b", 30*time.Second); err != nil {
			t.Errorf("another scope's lock: %v", err)
		}
		for range 10 {
			time.Sleep(20 * time.Second)
			if err := a.Renew(w.Context()); err != nil {
				t.Fatal(err)
			}
			if err := a.Valid(29 * time.Second); err != nil {
				t.Error(err)
			}
		}
		if err := a.Release(w.Context()); err != nil {
			t.Fatal(err)
		}
		wantErr(t, a.Valid(0), ErrLeaseLost)
		wantErr(t, a.Renew(w.Context()), ErrLeaseLost)
		b, err := other.Acquire(w.Context(), scopeA, "b", 30*time.Second)
		if err != nil || b.Generation() <= a.Generation() {
			t.Fatalf("after the release: %v", err)
		}
	})
}

func TestTakeoverWaitsForTheLeaseAndARequest(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		other := w.replica(Options{})
		a, err := w.Acquire(w.Context(), scopeA, "a", 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var b *Lease
		for b == nil {
			time.Sleep(100 * time.Millisecond)
			if b, err = other.Acquire(w.Context(), scopeA, "b", 30*time.Second); err != nil && !errors.Is(err, access.ErrTemporary) {
				t.Fatal(err)
			}
			if time.Since(begin) >= 30*time.Second {
				wantErr(t, a.Valid(0), ErrLeaseLost)
			}
			if time.Since(begin) > 21*time.Second {
				wantErr(t, a.Valid(9*time.Second), ErrLeaseLost)
			}
		}
		within(t, "the takeover", time.Since(begin), 40*time.Second, 43*time.Second)
		// The former owner wakes up: it can neither renew nor take away what is not its own.
		wantErr(t, a.Renew(w.Context()), ErrLeaseLost)
		if err := a.Release(w.Context()); err != nil {
			t.Errorf("a stale release: %v", err)
		}
		if err := b.Renew(w.Context()); err != nil {
			t.Errorf("after the stale release: %v", err)
		}
		if _, err := w.Acquire(w.Context(), scopeA, "c", time.Minute); err == nil {
			t.Error("the stale release freed the lock")
		}
	})
}

func TestARenewalWhoseAnswerWasLost(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		a, err := w.Acquire(w.Context(), scopeA, "a", 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		before := a.seq
		if err := a.Renew(w.Context()); err != nil {
			t.Fatal(err)
		}
		a.seq = before // as if the answer had been lost
		time.Sleep(20 * time.Second)
		if err := a.Renew(w.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.Valid(29 * time.Second); err != nil {
			t.Error(err)
		}
		// The lock really lives on: the renewal kept its time to live.
		time.Sleep(25 * time.Second)
		_, err = w.Acquire(w.Context(), scopeA, "b", time.Minute)
		wantErr(t, err, access.ErrTemporary)
		time.Sleep(20 * time.Second)
		if _, err = w.Acquire(w.Context(), scopeA, "b", time.Minute); err != nil {
			t.Errorf("a renewed lock never ended: %v", err)
		}
	})
}

func TestLocksSurviveARestart(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		if _, err := w.Acquire(w.Context(), scopeA, "a", time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := w.PutSealed(w.Context(), "cred.1", []byte("sealed"), time.Hour); err != nil {
			t.Fatal(err)
		}
		w.restart(Options{})
		_, err := w.Acquire(w.Context(), scopeA, "b", time.Minute)
		wantErr(t, err, access.ErrTemporary)
		if got, err := w.GetSealed(w.Context(), "cred.1"); string(got) != "sealed" || err != nil {
			t.Errorf("sealed value: %q, %v", got, err)
		}
		time.Sleep(75 * time.Second)
		if _, err = w.Acquire(w.Context(), scopeA, "b", time.Minute); err != nil {
			t.Errorf("after its time: %v", err)
		}
	})
}

func TestLeaseRefusals(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		for _, c := range []struct {
			scope access.Scope
			owner string
			lease time.Duration
		}{{"a.*", "o", time.Minute}, {scopeA, "", time.Minute}, {scopeA, "o", time.Millisecond}} {
			if _, err := w.Acquire(w.Context(), c.scope, c.owner, c.lease); err == nil || errors.Is(err, access.ErrTemporary) {
				t.Errorf("%v: %v", c, err)
			}
		}
	})
}

func TestSealedValuesExpire(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		if got, err := w.GetSealed(w.Context(), "none"); got != nil || err != nil {
			t.Errorf("absent: %q %v", got, err)
		}
		for _, text := range []string{"old", "new"} {
			if err := w.PutSealed(w.Context(), "cred", []byte(text), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(59 * time.Minute)
		if got, err := w.GetSealed(w.Context(), "cred"); string(got) != "new" || err != nil {
			t.Errorf("before its end: %q %v", got, err)
		}
		time.Sleep(2 * time.Minute)
		if got, err := w.GetSealed(w.Context(), "cred"); got != nil || err != nil {
			t.Errorf("after its end: %q %v", got, err)
		}
		if err := w.PutSealed(w.Context(), "cred", nil, time.Hour); err == nil {
			t.Error("an empty value was kept")
		}
		if _, err := w.GetSealed(w.Context(), "a*"); err == nil {
			t.Error("a wildcard was read")
		}
	})
}
