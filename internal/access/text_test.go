package access

import (
	"math"
	"testing"
	"time"
)

func TestLasts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1: "less than 1 s", time.Second - 1: "less than 1 s", 9106123456: "9 s", 65 * time.Second: "1 min 5 s", time.Hour: "1 h", 72 * time.Hour: "3 d",
		76*time.Hour + 59*time.Minute: "3 d 4 h", 24*time.Hour + time.Minute: "1 d", time.Hour + time.Second: "1 h", -time.Minute: "-1 min",
		math.MaxInt64: "106751 d 23 h", math.MinInt64: "-106751 d 23 h",
	} {
		if got := Lasts(d); got != want {
			t.Errorf("Lasts(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestStamp(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 46, 7, 123456789, time.FixedZone("", 3600))
	if got := Stamp(at); got != "2026-11-22T09:46:07Z" || Stamp(time.Time{}) != "" {
		t.Errorf("Stamp = %q and %q", got, Stamp(time.Time{}))
	}
}
