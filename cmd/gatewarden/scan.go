package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/daemon"
	"github.com/gatewarden/gatewarden/internal/report"
)

// scanFlags are what the command line of a scan says.
type scanFlags struct {
	file, org, baseURL        string
	outputs                   []string
	failOn, baseline, from    string
	save, framework, artifact string
	quiet, strict             bool
	atLeast                   string
	gates, projects, environs []string
	rules                     []string
}

func scanCommand(stdout, stderr io.Writer) *cobra.Command {
	var s scanFlags
	c := &cobra.Command{
		Use: "scan {--config FILE | --org ID | --from FILE}", Short: "Judge an Atlas org once and report, without a daemon", Args: cobra.NoArgs,
		Long: `Read everything once, judge it by the rules, and report. Nothing is written to Atlas.

Without a configuration, --org ID reads with the credentials of the Atlas CLI's environment:
MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET, or MONGODB_ATLAS_PUBLIC_API_KEY and
MONGODB_ATLAS_PRIVATE_API_KEY. ORG_READ_ONLY is enough.

-o FORMAT writes to the terminal, -o FORMAT=FILE to a file; it may be given several times.

Exit codes: 0 nothing found at or above --fail-on; 1 something was (with --baseline: something
new); 2 usage or configuration; 3 something could not be read, whatever --fail-on says, and
what was read is clean. What could not be read or judged is never counted as clean, and is said
on stderr beside the codes 0 and 1.

With --strict a result that is not whole is 3, findings or not, also where a rule could not
tell; and with --baseline also what may be new counts: what the baseline could not read.

A table that goes to no terminal is as wide as COLUMNS says, else 100 columns.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), stdout, stderr) },
	}
	f := c.Flags()
	configFlag(c, &s.file)
	f.StringVar(&s.org, "org", "", "scan the org of this `ID` without a configuration")
	f.StringVar(&s.baseURL, "base-url", "", "with --org: where Atlas is, if not at https://cloud.mongodb.com")
	f.StringArrayVarP(&s.outputs, "output", "o", []string{"table"}, "`FORMAT[=FILE]`: "+strings.Join(report.Formats(), ", "))
	f.StringVar(&s.failOn, "fail-on", "low", "the lowest `SEVERITY` that makes the exit code 1: critical, high, medium, low, info, or none")
	f.StringVar(&s.baseline, "baseline", "", "a former report (json): only what is new counts, and is marked")
	f.StringVar(&s.save, "save", "", "keep what was read in `FILE`")
	f.StringVar(&s.from, "from", "", "judge what --save kept in `FILE`, without a call to Atlas")
	f.StringVar(&s.framework, "framework", "", "group by the controls of soc2, iso27001, pci4 or cis8")
	f.StringVar(&s.artifact, "sarif-artifact", "", "the file of the repository at which SARIF results are shown")
	f.StringVar(&s.atLeast, "severity", "", "report findings of this severity and worse only")
	f.StringSliceVar(&s.gates, "gate", nil, "report findings of these gates only: network, database, people, machines, organization")
	f.StringSliceVar(&s.rules, "rule", nil, "report findings of these rules only; * stands for any run of characters")
	f.StringSliceVar(&s.projects, "project", nil, "report findings of these projects only, by name or id; * stands for any run of characters")
	f.StringSliceVar(&s.environs, "environment", nil, "report findings of these environments only")
	f.BoolVar(&s.strict, "strict", false, "exit 3 whenever the result is not whole, also beside findings or where a rule could not tell")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "no progress")
	return c
}

func (s *scanFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.check(); err != nil {
		return coded{exitUsage, err}
	}
	f, err := s.config()
	if err != nil {
		return err
	}
	former, err := s.former()
	if err != nil {
		return coded{exitUsage, err}
	}
	progress, done := s.progress(stderr)
	r, err := daemon.Scan(ctx, f, daemon.ScanOptions{Version: version, Guest: s.file == "", From: s.from, Save: s.save, Progress: progress})
	done()
	switch {
	case daemon.IsConfig(err):
		return coded{exitUsage, err}
	case err != nil:
		return coded{exitUnreadable, err}
	}
	if former != nil {
		if len(r.Scopes) > 0 && !r.Shares(*former) {
			return coded{exitUsage, fmt.Errorf("the baseline %s is of %s, and the scan of %s: they have no org or project in common", s.baseline, titles(former.Scopes), titles(r.Scopes))}
		}
		if r = r.Baseline(*former); r.Compared.NoValues > 0 {
			_, _ = fmt.Fprintf(stderr, "the baseline %s: %s\n", s.baseline, r.Compared.Doubt())
		}
	}
	if err := s.matches(r, f); err != nil {
		return coded{exitUsage, err}
	}
	shown := s.filter()
	if err := s.write(r.Keep(shown), stdout); err != nil {
		return coded{exitUnreadable, err}
	}
	shown.AtLeast = "" // what is shown does not say from where on it fails
	return s.verdict(r.Keep(shown), stderr)
}

// matches refuses filters that leave nothing: a pipeline would stay green for ever.
func (s *scanFlags) matches(r report.Report, f *config.File) error {
	for _, glob := range s.projects {
		if !slices.ContainsFunc(r.Scopes, func(x report.Scope) bool { return access.Match(glob, x.Title) || access.Match(glob, x.Scope.ID()) }) {
			return fmt.Errorf("--project %s: there is no such project or org; there are %s", glob, titles(r.Scopes))
		}
	}
	for _, glob := range s.rules {
		if !slices.ContainsFunc(r.Rules, func(x report.Rule) bool { return access.Match(glob, x.ID) }) {
			return fmt.Errorf("--rule %s: there is no such rule", glob)
		}
	}
	for _, env := range s.environs {
		if !slices.ContainsFunc(r.Scopes, func(x report.Scope) bool { return x.Environment == env }) {
			return fmt.Errorf("--environment %s: %s", env, noSuchEnvironment(env, f))
		}
	}
	return nil
}

// noSuchEnvironment says why no project is in an environment.
func noSuchEnvironment(env string, f *config.File) string {
	var names []string
	for _, e := range f.Environments {
		names = append(names, e.Name)
	}
	switch {
	case len(names) == 0:
		return "no project matches it; a scan knows environments by --config"
	case slices.Contains(names, env):
		return "no project matches it"
	}
	return "there is no such environment; there are " + strings.Join(names, ", ")
}

// unread names the orgs and projects of which nothing was read.
func unread(r report.Report) string {
	out := slices.DeleteFunc(slices.Clone(r.Scopes), func(s report.Scope) bool { return s.Seen() })
	if len(out) == 0 {
		return "any org or project"
	}
	return titles(out)
}

func titles(scopes []report.Scope) string {
	var out []string
	for _, s := range scopes {
		if len(out) == 10 {
			return strings.Join(out, ", ") + " and others"
		}
		out = append(out, report.Inert(s.Name()))
	}
	return strings.Join(out, ", ")
}

func (s *scanFlags) check() error {
	given := 0
	for _, v := range []string{s.file, s.org} {
		if v != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return errors.New("give --config or --org, not both")
	case given == 0 && s.from == "":
		return errors.New("give --config FILE, --org ID, or --from FILE")
	case s.from != "" && s.save != "":
		return errors.New("--save keeps what is read from Atlas, and --from reads nothing there: leave one out")
	case s.failOn != "none" && !slices.Contains(access.Severities(), access.Severity(s.failOn)):
		return fmt.Errorf("--fail-on %s: want one of %v, or none", s.failOn, access.Severities())
	case s.atLeast != "" && !slices.Contains(access.Severities(), access.Severity(s.atLeast)):
		return fmt.Errorf("--severity %s: want one of %v", s.atLeast, access.Severities())
	case s.framework != "" && !slices.Contains(report.Frameworks(), s.framework):
		return fmt.Errorf("--framework %s: want one of %v", s.framework, report.Frameworks())
	}
	for _, g := range s.gates {
		if !slices.Contains(report.Gates(), report.Gate(g)) {
			return fmt.Errorf("--gate %s: want one of %v", g, report.Gates())
		}
	}
	return s.outputsFit()
}

// config is the file that is named, or one made of --org and the environment; judging what
// was kept takes none.
func (s *scanFlags) config() (*config.File, error) {
	if s.file != "" {
		return load(s.file)
	}
	id := s.org
	if id == "" {
		id = strings.Repeat("0", 24) // judged by nobody: what was kept names its orgs
	}
	credentials := "{client_id: {env: MONGODB_ATLAS_CLIENT_ID}, client_secret: {env: MONGODB_ATLAS_CLIENT_SECRET}}"
	if os.Getenv("MONGODB_ATLAS_CLIENT_ID") == "" && os.Getenv("MONGODB_ATLAS_PUBLIC_API_KEY") != "" {
		credentials = "{public_key: {env: MONGODB_ATLAS_PUBLIC_API_KEY}, private_key: {env: MONGODB_ATLAS_PRIVATE_API_KEY}}"
	}
	text := fmt.Sprintf("atlas:\n  profile: scan\n  orgs: [{id: %q, read: %s}]\n", id, credentials)
	if s.baseURL != "" {
		text += fmt.Sprintf("  base_url: %q\n", s.baseURL)
	}
	f, err := config.Load("--org", []byte(text))
	if err != nil {
		return nil, coded{exitUsage, err}
	}
	return f, nil
}

func (s *scanFlags) former() (*report.Report, error) {
	if s.baseline == "" {
		return nil, nil
	}
	src, err := os.ReadFile(s.baseline)
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	r, err := reportOf(src)
	if err != nil {
		return nil, fmt.Errorf("read the baseline %s: %w", s.baseline, err)
	}
	return &r, nil
}

// reportOf reads what scan -o json wrote.
func reportOf(src []byte) (r report.Report, err error) {
	if err := json.Unmarshal(src, &r); err != nil || r.V == 0 {
		return r, errors.New("it is no report of gatewarden: write one with scan -o json=FILE")
	}
	if r.V > report.Version {
		return r, fmt.Errorf("it is of version %d, and this program knows %d: use a newer one", r.V, report.Version)
	}
	return r, nil
}

func (s *scanFlags) filter() report.Filter {
	f := report.Filter{AtLeast: access.Severity(s.atLeast), Rules: s.rules, Projects: s.projects, Environments: s.environs, OnlyNew: s.baseline != ""}
	for _, g := range s.gates {
		f.Gates = append(f.Gates, report.Gate(g))
	}
	return f
}
