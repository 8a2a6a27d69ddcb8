package sim

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// FaultKind is a way in which a request goes wrong.
type FaultKind string

// The kinds of fault. The Applied ones let a write take effect first.
const (
	Fault429            FaultKind = "429"             // too many requests, with Retry-After
	Fault500            FaultKind = "500"             // UNEXPECTED_ERROR
	Fault503            FaultKind = "503"             // SERVICE_UNAVAILABLE
	FaultTimeout        FaultKind = "timeout"         // no answer until the request is given up, or Delay passes
	FaultCut            FaultKind = "cut"             // half the body of the declared length
	FaultDenied         FaultKind = "denied"          // 401 USER_UNAUTHORIZED or 403 ACCESS_FORBIDDEN
	FaultEmpty200       FaultKind = "empty200"        // a list answers 200 with nothing in it
	FaultShortPage      FaultKind = "short page"      // a list lacks its last rows, its totalCount does not
	FaultApplied500     FaultKind = "applied 500"     // takes effect, answers 500
	FaultAppliedTimeout FaultKind = "applied timeout" // takes effect, never answers
)

// Fault makes matching requests go wrong.
type Fault struct {
	// Route is an operationId or a glob of them; "*" is every operation, "token" the
	// token endpoints.
	Route string
	// Methods lists the HTTP methods, as in "POST,DELETE"; "" is all.
	Methods string
	// Rate is the share of matching requests that are struck.
	Rate float64
	Kind FaultKind
	// RetryAfter, in seconds, goes with 429 and 503 where positive.
	RetryAfter int
	// Remaining, where positive, ends the fault after so many hits.
	Remaining int
	// Delay holds the request up first; for the timeouts it is the longest wait.
	Delay time.Duration
}

type struckFault struct {
	Fault
	hits int
}

// SetFaults replaces all faults.
func (a *Atlas) SetFaults(faults ...Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
	for _, f := range faults {
		a.faults = append(a.faults, &struckFault{Fault: f})
	}
}

// Deny makes an operation answer 401 USER_UNAUTHORIZED to every credential.
func (a *Atlas) Deny(operationID string, denied bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied[operationID] = denied
}

// strike picks the fault that hits this request, if any: the first one listed that
// matches and whose chance comes up.
func (a *Atlas) strike(op, method string) *Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faults {
		if !f.matches(op, method) || f.Remaining > 0 && f.hits >= f.Remaining {
			continue
		}
		if a.chance("fault "+string(f.Kind)+" "+op) < f.Rate {
			f.hits++
			hit := f.Fault
			return &hit
		}
	}
	return nil
}

func (f *struckFault) matches(op, method string) bool {
	if f.Methods != "" && !strings.Contains(strings.ToUpper(f.Methods), method) {
		return false
	}
	if f.Route == "*" {
		return op != "token"
	}
	found, err := path.Match(f.Route, op)
	return err == nil && found
}

// chance draws the next number in [0,1) of the named sequence, so that requests of one
// route do not disturb the luck of another.
func (a *Atlas) chance(sequence string) float64 {
	return a.source(sequence).Float64()
}

func (a *Atlas) source(sequence string) *rand.Rand {
	a.counters[sequence]++
	h := fnv.New64a()
	h.Write([]byte(sequence))
	return rand.New(rand.NewPCG(a.seed+a.counters[sequence], h.Sum64()))
}

// strikeFirst plays the faults that keep the request from being handled.
func (a *Atlas) strikeFirst(ctx context.Context, f *Fault, c *call) *response {
	if f == nil {
		return nil
	}
	timesOut := f.Kind == FaultTimeout || f.Kind == FaultAppliedTimeout
	if !timesOut && !wait(ctx, f.Delay) {
		return &response{lost: true}
	}
	if f.Kind == FaultTimeout {
		return &response{lost: true}
	}
	bad := f.refusal(c, a)
	if bad == nil {
		return nil
	}
	if c == nil {
		out := oauthError(bad.status, map[int]string{401: "invalid_client", 403: "access_denied", 429: "rate_limited"}[bad.status], bad.detail)
		copyHeader(out.header, bad.header)
		return &out
	}
	out := a.render(c, bad.answer(), version{})
	return &out
}

// refusal is the error that the fault answers with instead of handling the request.
func (f *Fault) refusal(c *call, a *Atlas) *problem {
	var p *problem
	switch f.Kind {
	case Fault429:
		p = fail(http.StatusTooManyRequests, "RATE_LIMITED", "Rate limit exceeded.")
	case Fault500:
		return unexpected()
	case Fault503:
		p = fail(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "The service is temporarily unavailable.")
	case FaultDenied:
		if c != nil && a.evenDraw(c.route.op) {
			return fail(http.StatusForbidden, "ACCESS_FORBIDDEN", "Access to this resource is forbidden.")
		}
		return unauthorized()
	default:
		return nil
	}
	if f.RetryAfter > 0 {
		p.header = http.Header{"Retry-After": {strconv.Itoa(f.RetryAfter)}}
	}
	return p
}

func unexpected() *problem {
	return fail(http.StatusInternalServerError, "UNEXPECTED_ERROR", "Unexpected error.")
}

func (a *Atlas) evenDraw(op string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.chance("denied "+op) < 0.5
}

// spoil changes the rows of a list that was answered well.
func (f *Fault) spoil(ans *answer) {
	if len(ans.rows) == 0 {
		return
	}
	switch f.Kind {
	case FaultEmpty200:
		ans.rows = []any{}
		if ans.rowsKey == "results" {
			ans.wrap["totalCount"] = 0
			ans.wrap["links"] = ans.wrap["links"].([]object)[:1]
		}
	case FaultShortPage:
		ans.rows = ans.rows[:len(ans.rows)-1-len(ans.rows)/10]
	}
}

// strikeAfter plays the faults that lose the answer.
func (f *Fault) strikeAfter(ctx context.Context, out response) response {
	if f == nil {
		return out
	}
	switch f.Kind {
	case FaultTimeout, FaultAppliedTimeout:
		hold(ctx, f.Delay)
		return response{lost: true}
	case FaultCut:
		out.cut = len(out.body) > 0
		out.lost = len(out.body) == 0
	}
	return out
}

// hold waits until the request is given up, or for d where d is positive.
func hold(ctx context.Context, d time.Duration) {
	if d <= 0 {
		<-ctx.Done()
		return
	}
	wait(ctx, d)
}

func copyHeader(to, from http.Header) {
	for k, vs := range from {
		to[k] = vs
	}
}
