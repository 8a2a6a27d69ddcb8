package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312020/admin"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Check asks Atlas once with each credential. The error says which of them is not
// accepted, and what to do; nil means that both sides can be used.
func (c *Client) Check(ctx context.Context) error {
	sides := []side{c.read}
	if c.write != nil {
		sides = append(sides, *c.write)
	}
	var errs []error
	for _, s := range sides {
		r := request{route: listOrgs, query: url.Values{"itemsPerPage": {"1"}}}
		var p page
		if _, err := c.getWith(ctx, s, r, decodePage(&p, false)); err != nil {
			errs = append(errs, fmt.Errorf("check the %s credential: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// EventType is one type of the live list.
type EventType struct {
	Name        string
	Description string
	Alertable   bool // Atlas can push it to a webhook
}

// EventTypes is the live list of event types.
func (c *Client) EventTypes(ctx context.Context) ([]EventType, error) {
	elements, err := c.uncounted(ctx, request{route: listEventTypes})
	if err != nil {
		return nil, fmt.Errorf("list the event types: %w", err)
	}
	out := make([]EventType, 0, len(elements))
	for _, raw := range elements {
		t, err := decodeAs[admin.EventTypeDetails](raw)
		if err == nil && t.GetEventType() != "" {
			out = append(out, EventType{t.GetEventType(), t.GetDescription(), t.GetAlertable()})
		}
	}
	return out, nil
}

// RateLimit is one token bucket of Atlas.
type RateLimit struct {
	Set      string // Atlas's id of the endpoint set
	Scope    string // ORGANIZATION, GROUP, USER, IP
	Capacity int
	Refill   int           // tokens
	Every    time.Duration // in which they are added
}

// RateLimits asks for the limits that hold for a scope, and sets the budget's refill
// rates by them.
func (c *Client) RateLimits(ctx context.Context, scope access.Scope) ([]RateLimit, error) {
	if err := scope.Validate(); err != nil {
		return nil, fmt.Errorf("list the rate limits: %w", err)
	}
	param := "groupId"
	if scope.IsOrg() {
		param = "orgId"
	}
	elements, err := c.uncounted(ctx, request{route: listRateLimits, query: url.Values{param: {scope.ID()}}})
	if err != nil {
		return nil, fmt.Errorf("list the rate limits of %s: %w", scope, err)
	}
	var out []RateLimit
	for _, raw := range elements {
		if l, endpoints, ok := decodeLimit(raw); ok {
			out = append(out, l)
			c.learnLimit(l, endpoints)
		}
	}
	return out, nil
}

func decodeLimit(raw json.RawMessage) (RateLimit, []admin.RateLimitEndpointSetEndpoint, bool) {
	v, err := decodeAs[admin.RateLimitEndpointSetResponse](raw)
	capacity, refill, every := v.GetCapacity(), v.GetRefillRate(), v.GetRefillDurationSeconds()
	l := RateLimit{
		Set: v.GetEndpointSetId(), Scope: v.GetScope(),
		Capacity: int(capacity.GetValue()), Refill: int(refill.GetValue()), Every: time.Duration(every.GetValue()) * time.Second,
	}
	return l, v.GetEndpoints(), err == nil && l.Capacity > 0 && l.Refill > 0 && l.Every > 0
}

// learnLimit finds our sets in Atlas's by the operations that they hold.
func (c *Client) learnLimit(l RateLimit, endpoints []admin.RateLimitEndpointSetEndpoint) {
	for _, e := range endpoints {
		for _, r := range routes() {
			if e.GetMethod() == r.method && shape(e.GetPath()) == shape(r.path) {
				c.budget.setLimit(r.set, limit{l.Refill, l.Every})
			}
		}
	}
}
