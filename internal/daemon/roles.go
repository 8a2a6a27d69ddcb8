package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/stream"
)

// Role is a part of the daemon that a process may run alone, on an external NATS cluster and with
// a user of its own there. With a store of its own a process runs them all.
type Role string

// The roles.
const (
	RoleWatch     Role = "watch"     // polls Atlas, takes its webhooks
	RoleRules     Role = "rules"     // judges
	RoleRemediate Role = "remediate" // decides and writes to Atlas; the only one that needs write credentials
	RoleNotify    Role = "notify"    // routes what is told, and writes it to the log
	RoleSlack     Role = "slack"     // tells and asks in Slack, and takes what people decide there
	RoleAudit     Role = "audit"     // keeps the chain
	RoleAPI       Role = "api"       // answers /api/v1 and takes commands
)

// Roles are all roles.
func Roles() []Role {
	return []Role{RoleWatch, RoleRules, RoleRemediate, RoleNotify, RoleSlack, RoleAudit, RoleAPI}
}

// ParseRoles reads roles parted by commas; nothing is all of them.
func ParseRoles(text string) ([]Role, error) {
	if text == "" || text == "all" {
		return Roles(), nil
	}
	var out []Role
	for name := range strings.SplitSeq(text, ",") {
		r := Role(strings.TrimSpace(name))
		if !slices.Contains(Roles(), r) {
			return nil, fmt.Errorf("there is no role %q: want one or more of %s, or all", r, joined(Roles(), ", "))
		}
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Role) int { return slices.Index(Roles(), a) - slices.Index(Roles(), b) })
	return out, nil
}

func joined(roles []Role, by string) string {
	var names []string
	for _, r := range roles {
		names = append(names, string(r))
	}
	return strings.Join(names, by)
}

// accessOf is what a role does with the store: the one table behind its permissions on an
// external cluster, its consumers, and what a process with this role runs. Every role reads the watch
// documents, which know the org of a project. Whoever takes messages publishes polls too: the scope of a
// dead letter is read again.
func accessOf(r Role) stream.Access {
	switch r {
	case RoleWatch:
		return stream.Access{
			Work:    []stream.Worker{{Topic: access.TopicPoll, Durable: "watcher"}},
			Publish: []access.Topic{access.TopicEvent, access.TopicChange, access.TopicPoll, access.TopicEval},
			Write:   []string{"watch", "inventory", "history"},
			Read:    []string{"findings", "actions", "control"},
		}
	case RoleRules:
		return stream.Access{
			Work:    []stream.Worker{{Topic: access.TopicEval, Durable: "rules"}},
			Publish: []access.Topic{access.TopicFinding, access.TopicAction, access.TopicEval, access.TopicPoll},
			Write:   []string{"findings", "facts"},
			Read:    []string{"watch", "inventory", "history", "waivers", "replays"},
			Changes: true,
		}
	case RoleRemediate:
		return stream.Access{
			Work:    []stream.Worker{{Topic: access.TopicAction, Durable: "remediate"}, {Topic: access.TopicCommand, Durable: "remediate"}},
			Publish: []access.Topic{access.TopicDecision, access.TopicAction, access.TopicEval, access.TopicPoll},
			Write:   []string{"actions", "waivers", "control", "locks"},
			Read:    []string{"watch", "inventory", "history", "facts", "findings"},
			Changes: true, // what an incident left behind
		}
	case RoleNotify:
		return stream.Access{
			Work: []stream.Worker{
				{Topic: access.TopicFinding, Durable: "notify"}, {Topic: access.TopicDecision, Durable: "notify"}, {Topic: access.TopicNotify, Durable: "log", Under: "log"},
			},
			Publish: []access.Topic{access.TopicNotify, access.TopicPoll},
			Write:   []string{"deliveries"},
			Read:    []string{"watch", "findings", "actions"},
		}
	case RoleSlack:
		return stream.Access{
			Work:    []stream.Worker{{Topic: access.TopicNotify, Durable: "slack", Under: "slack"}},
			Publish: []access.Topic{access.TopicNotify, access.TopicCommand, access.TopicPoll},
			Write:   []string{"cards"},
			Read:    []string{"watch", "findings", "actions", "waivers", "control"},
		}
	case RoleAudit:
		return stream.Access{Read: []string{"watch"}, Audit: true}
	case RoleAPI:
		return stream.Access{
			Publish: []access.Topic{access.TopicCommand},
			Write:   []string{"replays"},
			Read:    []string{"watch", "inventory", "history", "facts", "findings", "actions", "waivers", "control"},
			Changes: true,
		}
	}
	panic("daemon: there is no role " + string(r))
}

// together is what a process with all of these roles does.
func together(roles []Role) (all stream.Access) {
	for _, r := range roles {
		a := accessOf(r)
		all.Work = append(all.Work, a.Work...)
		all.Publish = append(all.Publish, a.Publish...)
		all.Write = append(all.Write, a.Write...)
		all.Read = append(all.Read, a.Read...)
		all.Changes, all.Audit = all.Changes || a.Changes, all.Audit || a.Audit
	}
	return all
}

// inbox is the prefix of the subjects that answers come to: nobody else's user may listen there.
func inbox(prefix string, roles []Role) string {
	name := joined(roles, "-")
	if len(roles) == len(Roles()) {
		name = "all"
	}
	return "_INBOX_" + prefix + "_" + name
}

func bootstrapInbox(prefix string) string { return "_INBOX_" + prefix + "_bootstrap" }

// roles are those of this process.
func (o Options) roles() []Role {
	if o.Roles == nil {
		return Roles()
	}
	return o.Roles
}

func (o Options) checkRoles() error {
	if !o.File.NATS.External() && len(o.roles()) != len(Roles()) {
		return configError{errors.New("a process with a store of its own does everything: leave --roles out, or give nats.url in place of nats.store")}
	}
	return nil
}

func (d *Daemon) does(r Role) bool { return slices.Contains(d.opts.roles(), r) }

// writes reports whether a role of this process is the writer of a bucket.
func (d *Daemon) writes(bucket string) bool {
	return slices.ContainsFunc(d.opts.roles(), func(r Role) bool { return slices.Contains(accessOf(r).Write, bucket) })
}

// ownWorkers are the workers of this process's roles.
func (d *Daemon) ownWorkers() []stream.Worker {
	mine := together(d.opts.roles()).Work
	return slices.DeleteFunc(d.workers(), func(w stream.Worker) bool {
		return !slices.ContainsFunc(mine, func(m stream.Worker) bool { return m.Topic == w.Topic && m.Durable == w.Durable })
	})
}

// withRole serves a part of the admin interface only where its role runs.
func (d *Daemon) withRole(r Role, prefix string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, prefix) && !d.does(r) {
			http.Error(w, "this process runs only the roles "+joined(d.opts.roles(), ", ")+": ask one that runs "+string(r), http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, q)
	})
}
