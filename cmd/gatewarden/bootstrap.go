package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/daemon"
)

const bootstrapLong = `On an external NATS cluster (nats.url) the daemons may not set up streams: this command does, with an identity of its
own (--credentials, or nats.bootstrap in the configuration). Run it before the first start and before every upgrade,
and again whenever in doubt: what is right stays untouched.

With --permissions it prints what the cluster must allow, and connects to nothing: one user for each role, or one for
the roles of --roles together, and its own.`

// bootstrapFlags say what a bootstrap does.
type bootstrapFlags struct {
	file, credentials, format, roles string
	permissions                      bool
	wait                             time.Duration
}

func bootstrapCommand(stdout io.Writer) *cobra.Command {
	var b bootstrapFlags
	c := &cobra.Command{
		Use: "bootstrap --config FILE", Short: "Set up the streams of an external NATS cluster", Long: bootstrapLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd.Context(), stdout) },
	}
	configFlag(c, &b.file)
	c.Flags().StringVar(&b.credentials, "credentials", "", "a `FILE` of credentials, or of an nkey's seed, in place of nats.bootstrap")
	c.Flags().BoolVar(&b.permissions, "permissions", false, "print the users that the cluster needs, as its configuration has them, and exit")
	c.Flags().StringVar(&b.roles, "roles", "", "of --permissions: one user for these roles together, parted by commas, or all; left out: one for each")
	c.Flags().DurationVar(&b.wait, "wait", time.Minute, "how long a cluster that is not ready is waited for")
	c.Flags().StringVarP(&b.format, "output", "o", "table", "table or json")
	return c
}

func (b bootstrapFlags) run(ctx context.Context, stdout io.Writer) error {
	if b.format != "table" && b.format != "json" {
		return coded{exitUsage, fmt.Errorf("-o %s: want table or json", b.format)}
	}
	if b.permissions {
		return b.print(stdout)
	}
	f, err := load(b.file)
	if err != nil {
		return err
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	done, err := daemon.Bootstrap(ctx, daemon.BootstrapOptions{File: f, Credentials: b.credentials, Wait: b.wait})
	if daemon.IsConfig(err) {
		return coded{exitUsage, err}
	}
	if printed := printBootstrapped(stdout, b.format, done); printed != nil {
		return coded{exitUnreadable, printed}
	}
	if err != nil {
		return coded{exitUnreadable, err}
	}
	return nil
}

// print writes the permissions. It needs no configuration but for a prefix.
func (b bootstrapFlags) print(stdout io.Writer) error {
	prefix, sets := "gw", daemon.EachRole()
	if b.file != "" {
		f, err := load(b.file)
		if err != nil {
			return err
		}
		prefix = f.NATS.Prefix
	}
	if b.roles != "" {
		roles, err := daemon.ParseRoles(b.roles)
		if err != nil {
			return coded{exitUsage, fmt.Errorf("--roles: %w", err)}
		}
		sets = [][]daemon.Role{roles}
	}
	_, err := io.WriteString(stdout, daemon.NATSPermissions(prefix, sets...))
	return err
}

func printBootstrapped(w io.Writer, format string, done daemon.Bootstrapped) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(done)
	}
	if len(done.Steps) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tNAME\tOF\tDONE")
	counts := map[string]int{}
	for _, s := range done.Steps {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Kind, s.Name, s.Stream, s.Did)
		counts[string(s.Did)]++
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "layout %d, %d replicas: %d created, %d updated, %d right as they were\n", done.Layout, done.Replicas, counts["created"], counts["updated"], counts["kept"])
	return err
}
