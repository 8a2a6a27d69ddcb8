package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/gatewarden/gatewarden/internal/daemon"
)

// progress is a bar on a terminal, and nothing elsewhere: a log keeps what a terminal
// wipes out.
func (s *scanFlags) progress(stderr io.Writer) (show func(daemon.ScanProgress), done func()) {
	width, terminal := columns(stderr)
	if s.quiet || !terminal || s.from != "" {
		return nil, func() {}
	}
	return barOn(stderr, width)
}

// What a bar takes beside itself: counts of five digits and the percentage; the times; and
// what it says of scopes, calls and the budget.
const (
	countsWidth = len(" 100% |") + len("| (99999/99999) ")
	timesWidth  = len("[1h59m59s:1h59m59s]")
	wordsWidth  = len("9999 scopes, 99999 calls, 100 % of a limit")
	callsWidth  = len("99999 calls")
	leastBar    = 5
	mostBar     = 40
)

// barOn draws on a terminal of a width, in one line: a line that is broken cannot be drawn
// over. It has no colours. Where not even a short one fits, there is none.
func barOn(w io.Writer, width int) (show func(daemon.ScanProgress), done func()) {
	words := func(p daemon.ScanProgress) string {
		if left := time.Until(p.Waiting).Round(time.Second); left > 0 {
			return fmt.Sprintf("waits %s for a rate limit, %d calls", left, p.Calls)
		}
		return fmt.Sprintf("%d scopes, %d calls, %.0f %% of a limit", p.Scopes, p.Calls, 100*p.Budget)
	}
	left, times := width-1-countsWidth-wordsWidth-timesWidth, true
	if left < leastBar {
		left, times = left+timesWidth, false
	}
	if left < leastBar {
		left += wordsWidth - callsWidth
		words = func(p daemon.ScanProgress) string {
			if time.Until(p.Waiting) > 0 {
				return "waits"
			}
			return fmt.Sprintf("%d calls", p.Calls)
		}
	}
	if left < leastBar {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	show = func(p daemon.ScanProgress) {
		if bar == nil && p.Reads == 0 {
			return // how long it will be is not known before the projects are
		}
		if bar == nil {
			bar = progressbar.NewOptions(p.Reads, progressbar.OptionSetWriter(w), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(min(left, mostBar)),
				progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(times), progressbar.OptionSetElapsedTime(times))
		}
		bar.Describe(words(p))
		_ = bar.Set(p.Done) // a bar that cannot be drawn stops nothing
	}
	return show, func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
}
