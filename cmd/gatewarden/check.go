package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/daemon"
)

// checkFlags say what a check looks at.
type checkFlags struct {
	file, format         string
	ask, offline, schema bool
}

func checkCommand(stdout io.Writer) *cobra.Command {
	var k checkFlags
	c := &cobra.Command{
		Use: "check --config FILE", Short: "Check a configuration and its rules, and start nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return k.run(cmd.Context(), stdout) },
	}
	configFlag(c, &k.file)
	c.Flags().BoolVar(&k.ask, "permissions", false, "ask Atlas whether the credentials hold the roles of atlas.profile; reads only")
	c.Flags().BoolVar(&k.offline, "offline", false, "read no secret and connect to nothing, as a pull request is checked: everything else is checked, and what is not is said")
	c.Flags().StringVarP(&k.format, "output", "o", "table", "of --permissions: table or json")
	c.Flags().BoolVar(&k.schema, "schema", false, "print the JSON Schema of the configuration file, for editors, and exit")
	return c
}

func (k checkFlags) run(ctx context.Context, stdout io.Writer) error {
	if k.schema {
		_, err := stdout.Write(config.Schema())
		return err
	}
	if k.ask && k.offline {
		return coded{exitUsage, errors.New("--permissions asks Atlas, and --offline nobody: leave one out")}
	}
	f, err := load(k.file)
	if err != nil {
		return err
	}
	check := daemon.Check
	if k.offline {
		check = daemon.CheckOffline
	}
	checked, err := check(f)
	if err != nil {
		return coded{exitUsage, err}
	}
	if k.ask {
		return permissions(ctx, f, k.format, stdout)
	}
	for _, w := range checked.Warnings {
		fmt.Fprintln(stdout, "warning:", w)
	}
	for _, what := range checked.Skipped {
		fmt.Fprintln(stdout, "not checked:", what)
	}
	if !k.offline {
		neverReplayed(ctx, f, stdout)
	}
	fmt.Fprintln(stdout, checked.Summary)
	return nil
}
