package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/wholefile"
)

// planFlags are what the command line of a plan says.
type planFlags struct {
	file, old string
	o         daemon.PlanOptions
	outputs   []string
	failOn    []string
	artifact  string
	all       bool
	quiet     bool
}

func planCommand(stdout, stderr io.Writer) *cobra.Command {
	var p planFlags
	c := &cobra.Command{
		Use: "plan NEW.yaml", Short: "Say what a new configuration would open, close and write, and write nothing", Args: cobra.ExactArgs(1),
		Long: `Hold a new configuration against what is true now: which findings it would open and close, which
projects would come into another environment, what would be done about what comes, and what it would
write. It writes nothing to Atlas and changes no finding.

It is compared with --old FILE, else with what the running daemon judges by; without either with
nothing, which is said. What is true now comes from the running daemon (at http.admin of the new
configuration, or --server); where none answers there, or with --live, from Atlas, read with the new
configuration's credentials; or from --from FILE, which scan --save or replay --export wrote, and
then no secret is needed.

Exit codes: 0 nothing of --fail-on; 1 something is; 2 usage, or a configuration with mistakes, all
of which are listed; 3 something could not be read, and what was read gives no reason to fail.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.file = args[0]
			return p.run(cmd.Context(), stdout, stderr)
		},
	}
	f := c.Flags()
	f.StringVar(&p.old, "old", "", "the configuration `FILE` that is compared with, in place of the running daemon's")
	f.StringVar(&p.o.From, "from", "", "what is true now, as scan --save or replay --export kept it in `FILE`")
	f.StringVar(&p.o.Server, "server", "", "the admin address of the daemon, as `URL`; http.admin of the new configuration if left out")
	f.BoolVar(&p.o.Live, "live", false, "read Atlas, whether a daemon runs or not")
	f.StringArrayVarP(&p.outputs, "output", "o", []string{"table"}, "`FORMAT[=FILE]`: "+strings.Join(report.PreviewFormats(), ", "))
	f.StringSliceVar(&p.failOn, "fail-on", []string{report.FailOpens, report.FailWrites, report.FailUnknown}, "what makes the exit code 1: "+strings.Join(report.FailReasons(), ", ")+", or none")
	f.StringVar(&p.artifact, "sarif-artifact", "", "NEW.yaml as the repository names it, where that is not how it is given here")
	f.BoolVar(&p.all, "all", false, "in the table, list also what stays as it is")
	f.BoolVarP(&p.quiet, "quiet", "q", false, "no progress")
	return c
}

func (p *planFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := p.check(); err != nil {
		return coded{exitUsage, err}
	}
	f, err := load(p.file)
	if p.old != "" {
		var wrong error
		p.o.Old, wrong = load(p.old)
		err = errors.Join(err, wrong)
	}
	if err != nil {
		return coded{exitUsage, err}
	}
	p.o.Version = version
	done := func() {}
	if !p.quiet {
		p.o.Progress, done = (&scanFlags{}).progress(stderr)
	}
	out, err := daemon.Plan(ctx, f, p.o)
	done()
	switch {
	case daemon.IsConfig(err):
		return coded{exitUsage, err}
	case err != nil:
		return coded{exitUnreadable, err}
	}
	if err := p.write(out, stdout); err != nil {
		return coded{exitUnreadable, err}
	}
	return p.verdict(out, stderr)
}

func (p *planFlags) check() error {
	switch {
	case p.o.From != "" && p.o.Live:
		return errors.New("--from reads a file, and --live Atlas: leave one out")
	case slices.Contains(p.failOn, "none") && len(p.failOn) > 1:
		return errors.New("--fail-on none stands alone")
	}
	for _, r := range p.failOn {
		if r != "none" && !slices.Contains(report.FailReasons(), r) {
			return fmt.Errorf("--fail-on %s: want some of %s, or none", r, strings.Join(report.FailReasons(), ", "))
		}
	}
	return p.outputsFit()
}

// outputsFit refuses before anything is read what could not be written after it.
func (p *planFlags) outputsFit() error {
	terminal, written := 0, map[string]string{}
	for what, file := range map[string]string{"NEW.yaml": p.file, "--old": p.old, "--from": p.o.From} {
		if file != "" {
			written[whole(file)] = what
		}
	}
	for _, o := range p.outputs {
		format, file, named := strings.Cut(o, "=")
		switch {
		case !slices.Contains(report.PreviewFormats(), format):
			return fmt.Errorf("-o %s: want one of %v", o, report.PreviewFormats())
		case !named:
			terminal++
			continue
		case file == "":
			return fmt.Errorf("-o %s: name a file after =", o)
		case written[whole(file)] != "":
			return fmt.Errorf("-o %s: that is the file of %s too: name another", o, written[whole(file)])
		}
		written[whole(file)] = "-o " + o
		if err := writable(file); err != nil {
			return fmt.Errorf("-o %s: %w", o, err)
		}
	}
	if terminal > 1 {
		return errors.New("-o: one format can go to the terminal; give the others a file, such as -o sarif=plan.sarif")
	}
	return nil
}

func (p *planFlags) write(out report.Preview, stdout io.Writer) error {
	o := report.PreviewOptions{Options: report.Options{Artifact: p.artifact}, All: p.all}
	if p.artifact == "" {
		out.Artifact = filepath.ToSlash(p.file)
	}
	for _, x := range p.outputs {
		format, file, named := strings.Cut(x, "=")
		if !named {
			if err := report.WritePreview(format, stdout, out, o); err != nil {
				return err
			}
			continue
		}
		if err := wholefile.Write(file, func(f *os.File) error { return report.WritePreview(format, f, out, o) }); err != nil {
			return err
		}
	}
	return nil
}

// verdict is the exit code: 1 for what --fail-on names, else 3 where something could not be
// read. What does not make the code is said.
func (p *planFlags) verdict(out report.Preview, stderr io.Writer) error {
	gap := ""
	switch {
	case len(out.Inventory.Unread) > 0:
		gap = "nothing could be read of " + strings.Join(out.Inventory.Unread, ", ") + ": what the new configuration does there is unknown"
	case len(out.Inventory.Gaps) > 0:
		gap = counted(len(out.Inventory.Gaps), "kind") + " could not be read: what depends on that is unknown"
	}
	if why := out.Fails(p.failOn); len(why) > 0 {
		if gap != "" {
			say(stderr, "%s", gap)
		}
		return coded{exitViolation, errors.New(strings.Join(why, "; "))}
	}
	if gap != "" {
		return coded{exitUnreadable, errors.New(gap)}
	}
	return nil
}
