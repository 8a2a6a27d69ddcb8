package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/rules"
)

func rulesCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use: "rules", Short: "List, show and test the rules, and what Atlas can forbid by itself",
		Long: "List, show and test the rules, and what Atlas can forbid by itself. To write rules of your own, begin with\ndocs/writing-rules.md; rules vars tells what they may say.",
		Args: cobra.NoArgs, // else a misspelt command would print help and succeed
		RunE: func(c *cobra.Command, _ []string) error { return coded{exitUsage, errors.New(c.UsageString())} },
	}
	c.AddCommand(rulesListCommand(stdout), rulesShowCommand(stdout), rulesTestCommand(stdout), rulesDocsCommand(stdout), rulesPolicyCommand(stdout), rulesVarsCommand(stdout))
	return c
}

// optional loads the configuration, if one is named.
func optional(file string) (*config.File, error) {
	if file == "" {
		return nil, nil
	}
	return load(file)
}

// ruleRow is a rule as programs read it.
type ruleRow struct {
	ID       string   `json:"id"`
	Gate     string   `json:"gate"`
	Kind     []string `json:"kind"`
	On       string   `json:"on"`
	Severity string   `json:"severity"`
	Remedy   string   `json:"remedy"`
	Ceiling  string   `json:"ceiling"`
	Controls []string `json:"controls"`
	Title    string   `json:"title"`
	BuiltIn  bool     `json:"builtIn"`
}

func ruleRows(file string) ([]ruleRow, error) {
	f, err := optional(file)
	if err != nil {
		return nil, err
	}
	list, err := daemon.Rules(f)
	if err != nil {
		return nil, coded{exitUsage, err}
	}
	out := []ruleRow{}
	for _, r := range list {
		out = append(out, rowOf(r))
	}
	return out, nil
}

func rowOf(r rules.Rule) ruleRow {
	row := ruleRow{
		ID: r.ID, Gate: string(report.GateOf(r.ID)), On: string(r.On), Severity: string(r.Severity), Remedy: r.Remedy, Ceiling: string(r.Ceiling),
		Controls: r.Controls, Title: r.Title, BuiltIn: r.BuiltIn,
	}
	if row.Ceiling == "" {
		row.Ceiling = "tell"
	}
	for _, k := range r.Kinds {
		row.Kind = append(row.Kind, string(k))
	}
	return row
}

func rulesListCommand(stdout io.Writer) *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: "list", Short: "List the rules", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rows, err := ruleRows(file)
			if err != nil {
				return err
			}
			return encode(stdout, format, rows, func() error { return ruleTable(stdout, rows) })
		},
	}
	configFlag(c, &file)
	outputFlag(c, &format)
	return c
}

func ruleTable(w io.Writer, rows []ruleRow) error {
	t := table.New().Border(lipgloss.HiddenBorder()).Headers("rule", "severity", "on", "ceiling", "remedy", "what it finds")
	gates := map[string]int{}
	for _, r := range rows {
		t.Row(r.ID, r.Severity, r.On, r.Ceiling, r.Remedy, r.Title)
		gates[r.Gate]++
	}
	if width, ok := columns(w); ok {
		t.Width(width)
	}
	var sums []string
	for _, g := range report.Gates() {
		if n := gates[string(g)]; n > 0 {
			sums = append(sums, fmt.Sprintf("%s %d", g, n))
		}
	}
	_, err := fmt.Fprintf(w, "%s\n\n%s: %s\n", strings.TrimRight(trimLines(t.String()), "\n"), counted(len(rows), "rule"), strings.Join(sums, ", "))
	return err
}

// trimLines takes away what a table pads its lines with.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// columns is the width of a terminal; false: it is none.
func columns(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(f.Fd()) {
		return 0, false
	}
	width, _, err := term.GetSize(f.Fd())
	return width, err == nil && width > 0
}

// encode writes a value as JSON or YAML, or has it written as a table.
func encode(w io.Writer, format string, v any, table func() error) error {
	var err error
	switch format {
	case "table":
		err = table()
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		err = enc.Encode(v)
	case "yaml":
		err = asYAML(w, v)
	default:
		return coded{exitUsage, fmt.Errorf("-o %s: want table, json or yaml", format)}
	}
	if err != nil {
		return coded{exitUnreadable, fmt.Errorf("write the result: %w", err)}
	}
	return nil
}

// asYAML keeps the names of JSON.
func asYAML(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return err
	}
	return yaml.NewEncoder(w).Encode(plain)
}

func outputFlag(c *cobra.Command, format *string) {
	c.Flags().StringVarP(format, "output", "o", "table", "table, json or yaml")
}

func rulesTestCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use: "test [PATH...]", Short: "Run the tests of rules in files and folders; without a path, of the built-in ones",
		Long: "Run the tests of rules. It fails on a test that fails, on an assertion that never ran, and on a rule with too few tests.",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := daemon.TestRules(args)
			if err != nil {
				if daemon.IsConfig(err) {
					return coded{exitUsage, err}
				}
				return coded{exitViolation, err}
			}
			worlds, assertions := 0, 0
			for _, r := range list {
				worlds, assertions = worlds+r.Tests.Worlds, assertions+r.Tests.Assertions
				for _, w := range r.Warnings {
					fmt.Fprintln(stdout, "warning:", w)
				}
			}
			_, err = fmt.Fprintf(stdout, "ok: %s, %s, %s\n", counted(len(list), "rule"), counted(worlds, "test"), counted(assertions, "assertion"))
			return err
		},
	}
}

func rulesDocsCommand(stdout io.Writer) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "docs", Short: "Write the reference of the rules, in Markdown", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			f, err := optional(file)
			if err != nil {
				return err
			}
			list, err := daemon.Rules(f)
			if err != nil {
				return coded{exitUsage, err}
			}
			_, err = io.WriteString(stdout, daemon.RulesDocs(list))
			return err
		},
	}
	configFlag(c, &file)
	return c
}
