package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/rules"
)

func rulesVarsCommand(stdout io.Writer) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "vars [KIND]", Short: "Tell what the rules on a kind may say: variables, fields, functions", Args: cobra.MaximumNArgs(1),
		Long: "Tell what rules may say. Without a kind: the kinds, and what rules on any kind may use; with one: the fields of its\n" +
			"resources and its variables. -o json has it all, -o markdown is the reference that docs/writing-rules.md ends with.",
		RunE: func(_ *cobra.Command, args []string) error {
			v, err := daemon.Vocabulary()
			if err != nil {
				return coded{exitUnreadable, err}
			}
			if len(args) == 0 {
				return vocabulary(stdout, format, v)
			}
			i := slices.IndexFunc(v.Kinds, func(k rules.KindTerms) bool { return k.Kind == args[0] })
			if i < 0 {
				return coded{exitUsage, fmt.Errorf("there is no kind %q%s; gatewarden rules vars names them all", args[0], rules.MeantKind(args[0]))}
			}
			return encode(stdout, format, v.Kinds[i], func() error { return kindTerms(stdout, v, v.Kinds[i]) })
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "table", "table, json, yaml, or without a KIND markdown")
	return c
}

// vocabulary writes what is common to all rules, and which kinds there are.
func vocabulary(w io.Writer, format string, v rules.Vocabulary) error {
	if format == "markdown" {
		_, err := io.WriteString(w, v.Markdown())
		return err
	}
	return encode(w, format, v, func() error {
		p := newPage(w)
		for _, t := range v.Common {
			p.terms(t)
		}
		for _, l := range v.Functions {
			p.head("functions: " + strings.ToLower(l.Name))
			for _, f := range l.Functions {
				p.row(f.Call, "", f.Doc)
			}
		}
		p.head("kinds, and the variable that holds the resource")
		for _, k := range v.Kinds {
			p.row(k.Kind, k.Level, k.Variable)
		}
		p.line("")
		p.line("gatewarden rules vars KIND tells the fields and variables of a kind; docs/writing-rules.md how a rule is written.")
		return p.write()
	})
}

// kindTerms writes what rules on one kind see beside what all do.
func kindTerms(w io.Writer, v rules.Vocabulary, k rules.KindTerms) error {
	p := newPage(w)
	p.head(fmt.Sprintf("%s, the %s that is judged; in change rules before and after (%s)", k.Variable, k.Kind, k.Type))
	p.fields(v, k.Variable, k.Fields, nil)
	for _, t := range k.Terms {
		p.terms(t)
	}
	p.head("gatewarden rules vars tells the variables and functions that rules on every kind may use.")
	return p.write()
}

func (p *page) terms(t rules.Terms) {
	p.head("in " + t.Where)
	for _, v := range t.Variables {
		p.row(v.Name, v.Type, v.Doc)
	}
}

// fields lists those of a type, and under each those that it has itself.
func (p *page) fields(v rules.Vocabulary, prefix string, fields []rules.Term, over []string) {
	for _, f := range fields {
		p.row(prefix+"."+f.Name, f.Type, "")
		for _, t := range v.Types {
			if strings.Contains(f.Type, t.Name) && strings.Trim(f.Type, "lis(t)") != "" && !slices.Contains(over, t.Name) {
				below := prefix + "." + f.Name
				if strings.HasPrefix(f.Type, "list(") {
					below += "[…]"
				}
				p.fields(v, below, t.Fields, append(slices.Clone(over), t.Name))
			}
		}
	}
}
