package stream

import (
	"errors"
	"fmt"
	"testing"
)

type waiting bool

func (waiting) Error() string   { return "not yet" }
func (w waiting) Planned() bool { return bool(w) }

func TestWhatIsPlannedIsNoFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{waiting(true), true}, {fmt.Errorf("tell it: %w", waiting(true)), true}, {waiting(false), false}, {errors.New("down"), false}, {RetryAfter{}, false},
	} {
		if got := planned(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}
