// Demo plays a story: a simulated MongoDB Atlas with a shop in it, the unchanged Gatewarden
// daemon in front of it, and people who open gates that should be shut.
//
// The simulator listens on a loopback port. The daemon beside it in this process is the one
// that cmd/gatewarden runs: its configuration goes through config.Load, it reads and writes
// over HTTP with OAuth2 credentials, and keeps its state in an embedded NATS server, here in
// a temporary folder. It is told nothing of the story. Everything that the screen says was
// seen is taken from the facts that the daemon published, and checked against what the
// simulator recorded.
//
// Flags, output and exit codes are a contract: see usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // a step did not hold, or the story could not be played to its end
	exitUsage  = 2 // flags, or a world that cannot be built or lacks what the story needs
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `Play a story against a simulated MongoDB Atlas with the real Gatewarden daemon in front of it.

  demo                     the story in the terminal; then both keep running, to play with, until ctrl-C
  demo -once               the story, then exit
  demo -json [-once]       the story as NDJSON: one line a step {step, expected, seen, ok, detection_ms,
                           containment_ms}, last {summary, ok}; a duration that does not apply is null
  demo -slack-fake         the story of a team in Slack: a simulated workspace too, with a page in which you are
                           anybody and click; it goes on by what you do; with -once it clicks by itself and exits
  demo -sim-only           only the simulated Atlas: prints one JSON line {base_url, org_id, projects{name: id},
                           client_id, client_secret, public_key, private_key, accounts, control_url} and serves
                           until SIGTERM; webhooks go to loopback addresses; POST control_url/do acts as a person;
                           with -tls it serves https, and the line has the certificate to trust

Exit codes: 0 every step held; 1 one did not; 2 usage, or a world that cannot be used.

Flags:
`

// options are the flags.
type options struct {
	once, json, simOnly, slackFake, tls bool
	listen, world                       string
	seed                                uint64
}

// errUsage marks what the caller must mend.
var errUsage = errors.New("usage")

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, "demo:", err)
		return exitUsage
	}
	if o.simOnly {
		err = simOnly(ctx, o, stdin, stdout)
	} else {
		err = tell(ctx, o, stdin, stdout)
	}
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "demo:", err)
		return exitUsage
	case err != nil:
		fmt.Fprintln(stderr, "demo:", err)
		return exitFailed
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&o.once, "once", false, "play the story and exit")
	f.BoolVar(&o.json, "json", false, "print NDJSON")
	f.BoolVar(&o.simOnly, "sim-only", false, "serve the simulated Atlas alone")
	f.BoolVar(&o.slackFake, "slack-fake", false, "play the story of a team in Slack, in a simulated workspace with a page to click in")
	f.BoolVar(&o.tls, "tls", false, "with -sim-only: serve https with a certificate made for it, for clients that want no less")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` of the simulated Atlas; with -slack-fake: of Slack's page")
	f.StringVar(&o.world, "world", "", "the world to start from, a YAML `file` or - for standard input (default: the built-in ExampleCorp)")
	f.Uint64Var(&o.seed, "seed", 1, "decides the ids that the world leaves open")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, usage)
		f.SetOutput(stderr)
		f.PrintDefaults()
		return o, err
	case err != nil:
		return o, err
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q; -help lists the flags", f.Arg(0))
	case o.tls && !o.simOnly:
		return o, errors.New("-tls is for -sim-only: the story's daemon calls over plain HTTP")
	case o.simOnly && (o.once || o.json || o.slackFake):
		return o, errors.New("-sim-only plays no story: leave out -once, -json and -slack-fake")
	}
	return o, nil
}
