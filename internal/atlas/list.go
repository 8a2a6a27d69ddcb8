package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"time"
)

const (
	pageSize = 500 // the most that Atlas gives
	maxPages = 200
)

// errCount means that the pages of one list do not make a whole.
var errCount = errors.New("the list does not agree with its count")

// page is one answer of a paged operation, its elements undecoded.
type page struct {
	results []json.RawMessage
	total   int
}

// decodePage wants the list to be there: an object without results is no empty list.
func decodePage(into *page, counted bool) func([]byte) error {
	return func(body []byte) error {
		var doc struct {
			Results *[]json.RawMessage `json:"results"`
			Total   *int               `json:"totalCount"`
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			return err
		}
		if doc.Results == nil || counted && doc.Total == nil {
			return errors.New("no results, or no count")
		}
		into.results = *doc.Results
		if doc.Total != nil {
			into.total = *doc.Total
		}
		return nil
	}
}

func (r request) page(n int, counted bool) request {
	q := url.Values{"itemsPerPage": {strconv.Itoa(pageSize)}, "pageNum": {strconv.Itoa(n)}}
	if counted {
		q.Set("includeCount", "true")
	}
	maps.Copy(q, r.query)
	r.query = q
	return r
}

// list reads a whole counted list, and reads it once more if its count disagrees.
// The key of an element tells it from the others.
func (c *Client) list(ctx context.Context, s side, r request, key func(json.RawMessage) string) ([]json.RawMessage, time.Time, error) {
	all, began, err := c.listOnce(ctx, s, r, key)
	if errors.Is(err, errCount) {
		all, began, err = c.listOnce(ctx, s, r, key)
	}
	if errors.Is(err, errCount) {
		err = temporary(fmt.Sprintf("%s: %s, twice", r, err), nil)
	}
	return all, began, err
}

// listOnce pages until a short page. Pages shift when elements come and go between
// them: every page must tell the same count, the elements must be as many, and none
// may come on two pages.
func (c *Client) listOnce(ctx context.Context, s side, r request, key func(json.RawMessage) string) ([]json.RawMessage, time.Time, error) {
	var all []json.RawMessage
	var began time.Time
	total := 0
	seen := map[string]int{}
	for n := 1; n <= maxPages; n++ {
		var p page
		at, err := c.getWith(ctx, s, r.page(n, true), decodePage(&p, true))
		if err != nil {
			return nil, began, err
		}
		if n == 1 {
			began, total = at, p.total
		}
		if p.total != total || repeats(seen, p.results, n, key) {
			return nil, began, fmt.Errorf("%w: it changed between its pages", errCount)
		}
		all = append(all, p.results...)
		if len(p.results) < pageSize {
			break
		}
	}
	if len(all) != total {
		return nil, began, fmt.Errorf("%w: %d elements of %d", errCount, len(all), total)
	}
	return all, began, nil
}

func repeats(seen map[string]int, elements []json.RawMessage, page int, key func(json.RawMessage) string) bool {
	for _, raw := range elements {
		k := key(raw)
		if k == "" {
			continue
		}
		if before, ok := seen[k]; ok && before != page {
			return true
		}
		seen[k] = page
	}
	return false
}

// uncounted pages through a list that has no count.
func (c *Client) uncounted(ctx context.Context, r request) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for n := 1; n <= maxPages; n++ {
		var p page
		if _, err := c.get(ctx, r.page(n, false), decodePage(&p, false)); err != nil {
			return nil, err
		}
		all = append(all, p.results...)
		if len(p.results) < pageSize {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%s: more than %d pages", r, maxPages)
}

// array reads an operation that answers a bare array.
func (c *Client) array(ctx context.Context, r request) ([]json.RawMessage, time.Time, error) {
	var all *[]json.RawMessage
	began, err := c.get(ctx, r, func(body []byte) error {
		all = nil
		if err := json.Unmarshal(body, &all); err != nil {
			return err
		}
		if all == nil {
			return errors.New("null is no list")
		}
		return nil
	})
	if err != nil {
		return nil, began, err
	}
	return *all, began, nil
}

// object reads an operation that answers one document.
func (c *Client) object(ctx context.Context, r request) (json.RawMessage, time.Time, error) {
	var doc json.RawMessage
	began, err := c.get(ctx, r, func(body []byte) error {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(body, &m); err != nil {
			return err
		}
		if len(m) == 0 {
			return errors.New("an empty document")
		}
		doc = body
		return nil
	})
	return doc, began, err
}
