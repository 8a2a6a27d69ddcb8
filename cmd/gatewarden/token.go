package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

func tokenCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Make tokens for the admin API", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return errors.New("say token new, or token whoami") },
	}
	c.AddCommand(tokenNewCommand(stdout, stderr), whoamiCommand(stdout, stderr))
	return c
}

func tokenNewCommand(stdout, stderr io.Writer) *cobra.Command {
	var name, principal, role string
	c := &cobra.Command{
		Use: "new", Short: "Make a token, and show it once", Args: cobra.NoArgs,
		Long: "Make a token for the admin API. The token goes to stdout, once: it is kept nowhere. What stands in the configuration,\nunder auth.tokens, goes to stderr: it holds only the token's hash.",
		RunE: func(*cobra.Command, []string) error {
			if !slices.Contains(api.Roles(), api.Role(role)) {
				return coded{exitUsage, fmt.Errorf("--role %s: want one of %v", role, api.Roles())}
			}
			token, hash := api.NewToken()
			_, err := fmt.Fprintf(stderr, "auth:\n  tokens:\n    - {name: %q, sha256: %s, principal: %q, roles: [%s]}    # orgs, projects and owners bound it\n", name, hash, principal, role)
			if err != nil {
				return coded{exitUnreadable, fmt.Errorf("write the token's hash: %w", err)}
			}
			if _, err := fmt.Fprintln(stdout, token); err != nil {
				return coded{exitUnreadable, fmt.Errorf("write the token: %w", err)}
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "a-name", "what logs call it")
	c.Flags().StringVar(&principal, "principal", "a-principal", "whose it is: a principal's id")
	c.Flags().StringVar(&role, "role", string(api.RoleViewer), "viewer, approver or admin")
	return c
}

func whoamiCommand(stdout, stderr io.Writer) *cobra.Command {
	r := remote{stdout: stdout, stderr: stderr}
	return r.flags(&cobra.Command{
		Use: "whoami", Short: "Show whose the token is, and what it may do", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd, &r, func(ctx context.Context, c *api.Client) (api.Whoami, error) { return c.Whoami(ctx) }, func(p *report.Page, w api.Whoami) {
				p.Bold(0, w.Principal+", by "+w.How)
				for _, g := range w.Grants {
					row(p, "roles", fmt.Sprint(g.Roles))
					row(p, "  orgs", strings.Join(g.Orgs, ", "))
					row(p, "  projects", strings.Join(g.Projects, ", "))
					row(p, "  owners", strings.Join(g.Owners, ", "))
				}
			})
		},
	})
}
