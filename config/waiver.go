package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

const day = 24 * time.Hour

// waiver checks what the file alone can tell. Whether it has expired, and whether it is
// longer than the severity of its rules allows, the daemon sees: it has the clock and
// the rules.
func (b *builder) waiver(t *tree) access.Waiver {
	w := access.Waiver{
		V: access.Version, ID: as[string](t.get("id")),
		Rule: as[string](t.get("rule")), Kind: as[access.Kind](t.get("kind")), Name: as[string](t.get("name")),
		Key: as[string](t.get("key")), Project: as[string](t.get("project")), Environment: as[string](t.get("environment")),
		Owner: as[string](t.get("owner")), Reason: as[string](t.get("reason")), Ticket: as[string](t.get("ticket")),
		Granted: as[time.Time](t.get("granted")), Until: as[time.Time](t.get("until")),
		Renewals: as[int](t.get("renewals")), Digest: as[string](t.get("digest")), Source: b.stands(t),
	}
	b.known(t.get("environment"), w.Environment)
	if w.Rule != "" && access.MostlyAll(w.Rule) {
		b.at(t.get("rule"), "%q matches every rule: name those that are waived", w.Rule)
	}
	if t.sub != nil && !narrows(t, "name", "project", "environment") {
		b.at(star(t), "it matches everything that the rule finds: give name, project or environment")
	}
	b.within(t, "granted", access.WaiverCap(access.Low), "a waiver holds 90 days at most; one of a critical finding 1, high 7, medium 30")
	return w
}

func (b *builder) expectation(t *tree) access.Expectation {
	e := access.Expectation{
		V: access.Version, ID: as[string](t.get("id")),
		Actor: as[string](t.get("actor")), Rule: as[string](t.get("rule")), Kind: as[access.Kind](t.get("kind")),
		Name: as[string](t.get("name")), Project: as[string](t.get("project")),
		From: as[time.Time](t.get("from")), Until: as[time.Time](t.get("until")),
		Ticket: as[string](t.get("ticket")), Reason: as[string](t.get("reason")),
		Approved: as[string](t.get("approved")), Source: b.stands(t),
	}
	if t.sub != nil && !narrows(t, "actor", "name") {
		b.at(star(t), "it matches whatever anybody does: give actor or name")
	}
	b.within(t, "from", access.LongestExpectation, "a change is announced 30 days ahead at most")
	b.declared(t.get("approved"), e.Approved)
	if i := slices.IndexFunc(b.principals, func(p access.Principal) bool { return p.ID == e.Approved }); i >= 0 && acts(b.principals[i], e.Actor) {
		b.at(t.get("approved"), "%q is the actor, or answers for it: another principal approves", e.Approved)
	}
	return e
}

// stands is the place of a value for those who read what came of it.
func (b *builder) stands(t *tree) string { return b.name + ":" + strconv.Itoa(t.line) }

// narrows reports whether one of the keys is given and names something in particular.
func narrows(t *tree, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		v := t.get(name)
		all := access.MostlyAll
		if name == "name" {
			all = access.AnyName
		}
		return v.given && (v.leaf == nil || !all(as[string](v))) // what could not be read is told of already
	})
}

// star is the name that names nothing in particular, where it looks as if it did: admin/*
// is every user with a password. Otherwise it is all of the waiver or expectation.
func star(t *tree) *tree {
	if v := t.get("name"); v.given && !access.MostlyAll(as[string](v)) {
		return v
	}
	return t
}

// within reports an until that is not after the given begin, or too long after it.
func (b *builder) within(t *tree, begin string, longest time.Duration, rule string) {
	from, ok := t.get(begin).leaf.(time.Time)
	until, also := t.get("until").leaf.(time.Time)
	switch {
	case !ok || !also:
	case !until.After(from):
		b.at(t.get("until"), "not after %s, so it never holds: give a later time", begin)
	case until.Sub(from) > longest:
		b.at(t.get("until"), "%s after %s, too long: %s", days(until.Sub(from)), begin, rule)
	}
}

// days is a duration in days, begun ones counted.
func days(d time.Duration) string {
	return strconv.Itoa(int((d-1)/day)+1) + " days"
}

// acts reports whether an actor of an expectation is this principal: by its id, by one
// of its names in Atlas, or as a machine that it answers for.
func acts(p access.Principal, actor string) bool {
	if access.MostlyAll(actor) { // anybody: then nobody is the one
		return false
	}
	pattern := strings.ToLower(actor)
	names := slices.Concat([]string{p.ID, p.Email}, p.Atlas, p.Owns)
	return slices.ContainsFunc(names, func(n string) bool { return access.Match(pattern, strings.ToLower(n)) })
}
