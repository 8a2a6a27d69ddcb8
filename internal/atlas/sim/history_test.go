package sim

import (
	"fmt"
	"testing"
	"time"
)

func TestAccessHistory(t *testing.T) {
	w := start(t)
	prod := w.ProjectID("prod")
	w.RecordLogin(prod, "main", "app", "admin", "192.0.2.1", true)
	w.Advance(time.Hour)
	w.RecordLogin(prod, "main", "mallory", "admin", "192.0.2.2", false)
	w.RecordLogin(prod, "free", "app", "admin", "192.0.2.1", true)
	w.RecordLogin("nowhere", "main", "app", "admin", "192.0.2.1", true)
	ms := func(d time.Duration) string { return fmt.Sprint(epoch.Add(d).UnixMilli()) }
	for _, c := range []struct {
		query string
		want  int
	}{
		{"", 3},
		{"nLogs=1", 1},
		{"nLogs=0", 0},
		{"ipAddress=203.0.113.7", 1},
		{"authResult=false", 1},
		{"authResult=true", 2},
		{"start=" + ms(-time.Minute) + "&end=" + ms(time.Minute), 1},
		{"start=" + ms(-30*24*time.Hour) + "&end=" + ms(2*time.Hour), 3},
		{"start=" + ms(-time.Minute) + "&end=" + ms(2*time.Hour) + "&authResult=true", 1},
	} {
		a := w.as(ownerID, "GET", w.path("{prod}/dbAccessHistory/clusters/main?"+c.query), nil)
		if got := len(rowsOf(a.body["accessLogs"])); a.status != 200 || got != c.want {
			t.Errorf("%q: %d, %d rows, want %d", c.query, a.status, got, c.want)
		}
	}
	for _, q := range []string{"start=" + ms(0), "end=" + ms(0), "start=" + ms(1) + "&end=" + ms(0-time.Hour), "start=1&end=2", "nLogs=20001", "nLogs=-1", "authResult=maybe"} {
		if a := w.as(ownerID, "GET", w.path("{prod}/dbAccessHistory/clusters/main?"+q), nil); a.status != 400 {
			t.Errorf("%q: %d %s", q, a.status, a.raw)
		}
	}
	newest := rowsOf(w.do("GET", w.path("{prod}/dbAccessHistory/clusters/main"), nil).body["accessLogs"])[0]
	if newest["username"] != "mallory" || newest["authResult"] != false || newest["failureReason"] == nil || newest["groupId"] != prod {
		t.Errorf("newest %v", newest)
	}
	host := newest["hostname"].(string)
	if got := rowsOf(w.do("GET", w.path("{prod}/dbAccessHistory/processes/"+host), nil).body["accessLogs"]); len(got) != 3 {
		t.Errorf("by process: %v", got)
	}
	w.Advance(7*24*time.Hour - 30*time.Minute)
	if got := rowsOf(w.do("GET", w.path("{prod}/dbAccessHistory/clusters/main"), nil).body["accessLogs"]); len(got) != 1 {
		t.Errorf("a week later: %v", got)
	}
}

func TestNoHistoryOfFreeClusters(t *testing.T) {
	w := start(t)
	for cluster, want := range map[string]string{"free": "403 FEATURE_UNSUPPORTED", "flexy": "403 FEATURE_UNSUPPORTED", "nope": "404 CLUSTER_NOT_FOUND"} {
		a := w.as(ownerID, "GET", w.path("{prod}/dbAccessHistory/clusters/"+cluster), nil)
		if got := fmt.Sprint(a.status, " ", a.code()); got != want {
			t.Errorf("%s: %s", cluster, got)
		}
	}
}
