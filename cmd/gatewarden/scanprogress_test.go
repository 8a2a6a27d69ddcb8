package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/gatewarden/gatewarden/internal/daemon"
)

// TestProgress draws on terminals of many widths, with numbers as large as they get: no
// frame is broken, and at the end nothing is left of it.
func TestProgress(t *testing.T) {
	for width := range 200 {
		var b bytes.Buffer
		show, done := barOn(&b, width)
		if show == nil {
			if width >= 42 {
				t.Errorf("%d columns: no bar", width)
			}
			done()
			continue
		}
		for _, p := range []daemon.ScanProgress{
			{Scopes: 3, Reads: 60000, Done: 1, Calls: 2, Budget: 0.004}, {Scopes: 1500, Reads: 60000, Done: 30000, Calls: 30001, Budget: 0.42}, {Scopes: 1500, Reads: 60000, Done: 59999, Calls: 70000, Budget: 1},
		} {
			show(p)
		}
		drawn := b.String()
		done()
		for _, frame := range strings.Split(drawn, "\r") {
			if n := lipgloss.Width(frame); n >= width || strings.Contains(frame, "\n") {
				t.Errorf("a frame takes %d of %d columns: %q", n, width, frame)
			}
		}
		if strings.Contains(drawn, "\x1b[3") || strings.Contains(drawn, "\x1b[1") {
			t.Errorf("%d columns: colours, which nobody may want: %q", width, drawn)
		}
		for _, want := range []string{"70000 calls", "(59999/60000)", "50%"} {
			if !strings.Contains(drawn, want) {
				t.Errorf("%d columns: %q is not said in %q", width, want, drawn)
			}
		}
		if width >= 80 && !strings.Contains(drawn, "1500 scopes, 30001 calls, 42 % of a limit") {
			t.Errorf("%d columns: what it costs is not said: %q", width, drawn)
		}
		frames := strings.Split(strings.TrimRight(b.String(), "\r"), "\r")
		if last := frames[len(frames)-1]; strings.TrimSpace(strings.ReplaceAll(last, "\x1b[2K", "")) != "" {
			t.Errorf("%d columns: it leaves %q behind", width, last)
		}
	}
}

// TestProgressWaits: a bar that stands still says why.
func TestProgressWaits(t *testing.T) {
	for width, want := range map[int]string{100: "for a rate limit, 70000 calls", 45: "waits"} {
		var b bytes.Buffer
		show, done := barOn(&b, width)
		show(daemon.ScanProgress{Waiting: time.Now().Add(time.Hour)}) // the projects are being listed
		show(daemon.ScanProgress{Scopes: 1500, Reads: 60000, Done: 59999, Calls: 70000, Budget: 1, Waiting: time.Now().Add(90 * time.Second)})
		drawn := b.String()
		done()
		if !strings.Contains(drawn, want) {
			t.Errorf("%d columns: %q is not said in %q", width, want, drawn)
		}
		for _, frame := range strings.Split(drawn, "\r") {
			if n := lipgloss.Width(frame); n >= width {
				t.Errorf("a frame takes %d of %d columns: %q", n, width, frame)
			}
		}
	}
}

// TestNoProgress: only a terminal gets a bar, and nobody who asked for none.
func TestNoProgress(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	var b bytes.Buffer
	for name, show := range map[string]func(daemon.ScanProgress){
		"a pipe": first((&scanFlags{}).progress(&b)), "a file": first((&scanFlags{}).progress(null)), "--quiet": first((&scanFlags{quiet: true}).progress(os.Stderr)), "--from": first((&scanFlags{from: "x"}).progress(os.Stderr)),
	} {
		if show != nil {
			t.Errorf("%s gets a bar", name)
		}
	}
}

func first[A, B any](a A, _ B) A { return a }
