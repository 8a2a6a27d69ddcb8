// Command mutants plants breakages, one at a time, and runs the test that must notice.
// A check that stays green when the thing is broken is worse than none.
//
//	go run ./scripts/mutants [NAME…]
//
// Nothing in the tree is changed: a broken file is given to the build as an overlay.
// Exit 1 if a mutant survives, does not build, or no longer fits the code.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mutant is one breakage and the test that must catch it.
type mutant struct {
	name string // what is broken, in words
	file string
	old  string // occurs exactly once
	new  string
	pkg  string
	run  string // -run
}

func main() { os.Exit(run(os.Args[1:])) }

func run(names []string) int {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	survived, tried := 0, 0
	for _, m := range slices.Concat(mutants(), faithful(), rulebook(), guards(), decisions(), slacked()) {
		if len(names) > 0 && !slices.Contains(names, m.name) {
			continue
		}
		tried++
		begin := time.Now()
		verdict, detail := m.try(dir)
		fmt.Printf("%-8s %-45s %s %s (%.1f s)\n", verdict, m.name, m.pkg, m.run, time.Since(begin).Seconds())
		if verdict != caught {
			survived++
			fmt.Println(detail)
		}
	}
	fmt.Printf("%d passed, %d failed\n", tried-survived, survived)
	if survived > 0 || tried == 0 {
		return 1
	}
	return 0
}

const caught = "caught"

// try plants the mutant and says what became of it.
func (m mutant) try(dir string) (verdict, detail string) {
	src, err := os.ReadFile(m.file)
	if err != nil {
		return "BROKEN", err.Error()
	}
	if n := strings.Count(string(src), m.old); n != 1 {
		return "BROKEN", fmt.Sprintf("%s: the text to replace occurs %d times; mend the mutant", m.file, n)
	}
	mutated := filepath.Join(dir, "mutated.go")
	overlay := filepath.Join(dir, "overlay.json")
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "BROKEN", err.Error()
	}
	plan, err := json.Marshal(map[string]any{"Replace": map[string]string{path: mutated}})
	if err != nil {
		return "BROKEN", err.Error()
	}
	for file, text := range map[string]string{mutated: strings.Replace(string(src), m.old, m.new, 1), overlay: string(plan)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "BROKEN", err.Error()
		}
	}
	out, err := exec.Command("go", "test", "-count=1", "-timeout=5m", "-overlay="+overlay, "-run="+m.run, m.pkg).CombinedOutput()
	switch text := string(out); {
	case err == nil:
		return "SURVIVED", "the test stays green: " + text
	case strings.Contains(text, "[build failed]"):
		return "BROKEN", "does not build: " + text
	case !strings.Contains(text, "--- FAIL") && !strings.Contains(text, "panic:"):
		return "BROKEN", "failed, but no test did: " + text
	}
	return caught, ""
}
