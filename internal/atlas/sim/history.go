package sim

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	maxLogins     = 20000
	historyLasts  = 7 * 24 * time.Hour // a guess of the reference
	earliestMilli = 1199145600000
)

// RecordLogin adds a login, or an attempt, to a cluster's access history now.
func (a *Atlas) RecordLogin(projectID, cluster, username, authSource, ip string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.projects[projectID]
	if p == nil {
		return
	}
	l := Login{
		ClusterName: cluster, Username: username, AuthSource: authSource, IPAddress: ip, AuthResult: ok, Timestamp: a.now(),
	}
	p.logins = append(p.logins, a.completeLogin(p, l))
}

// completeLogin fills in what a log line of Atlas has.
func (a *Atlas) completeLogin(p *project, l Login) Login {
	l.Timestamp = l.Timestamp.UTC().Truncate(time.Second)
	l.AuthSource = orDefault(l.AuthSource, "admin")
	if !l.AuthResult {
		l.FailureReason = orDefault(l.FailureReason, "AuthenticationFailed: Authentication failed.")
	}
	l.Hostname = orDefault(l.Hostname, fmt.Sprintf("%s-shard-00-00.%s.mongodb.net", l.ClusterName, p.id[:6]))
	if l.LogLine == "" {
		l.LogLine = text(object{
			"t": object{"$date": l.Timestamp.Format(time.RFC3339)}, "s": "I", "c": "ACCESS", "msg": "Authentication",
			"attr": object{"user": l.Username, "db": l.AuthSource, "client": l.IPAddress, "result": l.AuthResult},
		})
	}
	return l
}

func (c *call) clusterHistory() (answer, *problem) {
	name := c.params["clusterName"]
	if slices.ContainsFunc(c.project.flex, func(f *flexCluster) bool { return f.Name == name }) {
		return answer{}, noHistory()
	}
	k, bad := c.findCluster()
	if bad != nil {
		return answer{}, bad
	}
	if k.InstanceSize == "M0" {
		return answer{}, noHistory()
	}
	return c.history(func(l Login) bool { return l.ClusterName == name })
}

func noHistory() *problem {
	return fail(http.StatusForbidden, "FEATURE_UNSUPPORTED", "Access history is not available for free and flex clusters.")
}

func (c *call) processHistory() (answer, *problem) {
	host := c.params["hostname"]
	return c.history(func(l Login) bool { return l.Hostname == host })
}

// history answers the newest logins that fit, without paging.
func (c *call) history(of func(Login) bool) (answer, *problem) {
	n, bad := c.intQuery("nLogs", maxLogins, 0, maxLogins)
	if bad != nil {
		return answer{}, bad
	}
	low, high, bad := c.historyWindow()
	if bad != nil {
		return answer{}, bad
	}
	result, bad := c.boolQuery("authResult", false)
	if bad != nil {
		return answer{}, bad
	}
	ip := c.query.Get("ipAddress")
	rows := []any{}
	for i := len(c.project.logins) - 1; i >= 0 && len(rows) < n; i-- {
		l := c.project.logins[i]
		if !of(l) || l.Timestamp.Before(low) || l.Timestamp.After(high) || ip != "" && ip != l.IPAddress ||
			c.query.Get("authResult") != "" && result != l.AuthResult {
			continue
		}
		rows = append(rows, c.loginView(l))
	}
	return answer{status: http.StatusOK, rows: rows, rowsKey: "accessLogs", wrap: object{}}, nil
}

func (c *call) loginView(l Login) any {
	out := object{
		"groupId": c.project.id, "hostname": l.Hostname, "ipAddress": l.IPAddress, "timestamp": l.Timestamp.Format(time.RFC3339),
		"authSource": l.AuthSource, "authResult": l.AuthResult, "username": l.Username, "logLine": l.LogLine,
	}
	if l.FailureReason != "" {
		out["failureReason"] = l.FailureReason
	}
	return out
}

// historyWindow reads start and end (both or neither, epoch milliseconds) within what
// Atlas keeps.
func (c *call) historyWindow() (low, high time.Time, wrong *problem) {
	low, high = c.at.Add(-historyLasts), c.at
	start, end := c.query.Get("start"), c.query.Get("end")
	if start == "" && end == "" {
		return low, high, nil
	}
	from, bad := milli("start", start)
	if bad != nil {
		return low, high, bad
	}
	to, bad := milli("end", end)
	if bad != nil {
		return low, high, bad
	}
	if to.Before(from) {
		return low, high, badDateRange()
	}
	if from.After(low) {
		low = from
	}
	return low, to, nil
}

func milli(name, s string) (time.Time, *problem) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < earliestMilli || n == math.MaxInt64 {
		return time.Time{}, bad("INVALID_QUERY_PARAMETER", "Invalid query parameter %s specified: start and end go together, in milliseconds since 1970.", name)
	}
	return time.UnixMilli(n).UTC(), nil
}
