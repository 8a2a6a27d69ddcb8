package sim

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// What the recorded answers of deprecated versions carry. The official document has the
// sunset of deprecated operations only.
const (
	deprecatedOn = "2025-02-19"
	sunsetOn     = "2027-07-01"
)

type version struct {
	date   string
	sunset string // "" while it lives
}

// versionsOf lists a route's versions, oldest first.
func versionsOf(r *route) []version {
	var out []version
	for _, f := range strings.Fields(r.older) {
		date, sunset, found := strings.Cut(f, ":")
		if !found {
			sunset = sunsetOn
		}
		out = append(out, version{date, sunset})
	}
	for _, v := range r.spec.Versions {
		if r.spec.Deprecated { // the document does not say till when; the recorded answers do
			v.Sunset = orDefault(v.Sunset, sunsetOn)
		}
		out = append(out, version{v.Date, v.Sunset})
	}
	return out
}

var datedType = regexp.MustCompile(`^application/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+(?:json|xml|gzip|csv)$`)

// mediaType finds the dated media type in an Accept header.
func mediaType(accept string) (date string, ok bool) {
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(part, ";")
		if found := datedType.FindStringSubmatch(strings.TrimSpace(kind)); found != nil {
			_, err := time.Parse(time.DateOnly, found[1])
			return found[1], err == nil
		}
	}
	return "", false
}

// negotiate picks the newest version that is not after the one asked for: a later date
// falls back.
func negotiate(versions []version, accept string, now time.Time) (version, *problem) {
	want, ok := mediaType(accept)
	if !ok {
		return version{}, invalidVersion(accept)
	}
	for i := len(versions) - 1; i >= 0; i-- {
		v := versions[i]
		if v.date > want {
			continue
		}
		if v.sunset != "" && now.Format(time.DateOnly) >= v.sunset {
			return version{}, fail(http.StatusGone, "VERSION_GONE", "The version %s of this resource is no longer available.", v.date)
		}
		return v, nil
	}
	return version{}, invalidVersion(accept)
}

func invalidVersion(accept string) *problem {
	return fail(http.StatusNotAcceptable, "INVALID_VERSION_DATE", "The Accept header %q does not name a valid version date of this resource.", accept)
}

// headers name the version served and warn of its end.
func (v version) headers(h http.Header) {
	h.Set("Content-Type", "application/vnd.atlas."+v.date+"+json;charset=utf-8")
	if v.sunset != "" {
		h.Set("Deprecation", httpDate(deprecatedOn))
		h.Set("Sunset", httpDate(v.sunset))
	}
}

func httpDate(day string) string {
	t, _ := time.Parse(time.DateOnly, day)
	return t.Format(http.TimeFormat)
}
