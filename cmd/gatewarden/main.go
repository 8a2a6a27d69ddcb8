// Gatewarden governs who may reach MongoDB Atlas: it watches, judges, and puts right.
//
// This file is flags, signals and an exit code; the program is internal/daemon.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/daemon"
)

// version is set by the linker.
var version = "dev"

// The exit codes of every command.
const (
	exitOK         = 0
	exitViolation  = 1 // a violation, or a failed check or verification
	exitUsage      = 2 // usage or configuration
	exitUnreadable = 3 // unreadable, unreachable or unknown
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// coded is an error with the exit code that it means.
type coded struct {
	code int
	error
}

// Unwrap gives the error itself.
func (c coded) Unwrap() error { return c.error }

func run(args []string, stdout, stderr io.Writer) int {
	root := commands(stdout, stderr)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, err)
	if c, ok := errors.AsType[coded](err); ok {
		return c.code
	}
	return exitUsage
}

func commands(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "gatewarden", Short: "Govern who may reach MongoDB Atlas",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(runCommand(stderr), bootstrapCommand(stdout), checkCommand(stdout), hooksCommand(stdout), scanCommand(stdout, stderr), replayCommand(stdout, stderr), planCommand(stdout, stderr), rulesCommand(stdout), waiverCommand(stdout), auditCommand(stdout), evidenceCommand(stdout), versionCommand(stdout))
	for _, c := range []func(stdout, stderr io.Writer) *cobra.Command{ // of a running daemon
		findingsCommand, decideCommand, undoCommand, releaseCommand, ackCommand, snoozeCommand, waiveCommand, expectCommand,
		freezeCommand, unfreezeCommand, incidentCommand, adoptCommand, tokenCommand,
	} {
		root.AddCommand(c(stdout, stderr))
	}
	return root
}

func runCommand(stderr io.Writer) *cobra.Command {
	var file, format, roles string
	c := &cobra.Command{
		Use: "run --config FILE", Short: "Run the daemon", Args: cobra.NoArgs,
		Long: "Run the daemon until SIGTERM or SIGINT, which let it finish what it is doing. SIGHUP reloads the configuration;\na bad file leaves the old one in force.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := load(file)
			if err != nil {
				return err
			}
			logger, err := newLogger(format, stderr)
			if err != nil {
				return coded{exitUsage, err}
			}
			own, err := daemon.ParseRoles(roles)
			if err != nil {
				return coded{exitUsage, fmt.Errorf("--roles: %w", err)}
			}
			return serve(cmd.Context(), file, f, own, logger)
		},
	}
	configFlag(c, &file)
	c.Flags().StringVar(&format, "log-format", "json", "json or console")
	c.Flags().StringVar(&roles, "roles", "all", "what this process does, on an external NATS cluster: of watch, rules, remediate, notify, audit and api, parted by commas, or all")
	return c
}

// serve runs the daemon until a signal ends it.
func serve(ctx context.Context, file string, f *config.File, roles []daemon.Role, logger *zap.Logger) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	d, err := daemon.Start(ctx, daemon.Options{
		File: f, Version: version, Logger: logger, Roles: roles,
		Load: func() (*config.File, error) { return load(file) },
	})
	if err != nil {
		if daemon.IsConfig(err) {
			return coded{exitUsage, err}
		}
		return coded{exitUnreadable, err}
	}
	logger.Info("running", zap.String("version", version), zap.Bool("dry_run", f.DryRun), zap.String("config", file))
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	done := make(chan error, 1)
	go func() { done <- d.Wait() }()
	for {
		select {
		case <-hup:
			if err := d.Reload(); err != nil {
				continue // said in the log and by a gauge; the old configuration stays
			}
		case err := <-done:
			if err != nil {
				return coded{exitUnreadable, err}
			}
			return nil
		}
	}
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "config", "", "the configuration `FILE`")
}

// load reads and checks the file; its error lists every mistake.
func load(file string) (*config.File, error) {
	if file == "" {
		return nil, coded{exitUsage, errors.New("--config FILE is required")}
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, coded{exitUsage, fmt.Errorf("read the configuration: %w", err)}
	}
	f, err := config.Load(file, src)
	if err != nil {
		return nil, coded{exitUsage, err}
	}
	return f, nil
}

func versionCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(stdout, "gatewarden", version)
			return err
		},
	}
}

func newLogger(format string, to io.Writer) (*zap.Logger, error) {
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	var encoder zapcore.Encoder
	switch format {
	case "json":
		encoder = zapcore.NewJSONEncoder(enc)
	case "console":
		encoder = zapcore.NewConsoleEncoder(enc)
	default:
		return nil, fmt.Errorf("--log-format %s: want json or console", format)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(to)), zapcore.InfoLevel)), nil
}
