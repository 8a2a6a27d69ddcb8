package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
	"github.com/gatewarden/gatewarden/internal/wholefile"
)

// outputsFit refuses before a scan, which may take long, what could not be written after it.
func (s *scanFlags) outputsFit() error {
	terminal, written := 0, map[string]string{} // by file: what writes it
	for flag, file := range map[string]string{"--from": s.from, "--config": s.file, "--save": s.save} {
		if file != "" {
			written[whole(file)] = flag + " " + file
		}
	}
	if s.save != "" {
		if err := writable(s.save); err != nil {
			return fmt.Errorf("--save %s: %w", s.save, err)
		}
	}
	for _, o := range s.outputs {
		format, file, named := strings.Cut(o, "=")
		switch {
		case !slices.Contains(report.Formats(), format):
			return fmt.Errorf("-o %s: want one of %v", o, report.Formats())
		case !named:
			terminal++
			continue
		case file == "":
			return fmt.Errorf("-o %s: name a file after =", o)
		}
		if other, taken := written[whole(file)]; taken {
			return fmt.Errorf("-o %s: that is the file of %s too: name another", o, other)
		}
		written[whole(file)] = "-o " + o
		if err := writable(file); err != nil {
			return fmt.Errorf("-o %s: %w", o, err)
		}
	}
	if terminal > 1 {
		return errors.New("-o: one format can go to the terminal; give the others a file, such as -o sarif=report.sarif")
	}
	return nil
}

// whole is a file's name from the root on, so that two names of one are seen.
func whole(name string) string {
	if full, err := filepath.Abs(name); err == nil {
		return full
	}
	return name
}

// writable reports why a file could not be made: files are written beside their name.
func writable(name string) error {
	if at, err := os.Stat(name); err == nil && at.IsDir() {
		return errors.New("that is a folder: name a file in it")
	}
	dir := filepath.Dir(name)
	at, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no folder %s", dir)
	case err != nil:
		return err
	case !at.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	}
	probe, err := os.CreateTemp(dir, ".gatewarden-*")
	if err != nil {
		return fmt.Errorf("the folder %s cannot be written to: %w", dir, errors.Unwrap(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func (s *scanFlags) write(r report.Report, stdout io.Writer) error {
	o := report.Options{Framework: s.framework, Artifact: s.artifact, FailOn: s.failOn, Strict: s.strict}
	for _, out := range s.outputs {
		format, file, named := strings.Cut(out, "=")
		if !named {
			if err := report.Write(format, stdout, r, o); err != nil {
				return err
			}
			continue
		}
		if err := wholefile.Write(file, func(f *os.File) error { return report.Write(format, f, r, o) }); err != nil {
			return err
		}
	}
	return nil
}

// verdict is the exit code: 1 for findings, 3 for a result that is not whole, which comes
// first with --strict and after the findings without. What does not make the code is said.
func (s *scanFlags) verdict(r report.Report, stderr io.Writer) error {
	t := r.Totals()
	if c := r.Compared; c != nil && c.Unjudged > 0 {
		say(stderr, "%s of the baseline could not be judged again: nothing says that they are fixed", counted(c.Unjudged, "finding"))
	}
	found, gap := s.found(r), notWhole(r, t)
	if gap == "" && s.strict && t.Unknown > 0 {
		gap = "rules could not tell, and --strict asks for it"
	}
	if t.Unknown > 0 && !s.strict && gap == "" {
		say(stderr, "%s unknown, not clean; with --strict that is exit code 3", map[bool]string{true: "1 answer is", false: counted(t.Unknown, "answer") + " are"}[t.Unknown == 1])
	}
	if !s.strict && s.failOn != "none" && r.MayFailOn(access.Severity(s.failOn)) {
		say(stderr, "%s may be new: the baseline could not read what is judged there; with --strict that is exit code 1", counted(r.Compared.Untold, "finding"))
	}
	switch {
	case gap != "" && found != "" && s.strict:
		return coded{exitUnreadable, fmt.Errorf("%s; and %s", gap, found)}
	case found != "":
		if gap != "" {
			say(stderr, "%s; with --strict that is exit code 3", gap)
		}
		return coded{exitViolation, errors.New(found)}
	case gap != "":
		return coded{exitUnreadable, errors.New(gap)}
	}
	return nil
}

// found says what was found that fails; empty: nothing.
func (s *scanFlags) found(r report.Report) string {
	from := access.Severity(s.failOn)
	switch {
	case s.failOn == "none":
	case r.FailOn(from) && r.Compared != nil:
		return fmt.Sprintf("there are new findings of severity %s or worse", s.failOn)
	case r.FailOn(from):
		return fmt.Sprintf("there are findings of severity %s or worse", s.failOn)
	case s.strict && r.MayFailOn(from):
		return fmt.Sprintf("there are findings of severity %s or worse that may be new: the baseline could not read what is judged there", s.failOn)
	}
	return ""
}

// notWhole says what could not be read; empty: everything could.
func notWhole(r report.Report, t report.Totals) string {
	switch {
	case t.NotRead > 0:
		return fmt.Sprintf("nothing could be read of %s: whether it is in order is unknown, not clean", unread(r))
	case t.Unreadable > 0:
		return fmt.Sprintf("%s could not be read: what depends on that is unknown, not clean", counted(t.Unreadable, "kind"))
	}
	return ""
}

// say writes a line beside the result; nothing is done about one that cannot be written.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
