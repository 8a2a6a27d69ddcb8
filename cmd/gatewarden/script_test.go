package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"gatewarden": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs every script beside a simulated Atlas of its own, at $ATLAS, which
// holds the script's world.yaml, or testdata/world.yaml where it has none.
func TestScripts(t *testing.T) {
	text, err := os.ReadFile("testdata/world.yaml")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await": await,
			"wrong": wrong,
			"take":  take,
			"edit": func(ts *testscript.TestScript, _ bool, args []string) { // a file: every OLD becomes NEW
				was := ts.ReadFile(args[0])
				text := strings.ReplaceAll(was, args[1], args[2])
				if text == was {
					ts.Fatalf("%s has no %s", args[0], args[1])
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
			},
			"as": func(ts *testscript.TestScript, _ bool, args []string) { // USER METHOD PATH BODY, with {project} for its id
				atlas, _ := ts.Value("atlas").(*sim.Atlas)
				path := regexp.MustCompile(`\{[a-z-]+\}`).ReplaceAllStringFunc(args[2], func(m string) string { return atlas.ProjectID(strings.Trim(m, "{}")) })
				if status, answer := atlas.Do(sim.Actor{Username: args[0], RemoteAddress: "198.51.100.7"}, args[1], path, json.RawMessage(args[3])); status >= 300 {
					ts.Fatalf("Atlas says %d: %s", status, answer)
				}
			},
			"first": func(ts *testscript.TestScript, _ bool, args []string) { // the id of the first of what was printed, under a name
				var all []struct{ ID string }
				ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
				if len(all) == 0 {
					ts.Fatalf("nothing was printed")
				}
				ts.Setenv(strings.ToUpper(args[0]), all[0].ID)
			},
			"expand": func(ts *testscript.TestScript, _ bool, args []string) { // $ATLAS, $ADMIN and $OPS in files
				for _, name := range args {
					text := strings.NewReplacer("$ATLAS", ts.Getenv("ATLAS"), "$ADMIN", ts.Getenv("ADMIN"), "$OPS", ts.Getenv("OPS")).Replace(ts.ReadFile(name))
					ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
				}
			},
		},
		Setup: func(e *testscript.Env) error {
			world := text
			if own, err := os.ReadFile(filepath.Join(e.WorkDir, "world.yaml")); err == nil {
				world = own
			}
			w, err := sim.ParseWorld("world.yaml", world)
			if err != nil {
				return err
			}
			a, err := sim.New(sim.Options{World: w, Seed: 1})
			if err != nil {
				return err
			}
			e.Values["atlas"] = a
			server := httptest.NewServer(a)
			e.Defer(server.Close)
			e.Setenv("ATLAS", server.URL)
			for _, name := range []string{"ADMIN", "OPS"} { // addresses that nobody listens on
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				e.Setenv(name, l.Addr().String())
				if err := l.Close(); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// await asks a URL until its answer matches a pattern, with $GATEWARDEN_TOKEN where there is one.
func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?s)" + args[1])
	begin, tick := time.Now(), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		r, err := http.NewRequest(http.MethodGet, args[0], nil)
		ts.Check(err)
		if token := ts.Getenv("GATEWARDEN_TOKEN"); token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if pattern.Match(body) {
				return
			}
		}
		if time.Since(begin) > time.Minute {
			ts.Fatalf("%s never answered %s: %v", args[0], args[1], err)
		}
	}
}

// take sets a variable to what a pattern's first group finds in a file, such as stdout.
func take(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) < 2 {
		ts.Fatalf("%s has no %s", args[1], args[2])
	}
	ts.Setenv(args[0], found[1])
}

// wrong runs a program that must end with an exit code.
func wrong(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	ended, ok := errors.AsType[*exec.ExitError](err)
	if !ok || strconv.Itoa(ended.ExitCode()) != args[0] {
		ts.Fatalf("it ended with %v, want exit code %s", err, args[0])
	}
}
