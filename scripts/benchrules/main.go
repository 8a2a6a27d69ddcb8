// Benchrules measures the rule engine: how many evaluations a second one core makes with
// all built-in rules, bare and under a cost limit, how long loading them takes, and how
// that compares with OPA on rules that give the same verdicts, in the same run.
//
// It is a module of its own, so that OPA is no dependency of the daemon. All figures are of
// one goroutine; each is taken several times, alternating, and the best of each counts,
// since the machine may have other things to do. Processor time is what is divided by.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// Figures are what a run measured.
type Figures struct {
	Rules        int     `json:"rules"`
	Projects     int     `json:"projects"`
	Evaluations  int     `json:"evaluations"` // of all built-in rules over the fleet
	PerSecond    float64 `json:"evaluationsPerSecond"`
	Limited      float64 `json:"evaluationsPerSecondUnderCostLimit"`
	LoadMillis   float64 `json:"loadMilliseconds"` // all rules, their tests included; median
	Compared     int     `json:"comparedRules"`
	Verdicts     int     `json:"comparedVerdicts"` // violations that both found
	Differing    int     `json:"differingVerdicts"`
	OursPerEval  float64 `json:"nanosecondsPerEvaluation"`
	OPAPerEval   float64 `json:"opaNanosecondsPerEvaluation"`
	Ratio        float64 `json:"ratio"` // OPA's time over ours
	Measurements int     `json:"measurements"`
}

func main() {
	projects := flag.Int("projects", 200, "projects of the fleet, of 50 users and 20 entries each")
	times := flag.Int("times", 7, "measurements of each figure")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	f, err := measure(*projects, *times)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	if *asJSON {
		_ = json.NewEncoder(os.Stdout).Encode(f)
	} else {
		fmt.Printf("%d rules, %d projects, %d evaluations, best of %d\n", f.Rules, f.Projects, f.Evaluations, f.Measurements)
		fmt.Printf("built-in rules     %12.0f evaluations/s/core\n", f.PerSecond)
		fmt.Printf("under a cost limit %12.0f evaluations/s/core\n", f.Limited)
		fmt.Printf("loading            %12.1f ms\n", f.LoadMillis)
		fmt.Printf("%d rules in both: %.0f ns, OPA %.0f ns: %.1f times; %d violations in both, %d differ\n", f.Compared, f.OursPerEval, f.OPAPerEval, f.Ratio, f.Verdicts, f.Differing)
	}
}

func measure(projects, times int) (Figures, error) {
	runtime.GOMAXPROCS(1)
	f := Figures{Projects: projects, Measurements: times}
	e, err := rules.Load(policy())
	if err != nil {
		return f, err
	}
	limited, err := rules.Load(limitedPolicy())
	if err != nil {
		return f, err
	}
	opa, err := newOPA()
	if err != nil {
		return f, err
	}
	worlds := fleet(projects)
	inputs := make([]rules.Input, len(worlds))
	for i, w := range worlds {
		inputs[i] = w.input()
	}
	f.Rules = len(e.Rules())
	some := e.Only(compared...)
	f.Compared = len(compared)
	f.Verdicts, f.Differing, err = agree(some, opa, worlds, inputs)
	if err != nil {
		return f, err
	}
	var buf []access.Verdict // as the stage that judges does
	judge := func(e *rules.Engine) (n int, took time.Duration) {
		began := cpu()
		for i := range inputs {
			buf = e.EvaluateInto(buf, inputs[i])
			n += len(buf)
		}
		return n, cpu() - began
	}
	evaluations := 0
	for _, w := range worlds {
		evaluations += w.size()
	}
	best := map[string]time.Duration{}
	least := func(name string, d time.Duration) {
		if b, ok := best[name]; !ok || d < b {
			best[name] = d
		}
	}
	for range times { // alternating: whatever else runs hits all alike
		debug.FreeOSMemory()
		n, d := judge(e)
		f.Evaluations = n
		least("all", d)
		_, d = judge(limited)
		least("limited", d)
		_, d = judge(some)
		least("some", d)
		began := cpu()
		for _, w := range worlds {
			if _, err := opa.judge(w); err != nil {
				return f, err
			}
		}
		least("opa", cpu()-began)
	}
	f.PerSecond = float64(f.Evaluations) / best["all"].Seconds()
	f.Limited = float64(f.Evaluations) / best["limited"].Seconds()
	f.OursPerEval = float64(best["some"].Nanoseconds()) / float64(evaluations)
	f.OPAPerEval = float64(best["opa"].Nanoseconds()) / float64(evaluations)
	f.Ratio = f.OPAPerEval / f.OursPerEval
	f.LoadMillis, err = loading(times)
	return f, err
}

// loading is the median time of loading all rules, their tests included.
func loading(times int) (float64, error) {
	var all []float64
	for range times {
		began := cpu()
		if _, err := rules.Load(policy()); err != nil {
			return 0, err
		}
		all = append(all, float64((cpu()-began).Microseconds())/1000)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// cpu is the processor time of this process, the collector's included.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// agree counts the violations that both find, and those that only one does.
func agree(e *rules.Engine, o *opa, worlds []world, inputs []rules.Input) (same, differ int, err error) {
	for i, w := range worlds {
		ours := map[string]bool{}
		for _, v := range e.Evaluate(inputs[i]) {
			if v.Answer == access.AnswerViolation && v.Ref.Name != inputs[i].Scope.ID() {
				ours[v.Rule+" "+v.Ref.Name] = true
			}
		}
		theirs, err := o.judge(w)
		if err != nil {
			return same, differ, err
		}
		for k := range theirs {
			if ours[k] {
				same++
			} else {
				differ++
			}
		}
		for k := range ours {
			if !theirs[k] {
				differ++
			}
		}
	}
	return same, differ, nil
}
