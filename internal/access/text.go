package access

import (
	"fmt"
	"strings"
	"time"
)

// Stamp is a time for people, in UTC and to the second; empty: there is none.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Lasts is a duration for people: its two largest units, as in "3 d 4 h" or "1 min 5 s".
// What is left of a second is dropped.
func Lasts(d time.Duration) string {
	if d < 0 {
		return "-" + Lasts(-max(d, -1<<63+1))
	}
	left := d.Truncate(time.Second)
	var out []string
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		n := left / u.unit
		left -= n * u.unit
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, u.name))
		}
		if len(out) > 0 && (n == 0 || len(out) == 2) {
			break
		}
	}
	switch {
	case len(out) > 0:
		return strings.Join(out, " ")
	case d > 0:
		return "less than 1 s"
	}
	return "0 s"
}
