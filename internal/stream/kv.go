package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/gatewarden/gatewarden/internal/access"
)

// KV is a bucket whose documents are Ts, in JSON.
type KV[T any] struct {
	b       *bucket
	scanned atomic.Uint64 // Flush has seen to all messages up to this sequence
}

// Bucket is the bucket of this name: watch, inventory, history, facts, findings, actions,
// waivers, control, locks, deliveries or tokens. Another name is a mistake of the program and panics.
func Bucket[T any](s *Stream, name string) *KV[T] {
	full := s.bucketName(name)
	st, ok := s.streams["KV_"+full]
	if !ok {
		panic("stream: there is no bucket " + name)
	}
	return &KV[T]{b: &bucket{s: s, name: full, stream: st}}
}

// Get reads a document and its revision through the leader: the zero T and 0 when it does not
// exist (any more).
func (k *KV[T]) Get(ctx context.Context, key string) (T, uint64, error) {
	var doc T
	e, err := k.b.load(ctx, key)
	if err != nil {
		return doc, 0, err
	}
	doc, err = decodeDoc[T](k.b.title(key), e)
	return doc, e.revision(), err
}

// Update is the stage pattern: publish a leftover outbox → load → compute → one compare-and-set of
// state and outbox → publish the outbox in order → clear it. compute is pure: it runs again on
// every lost compare-and-set. A nil next is "nothing to write". rev is the revision that
// the compare-and-set expects, 0 for none; it changes only with the state.
//
// An error may come after the state was stored (its messages then go out with the next Update or
// Flush), or leave open whether it was: whoever comes back must compute from what is there.
func (k *KV[T]) Update(ctx context.Context, key string, compute func(cur T, rev uint64) (*T, []access.Out, error)) (uint64, error) {
	return k.b.update(ctx, key, func(e entry) (computed, error) {
		cur, err := decodeDoc[T](k.b.title(key), e)
		if err != nil {
			return computed{}, err
		}
		next, outs, err := compute(cur, e.revision())
		if err != nil {
			return computed{}, err
		}
		if next == nil {
			if len(outs) > 0 {
				return computed{}, fmt.Errorf("stream: update %s: messages without a state to store them in", k.b.title(key))
			}
			return computed{}, nil
		}
		doc, err := json.Marshal(next)
		if err != nil {
			return computed{}, fmt.Errorf("stream: encode %s: %w", k.b.title(key), err)
		}
		return computed{doc, outs}, nil
	})
}

// Delete publishes what the document owes and removes it. It is no error if there is none. After a
// deletion revisions begin at 0 again: a document whose revisions are part of ids must not be deleted.
func (k *KV[T]) Delete(ctx context.Context, key string) error { return k.b.remove(ctx, key) }

// Keys lists the keys that have a document, sorted.
func (k *KV[T]) Keys(ctx context.Context) ([]string, error) {
	var keys []string
	_, err := k.b.scan(ctx, 0, func(h head) {
		if !h.deleted {
			keys = append(keys, h.key)
		}
	})
	slices.Sort(keys)
	return slices.Compact(keys), err
}

// Flush publishes and clears every outbox that is not empty, and removes parts of documents that a
// crash left behind. It returns the number of documents whose outbox it cleared; one document's
// error does not keep it from the others.
func (k *KV[T]) Flush(ctx context.Context) (flushed int, err error) {
	from := k.scanned.Load()
	var owing []head
	upTo, err := k.b.scan(ctx, from+1, func(h head) {
		if h.owes {
			owing = append(owing, h)
		}
	})
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, h := range owing {
		if _, err := k.b.settled(ctx, h.key); err != nil {
			errs = append(errs, err)
			upTo = min(upTo, h.seq-1)
			continue
		}
		flushed++
	}
	k.scanned.CompareAndSwap(from, max(from, upTo))
	return flushed, errors.Join(append(errs, k.b.sweep(ctx))...)
}

func decodeDoc[T any](title string, e entry) (T, error) {
	var doc T
	if !e.exists || len(e.Doc) == 0 {
		return doc, nil
	}
	if err := json.Unmarshal(e.Doc, &doc); err != nil {
		return doc, fmt.Errorf("stream: decode %s: %w", title, err)
	}
	return doc, nil
}
