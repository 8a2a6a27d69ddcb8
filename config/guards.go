package config

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // windows are in time zones, and a container may have no files of them

	"github.com/robfig/cron/v3"

	"github.com/gatewarden/gatewarden/internal/access"
)

func warKeys() *shape {
	return object(
		key("flips", one(count()), "How often a resource is put back by somebody, after it was put right, before it is left to people; 0 never leaves it.").or("3"),
		key("window", one(interval()), "Within which time.").or("1h"),
	)
}

func ownershipKeys() *shape {
	return object(
		key("tool", one(enum("a tool", access.Tools()...)), "What made it: for vault, conductorone and ako the usual kinds and names are known and may be left out.").must(),
		key("credentials", nonnil(list(one(patterned("a client id or public key, without *", `^[^\s*\x00-\x1f\x7f]+$`)))), "The client ids of service accounts and public keys of API keys that the tool acts by; those, exactly.").must(),
		key("projects", list(one(glob("a pattern of project names or ids"))), "Patterns of the project's name or id. Left out: any."),
		key("kinds", list(one(kind())), "The kinds of resources that it owns. Left out: those that the tool is known to make, or any."),
		key("names", list(one(glob("a pattern of resource names"))), "Patterns of the names of resources that it owns. Left out: those that the tool is known to give, or any."),
		key("where", one(words("where the code stands")), "For people: the repository and path in which to change it."),
	)
}

func windowKeys() *shape {
	return object(
		key("name", one(words("a name in words")), "What people are told of it."),
		environmentList("Where it holds. Left out: everywhere."),
		key("projects", list(one(glob("a pattern of project names or ids"))), "Patterns of the project's name or id. Left out: any."),
		key("days", list(one(weekday())), "The days on which it begins. Left out: every day."),
		key("from", one(clock()), "When it begins, by a clock in zone."),
		key("to", one(clock()), "When it ends. Not after from: on the next day."),
		key("cron", one(cronSpec()), "When it begins, as a cron spec of five fields, in the place of days, from and to."),
		key("for", one(interval()), "How long it lasts, with cron."),
		key("zone", one(zone()), "The time zone, such as Europe/Berlin.").or("UTC"),
		key("do", one(windowDo()), "ask: a change freeze, within which reverts become questions; observe: within it they become messages; allow: a maintenance window, outside of all of which reverts become questions.").or("ask"),
		key("critical", one(boolean()), "It holds for critical findings too, which are put right otherwise.").or("false"),
	)
}

func weekday() scalar {
	days := map[string]time.Weekday{}
	var names []string
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String()[:3])
		names, days[name] = append(names, name), d
	}
	return enum("a day", names...).parsed(func(s string) (any, error) { return days[s], nil })
}

// clock is a time of day, as text: unquoted, some YAML takes it for a number.
func clock() scalar {
	return patterned(`a time of day such as "22:00", in quotes`, `^([01][0-9]|2[0-3]):[0-5][0-9]$`).parsed(func(s string) (any, error) {
		t, err := time.Parse("15:04", s)
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err
	})
}

func cronSpec() scalar {
	return text("a cron spec such as 0 18 28 * *").parsed(func(s string) (any, error) {
		if len(strings.Fields(s)) != 5 || strings.Contains(s, "TZ=") {
			return nil, fmt.Errorf("%q is not a cron spec of five fields, such as 0 18 28 * *; the time zone is given by zone", s)
		}
		if _, err := cron.ParseStandard(s); err != nil {
			return nil, fmt.Errorf("%q is not a cron spec: %w", s, err)
		}
		return s, nil
	})
}

func zone() scalar {
	return text("a time zone such as Europe/Berlin").parsed(func(s string) (any, error) {
		if _, err := time.LoadLocation(s); err != nil || s == "Local" {
			return nil, fmt.Errorf("%q is not a time zone such as Europe/Berlin or UTC", s)
		}
		return s, nil
	})
}

func windowDo() scalar {
	return enum("what a window does", "ask", string(access.WindowObserve), string(access.WindowAllow)).parsed(func(s string) (any, error) {
		if s == "ask" {
			return access.WindowAsk, nil
		}
		return access.WindowDo(s), nil
	})
}

func (b *builder) war(t *tree) access.War {
	return access.War{Flips: as[int](t.get("flips")), Window: as[time.Duration](t.get("window"))}
}

// ownership refuses a tool that would own whatever its credential touches: of a leaked one
// that is everything.
func (b *builder) ownership(t *tree) access.Ownership {
	o := access.Ownership{
		Tool: as[string](t.get("tool")), Credentials: leaves[string](t.get("credentials")), Projects: leaves[string](t.get("projects")),
		Kinds: leaves[access.Kind](t.get("kinds")), Names: leaves[string](t.get("names")), Where: as[string](t.get("where")),
	}
	known := o.Tool == access.ToolAKO || o.Tool == access.ToolVault || o.Tool == access.ToolConductorOne
	if t.sub != nil && !known && !t.get("kinds").given && !particular(t, "projects", access.MostlyAll) && !particular(t, "names", access.AnyName) {
		b.at(t, "it owns whatever its credentials touch: give projects, kinds or names")
	}
	return o
}

// particular reports whether a list of patterns is given of which each names something.
func particular(t *tree, name string, all func(string) bool) bool {
	for _, item := range t.get(name).items {
		if p, ok := item.leaf.(string); ok && all(p) {
			return false
		}
	}
	return len(t.get(name).items) > 0
}

func (b *builder) window(t *tree) access.Window {
	w := access.Window{
		Name: as[string](t.get("name")), Environments: b.names(t.get("environments")), Projects: leaves[string](t.get("projects")),
		Days: leaves[time.Weekday](t.get("days")), From: as[time.Duration](t.get("from")), To: as[time.Duration](t.get("to")),
		Cron: as[string](t.get("cron")), For: as[time.Duration](t.get("for")), Zone: as[string](t.get("zone")),
		Do: as[access.WindowDo](t.get("do")), Critical: as[bool](t.get("critical")),
	}
	given := func(name string) bool { return t.get(name).given }
	switch {
	case t.sub == nil:
	case given("cron") && (given("days") || given("from") || given("to")):
		b.at(t.get("cron"), "it begins by cron, or by days, from and to: keep one")
	case given("cron") != given("for"):
		b.at(t, "cron says when it begins and for how long it lasts: give both")
	case given("from") != given("to"):
		b.at(t, "from and to belong together: give both")
	case !given("cron") && !given("days") && !given("from"):
		b.at(t, "it would be open always: give days, from and to, or cron and for")
	}
	return w
}
