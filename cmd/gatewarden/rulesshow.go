package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/rules"
)

// ruleFull is one rule as programs read it.
type ruleFull struct {
	ruleRow
	Why          string         `json:"why"`
	Fix          string         `json:"fix,omitempty"`
	Environments []string       `json:"environments,omitempty"` // left out: all
	Params       map[string]any `json:"params"`
	Reads        []access.Kind  `json:"reads"`
	WhereCovered []access.Kind  `json:"readsWhereCovered,omitempty"`
	Siblings     []access.Kind  `json:"siblings,omitempty"`
	References   []string       `json:"references,omitempty"`
	Tests        int            `json:"tests,omitempty"` // of built-in ones not counted here
	Assertions   int            `json:"assertions,omitempty"`
	Source       string         `json:"source"`
	Line         int            `json:"line"`
	Text         string         `json:"text"`
}

func rulesShowCommand(stdout io.Writer) *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use: "show ID", Short: "Show one rule: its text, its parameters and its tests", Args: cobra.ExactArgs(1),
		Long: "Show one rule. The text is that of its file; -o json and -o yaml tell what is in force, with the overrides of the configuration.",
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := optional(file)
			if err != nil {
				return err
			}
			r, err := daemon.Rule(f, args[0])
			if err != nil {
				return coded{exitUsage, err}
			}
			return encode(stdout, format, fullOf(r), func() error {
				_, err := fmt.Fprintf(stdout, "# %s:%d\n%s", r.Source, r.Line, r.Text)
				return err
			})
		},
	}
	configFlag(c, &file)
	outputFlag(c, &format)
	c.Flags().Lookup("output").Usage = "table (the text), json or yaml"
	return c
}

func fullOf(r rules.Rule) ruleFull {
	out := ruleFull{
		ruleRow: rowOf(r), Why: r.Why, Fix: r.Fix, Environments: r.Environments, Params: map[string]any{}, Reads: r.Reads, WhereCovered: r.WhereCovered,
		Siblings: r.Siblings, References: r.References, Tests: r.Tests.Worlds, Assertions: r.Tests.Assertions, Source: r.Source, Line: r.Line, Text: r.Text,
	}
	for name, v := range r.Params {
		if d, ok := v.(time.Duration); ok {
			v = d.String()
		}
		out.Params[name] = v
	}
	return out
}
