// Command accept runs what an issue promised and prints promise, figure, bound and
// verdict, one line each. Exit 1 if a promise does not hold.
//
//	go run ./scripts/accept 2 [-seed N] [-changes N] [-kills N]
//	go run ./scripts/accept 3 [-reverts N] [-members N]
//	go run ./scripts/accept 4 [-seed N]
//	go run ./scripts/accept 5 [-seed N]
//	go run ./scripts/accept 6 [-clicks N]
//
// A figure is read from the output of a command that anyone can run; the command is
// printed with it. NOT PROVABLE HERE comes with the reason.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// verdict of one promise.
type verdict string

const (
	pass        verdict = "PASS"
	fail        verdict = "FAIL"
	notProvable verdict = "NOT PROVABLE HERE"
)

// row is one line of the table.
type row struct {
	promise, figure, bound string
	verdict                verdict
	command                string
}

func main() { os.Exit(run(os.Args[1:])) }

type options struct {
	seed, changes, kills int
	reverts, members     int
	clicks               int
	bin                  string // where built programs go
}

func run(args []string) int {
	flags := flag.NewFlagSet("accept", flag.ContinueOnError)
	var o options
	flags.IntVar(&o.seed, "seed", 20261122, "seed of the random runs")
	flags.IntVar(&o.changes, "changes", 2000, "random changes of the fault run")
	flags.IntVar(&o.kills, "kills", 100, "instants of the kill run")
	flags.IntVar(&o.reverts, "reverts", 300, "reverts by webhook that are measured")
	flags.IntVar(&o.members, "members", 20000, "members of the large org")
	flags.IntVar(&o.clicks, "clicks", 15, "clicks in Slack that are measured")
	issues := map[string]func() []func(options) []row{"2": spine, "3": faithful, "4": rulebook, "5": decisions, "6": slacked}
	if len(args) == 0 || issues[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: accept 2 [-seed N] [-changes N] [-kills N], accept 3 [-reverts N] [-members N], accept 4 [-seed N], accept 5 [-seed N], or accept 6 [-clicks N]")
		return 2
	}
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	dir, err := os.MkdirTemp("", "accept")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	o.bin = dir
	fmt.Printf("issue %s, seed %d\n", args[0], o.seed)
	var rows []row
	for _, check := range issues[args[0]]() {
		begin := time.Now()
		got := check(o)
		for _, r := range got {
			fmt.Printf("%-17s %s: %s (%.0f s)\n", r.verdict, r.promise, r.figure, time.Since(begin).Seconds())
		}
		rows = append(rows, got...)
	}
	return table(rows)
}

// table prints the result and is the exit code.
func table(rows []row) int {
	fmt.Println("\n| promise | figure | bound | verdict |\n|---|---|---|---|")
	passed, failed := 0, 0
	for _, r := range rows {
		fmt.Printf("| %s | %s | %s | %s |\n", r.promise, r.figure, r.bound, r.verdict)
		switch r.verdict {
		case pass:
			passed++
		case fail:
			failed++
		}
	}
	fmt.Println("\nCommands:")
	for _, r := range rows {
		fmt.Printf("  %-50s %s\n", r.promise, r.command)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return 1
	}
	return 0
}

// result of a command.
type result struct {
	command string
	out     string
	took    time.Duration
	err     error
}

// sh runs a command in the project's folder; env is added to the environment.
func sh(env []string, name string, args ...string) result {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	return result{name + " " + strings.Join(args, " "), string(out), time.Since(begin), err}
}

// row judges a result that has no figure but its exit code.
func (r result) row(promise, bound string, figure func(out string) (string, bool)) row {
	text, ok := figure(r.out)
	v := pass
	if r.err != nil || !ok {
		v = fail
		fmt.Println(tail(r.out, 60))
	}
	return row{promise, text, bound, v, r.command}
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
