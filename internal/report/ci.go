package report

import (
	"regexp"
	"strings"
)

// What a CI system reads in a log as a command to itself: "::error file=x::text" at the
// start of a line, blanks aside (GitHub Actions); "##vso[...]", "##[...]" anywhere in it
// (Azure Pipelines, GitHub formerly) or at its start ("##teamcity[...]"). A report ends up in
// such logs, and whoever may name a database user would say such things in it.

// command is what may be one to GitHub. Lines are broken elsewhere than where the text has
// its blanks, so it counts anywhere in it.
var command = regexp.MustCompile(`^::([A-Za-z][A-Za-z0-9_-]*)(\s|::)`)

// group6 is a part of an IPv6 address, which is no command.
var group6 = regexp.MustCompile(`^[0-9A-Fa-f]{1,4}$`)

// uncommanded is a text in which no CI system finds a command: the second character of
// what begins one is written as its escape.
func uncommanded(s, colon, hash string) string {
	s = strings.ReplaceAll(s, "##", "#"+hash)
	if strings.Count(s, "::") < 2 {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "::")
		if i < 0 {
			break
		}
		m := command.FindStringSubmatch(s[i:])
		b.WriteString(s[:i+1])
		s = s[i+1:]
		if m != nil && !group6.MatchString(m[1]) {
			b.WriteString(colon)
			s = s[1:]
		}
	}
	return b.String() + s
}

var ours = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`)

// uncommandedPage is a page in which none is, in what is not our own style and script.
func uncommandedPage(page string) string {
	var b strings.Builder
	at := 0
	for _, m := range append(ours.FindAllStringIndex(page, -1), []int{len(page), len(page)}) {
		b.WriteString(uncommanded(page[at:m[0]], "&#58;", "&#35;") + page[m[0]:m[1]])
		at = m[1]
	}
	return b.String()
}
