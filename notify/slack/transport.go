package slack

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	longestAnswer = 8 << 20         // of Slack's, in bytes
	clockOff      = 5 * time.Minute // from where on signatures and deadlines go wrong
)

// transport carries our calls: it bounds what comes back, and compares clocks.
type transport struct {
	base   http.RoundTripper
	health *Health
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		t.health.clock(at, time.Now())
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, longestAnswer), resp.Body}
	return resp, nil
}

// clock compares Slack's clock with ours.
func (h *Health) clock(slack, ours time.Time) {
	off := ours.Sub(slack)
	if off.Abs() < clockOff {
		h.Clear(WrongClock, "")
		return
	}
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	h.Raise(WrongClock, "", fmt.Sprintf("our clock is %s or more %s Slack's: set it by NTP; until then requests of Slack over HTTP are refused, and deadlines are wrong", access.Lasts(off.Abs().Truncate(5*time.Minute)), way))
}
