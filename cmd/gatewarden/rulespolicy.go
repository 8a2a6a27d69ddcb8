package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/daemon"
)

// policyFlags say which Resource Policy is wanted.
type policyFlags struct {
	file, format string
	wanted       daemon.PreventionOptions
}

func rulesPolicyCommand(stdout io.Writer) *cobra.Command {
	p := policyFlags{wanted: daemon.PreventionOptions{Scan: daemon.ScanOptions{Version: version}}}
	c := &cobra.Command{
		Use: "policy ID", Short: "Write the Atlas Resource Policy that forbids what a rule finds", Args: cobra.ExactArgs(1),
		Long: "Write the Atlas Resource Policy that forbids what a rule finds, where Atlas can forbid it. -o json is the body of\n" +
			"POST /api/atlas/v2/orgs/{orgId}/resourcePolicies; POST it to …/resourcePolicies:validate first. Without --environment\n" +
			"and --project it holds for every project of the organization.",
		RunE: func(cmd *cobra.Command, args []string) error {
			p.wanted.Rule = args[0]
			return p.run(cmd.Context(), stdout)
		},
	}
	configFlag(c, &p.file)
	c.Flags().StringVarP(&p.format, "output", "o", "table", "table (the text), json or yaml (a request's body)")
	c.Flags().StringVar(&p.wanted.Environment, "environment", "", "the environment whose declared networks count, and for whose projects it is; they are read from Atlas unless --project names them")
	c.Flags().StringSliceVar(&p.wanted.Projects, "project", nil, "the projects that it is for: ids, or names, which are read from Atlas; * stands for any run of characters")
	return c
}

func (p policyFlags) run(ctx context.Context, stdout io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	f, err := optional(p.file)
	if err != nil {
		return err
	}
	text, err := daemon.Prevention(ctx, f, p.wanted)
	switch {
	case daemon.IsConfig(err):
		return coded{exitUsage, err}
	case err != nil:
		return coded{exitUnreadable, err}
	case text.Reason != "":
		return coded{exitViolation, errors.New(p.wanted.Rule + ": Atlas cannot forbid it by itself: " + text.Reason)}
	}
	type body struct {
		Body string `json:"body"`
	}
	request := struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Policies    []body `json:"policies"`
	}{Name: text.Name, Description: text.Description}
	for _, t := range text.Policies {
		request.Policies = append(request.Policies, body{t})
	}
	return encode(stdout, p.format, request, func() error { return policyText(stdout, text) })
}

// policyText writes the policy with what is to be known before it is sent.
func policyText(w io.Writer, p daemon.PolicyText) error {
	fmt.Fprintf(w, "// %s: %s\n// It enforces: %s\n", p.Name, p.Description, p.Covers)
	if p.Misses != "" {
		fmt.Fprintf(w, "// It cannot enforce: %s\n", p.Misses)
	}
	if p.Stricter != "" {
		fmt.Fprintf(w, "// It forbids more than the rule: %s\n", p.Stricter)
	}
	_, err := fmt.Fprintln(w, strings.Join(p.Policies, "\n"))
	return err
}
