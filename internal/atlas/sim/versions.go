package sim

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// A route names its versions oldest first: "2023-01-01! 2024-08-05". The mark means
// deprecated, with the dates that the recorded answers carry.
const (
	deprecatedOn = "2025-02-19"
	sunsetOn     = "2027-07-01"
)

type version struct {
	date       string
	deprecated bool
}

func parseVersions(list string) []version {
	var out []version
	for _, f := range strings.Fields(list) {
		date, deprecated := strings.CutSuffix(f, "!")
		out = append(out, version{date, deprecated})
	}
	return out
}

var datedType = regexp.MustCompile(`^application/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json$`)

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
		if v.deprecated && now.Format(time.DateOnly) >= sunsetOn {
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
	if v.deprecated {
		h.Set("Deprecation", httpDate(deprecatedOn))
		h.Set("Sunset", httpDate(sunsetOn))
	}
}

func httpDate(day string) string {
	t, _ := time.Parse(time.DateOnly, day)
	return t.Format(http.TimeFormat)
}
