package atlas

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

const (
	historyRows   = 20000              // as many lines as Atlas gives; that many may be fewer than there are
	earliestMilli = 1199145600000      // Atlas takes no earlier time
	historyKept   = 7 * 24 * time.Hour // how far back Atlas's access history reaches, as its pages say
	sampleOfLines = 20
)

// Logins counts the authentications at all clusters of a project between two times. It
// never fails as an error: the quality says how far the counts can be believed, and Why
// what is missing. Free and flex clusters have no access history.
func (c *Client) Logins(ctx context.Context, scope access.Scope, from, to time.Time) access.Logins {
	return c.LoginsOf(ctx, scope, from, to, nil)
}

// LoginsOf is Logins of the lines that match; nil: all. match is called once for each line
// of the window that is understood, in no particular order. A line that is not understood
// may be any: it keeps the count from being complete.
func (c *Client) LoginsOf(ctx context.Context, scope access.Scope, from, to time.Time, match func(access.Login) bool) access.Logins {
	t := tally{match: match}
	clusters := c.Read(ctx, scope, access.KindCluster)
	if clusters.Status != access.StatusComplete {
		return access.Logins{Why: "the clusters cannot be listed: " + clusters.Reason}
	}
	t.missing(len(clusters.Odd) > 0, "%d clusters are not understood", len(clusters.Odd))
	flex := c.Read(ctx, scope, access.KindFlexCluster)
	t.missing(flex.Status == access.StatusFailed || flex.Status == access.StatusDenied, "flex clusters cannot be listed")
	t.missing(len(flex.States) > 0, "%d flex clusters have no access history", len(flex.States))
	t.missing(c.Now().Sub(from) > historyKept, "the access history reaches back about %d days", historyKept/(24*time.Hour))
	for _, s := range clusters.States {
		c.clusterLogins(ctx, &t, scope, s.Name(), from, to)
	}
	return t.logins(len(clusters.States) > 0)
}

func (c *Client) clusterLogins(ctx context.Context, t *tally, scope access.Scope, cluster string, from, to time.Time) {
	lines, _, err := c.historyOnce(ctx, scope, cluster, from, to)
	if err != nil {
		t.missing(true, "cluster %s: %s", cluster, err)
		return
	}
	t.read++
	t.missing(len(lines) >= historyRows, "cluster %s has %d lines or more", cluster, historyRows)
	for _, raw := range lines {
		t.add(raw, cluster, from, to)
	}
}

// tally counts lines over several clusters.
type tally struct {
	match func(access.Login) bool
	why   []string
	read  int // clusters
	lines []access.Login
	odd   int
}

func (t *tally) missing(is bool, format string, args ...any) {
	if is {
		t.why = append(t.why, fmt.Sprintf(format, args...))
	}
}

func (t *tally) add(raw json.RawMessage, cluster string, from, to time.Time) {
	line, err := decodeAs[admin.MongoDBAccessLogs](raw)
	at, ok := lineTime(line.GetTimestamp())
	if err != nil || !ok {
		t.odd++
		return
	}
	if at.Before(from.Truncate(time.Second)) || at.After(to) {
		return
	}
	login := access.Login{
		At: at, Username: line.GetUsername(), Source: line.GetAuthSource(), Address: line.GetIpAddress(),
		Cluster: cluster, OK: line.GetAuthResult(),
	}
	if t.match == nil || t.match(login) {
		t.lines = append(t.lines, login)
	}
}

// lineTime reads the spellings that access histories have been seen with.
func lineTime(s string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05.999-0700", "Mon Jan _2 15:04:05 MST 2006", "2006-01-02 15:04:05.999", time.ANSIC,
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func (t *tally) logins(clusters bool) access.Logins {
	t.missing(t.odd > 0, "%d lines are not understood", t.odd)
	out := access.Logins{Quality: access.QualityComplete, Why: strings.Join(t.why, "; ")}
	if len(t.why) > 0 {
		out.Quality = access.QualityPartial
	}
	if t.read == 0 && (clusters || len(t.why) > 0) {
		out.Quality = access.QualityUnknown
	}
	slices.SortStableFunc(t.lines, func(a, b access.Login) int { return b.At.Compare(a.At) })
	for _, l := range t.lines {
		if l.OK {
			out.Succeeded++
		} else {
			out.Failed++
		}
		if i, ok := slices.BinarySearch(out.Hosts, l.Cluster); !ok {
			out.Hosts = slices.Insert(out.Hosts, i, l.Cluster)
		}
	}
	out.Sample = t.lines[:min(len(t.lines), sampleOfLines)]
	return out
}
