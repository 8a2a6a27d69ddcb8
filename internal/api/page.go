package api

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Page is part of a list. What follows is asked for with its next as after.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

const (
	usualPage   = 100
	largestPage = 1000
)

// query is what a request asks for, of the parameters that its path knows.
type query struct{ values url.Values }

func queried(r *http.Request, known ...string) (query, *Problem) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, invalid("encode the parameters as URLs do", "the query cannot be read")
	}
	for name, vs := range values {
		if !slices.Contains(known, name) {
			return query{}, invalid("use "+strings.Join(known, ", "), "there is no parameter %q here", shortened(name))
		}
		for _, v := range vs {
			if len(v) > 2000 || v == "" {
				return query{}, invalid("give it a value, or leave it out", "parameter %s is empty or too long", name)
			}
		}
	}
	return query{values}, nil
}

func (q query) one(name string) string { return q.values.Get(name) }

// all are the values of a parameter that may be given several times.
func (q query) all(name string) []string { return q.values[name] }

// among refuses values of a parameter that are none of these.
func (q query) among(name string, known []string) *Problem {
	for _, v := range q.all(name) {
		if !slices.Contains(known, v) {
			return invalid("use "+strings.Join(known, ", "), "%s %q is not one that is known", name, shortened(v))
		}
	}
	return nil
}

// any reports whether a value passes a parameter: it is one of its values, or there are none.
func (q query) any(name, value string) bool {
	return len(q.all(name)) == 0 || slices.Contains(q.all(name), value)
}

// glob is any with patterns.
func (q query) glob(name string, values ...string) bool {
	return len(q.all(name)) == 0 || slices.ContainsFunc(q.all(name), func(p string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return access.Match(p, v) })
	})
}

// paged is the part of a list that is asked for. key gives each item its place: parts of one
// list fit together although the list changes meanwhile.
func paged[T any](q query, all []T, key func(T) string) (Page[T], error) {
	out := Page[T]{Items: []T{}}
	limit := usualPage
	if v := q.one("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > largestPage {
			return out, invalid("use a number from 1 to "+strconv.Itoa(largestPage), "limit %q is none", shortened(v))
		}
		limit = n
	}
	after, err := base64.RawURLEncoding.DecodeString(q.one("after"))
	if err != nil {
		return out, invalid("use next of the page before, as it is", "after is not a place in this list")
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	for _, item := range all {
		if k := key(item); q.one("after") != "" && k <= string(after) {
			continue
		}
		if len(out.Items) == limit {
			out.Next = base64.RawURLEncoding.EncodeToString([]byte(key(out.Items[limit-1])))
			break
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// instant is a parameter that is a time; zero: it is not given.
func (q query) instant(name string) (time.Time, *Problem) {
	v := q.one(name)
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return time.Time{}, invalid("write it as 2026-01-31T18:00:00Z", "%s %q is no time", name, shortened(v))
	}
	return t, nil
}
