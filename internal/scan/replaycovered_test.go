package scan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestCovered: what was watched is counted once, and what was not is not.
func TestCovered(t *testing.T) {
	at := func(hours int) time.Time { return t0.Add(time.Duration(hours) * time.Hour) }
	span := func(from, until int) access.Span { return access.Span{From: at(from), Until: at(until)} }
	for name, c := range map[string]struct {
		feeds [][]access.Span
		want  int
	}{
		"not taken down":              {nil, 720},
		"taken down nowhere":          {[][]access.Span{nil, {}}, 720},
		"all of it":                   {[][]access.Span{{span(-500, 720)}}, 720},
		"its end is not written yet":  {[][]access.Span{{span(700, 701)}}, 20},
		"long away":                   {[][]access.Span{{span(0, 24), span(600, 719)}}, 144},
		"away still":                  {[][]access.Span{{span(0, 24)}}, 24},
		"two that overlap":            {[][]access.Span{{span(0, 48)}, {span(24, 72), span(100, 110)}}, 82},
		"one in another":              {[][]access.Span{{span(0, 48)}, {span(10, 20)}}, 48},
		"before it was asked for":     {[][]access.Span{{span(-90, -10), span(5, 10)}}, 5},
		"a day, in a month of nobody": {[][]access.Span{{span(300, 324)}}, 24},
	} {
		p := past{uses: map[access.Scope]access.History{}}
		for i, f := range c.feeds {
			p.uses[access.ProjectScope(string(rune('a'+i)))] = access.History{Feed: f}
		}
		if got := p.covered(at(0), at(720)); got != time.Duration(c.want)*time.Hour {
			t.Errorf("%s: %s, want %dh", name, got, c.want)
		}
	}
	for d, want := range map[time.Duration]string{0: `"0m"`, 59 * time.Second: `"0m"`, 90 * time.Minute: `"1h30m"`, 7*24*time.Hour - 1: `"6d23h"`, 7 * 24 * time.Hour: `"7d"`, 51*time.Hour + time.Minute: `"2d3h"`} {
		raw, err := json.Marshal(Length(d))
		var back Length
		if err2 := json.Unmarshal(raw, &back); err != nil || err2 != nil || string(raw) != want || back > Length(d) || Length(d)-back >= Length(time.Hour) {
			t.Errorf("%s is %s, and back %s: %v, %v", d, raw, back, err, err2)
		}
	}
	for _, text := range []string{`"x"`, `7`, `"xd"`, `"1d2"`, `""`} {
		var l Length
		if err := json.Unmarshal([]byte(text), &l); err == nil {
			t.Errorf("%s is read as %s", text, l)
		}
	}
}
