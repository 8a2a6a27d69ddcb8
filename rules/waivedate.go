package rules

import (
	"slices"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// A waiver is bounded from when it was granted, and that time is written by a person. Dated
// ahead it would bound nothing: five waivers of a day each, written on Monday for the days
// of the week, let a violation stand for five days that may stand for one. So a waiver that
// is dated ahead when it is read never holds, and until its end neither does any other one
// of the same finding: they may have been written at the same time, and a file does not
// tell. A renewal is granted while the former one holds, or after it, and counts from then.

// datedBy is how far ahead of our clock a waiver may be granted: clocks differ.
const datedBy = time.Hour

// Dated marks the waivers that are granted later than now, the time at which they were read.
func Dated(list []access.Waiver, now time.Time) []access.Waiver {
	ahead := func(w access.Waiver) bool { return w.Granted.After(now.Add(datedBy)) }
	if !slices.ContainsFunc(list, ahead) {
		return list
	}
	out := slices.Clone(list)
	for i := range out {
		out[i].Ahead = out[i].Ahead || ahead(out[i])
	}
	return out
}

// dateAhead is a waiver, of those of one finding, that was dated ahead and has not ended.
func dateAhead(fitting []access.Waiver, now time.Time) (access.Waiver, bool) {
	for _, w := range fitting {
		if w.Ahead && now.Before(w.Until) {
			return w, true
		}
	}
	return access.Waiver{}, false
}

// renewals is how often the violation's waiver was granted anew, so far as those that are
// still there tell: each that was granted while the one before it held is a renewal of it.
func renewals(w access.Waiver, fitting []access.Waiver, s access.Severity) int {
	most := w.Renewals
	for n := 1; ; n++ {
		former, ok := formerOf(w, fitting, s)
		if !ok {
			return most
		}
		w, most = former, max(most, former.Renewals+n)
	}
}

// formerOf is the newest of the waivers that the waiver goes on from.
func formerOf(w access.Waiver, fitting []access.Waiver, s access.Severity) (former access.Waiver, ok bool) {
	for _, x := range fitting {
		if x.Granted.Before(w.Granted) && !holdsUntil(x, s).Before(w.Granted) && (!ok || x.Granted.After(former.Granted)) {
			former, ok = x, true
		}
	}
	return former, ok
}
