// Package accesstest holds what tests of several packages stand on.
package accesstest

import (
	"context"
	"maps"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Shelf is a bucket in memory, for one goroutine. What is published with its documents goes
// to Outs.
type Shelf[T any] struct {
	Docs map[string]T
	Outs *[]access.Out
}

// NewShelf makes an empty one.
func NewShelf[T any](outs *[]access.Out) *Shelf[T] { return &Shelf[T]{map[string]T{}, outs} }

// Get gives a document, and its zero value for one that is not there.
func (s *Shelf[T]) Get(_ context.Context, key string) (T, uint64, error) {
	return s.Docs[key], uint64(len(s.Docs)), nil
}

// Keys lists the documents.
func (s *Shelf[T]) Keys(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(s.Docs)), nil
}

// Update computes a document anew.
func (s *Shelf[T]) Update(_ context.Context, key string, compute func(T, uint64) (*T, []access.Out, error)) (uint64, error) {
	next, outs, err := compute(s.Docs[key], 1)
	if err == nil && next != nil {
		s.Docs[key] = *next
		*s.Outs = append(*s.Outs, outs...)
	}
	return 1, err
}
