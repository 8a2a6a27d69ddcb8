package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
)

// replayFlags are the flags of replay.
type replayFlags struct {
	file, format    string
	o               daemon.ReplayOptions
	failOnNew, full bool
}

func replayCommand(stdout, stderr io.Writer) *cobra.Command {
	var r replayFlags
	c := &cobra.Command{
		Use: "replay --config FILE --since 30d", Short: "Judge what happened by new rules or a new configuration, and write nothing", Args: cobra.NoArgs,
		Long: "Judge the stored history as the daemon would have judged it by this configuration: which findings would have opened and\n" +
			"closed, what their responses would have done, and what differs from the rules that the daemon judges by now.\n" +
			"It writes nothing to Atlas and changes no finding. The history comes from the running daemon, out of its store where\n" +
			"none runs, or out of a file. Where the configuration reverts, a running daemon replays the same itself and takes down that it did: it warns of\n" +
			"reverts by rules that were not replayed over 7 days of watched history as they are. What differs comes first; -o json has all.\n\n" +
			"Exit codes: 0; 1 with --fail-on-new where the new rules find what the present ones do not; 2 usage or configuration;\n" +
			"3 no history could be had.",
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), stdout, stderr) },
	}
	configFlag(c, &r.file)
	outputFlag(c, &r.format)
	f := c.Flags()
	f.StringVar(&r.o.Since, "since", "", "how far back: a length of time such as 30d, a day such as 2026-01-31, or a time as in RFC 3339")
	f.StringArrayVar(&r.o.Rules, "rules", nil, "rules of this `PATH` (a file or folder) in place of the configuration's rules.paths; again for more")
	f.StringVar(&r.o.Server, "server", "", "the admin address of the daemon, as `URL`; http.admin of the configuration if left out")
	f.StringVar(&r.o.From, "from", "", "replay what --export kept in `FILE`, without a daemon")
	f.StringVar(&r.o.Export, "export", "", "keep the history in `FILE`")
	f.StringSliceVar(&r.o.Projects, "project", nil, "judge these projects only, by name or id; * stands for any run of characters")
	f.DurationVar(&r.o.Tick, "tick", time.Hour, "how often dates are seen to pass")
	f.BoolVar(&r.failOnNew, "fail-on-new", false, "exit 1 if the new rules find what the present ones do not")
	f.BoolVar(&r.full, "all", false, "in the table, list also what does not differ, or stood and stands")
	return c
}

func (r *replayFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := r.check(); err != nil {
		return coded{exitUsage, err}
	}
	f, err := load(r.file)
	if err != nil {
		return err
	}
	r.o.Version = version
	r.o.Note = func(text string) { remark(stderr, "note: "+text) }
	out, err := daemon.Replay(ctx, f, r.o)
	switch {
	case daemon.IsConfig(err):
		return coded{exitUsage, err}
	case err != nil:
		return coded{exitUnreadable, err}
	}
	if err := encode(stdout, r.format, out, func() error { return r.table(stdout, out, report.Options{}) }); err != nil {
		return err
	}
	if n := out.OpenedOnlyByNew(); r.failOnNew && n > 0 {
		return coded{exitViolation, fmt.Errorf("the new rules find %d that the present ones do not", n)}
	}
	return nil
}

func (r *replayFlags) check() error {
	switch {
	case r.o.Since == "" && r.o.From == "":
		return errors.New("give --since, such as 30d, or --from FILE")
	case r.o.From != "" && r.o.Export != "":
		return errors.New("--export keeps what the daemon tells, and --from asks none: leave one out")
	case r.o.From != "" && r.o.Server != "":
		return errors.New("--from asks no daemon: leave --server out")
	case r.o.Tick < time.Minute:
		return fmt.Errorf("--tick %s: want a minute at least", r.o.Tick)
	case !slices.Contains([]string{"table", "json", "yaml"}, r.format):
		return fmt.Errorf("-o %s: want table, json or yaml", r.format)
	}
	return nil
}

// neverReplayed warns of the rules that would revert without having been replayed, where a
// daemon can be asked.
func neverReplayed(ctx context.Context, f *config.File, w io.Writer) {
	if ctx == nil {
		ctx = context.Background()
	}
	missing, known := daemon.NeverReplayed(ctx, f, version, "", nil)
	if !known {
		return
	}
	for _, u := range missing {
		fmt.Fprintf(w, "warning: %s: responses revert by %s, which %s: run gatewarden replay --since 30d --config %s first\n", f.Name, u.Rule, u.Why(), f.Name)
	}
}

// remark writes a line, which a terminal gets broken between words.
func remark(w io.Writer, text string) {
	if _, terminal := columns(w); !terminal {
		fmt.Fprintln(w, text)
		return
	}
	p := report.NewPage(w, report.Options{})
	p.Text(0, text)
	_, _ = p.WriteTo(w) // as with what else is said beside the result
}
