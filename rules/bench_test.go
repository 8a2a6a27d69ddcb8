package rules

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
)

// fleetInput is a project of 50 users and 20 entries in which all is well.
func fleetInput() Input {
	in := Input{Scope: prj, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{}}
	for _, k := range append(access.TargetKinds(), access.KindCustomRole) {
		in.Collections[k] = access.NewCollection(prj, k, nil)
	}
	in.Collections[access.KindCluster] = access.NewCollection(prj, access.KindCluster, []access.State{access.Cluster{Cluster: "a"}, access.Cluster{Cluster: "b"}})
	in.Collections[access.KindCustomRole] = access.NewCollection(prj, access.KindCustomRole, []access.State{customRole("shop", "inner"), customRole("inner", "read")})
	var users []access.State
	for i := range 50 {
		users = append(users, user(fmt.Sprintf("u%02d_app_user", i), true, "shop", "read"))
	}
	in.Collections[access.KindDatabaseUser] = access.NewCollection(prj, access.KindDatabaseUser, users)
	var list []string
	for i := range 20 {
		list = append(list, fmt.Sprintf("203.0.113.%d/32", i))
	}
	in.Collections[access.KindIPAccessEntry] = access.NewCollection(prj, access.KindIPAccessEntry, entries(list...))
	return in
}

// cpu is the processor time of this process so far, the collector's included: the
// machine may have other things to do.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProject judges a whole project by the built-in rules.
func BenchmarkProject(b *testing.B) {
	e := mustLoad(b, testPolicy())
	in := fleetInput()
	n := len(e.Evaluate(in))
	b.ReportAllocs()
	begin := cpu()
	for b.Loop() {
		e.Evaluate(in)
	}
	b.ReportMetric(float64(n)*float64(b.N)/(cpu()-begin).Seconds(), "evaluations/cpu-s")
}

// BenchmarkSimple judges users by one simple rule of a built-in kind.
func BenchmarkSimple(b *testing.B) {
	e := mustLoad(b, testPolicy()).Only("dbuser/unscoped")
	in := fleetInput()
	n := len(e.Evaluate(in))
	b.ReportAllocs()
	begin := cpu()
	for b.Loop() {
		e.Evaluate(in)
	}
	b.ReportMetric(float64(n)*float64(b.N)/(cpu()-begin).Seconds(), "evaluations/cpu-s")
}

// BenchmarkAdvance folds an unchanged judgement into a document with findings.
func BenchmarkAdvance(b *testing.B) {
	e := mustLoad(b, testPolicy())
	in := fleetInput()
	in.Collections[access.KindIPAccessEntry] = access.NewCollection(prj, access.KindIPAccessEntry, entries(all))
	doc, _ := e.Advance(access.Findings{}, in, e.Evaluate(in))
	in.Open = doc.Findings
	b.ReportAllocs()
	for b.Loop() {
		e.Advance(doc, in, e.Evaluate(in))
	}
}

// BenchmarkLoad loads all rules, which runs their tests.
func BenchmarkLoad(b *testing.B) {
	begin := cpu()
	for b.Loop() {
		mustLoad(b, Policy{})
	}
	b.ReportMetric(float64((cpu()-begin).Milliseconds())/float64(b.N), "cpu-ms/op")
}
