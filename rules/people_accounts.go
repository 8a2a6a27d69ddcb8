package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

func (s *subject) username() string {
	switch t := s.res.Box.State.(type) {
	case access.OrgMember:
		return t.Username
	case access.Invitation:
		return t.Username
	}
	return ""
}

func (s *subject) member() access.OrgMember {
	m, _ := access.As[access.OrgMember](s.res.Box)
	return m
}

func (s *subject) invitation() access.Invitation {
	i, _ := access.As[access.Invitation](s.res.Box)
	return i
}

// domainOf is what stands after the last @ of an address, in lower case as far as ASCII
// goes; an address without one has none.
func domainOf(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return ""
	}
	return access.FoldName(address[i+1:])
}

// internal reports whether the address is of a domain that is exactly one of the allowed:
// neither of one below it, nor of one that ends or looks like it.
func (w *world) internal(address string) bool {
	d := domainOf(address)
	return d != "" && slices.ContainsFunc(w.Domains, func(allowed string) bool { return access.FoldName(allowed) == d })
}

// directProjects are the projects on which somebody has, or is promised, roles of their own.
func (s *subject) directProjects() []string {
	out := []string{}
	for _, p := range slices.Concat(s.member().Projects, s.invitation().Projects) {
		out = append(out, p.Project)
	}
	return out
}

// sharedAs is the pattern of the parameter that the local part of the address is like; empty:
// it looks like a person. Upper case, what follows a plus sign, marks between words and
// numbers at the end do not make a mailbox personal.
func (s *subject) sharedAs() string {
	local, _, _ := strings.Cut(s.username(), "@")
	local, _, _ = strings.Cut(access.FoldName(local), "+")
	plain := strings.TrimRight(local, "0123456789._-")
	joined := strings.Map(func(r rune) rune {
		if strings.ContainsRune("._-", r) {
			return -1
		}
		return r
	}, plain)
	patterns, _ := s.rule.Params["names"].([]string)
	for _, p := range patterns {
		p = access.FoldName(p)
		if access.Match(p, local) || plain != "" && access.Match(p, plain) || joined != "" && access.Match(p, joined) {
			return p
		}
	}
	return ""
}

// lastSeen is the last login, held by the day; of somebody for whom Atlas tells none, when
// the account was made.
func (s *subject) lastSeen() time.Time {
	m := s.member()
	if m.LastAuth.IsZero() {
		return m.CreatedAt
	}
	return m.LastAuth
}
