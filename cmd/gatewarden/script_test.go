package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
			"expand": func(ts *testscript.TestScript, _ bool, args []string) { // $ATLAS in files
				for _, name := range args {
					text := strings.ReplaceAll(ts.ReadFile(name), "$ATLAS", ts.Getenv("ATLAS"))
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
			server := httptest.NewServer(a)
			e.Defer(server.Close)
			e.Setenv("ATLAS", server.URL)
			return nil
		},
	})
}
