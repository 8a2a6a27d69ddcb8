package slack

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatewarden/gatewarden/notify"
)

// Meta is what a modal carries to its submission, of which Slack tells no message: what was
// clicked, where, and of how many it spoke. It comes back from outside, and proves nothing.
type Meta struct {
	Value Value
	At    notify.Placed
	N     int // of actions that a modal for several named
}

// String is the metadata as a view carries it.
func (m Meta) String() string {
	return strings.Join([]string{m.Value.String(), m.At.Channel, m.At.ID, strconv.Itoa(m.N)}, "|")
}

// carried is the metadata of a view; empty where it would not come back as it is, which no
// submission is taken with.
func (m Meta) carried() string {
	s := m.String()
	if back, err := ParseMeta(s); err != nil || back != m || !utf8.ValidString(s) {
		return ""
	}
	return s
}

// ParseMeta reads what a view carried.
func ParseMeta(s string) (Meta, error) {
	parts := strings.Split(s, "|")
	if len(s) > 600 || len(parts) != 11 {
		return Meta{}, fmt.Errorf("read what the view carries: %d parts: it was opened by another version of this program", len(parts))
	}
	v, err := ParseValue(strings.Join(parts[:8], "|"))
	if err != nil {
		return Meta{}, fmt.Errorf("read what the view carries: %w", err)
	}
	n, err := strconv.Atoi(parts[10])
	if err != nil || n < 0 {
		return Meta{}, fmt.Errorf("read what the view carries: number %.20q", parts[10])
	}
	return Meta{Value: v, At: notify.Placed{Channel: parts[8], ID: parts[9]}, N: n}, nil
}
