package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/daemon"
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
			"none runs, or out of a file. A running daemon is told which rules were replayed: it warns of reverts by rules that were not.\n\n" +
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
	f.BoolVar(&r.full, "all", false, "in the table, also what stood when the replay began")
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
	r.o.Note = func(text string) { fmt.Fprintln(stderr, "note:", text) }
	out, err := daemon.Replay(ctx, f, r.o)
	switch {
	case daemon.IsConfig(err):
		return coded{exitUsage, err}
	case err != nil:
		return coded{exitUnreadable, err}
	}
	if err := encode(stdout, r.format, out, func() error { return r.table(stdout, out) }); err != nil {
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

func (r *replayFlags) table(w io.Writer, out daemon.Replayed) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s to %s: %d scopes, %d changes\n", minute(out.Since), minute(out.Until), out.Scopes, out.Changes)
	shown := slices.DeleteFunc(slices.Clone(out.Findings), func(f daemon.ReplayFinding) bool {
		return f.Standing && f.ClosedAt.IsZero() && f.Difference == "" && f.Severities == "" && !r.full
	})
	width, _ := columns(w)
	if len(shown) > 0 {
		fmt.Fprintf(&b, "\n%s\n", r.findings(shown, out.Against != "", width))
	}
	if len(out.ByRule) > 0 {
		fmt.Fprintf(&b, "\n%s\n", ruleSums(out, width))
	}
	fmt.Fprintf(&b, "\n%d opened; %d would have been reverted, at most %d in one hour of a project and %d of an org", out.Opened(), out.Reverts(), out.Caps.ProjectHour, out.Caps.OrgHour)
	if out.Caps.Stopped > 0 {
		fmt.Fprintf(&b, "; %d more would have waited for a cap", out.Caps.Stopped)
	}
	fmt.Fprintln(&b, ".")
	if out.Against != "" {
		lost, other := 0, 0
		for _, f := range out.Findings {
			if f.Difference == "only_old" {
				lost++
			}
			if f.Severities != "" {
				other++
			}
		}
		fmt.Fprintf(&b, "Compared with what the daemon judges by: %d only by the new rules; %d lost, found only by the present ones; %d with another severity.\n", out.OpenedOnlyByNew(), lost, other)
	}
	for _, n := range out.Notes {
		fmt.Fprintln(&b, "Note:", n+".")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *replayFlags) findings(list []daemon.ReplayFinding, compared bool, width int) string {
	head := []string{"opened", "closed", "rule", "project", "environment", "severity", "origin", "what", "would"}
	if compared {
		head = append(head, "differs")
	}
	t := table.New().Border(lipgloss.HiddenBorder()).Headers(head...)
	for _, f := range list {
		opened, origin := minute(f.OpenedAt), string(f.Origin)
		if f.Standing {
			opened = "before"
		}
		if origin == "" {
			origin = "inherited"
		}
		row := []string{opened, minute(f.ClosedAt), f.Rule, f.Project, f.Environment, string(f.Severity), origin, string(f.Ref.Kind) + " " + f.Ref.Name, would(f)}
		if compared {
			row = append(row, strings.TrimSpace(differs(f)+" "+f.Severities))
		}
		t.Row(row...)
	}
	if width > 0 {
		t.Width(width)
	}
	return trimLines(t.String())
}

func differs(f daemon.ReplayFinding) string {
	return map[string]string{
		"only_new": "only by the new rules", "only_old": "only by the present rules",
		"ends_only_new": "ended only by the new rules", "ends_only_old": "ended only by the present rules",
	}[string(f.Difference)]
}

// would is what the response comes to, in a few words.
func would(f daemon.ReplayFinding) string {
	w := f.Would
	if w == nil {
		return ""
	}
	out := string(w.Outcome)
	if w.Outcome == "revert" {
		return out + " at " + minute(w.At) + ": " + strings.Join(w.Operations, ", ")
	}
	if w.Guard != "" {
		out += " (" + w.Guard + ")"
	}
	if w.Why != "" {
		out += ": " + w.Why
	}
	return out
}

func ruleSums(out daemon.Replayed, width int) string {
	head := []string{"rule", "before", "opened", "closed", "open", "would revert", "would not, by guard"}
	if out.Against != "" {
		head = append(head, "only new", "only present")
	}
	t := table.New().Border(lipgloss.HiddenBorder()).Headers(head...)
	for _, s := range out.ByRule {
		var guards []string
		for g, n := range s.Guards {
			guards = append(guards, fmt.Sprintf("%s %d", g, n))
		}
		slices.Sort(guards)
		row := []string{s.Rule, strconv.Itoa(s.Standing), strconv.Itoa(s.Opened), strconv.Itoa(s.Closed), strconv.Itoa(s.Open), strconv.Itoa(s.Reverts), strings.Join(guards, ", ")}
		if out.Against != "" {
			row = append(row, strconv.Itoa(s.OnlyNew), strconv.Itoa(s.OnlyOld))
		}
		t.Row(row...)
	}
	if width > 0 {
		t.Width(width)
	}
	return trimLines(t.String())
}

func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
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
