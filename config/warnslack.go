package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
)

// slack warns of what is probably not meant under slack.
func (w *warner) slack() {
	f := w.file
	if f.Slack.IsZero() {
		return
	}
	told := slices.ContainsFunc(f.Routes, func(r Route) bool {
		return slices.ContainsFunc(r.To, func(to string) bool { return strings.HasPrefix(to, SinkSlack+":") })
	})
	if !told {
		w.warn("slack", "no route leads to slack: nobody is told or asked there")
	}
	if f.Slack.TrustEmail {
		w.warn("slack.trust_email", "who can change the e-mail address of a profile in the workspace decides here: only where single sign-on sets it")
	}
	for i, r := range f.Responses {
		if r.Do != access.ModeApprove && r.Do != access.ModeRevert || len(r.Approvers) == 0 || f.Slack.TrustEmail {
			continue
		}
		if !slices.ContainsFunc(f.Principals, func(p access.Principal) bool { return p.Slack != "" && w.among(r.Approvers, p.ID) }) {
			w.warn(fmt.Sprintf("responses[%d].approvers", i), "none of them has a slack id under principals: nobody can answer from Slack")
		}
	}
}

// among reports whether a list of principals and groups means this principal.
func (w *warner) among(list []string, id string) bool {
	return slices.ContainsFunc(list, func(name string) bool { return name == id || slices.Contains(w.file.Groups[name], id) })
}
