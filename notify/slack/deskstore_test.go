package slack

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// drawer is a store in memory.
type drawer[T any] struct {
	mu     sync.Mutex
	docs   map[string][]byte
	revs   map[string]uint64
	hang   bool
	slow   time.Duration // whatever the one who waits does
	broken error
}

func newDrawer[T any]() *drawer[T] {
	return &drawer[T]{docs: map[string][]byte{}, revs: map[string]uint64{}}
}

func (d *drawer[T]) set(hang bool, broken error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hang, d.broken = hang, broken
}

func (d *drawer[T]) wait(ctx context.Context) error {
	d.mu.Lock()
	hang, broken, slow := d.hang, d.broken, d.slow
	d.mu.Unlock()
	if slow > 0 {
		time.Sleep(slow)
	}
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return broken
}

func (d *drawer[T]) Get(ctx context.Context, key string) (v T, rev uint64, err error) {
	if err := d.wait(ctx); err != nil {
		return v, 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.get(key)
}

func (d *drawer[T]) get(key string) (v T, rev uint64, err error) {
	if raw, ok := d.docs[key]; ok {
		return v, d.revs[key], json.Unmarshal(raw, &v)
	}
	return v, 0, nil
}

func (d *drawer[T]) Update(ctx context.Context, key string, compute func(T, uint64) (*T, []access.Out, error)) (uint64, error) {
	if err := d.wait(ctx); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	cur, rev, err := d.get(key)
	if err != nil {
		return 0, err
	}
	next, _, err := compute(cur, rev)
	if err != nil || next == nil {
		return rev, err
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return 0, errors.Join(err, errors.New("store a click"))
	}
	d.docs[key], d.revs[key] = raw, rev+1
	return rev + 1, nil
}

func (d *drawer[T]) Delete(ctx context.Context, key string) error {
	if err := d.wait(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.docs, key)
	return nil
}

func (d *drawer[T]) Keys(ctx context.Context) ([]string, error) {
	if err := d.wait(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.docs)), nil
}
