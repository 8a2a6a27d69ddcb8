package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/daemon"
)

// permissions asks Atlas what the credentials may do and says what is missing.
func permissions(ctx context.Context, f *config.File, format string, stdout io.Writer) error {
	if format != "table" && format != "json" {
		return coded{exitUsage, fmt.Errorf("-o %s: want table or json", format)}
	}
	if ctx == nil {
		ctx = context.Background()
	}
	orgs, err := daemon.CheckPermissions(ctx, f, version, nil)
	if err != nil {
		return coded{exitUsage, err}
	}
	if format == "json" {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(orgs); err != nil {
			return coded{exitUnreadable, fmt.Errorf("write the result: %w", err)}
		}
	} else {
		for _, o := range orgs {
			showPermissions(stdout, o)
		}
	}
	return verdict(orgs)
}

// verdict is the exit code of the check: unreachable before incomplete.
func verdict(orgs []daemon.Permissions) error {
	incomplete := 0
	for _, o := range orgs {
		if o.Failed != "" {
			return coded{exitUnreadable, fmt.Errorf("org %s cannot be checked: %s", o.Org, o.Failed)}
		}
		if !o.Complete() {
			incomplete++
		}
	}
	if incomplete > 0 {
		return coded{exitViolation, errors.New("permissions are missing: give the credentials the roles named above, or choose a narrower atlas.profile")}
	}
	return nil
}

func showPermissions(w io.Writer, o daemon.Permissions) {
	if o.Failed != "" {
		return // the error says it
	}
	fmt.Fprintf(w, "org %s %s, profile %s, %s\n", o.Org, o.Name, o.Profile, counted(o.Projects, "project"))
	showHeld(w, "read", &o.Read)
	showHeld(w, "write", o.Write)
	showUnreadable(w, o.Unreadable)
	if len(o.NotCovered) > 0 {
		fmt.Fprintln(w, "  not covered by choice:", strings.Join(o.NotCovered, ", "))
	}
}

func showHeld(w io.Writer, side string, h *daemon.Held) {
	switch {
	case h == nil:
		fmt.Fprintf(w, "  %s credential: none, and the profile needs none\n", side)
		return
	case h.Unknown != "":
		fmt.Fprintf(w, "  %s credential %s: its roles cannot be told: %s\n", side, h.Credential, h.Unknown)
	case h.Credential == "":
		fmt.Fprintf(w, "  %s credential: none\n", side)
	case len(h.Missing)+len(h.More) == 0:
		fmt.Fprintf(w, "  %s credential %s: exactly the roles of the profile\n", side, h.Credential)
	default:
		fmt.Fprintf(w, "  %s credential %s:\n", side, h.Credential)
	}
	for _, m := range h.Missing {
		fmt.Fprintln(w, "    missing:", m)
	}
	for _, m := range h.More {
		fmt.Fprintln(w, "    more than it needs:", m)
	}
}

// showUnreadable tells each reason once, with all that cannot be read for it.
func showUnreadable(w io.Writer, all []daemon.Unreadable) {
	type group struct{ kinds, names []string }
	groups, order := map[string]*group{}, []string(nil)
	for _, u := range all {
		why := fmt.Sprintf("(%s): %s", u.Status, strings.ReplaceAll(u.Why, " of "+u.Scope.ID(), ""))
		g := groups[why]
		if g == nil {
			g = &group{}
			groups[why], order = g, append(order, why)
		}
		g.kinds, g.names = with(g.kinds, string(u.Kind)), with(g.names, u.Name)
	}
	for _, why := range order {
		g := groups[why]
		fmt.Fprintf(w, "  cannot be read: %s of %s %s\n", strings.Join(g.kinds, ", "), some(g.names), why)
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "  everything that the profile covers can be read")
	}
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// some keeps a line readable where there are thousands of projects.
func some(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
