package sim

import (
	"net/url"
	"strconv"
)

// page is the common paging of a list request.
type page struct {
	num, size int
	count     bool
}

func (c *call) page() (page, *problem) {
	p := page{1, 100, true}
	var bad *problem
	if p.num, bad = c.intQuery("pageNum", 1, 1, 1<<31-1); bad != nil {
		return p, bad
	}
	if p.size, bad = c.intQuery("itemsPerPage", 100, 1, 500); bad != nil {
		return p, bad
	}
	p.count, bad = c.boolQuery("includeCount", true)
	return p, bad
}

func (c *call) intQuery(name string, def, low, high int) (int, *problem) {
	s := c.query.Get(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, bad("INVALID_QUERY_PARAMETER", "Invalid query parameter %s specified: it must be a whole number from %d to %d.", name, low, high)
	}
	return n, nil
}

func (c *call) boolQuery(name string, def bool) (bool, *problem) {
	s := c.query.Get(name)
	if s == "" {
		return def, nil
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		return def, bad("INVALID_QUERY_PARAMETER", "Invalid query parameter %s specified: it must be true or false.", name)
	}
	return b, nil
}

// paged answers with one page of items.
func paged[T any](c *call, status int, items []T, render func(T) any) (answer, *problem) {
	p, bad := c.page()
	if bad != nil {
		return answer{}, bad
	}
	low := min(len(items), (p.num-1)*p.size)
	high := min(len(items), low+p.size)
	rows := make([]any, 0, high-low)
	for _, it := range items[low:high] {
		rows = append(rows, render(it))
	}
	return c.pageOf(status, p, rows, len(items)), nil
}

// pageOf wraps rows that are already one page of total.
func (c *call) pageOf(status int, p page, rows []any, total int) answer {
	links := []object{{"href": c.pageLink(p.num), "rel": "self"}}
	if p.num > 1 {
		links = append(links, object{"href": c.pageLink(p.num - 1), "rel": "previous"})
	}
	if !p.count {
		total = 0
	} else if p.num*p.size < total {
		links = append(links, object{"href": c.pageLink(p.num + 1), "rel": "next"})
	}
	return answer{status: status, rows: rows, wrap: object{"links": links, "totalCount": total}, rowsKey: "results"}
}

func (c *call) pageLink(num int) string {
	q := url.Values{}
	for k, v := range c.query {
		q[k] = v
	}
	for k, def := range map[string]string{"includeCount": "true", "itemsPerPage": "100", "pageNum": "1"} {
		if q.Get(k) == "" {
			q.Set(k, def)
		}
	}
	q.Set("pageNum", strconv.Itoa(num))
	return c.href(c.path) + "?" + q.Encode()
}

// self is the link list of a single resource.
func (c *call) self(path string) []object {
	return []object{{"href": c.href(path), "rel": "self"}}
}

// plain answers with a bare array.
func plain[T any](items []T, render func(T) any) answer {
	rows := make([]any, 0, len(items))
	for _, it := range items {
		rows = append(rows, render(it))
	}
	return answer{status: 200, rows: rows}
}
