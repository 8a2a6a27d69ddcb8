package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
)

const auditLong = `The daemon records every event, change, finding, decision and command in a chain of hashes, and signs where the chain
stands into a book outside the store. These commands ask a running daemon (--server); verify can also look into the
store of one that is stopped (--config).`

func auditCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use: "audit", Short: "Verify, show and export what was recorded", Long: auditLong, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("say audit verify, audit show, audit export or audit erase")
		},
	}
	c.AddCommand(auditVerifyCommand(stdout), auditShowCommand(stdout), auditExportCommand(stdout), auditEraseCommand(stdout))
	return c
}

func auditVerifyCommand(stdout io.Writer) *cobra.Command {
	var server, file, output string
	c := &cobra.Command{
		Use: "verify [--server URL | --config FILE]", Short: "Compare the chain with its checkpoints and with the streams that it records", Args: cobra.NoArgs,
		Long: auditLong + "\n\nIt ends with 0 if all was checked and agrees, with 1 if something disagrees, and with 3 if something could not be\n" +
			"checked: what the streams have dropped by their age, for example, or the name of a person who was erased.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := tableOrJSON(output); err != nil {
				return err
			}
			v, err := verdictOf(cmd.Context(), server, file)
			if err != nil {
				return err
			}
			return printVerdict(stdout, output, v)
		},
	}
	serverFlag(c, &server)
	c.Flags().StringVar(&file, "config", "", "ask no daemon: look into the store of a stopped one, or into its cluster, by its configuration `FILE`")
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

func tableOrJSON(output string) error {
	if output != "table" && output != "json" {
		return fmt.Errorf("-o %s: want table or json", output)
	}
	return nil
}

func verdictOf(ctx context.Context, server, file string) (v daemon.AuditVerdict, err error) {
	if file == "" {
		return askedFor[daemon.AuditVerdict](ctx, server, http.MethodGet, "/audit/verify", nil)
	}
	f, err := load(file)
	if err != nil {
		return v, err
	}
	if ctx == nil {
		ctx = context.Background()
	}
	if v, err = daemon.VerifyStopped(ctx, f); daemon.IsConfig(err) {
		return v, coded{exitUsage, err}
	} else if err != nil {
		return v, coded{exitUnreadable, fmt.Errorf("%w; a running daemon is asked without --config", err)}
	}
	return v, nil
}

func printVerdict(w io.Writer, output string, v daemon.AuditVerdict) error {
	if output == "json" {
		if err := indented(w, v); err != nil {
			return err
		}
	} else {
		p := report.NewPage(w, report.Options{})
		for line := range strings.Lines(v.Result.Summary()) {
			p.Text(0, strings.TrimSpace(line))
		}
		p.Text(0, "Checkpoints and evidence are signed by the key "+v.Key+".")
		for _, problem := range v.Result.Problems {
			p.Warn(2, problem.String())
		}
		if _, err := p.WriteTo(w); err != nil {
			return err
		}
	}
	switch {
	case v.Result.Found > 0:
		return coded{exitViolation, fmt.Errorf("the audit is %s: %d problems", v.Verdict, v.Result.Found)}
	case v.Verdict != "clean":
		return coded{exitUnreadable, errors.New("nothing disagrees, and not all could be checked")}
	}
	return nil
}

func indented(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

func auditShowCommand(stdout io.Writer) *cobra.Command {
	var server, output string
	q := map[string]*string{}
	c := &cobra.Command{
		Use: "show", Short: "Show recorded facts, the newest last", Long: auditLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := tableOrJSON(output); err != nil {
				return err
			}
			v := url.Values{}
			for name, value := range q {
				if *value != "" {
					v.Set(name, *value)
				}
			}
			if err := passed(v, "since", "until"); err != nil {
				return err
			}
			if id := v.Get("finding"); id != "" {
				id, err := wholeFinding(cmd.Context(), server, id)
				if err != nil {
					return err
				}
				v.Set("finding", id)
			}
			if id := v.Get("action"); id != "" {
				id, err := wholeAction(cmd.Context(), server, id)
				if err != nil {
					return err
				}
				v.Set("action", id)
			}
			facts, err := askedFor[[]daemon.AuditFact](cmd.Context(), server, http.MethodGet, "/audit/facts?"+v.Encode(), nil)
			if err != nil {
				return err
			}
			if output == "json" {
				return indented(stdout, facts)
			}
			return printFacts(stdout, facts)
		},
	}
	serverFlag(c, &server)
	for _, f := range []struct{ name, doc string }{
		{"entry", "only of the entry with this `NUMBER`"}, {"finding", "only on the finding with this `ID`"}, {"action", "only on the action with this `ID`"},
		{"since", "only what was stored from this `TIME` on, such as 2h (ago), 2026-01-31 or 2026-01-02T15:04:05Z"}, {"until", "only what was stored before this `TIME`"},
		{"source", "only of this `STREAM`: events, changes, findings, decisions or commands"}, {"limit", "the newest so many; 100 if not given"},
	} {
		q[f.name] = c.Flags().String(f.name, "", f.doc)
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return c
}

// passed makes times of what flags say, as replay's --since does: 2h is two hours ago.
func passed(v url.Values, flags ...string) error {
	for _, name := range flags {
		if _, err := time.Parse(time.RFC3339, v.Get(name)); err == nil || v.Get(name) == "" {
			continue
		}
		if day, err := time.Parse(time.DateOnly, v.Get(name)); err == nil { // which may be to come
			v.Set(name, access.Stamp(day))
			continue
		}
		at, err := daemon.Since(v.Get(name), time.Now())
		if err != nil {
			return coded{exitUsage, fmt.Errorf("--%s %s: want how long ago, such as 2h or 30d, a day such as 2026-01-31, or a time such as 2026-01-02T15:04:05Z", name, v.Get(name))}
		}
		v.Set(name, access.Stamp(at))
	}
	return nil
}

func printFacts(w io.Writer, facts []daemon.AuditFact) error {
	p := report.NewPage(w, report.Options{})
	for _, f := range facts {
		source, _, _ := strings.Cut(f.Fact.Source, "@")
		p.Bold(0, fmt.Sprintf("%s  entry %d  %s %d", access.Stamp(f.Fact.At), f.Entry, source, f.Fact.Seq))
		p.Text(2, f.Says)
	}
	if len(facts) == 0 {
		p.Text(0, "The audit has nothing of that.")
	}
	_, err := p.WriteTo(w)
	return err
}

func auditExportCommand(stdout io.Writer) *cobra.Command {
	var server, format, from, to string
	c := &cobra.Command{
		Use: "export", Short: "Write recorded facts as lines of JSON", Args: cobra.NoArgs,
		Long: auditLong + "\n\nPersons are pseudonyms in an export. As ocsf, the lines are of OCSF's class API Activity (6003).",
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := url.Values{"format": {format}}
			for name, value := range map[string]string{"from": from, "to": to} {
				if value != "" {
					v.Set(name, value)
				}
			}
			if err := passed(v, "from", "to"); err != nil {
				return err
			}
			return asked(cmd.Context(), server, http.MethodGet, "/audit?"+v.Encode(), nil, stdout)
		},
	}
	serverFlag(c, &server)
	c.Flags().StringVar(&format, "format", "ndjson", "ndjson or ocsf")
	c.Flags().StringVar(&from, "from", "", "only what was stored from this `TIME` on, such as 30d (ago), 2026-01-31 or 2026-01-02T15:04:05Z")
	c.Flags().StringVar(&to, "to", "", "only what was stored before this `TIME`")
	return c
}

func auditEraseCommand(stdout io.Writer) *cobra.Command {
	var server string
	var yes bool
	c := &cobra.Command{
		Use: "erase PERSON --yes", Short: "Forget whom a person's pseudonyms stand for", Args: cobra.ExactArgs(1),
		Long: "Forget a person: the key by which their pseudonyms can be resolved is wiped out, for good. The chain still verifies, all but\n" +
			"the name. PERSON is a name as it was recorded (an e-mail address, a user name, a network address) or the id of a principal of\n" +
			"the configuration, which stands for all names declared with it. What names the person elsewhere ends with its own retention:\n" +
			"the streams of facts, backups, evidence that was given out, and the identity in Atlas.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return coded{exitUsage, fmt.Errorf("this cannot be taken back: say --yes to erase %s", strconv.Quote(args[0]))}
			}
			got, err := askedFor[daemon.Erased](cmd.Context(), server, http.MethodPost, "/audit/erasures", map[string]string{"person": args[0]})
			if err != nil {
				return err
			}
			if len(got.Names) == 0 {
				return coded{exitViolation, fmt.Errorf("the audit has no pseudonym for %s", strconv.Quote(args[0]))}
			}
			p := report.NewPage(stdout, report.Options{})
			p.Text(0, "Erased: "+strings.Join(got.Names, ", "))
			_, err = p.WriteTo(stdout)
			return err
		},
	}
	serverFlag(c, &server)
	c.Flags().BoolVar(&yes, "yes", false, "it is meant")
	return c
}
