package sim

import (
	"fmt"
	"time"
)

// negotiates asks for each version that is to end, before and after its end.
func (e *exam) negotiates() {
	e.t.Helper()
	for _, v := range e.ending() {
		accept := "application/vnd.atlas." + v.date + "+json"
		r := e.ready()
		a := r.signed(e.owner, e.op.method, r.path, r.body, accept)
		why := ""
		switch {
		case a.code() == "ATLAS_SEARCH_DEPLOYMENT_DOES_NOT_EXIST": // these versions had an error for what is an empty answer since
		case a.status/100 != 2:
			why = fmt.Sprintf("version %s: %d %s", v.date, a.status, a.raw)
		case a.header.Get("Deprecation") == "" || a.header.Get("Sunset") != httpDate(v.sunset):
			why = fmt.Sprintf("version %s: Deprecation %q, Sunset %q", v.date, a.header.Get("Deprecation"), a.header.Get("Sunset"))
		}
		if end, _ := time.Parse(time.DateOnly, v.sunset); !epoch.After(end) {
			e.is("deprecated version", why)
			r = e.ready()
			r.Advance(end.Sub(epoch) + 48*time.Hour)
		}
		e.is("410", e.refused(r.signed(e.owner, e.op.method, r.path, r.body, accept), 410, "VERSION_GONE"))
	}
}

// ending are the versions that have an end: the document's and the older ones served.
func (e *exam) ending() []version {
	var out []version
	for _, r := range routes() {
		if r.op != e.op.OperationID {
			continue
		}
		for _, v := range r.parsed {
			if v.date == e.op.newest() {
				v.sunset = e.op.sunset()
			}
			if v.sunset != "" {
				out = append(out, v)
			}
		}
	}
	return out
}
