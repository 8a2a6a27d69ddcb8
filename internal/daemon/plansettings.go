package daemon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/remediate"
)

// differingSettings are those that decide what is read and written, where they differ.
func differingSettings(old, now book) []report.PreviewSetting {
	out := []report.PreviewSetting{}
	if !old.acts {
		return out
	}
	say := func(path, from, to, says string, arms bool) {
		if from == to {
			return
		}
		s := report.PreviewSetting{Path: path, From: from, To: to, Says: says, Arms: arms, File: now.name}
		s.Line, _ = now.file.Position(path)
		out = append(out, s)
	}
	yes := func(b bool) string { return map[bool]string{true: "true", false: "false"}[b] }
	armed := "it acts on new episodes only: what stands, and what was refused in dry run, is not put right by it; it takes a restart"
	say("dry_run", yes(old.dryRun), yes(now.dryRun), map[bool]string{true: "nothing is written any more", false: armed}[now.dryRun], !now.dryRun)
	say("atlas.profile", old.profile, now.profile, "it takes a restart, and other roles of the credentials", writesAnything(now.profile) && !writesAnything(old.profile))
	say("atlas.base_url", old.baseURL, now.baseURL, "another Atlas: what is true there is not what was read", false)
	for _, org := range slices.Sorted(maps.Keys(union(old.writes, now.writes))) {
		was, had := old.writes[org]
		is, has := now.writes[org]
		path := "atlas.orgs[" + fmt.Sprint(orgAt(now, org)) + "].write"
		switch {
		case !has:
			say("atlas.orgs", org+" watched", org+" not watched", "nothing of it is judged any more", false)
		case !had:
			say("atlas.orgs", org+" not watched", org+" watched", "what is there already is inherited: it is told, and never reverted by itself", is)
		default:
			say(path, given(was), given(is), "of org "+org, is && !was)
		}
	}
	say("guards.caps.project_hour", fmt.Sprint(old.policy.Caps.ProjectHour), fmt.Sprint(now.policy.Caps.ProjectHour), "writes a project and hour", now.policy.Caps.ProjectHour > old.policy.Caps.ProjectHour)
	say("guards.caps.org_hour", fmt.Sprint(old.policy.Caps.OrgHour), fmt.Sprint(now.policy.Caps.OrgHour), "writes an org and hour", now.policy.Caps.OrgHour > old.policy.Caps.OrgHour)
	say("guards.settle.critical", lasts(old.policy.Settle.Critical), lasts(now.policy.Settle.Critical), "before a critical change is reverted", now.policy.Settle.Critical < old.policy.Settle.Critical)
	say("guards.settle.other", lasts(old.policy.Settle.Other), lasts(now.policy.Settle.Other), "before any other change is reverted", now.policy.Settle.Other < old.policy.Settle.Other)
	freed := slices.DeleteFunc(slices.Clone(old.policy.NeverTouch), func(p string) bool { return slices.Contains(now.policy.NeverTouch, p) })
	say("guards.never_touch", never(old.policy.NeverTouch), never(now.policy.NeverTouch), "", len(freed) > 0)
	before, after := old.policy.Guards, now.policy.Guards
	say("guards.war", war(before.War), war(after.War), "from when on a revert is left to people", false)
	say("guards.ownership", owners(before), owners(after), "what these made inside their pattern is left to their owners", len(after.Ownership) < len(before.Ownership))
	say("guards.windows", windowsOf(old), windowsOf(now), "when reverts become questions or messages", len(now.windows) < len(old.windows))
	say("guards.retention", lasts(before.Retention), lasts(after.Retention), "before people are asked whether to delete a user in quarantine", false)
	say("guards.operators", cmp.Or(strings.Join(old.policy.People.Operators, ", "), "nobody"), cmp.Or(strings.Join(now.policy.People.Operators, ", "), "nobody"), "who may unfreeze, open incidents, announce changes and adopt", false)
	return out
}

func war(w access.War) string {
	if w == (access.War{}) {
		return "never"
	}
	return fmt.Sprintf("%d times within %s", w.Flips, lasts(w.Window))
}

// owners and windows are told apart by all that they say, and named in brief.
func owners(g remediate.Guards) string {
	var tools []string
	for _, o := range g.Ownership {
		tools = append(tools, o.Tool)
	}
	return named(tools, g.Ownership)
}

func windowsOf(b book) string {
	var names []string
	for _, w := range b.windows {
		names = append(names, cmp.Or(w.Name, w.Cron, "daily"))
	}
	return named(names, b.windows)
}

// named are names with a mark of all that stands behind them.
func named[T any](names []string, all []T) string {
	if len(names) == 0 {
		return "nothing"
	}
	raw, err := json.Marshal(all)
	if err != nil {
		panic("daemon: guards do not encode: " + err.Error())
	}
	return strings.Join(names, ", ") + " (" + access.Hash(string(raw))[:6] + ")"
}

func union(a, b map[string]bool) map[string]bool {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]bool{}
	}
	maps.Copy(out, b)
	return out
}

func orgAt(b book, org string) int {
	for i, o := range b.file.Atlas.Orgs {
		if o.ID == org {
			return i
		}
	}
	return 0
}

func given(b bool) string {
	return map[bool]string{true: "write credentials", false: "no write credentials"}[b]
}

func never(patterns []string) string { return cmp.Or(strings.Join(patterns, ", "), "nothing") }

func lasts(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	return access.Lasts(d)
}

// differingRoles are the roles that a change of profile asks for and does away with. Without a
// profile before, they are all that the new one takes.
func differingRoles(old, now string) []report.PreviewPrivilege {
	out := []report.PreviewPrivilege{}
	was, _ := reach.ProfileNamed(old)
	is, _ := reach.ProfileNamed(now)
	side := func(credential string, before, after []string) {
		p := report.PreviewPrivilege{Credential: credential, Needs: beyond(after, before), NoMore: beyond(before, after)}
		if old == "" || len(p.Needs)+len(p.NoMore) == 0 {
			return
		}
		var says []string
		if len(p.Needs) > 0 {
			says = append(says, "give it "+strings.Join(p.Needs, ", ")+" before the configuration takes effect; without, what it takes them for is unknown")
		}
		if len(p.NoMore) > 0 {
			says = append(says, "take "+strings.Join(p.NoMore, ", ")+" from it: the least privilege for profile "+now+" is without")
		}
		if credential == "write" && len(after) == 0 {
			says = []string{"profile " + now + " writes nothing: take the write credential out, and its roles from it"}
		}
		p.Says = strings.Join(says, "; ")
		out = append(out, p)
	}
	side("read", rolesOn(was.Read, was.ReadProjects), rolesOn(is.Read, is.ReadProjects))
	side("write", rolesOn(was.Write, was.WriteProjects), rolesOn(is.Write, is.WriteProjects))
	return out
}

func rolesOn(org, projects []string) []string {
	out := slices.Clone(org)
	for _, r := range projects {
		out = append(out, r+everyProject)
	}
	return out
}

func beyond(all, less []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(r string) bool { return slices.Contains(less, r) })
}
