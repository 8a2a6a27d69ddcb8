package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/gatewarden/gatewarden/internal/api"
	"github.com/gatewarden/gatewarden/internal/report"
)

// remote is how a command talks to a running daemon.
type remote struct {
	server, format string
	stdout, stderr io.Writer
}

const remoteHelp = "\n\nIt asks the daemon at --server, with the token in GATEWARDEN_TOKEN (gatewarden token new makes one).\n" +
	"Exit codes: 0; 1 the daemon refused it; 2 usage, or a token that may not; 3 the daemon cannot be reached or did not decide in time."

// flags adds those that all such commands have.
func (r *remote) flags(c *cobra.Command) *cobra.Command {
	c.Long = c.Short + "." + strings.TrimPrefix(c.Long, c.Short) + remoteHelp
	c.Flags().StringVar(&r.server, "server", "http://127.0.0.1:9091", "the admin address of the daemon, as `URL`")
	outputFlag(c, &r.format)
	return c
}

func (r *remote) client() *api.Client {
	return &api.Client{Server: r.server, Token: os.Getenv(api.TokenVariable)}
}

// begun is a context that a signal ends, and whether the flags can be met.
func (r *remote) begun(cmd *cobra.Command) (context.Context, context.CancelFunc, error) {
	if !slices.Contains([]string{"table", "json", "yaml"}, r.format) {
		return nil, nil, coded{exitUsage, fmt.Errorf("-o %s: want table, json or yaml", r.format)}
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	return ctx, stop, nil
}

// show asks for something and writes it.
func show[T any](cmd *cobra.Command, r *remote, ask func(context.Context, *api.Client) (T, error), table func(p *report.Page, v T)) error {
	ctx, stop, err := r.begun(cmd)
	if err != nil {
		return err
	}
	defer stop()
	v, err := ask(ctx, r.client())
	if err != nil {
		return answered(err)
	}
	return encode(r.stdout, r.format, v, func() error {
		p := report.NewPage(r.stdout, report.Options{})
		table(p, v)
		_, err := p.WriteTo(r.stdout)
		return err
	})
}

// give gives a command and says what became of it.
func (r *remote) give(ctx context.Context, c *api.Client, what api.Request) error {
	out, err := c.Submit(ctx, what, rand.Text())
	if err != nil {
		return answered(err)
	}
	return encode(r.stdout, r.format, out, func() error {
		p := report.NewPage(r.stdout, report.Options{})
		p.Text(0, out.Why)
		_, err := p.WriteTo(r.stdout)
		return err
	})
}

// command is one that only gives a command.
func (r *remote) command(use, short, long string, args cobra.PositionalArgs, what func(ctx context.Context, c *api.Client, args []string) (api.Request, error)) *cobra.Command {
	return r.flags(&cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop, err := r.begun(cmd)
			if err != nil {
				return err
			}
			defer stop()
			c := r.client()
			req, err := what(ctx, c, args)
			if err != nil {
				return answered(err)
			}
			return r.give(ctx, c, req)
		},
	})
}

// answered gives an error of the daemon its exit code.
func answered(err error) error {
	if c, ok := errors.AsType[coded](err); ok {
		return c
	}
	p, ok := errors.AsType[*api.Problem](err)
	switch {
	case !ok:
		return coded{exitUnreadable, err}
	case p.Status == http.StatusUnauthorized && os.Getenv(api.TokenVariable) == "":
		return coded{exitUsage, fmt.Errorf("GATEWARDEN_TOKEN is not set: %w", inert{p})}
	case p.Status == http.StatusConflict:
		return coded{exitViolation, inert{p}}
	case p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests:
		return coded{exitUsage, inert{p}}
	}
	return coded{exitUnreadable, inert{p}}
}

// inert is an error whose text, which may quote names of Atlas's, does nothing to a terminal.
type inert struct{ error }

// Error implements error.
func (i inert) Error() string { return report.Inert(i.error.Error()) }

// Unwrap gives the error itself.
func (i inert) Unwrap() error { return i.error }

// sure asks whether something that was shown is meant. Where nobody can be asked it must have
// been said with --yes.
type sure struct {
	yes      bool
	in       io.Reader
	terminal bool
}

func (s *sure) flags(c *cobra.Command) {
	c.Flags().BoolVarP(&s.yes, "yes", "y", false, "do not ask whether it is meant")
}

// on takes the input of a command, if it is a terminal.
func (s *sure) on(in io.Reader) {
	if s.in != nil {
		return
	}
	f, ok := in.(*os.File)
	s.in, s.terminal = in, ok && term.IsTerminal(f.Fd())
}

func (s *sure) ask(w io.Writer, question string) error {
	switch {
	case s.yes:
		return nil
	case !s.terminal:
		return coded{exitUsage, errors.New("nobody can be asked whether this is meant: look at what it would do, and say --yes")}
	}
	_, _ = fmt.Fprintf(w, "%s [y/N] ", question) // who cannot be asked says nothing
	line, _ := bufio.NewReader(s.in).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(line)); a != "y" && a != "yes" {
		return coded{exitUsage, errors.New("nothing was done")}
	}
	return nil
}
