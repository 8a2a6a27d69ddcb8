package rules

import (
	"reflect"
	"slices"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Affected says which projects of the org may take something else of the others once one
// contributes now what it contributed formerly; nil: all may. What a project has of users,
// members and teams concerns itself and the org; an entry those who hold it too; everything
// else all of them.
func Affected(former, now access.Contribution, projects []access.Contribution) func(access.Scope) bool {
	if !reflect.DeepEqual(toAll(former), toAll(now)) {
		return nil
	}
	moved := map[string]bool{}
	for _, x := range former.Entries {
		moved[x] = !slices.Contains(now.Entries, x)
	}
	for _, x := range now.Entries {
		if !slices.Contains(former.Entries, x) {
			moved[x] = true
		}
	}
	out := map[access.Scope]bool{now.Scope: true}
	for _, p := range projects {
		if slices.ContainsFunc(p.Entries, func(x string) bool { return moved[x] }) {
			out[p.Scope] = true
		}
	}
	return func(s access.Scope) bool { return out[s] }
}

// toAll is what a contribution may tell every other project.
func toAll(c access.Contribution) access.Contribution {
	c.Entries, c.Users, c.Members, c.Teams, c.ServiceAccounts, c.Owners = nil, nil, nil, nil, nil, nil
	return c
}
