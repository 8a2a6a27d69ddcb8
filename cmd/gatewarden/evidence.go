package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
)

func evidenceCommand(stdout io.Writer) *cobra.Command {
	var server, format string
	c := &cobra.Command{
		Use: "evidence FINDING", Short: "Prove what happened around a finding", Args: cobra.ExactArgs(1),
		Long: "Write what the audit proves of a finding: the event, what changed, how it was judged, what was planned and who agreed, what was\n" +
			"written, and what was read back; each with its place in the chain, up to a signed checkpoint. The document is signed and needs\n" +
			"nothing else to be checked: see evidence verify. It names persons.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "json" && format != "html" {
				return fmt.Errorf("--format %s: want json or html", format)
			}
			named, err := wholeFinding(cmd.Context(), server, args[0])
			if err != nil {
				return err
			}
			id := url.PathEscape(named)
			var text bytes.Buffer
			// The one is for tokens that are bounded too; the other has findings that are long over, and is answered by a process that keeps the audit only.
			if asked(cmd.Context(), server, http.MethodGet, "/findings/"+id+"/evidence?format="+format, nil, &text) != nil {
				return asked(cmd.Context(), server, http.MethodGet, "/evidence/"+id+"?format="+format, nil, stdout)
			}
			_, err = text.WriteTo(stdout)
			return err
		},
	}
	serverFlag(c, &server)
	c.Flags().StringVar(&format, "format", "json", "json or html, a page that carries the document")
	c.AddCommand(evidenceVerifyCommand(stdout))
	return c
}

func evidenceVerifyCommand(stdout io.Writer) *cobra.Command {
	var keys []string
	var output string
	c := &cobra.Command{
		Use: "verify FILE --key KEY", Short: "Check a document of evidence, without any network", Args: cobra.ExactArgs(1),
		Long: "Check a document of evidence, or a page that carries one, by itself: its signature, the place of every fact in the chain, the\n" +
			"chain up to a signed checkpoint, and that it tells what the facts tell. Whose it is, only a key tells that you know from\n" +
			"elsewhere (audit verify prints it). It ends with 0 if all agrees and the keys are known, with 1 if something disagrees, and\n" +
			"with 3 if nothing does and a key is not known.",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := tableOrJSON(output); err != nil {
				return err
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return coded{exitUsage, fmt.Errorf("read the evidence: %w", err)}
			}
			got, err := daemon.CheckEvidence(text, keys)
			if daemon.IsConfig(err) {
				return coded{exitUsage, err}
			} else if err != nil {
				return coded{exitUnreadable, err}
			}
			return printEvidence(stdout, output, got)
		},
	}
	c.Flags().StringArrayVar(&keys, "key", nil, "a public `KEY` that is known, in hexadecimal digits; may be repeated")
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

func printEvidence(w io.Writer, output string, e daemon.EvidenceFile) error {
	if output == "json" {
		if err := indented(w, e); err != nil {
			return err
		}
	} else {
		p := report.NewPage(w, report.Options{})
		p.Text(0, fmt.Sprintf("Finding %s: %d facts in %d entries, up to %d signed checkpoints.", e.Finding, e.Facts, e.Entries, e.Checkpoints))
		p.Text(0, "Signed by the key "+e.Key+".")
		for _, problem := range e.Problems {
			p.Warn(2, problem)
		}
		if e.Page != "" {
			p.Warn(2, e.Page)
		}
		if len(e.Problems) == 0 && e.Page == "" && e.Known {
			p.Text(0, "All of it agrees.")
		}
		if _, err := p.WriteTo(w); err != nil {
			return err
		}
	}
	switch {
	case len(e.Problems) > 0:
		return coded{exitViolation, errors.New("the evidence is broken: " + strings.Join(e.Problems, "; "))}
	case e.Page != "":
		return coded{exitViolation, errors.New(e.Page)}
	case !e.Known:
		return coded{exitUnreadable, errors.New("all of it agrees, and whose it is is not known: give the key that you know from elsewhere by --key")}
	}
	return nil
}
