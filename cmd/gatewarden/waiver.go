package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

// waiverFlags say which finding is waived, and what a person adds.
type waiverFlags struct{ report, owner, reason, ticket string }

func waiverCommand(stdout io.Writer) *cobra.Command {
	var w waiverFlags
	c := &cobra.Command{
		Use: "waiver --report FILE {ID | RULE NAME}", Short: "Write the waiver of a finding, for the configuration file", Args: cobra.RangeArgs(1, 2),
		Long: "Write the waiver of a finding of a scan (scan -o json=FILE), for waivers of the configuration file: of this resource and these\n" +
			"values only (digest), granted now and for as long as its severity allows. The finding is named by its id, or the beginning\n" +
			"of it, or by its rule and its resource.",
		RunE: func(_ *cobra.Command, args []string) error { return w.run(args, time.Now(), stdout) },
	}
	c.Flags().StringVar(&w.report, "report", "", "the `FILE` that scan -o json=FILE wrote")
	c.Flags().StringVar(&w.owner, "owner", "", "who answers for it: a principal's id, or a group's or team's name")
	c.Flags().StringVar(&w.reason, "reason", "", "why it may stand")
	c.Flags().StringVar(&w.ticket, "ticket", "", "where it was agreed")
	return c
}

func (w waiverFlags) run(args []string, now time.Time, stdout io.Writer) error {
	for flag, v := range map[string]string{"report FILE": w.report, "owner": w.owner, "reason": w.reason} {
		if strings.TrimSpace(v) == "" {
			return coded{exitUsage, fmt.Errorf("--%s is required", flag)}
		}
	}
	src, err := os.ReadFile(w.report)
	if err != nil {
		return coded{exitUsage, fmt.Errorf("read the report: %w", err)}
	}
	r, err := reportOf(src)
	if err != nil {
		return coded{exitUsage, fmt.Errorf("read the report %s: %w", w.report, err)}
	}
	f, err := findingOf(r, args)
	if err != nil {
		return coded{exitUsage, err}
	}
	_, err = io.WriteString(stdout, w.block(f, now.UTC().Truncate(time.Second)))
	return err
}

// findingOf is the one open finding that the arguments mean.
func findingOf(r report.Report, args []string) (report.Finding, error) {
	var found []report.Finding
	for _, f := range r.Findings {
		named := len(args) == 1 && strings.HasPrefix(f.ID, args[0]) || len(args) == 2 && f.Rule == args[0] && f.Ref.Name == args[1]
		if f.Open() && named {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 0:
		return report.Finding{}, fmt.Errorf("there is no open finding %s in the report%s", strings.Join(args, " "), nearFinding(r, args))
	case len(found) > 1:
		var ids []string
		for _, f := range found {
			ids = append(ids, fmt.Sprintf("%s (%s)", f.ID, strings.TrimSpace(f.ProjectTitle+" "+f.Key)))
		}
		return report.Finding{}, fmt.Errorf("%d findings are %s: name one by its id: %s", len(found), strings.Join(args, " "), strings.Join(ids, ", "))
	case found[0].Digest == "":
		return report.Finding{}, errors.New("the finding has no digest: scan again")
	}
	return found[0], nil
}

// nearFinding is a hint at the rule, or at the resource of the rule, that was meant.
func nearFinding(r report.Report, args []string) string {
	var ids, names []string
	for _, f := range r.Findings {
		if f.Open() && len(args) == 2 {
			ids = append(ids, f.Rule)
			if f.Rule == args[0] {
				names = append(names, f.Ref.Name)
			}
		}
	}
	switch {
	case len(args) != 2:
		return ""
	case len(names) > 0:
		return rules.MeantName(args[1], names)
	}
	return rules.MeantName(args[0], ids)
}

// block is the waiver as the configuration takes it. Text is quoted, so that no name of
// Atlas's says anything else there.
func (w waiverFlags) block(f report.Finding, granted time.Time) string {
	var b strings.Builder
	line := func(name, value, note string) {
		if value != "" {
			fmt.Fprintf(&b, "    %s: %q%s\n", name, value, note)
		}
	}
	plain := strings.NewReplacer("?", "*", "[", "*") // neither may stand in a pattern
	fmt.Fprintf(&b, "waivers:\n  - id: %q\n", strings.ReplaceAll(f.Rule, "/", "-")+"-"+f.ID[:min(8, len(f.ID))])
	line("rule", f.Rule, "")
	line("kind", string(f.Ref.Kind), "")
	line("name", plain.Replace(f.Ref.Name), "")
	line("key", plain.Replace(f.Key), "")
	line("project", f.Ref.Scope.ID(), "")
	line("environment", f.Environment, "")
	line("owner", w.owner, "")
	line("reason", w.reason, "")
	line("ticket", w.ticket, "")
	fmt.Fprintf(&b, "    granted: %s\n    until: %s    # the most that severity %s allows: it may be sooner\n", granted.Format(time.RFC3339), granted.Add(access.WaiverCap(f.Severity)).Format(time.RFC3339), f.Severity)
	line("digest", f.Digest, "    # it lapses when what it was given for changes")
	return b.String()
}
