package daemon

import (
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/notify/slack"
)

var clicks = flag.Int("clicks", 3, "how many clicks the latency test of Slack makes")

// inAtlas measures for how long at least one request of ours was in Atlas.
type inAtlas struct {
	base http.RoundTripper

	mu    sync.Mutex
	n     int
	since time.Time
	sum   time.Duration
}

func (a *inAtlas) RoundTrip(r *http.Request) (*http.Response, error) {
	a.count(1)
	defer a.count(-1)
	return a.base.RoundTrip(r)
}

func (a *inAtlas) count(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n == 0 {
		a.since = time.Now()
	}
	if a.n += n; a.n == 0 {
		a.sum += time.Since(a.since)
	}
}

func (a *inAtlas) spent() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sum
}

// manyShops is a world with a project, and somebody who opens it, for each click: what one person does in
// several projects would be told on one card.
func manyShops(world string, n int) string {
	var people, projects strings.Builder
	for i := range n {
		fmt.Fprintf(&people, "      - {username: dev%d@example.com, roles: [ORG_MEMBER, \"GROUP_OWNER@*\"]}\n", i)
		fmt.Fprintf(&projects, "      - {name: shop-%c-prod, tags: [{key: env, value: prod}], clusters: [{name: main}], accessList: [{ipAddress: 9.9.9.10, comment: CI egress}]}\n", 'a'+i)
	}
	return strings.Replace(world, "    users:\n", "    users:\n"+people.String(), 1) + projects.String()
}

// TestSlackLatency measures, in real time over real sockets, from a click to its acknowledgement, and to the
// card that says what came of it, without the time that passed in Atlas. It asserts only that all is done.
func TestSlackLatency(t *testing.T) {
	d := closedDesk(t, manyShops(read(t, "testdata/world.yaml"), *clicks), "guards: {", "guards: {caps: {project_hour: 1000, org_hour: 1000}, ")
	var atlas *inAtlas
	d.between = func(base http.RoundTripper) http.RoundTripper {
		atlas = &inAtlas{base: base}
		return atlas
	}
	d.open()
	var acks, own []time.Duration
	for i := range *clicks {
		project := fmt.Sprintf("shop-%c-prod", 'a'+i)
		d.judged(project)
		if err := d.act(fmt.Sprintf("dev%d@example.com", i), "POST", "/groups/{"+project+"}/accessList", `[{"cidrBlock":"0.0.0.0/0"}]`); err != nil {
			t.Fatal(err)
		}
		card := d.card("C0PROD", project, slack.ActRevert)
		before, begin := atlas.spent(), time.Now()
		user := []string{"U0ALICE", "U0BOB", "U0RAJESH"}[i%3]
		got, err := d.slack.Click(user, card.Channel, card.TS, slack.ActRevert)
		if err != nil {
			t.Fatal(err)
		}
		_, took, err := got.Wait(d.ctx)
		if err != nil {
			t.Fatal(err)
		}
		done := d.becomes(card, "put right and verified")
		at, err := strconv.ParseFloat(done.Edited, 64)
		if err != nil || d.entry(project, anywhere) {
			t.Fatalf("the card was edited at %q (%v), and the entry is there: %t", done.Edited, err, d.entry(project, anywhere))
		}
		acks, own = append(acks, took), append(own, time.UnixMicro(int64(at*1e6)).Sub(begin)-(atlas.spent()-before))
	}
	t.Log("slack click to ack: " + quantiles(acks))
	t.Log("slack click to card, own time: " + quantiles(own))
}
