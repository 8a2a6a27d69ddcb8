package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// historyWindows bounds the requests for one cluster's history, of which a window is cut in
// two when it holds as many lines as Atlas gives at most. Whoever can reach a cluster can
// fill its history with failed logins: without a bound that would cost thousands of
// requests and the memory for all of their lines.
const historyWindows = 32

// readHistory reads what each cluster keeps of authentications, and sums it up by identity.
// Where no cluster has such a history, the kind is unsupported.
func readHistory(g *gathering) {
	names, ok := g.clusters()
	if !ok {
		return
	}
	now := g.client.Now().Truncate(time.Second)
	var without int
	g.each(names, func(cluster string) ([]json.RawMessage, time.Time, error) {
		windows := historyWindows
		lines, at, err := g.client.history(g.ctx, g.scope, cluster, now.Add(-historyKept), now, &windows)
		if unsupportedHere(err) {
			g.mu.Lock()
			without++
			g.mu.Unlock()
			return nil, at, nil
		}
		if err != nil {
			return nil, at, err
		}
		all, err := json.Marshal(lines)
		return []json.RawMessage{all}, at, err
	})
	if len(names) > 0 && without == len(names) {
		g.add(nil, "", time.Time{}, &failure{code: codeUnsupported, why: "none of the clusters has an access history"})
	}
}

func unsupportedHere(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.code == codeUnsupported
}

// history reads the lines of a window, in halves where it is full.
func (c *Client) history(ctx context.Context, scope access.Scope, cluster string, from, to time.Time, windows *int) ([]json.RawMessage, time.Time, error) {
	if *windows--; *windows < 0 {
		return nil, time.Time{}, &failure{why: fmt.Sprintf("cluster %s has too many lines of access history to be read", cluster)}
	}
	lines, at, err := c.historyOnce(ctx, scope, cluster, from, to)
	switch {
	case err != nil || len(lines) < historyRows:
		return lines, at, err
	case *windows < 2 || to.Sub(from) < 2*time.Second:
		return nil, at, &failure{why: fmt.Sprintf("cluster %s has %d lines or more in %s of a week: too many to be read", cluster, historyRows, to.Sub(from))}
	}
	middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
	older, at, err := c.history(ctx, scope, cluster, from, middle, windows)
	if err != nil {
		return nil, at, err
	}
	newer, _, err := c.history(ctx, scope, cluster, middle, to, windows)
	return append(older, newer...), at, err
}

func (c *Client) historyOnce(ctx context.Context, scope access.Scope, cluster string, from, to time.Time) (lines []json.RawMessage, began time.Time, err error) {
	r := request{route: clusterAccessHistory, id: scope.ID(), args: []string{cluster}, query: url.Values{
		"start": {strconv.FormatInt(max(from.UnixMilli(), earliestMilli), 10)}, "end": {strconv.FormatInt(to.UnixMilli(), 10)},
		"nLogs": {strconv.Itoa(historyRows)},
	}}
	began, err = c.get(ctx, r, func(body []byte) error {
		var doc struct {
			Lines *[]json.RawMessage `json:"accessLogs"`
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			return err
		}
		if doc.Lines == nil {
			return errors.New("no list of lines")
		}
		lines = *doc.Lines
		return nil
	})
	return lines, began, err
}

// use is what the lines show of one identity.
type use struct {
	state access.AccessHistory
	ok    map[string]bool // by address: was there a success
}

// decodeHistory sums one cluster's lines up. A line that is not understood makes the
// whole cluster odd: it may be anybody's.
func decodeHistory(p piece) ([]access.State, error) {
	var lines []json.RawMessage
	if err := json.Unmarshal(p.raw, &lines); err != nil {
		return nil, err
	}
	uses := map[string]*use{}
	var order []string
	for _, raw := range lines {
		l, err := decodeAs[admin.MongoDBAccessLogs](raw)
		at, ok := lineTime(l.GetTimestamp())
		if err != nil || !ok {
			return nil, errors.New("a line of the access history is not understood")
		}
		key := l.GetAuthSource() + "/" + l.GetUsername()
		u := uses[key]
		if u == nil {
			u = &use{access.AccessHistory{Cluster: p.parent, Database: l.GetAuthSource(), Username: l.GetUsername()}, map[string]bool{}}
			uses[key], order = u, append(order, key)
		}
		u.add(l.GetIpAddress(), l.GetAuthResult(), at)
	}
	slices.Sort(order)
	return summed(p.parent, uses, order), nil
}

const (
	mostStrangers = 200 // identities of a cluster that never got in
	mostFailing   = 200 // addresses that failed, of one identity
)

// summed has a record for everybody who got in. Of those who never did, whose names anybody
// who reaches the cluster can make up, it has so many and one for all the others: else an
// outsider could fill the inventory and the stream of changes.
func summed(cluster string, uses map[string]*use, order []string) []access.State {
	out := make([]access.State, 0, len(order))
	others, strangers := use{access.AccessHistory{Cluster: cluster}, map[string]bool{}}, 0
	for _, key := range order {
		h := uses[key].sum()
		if len(h.Addresses) == 0 {
			strangers++
		}
		if len(h.Addresses) > 0 || strangers <= mostStrangers {
			out = append(out, h)
			continue
		}
		for _, address := range h.Failing {
			others.ok[address] = false
		}
	}
	if strangers > mostStrangers {
		out = append(out, others.sum())
	}
	return out
}

func (u *use) add(address string, success bool, at time.Time) {
	u.ok[address] = u.ok[address] || success
	if !success {
		return
	}
	day := at.Truncate(24 * time.Hour)
	if u.state.LastFrom == nil {
		u.state.LastFrom = map[string]time.Time{}
	}
	if day.After(u.state.LastFrom[address]) {
		u.state.LastFrom[address] = day
	}
	if u.state.FirstLogin.IsZero() || day.Before(u.state.FirstLogin) {
		u.state.FirstLogin = day
	}
	if day.After(u.state.LastLogin) {
		u.state.LastLogin = day
	}
}

func (u *use) sum() access.AccessHistory {
	good, failing := []string{}, []string{}
	for address, success := range u.ok {
		if success {
			good = append(good, address)
		} else {
			failing = append(failing, address)
		}
	}
	u.state.Addresses, u.state.Failing = access.SortNames(good), optional(failing)
	u.state.Failing = u.state.Failing[:min(len(u.state.Failing), mostFailing)]
	return u.state
}
