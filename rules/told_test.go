package rules

import (
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const clock = `
id: user/clock
title: t
why: w
fix: f
severity: low
kind: ip_access_entry
when: entry.comment == 'tick' && (now == timestamp('2026-06-01T12:00:00.123456789Z') || now != timestamp('2026-06-01T12:00:00Z'))
message: "'seen at ' + string(now) + ', for ' + span(days(3) + duration('4h5m6.789s'))"
facts: {at: string(now)}
tests:
  - {name: one, given: {ip_access_entry: [{entry: 203.0.113.7/32, comment: tick}]}, want: {203.0.113.7/32: violation}}
  - {name: two, given: {ip_access_entry: [{entry: 203.0.113.8/32, comment: tick}]}, want: {203.0.113.8/32: violation}}
  - {name: three, given: {ip_access_entry: [{entry: 203.0.113.7/32}]}, want: {203.0.113.7/32: pass}}
  - {name: four, given: {ip_access_entry: [{entry: 203.0.113.8/32}]}, want: {203.0.113.8/32: pass}}
  - {name: five, given: {status: {ip_access_entry: denied}, ip_access_entry: [{entry: 203.0.113.8/32}]}, want: {203.0.113.8/32: unknown}}
`

// TestTimesAreToldToTheSecond: expressions compare what is exact, and tell what people read.
func TestTimesAreToldToTheSecond(t *testing.T) {
	e := mustLoad(t, testPolicy(), Source{Name: "clock.yaml", Text: []byte(clock)})
	scope := access.ProjectScope(prodID)
	c := access.NewCollection(scope, access.KindIPAccessEntry, []access.State{access.IPAccessEntry{Entry: "203.0.113.7/32", Comment: "tick"}})
	c.FirstRead = t0
	in := Input{Scope: scope, Collections: map[access.Kind]access.Collection{access.KindIPAccessEntry: c}, Now: time.Date(2026, 6, 1, 12, 0, 0, 123456789, time.UTC)}
	v := e.Judge(in, "user/clock", access.Ref{Scope: scope, Kind: access.KindIPAccessEntry, Name: "203.0.113.7/32"}, "")
	if want := "seen at 2026-06-01T12:00:00Z, for 3 d 4 h"; v.Message != want || v.Evidence.Facts["at"] != "2026-06-01T12:00:00Z" {
		t.Errorf("%s (%s): %q, %v; want %q", v.Answer, v.Why, v.Message, v.Evidence.Facts, want)
	}
}
