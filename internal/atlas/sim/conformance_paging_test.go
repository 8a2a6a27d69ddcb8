package sim

import (
	"fmt"
	"strings"
)

// pages walks a list in small pages and compares with the whole of it.
func (e *exam) pages() {
	e.t.Helper()
	r := e.ready()
	get := func(query string) answerOf {
		return r.signed(e.owner, "GET", withQuery(r.path, query), "", e.accept)
	}
	var whole []map[string]any
	for page := 1; len(whole) == (page-1)*500; page++ {
		whole = append(whole, get(fmt.Sprintf("itemsPerPage=500&pageNum=%d", page)).results()...)
	}
	if len(whole) == 0 {
		e.is("paging", "the world has nothing to list")
		return
	}
	size := 1 + len(whole)/30
	var walked []map[string]any
	for page := 1; ; page++ {
		a := get(fmt.Sprintf("itemsPerPage=%d&pageNum=%d", size, page))
		rows := a.results()
		e.is("paging", pageDiffers(a, len(whole), page*size < len(whole)))
		walked = append(walked, rows...)
		if len(rows) < size {
			break
		}
	}
	why := ""
	if !jsonEqual(walked, whole) {
		why = fmt.Sprintf("in pages of %d:\n%s\nas a whole:\n%s", size, text(walked), text(whole))
	}
	e.is("paging", why)
	if e.op.takes("includeCount") {
		a := get("includeCount=false&itemsPerPage=1")
		e.is("includeCount=false", pageDiffers(a, 0, false))
	}
}

// pageDiffers compares a page's count and links.
func pageDiffers(a answerOf, total int, next bool) string {
	links := " " + rels(a) + " "
	if a.status != 200 || a.body["totalCount"] != float64(total) || strings.Contains(links, " next ") != next || !strings.Contains(links, " self ") {
		return fmt.Sprintf("%d, totalCount %v and links%sfor %d rows in all", a.status, a.body["totalCount"], links, total)
	}
	return ""
}

func withQuery(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}

// wraps asks for an envelope and for pretty print. The seed makes the answer the same.
func (e *exam) wraps() {
	e.t.Helper()
	plain := e.plain
	if plain.raw == "" || e.textual(plain) {
		return
	}
	if e.op.takes("pretty") {
		a := e.asked("pretty=true")
		why := ""
		if !strings.Contains(a.raw, "\n") && len(a.raw) > 2 || !jsonEqual(e.bodyOf(a), e.bodyOf(plain)) {
			why = a.raw
		}
		e.is("pretty", why)
	}
	if e.op.takes("envelope") {
		a := e.asked("envelope=true")
		why := ""
		if a.status != plain.status || a.body["status"] != float64(plain.status) || !jsonEqual(e.unwrapped(a), e.bodyOf(plain)) {
			why = a.raw + "\nwant a wrapped " + plain.raw
		}
		e.is("envelope", why)
	}
}

func (e *exam) asked(query string) answerOf {
	e.t.Helper()
	r := e.ready()
	path := r.path
	if query != "" {
		path = withQuery(path, query)
	}
	return r.signed(e.owner, e.op.method, path, r.body, e.accept)
}

func (e *exam) textual(a answerOf) bool {
	_, err := jsonValue(a.raw)
	return err != nil
}

// bodyOf is an answer without the links of a list, which repeat the query, and without
// what the sample says varies.
func (e *exam) bodyOf(a answerOf) any {
	v, _ := jsonValue(a.raw)
	if list, ok := v.(map[string]any); ok && list["results"] != nil {
		delete(list, "links")
	}
	each(func(o object) bool { return drop(o, e.sample.varies, true) })(v)
	return v
}

func (e *exam) unwrapped(a answerOf) any {
	v, _ := e.bodyOf(a).(map[string]any)
	if v["results"] != nil {
		delete(v, "status")
		return v
	}
	return v["content"]
}
