package slack

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Look is what is the same for all cards. The zero value links to nothing and mentions nobody.
type Look struct {
	Atlas  string            // where Atlas's own pages are, such as https://cloud.mongodb.com; empty: no links
	Admin  string            // the address of the admin API, for commands that people copy; empty: left out
	Users  map[string]string // ids of Slack users by the principals' ids: nobody else is ever mentioned
	Groups map[string]string // ids of Slack user groups by the names of the configuration's groups
	// Mention calls those who are asked, by one line: for the first post of a card that is high
	// or critical, and for nothing else.
	Mention bool
}

// Ids come from the configuration, and are looked at all the same: within mrkdwn they stand
// between the brackets of a mention.
var (
	userID   = regexp.MustCompile(`^[UW][A-Z0-9]{1,20}$`)
	argument = regexp.MustCompile(`^[A-Za-z0-9/._@:-]+$`)
	groupID  = regexp.MustCompile(`^S[A-Z0-9]{1,20}$`)
)

func (l Look) user(principal string) string {
	if id := l.Users[principal]; userID.MatchString(id) {
		return id
	}
	return ""
}

func (l Look) group(name string) string {
	if id := l.Groups[name]; groupID.MatchString(id) {
		return id
	}
	return ""
}

// page is Atlas's own page of a scope; empty: there is none to link to. Only ids that are
// Atlas's own shape go into it. Where exactly a page is, is not documented (a guess).
func (l Look) page(s access.Scope, k access.Kind) string {
	if !strings.HasPrefix(l.Atlas, "https://") && !strings.HasPrefix(l.Atlas, "http://") || s.Validate() != nil {
		return ""
	}
	base, id := strings.TrimRight(l.Atlas, "/"), url.PathEscape(s.ID())
	switch {
	case s.IsOrg():
		return base + "/v2#/org/" + id + "/projects"
	case k == access.KindIPAccessEntry:
		return base + "/v2/" + id + "#/security/network/accessList"
	case k == access.KindDatabaseUser:
		return base + "/v2/" + id + "#/security/database/users"
	}
	return base + "/v2/" + id
}

// command is how the same is done from a terminal. What a shell would make something else of is
// left out: people paste it.
func (l Look) command(args ...string) string {
	args = slices.Clone(args)
	for i, a := range args {
		if !argument.MatchString(a) {
			args[i] = "…"
		}
	}
	if l.Admin != "" {
		args = append(args, "--server", l.Admin)
	}
	return "gatewarden " + strings.Join(args, " ")
}

// calls is the line by which those who are asked are called; nil: nobody is. It is the one place
// where somebody is mentioned who has not acted yet.
func (l Look) calls(stories []notify.Story) slackgo.Block {
	const most = 5
	if !l.Mention {
		return nil
	}
	var all []string
	for _, s := range stories {
		if bad := s.Finding.Severity; bad != access.Critical && bad != access.High || !s.Question.Open() {
			continue
		}
		all = append(all, l.asked(asked(s))...)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 0 {
		return nil
	}
	return slackgo.NewSectionBlock(mrkdwn(strings.Join(all[:min(most, len(all))], " ")+" a decision is asked for."), nil, nil)
}

// asked are the mentions of an action's approvers, as the response names them.
func (l Look) asked(a access.Action) []string {
	var out []string
	for _, name := range a.Ask.Approvers {
		if id := l.group(name); id != "" {
			out = append(out, "<!subteam^"+id+">")
		} else if id := l.user(name); id != "" {
			out = append(out, "<@"+id+">")
		}
	}
	return out
}
