package rules

import (
	"strings"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Variables that are had without their names mean what they mean to CEL: those of a loop hide
// the world's, and fields are selected of the resource.
func TestDirectly(t *testing.T) {
	for name, c := range map[string]struct {
		when string
		want access.Answer
	}{
		"of the world":               {"environment.name == 'prod'", access.AnswerViolation},
		"a field":                    {"cluster.name == 'orders'", access.AnswerViolation},
		"whole":                      {"cluster == cluster", access.AnswerViolation},
		"hidden by a loop":           {"['x'].exists(cluster, cluster == 'x')", access.AnswerViolation},
		"hidden in an inner loop":    {"['x'].all(now, ['y'].all(cluster, cluster + now == 'yx'))", access.AnswerViolation},
		"seen in a loop":             {"['orders'].exists(n, n == cluster.name && environment.production)", access.AnswerViolation},
		"a list in a loop":           {"params.names.exists(n, params.names[0] == n && environment.name == n)", access.AnswerViolation},
		"in a branch":                {"environment.production ? environment.name == 'dev' : environment.production", access.AnswerPass},
		"bound":                      {"cel.bind(now, environment.name, now == 'prod')", access.AnswerViolation},
		"failing":                    {"cluster.name.matches(environment.name + '(')", access.AnswerUnknown},
		"a parameter and a variable": {"environment.name in params.names && project.name.startsWith('pro')", access.AnswerViolation},
	} {
		t.Run(name, func(t *testing.T) {
			for _, limited := range []bool{false, true} {
				text := strings.Replace(good, "when: cluster.name.startsWith(params.prefix) && params.after > duration('1h')", "when: "+quote(c.when), 1)
				text = text[:strings.Index(text, "tests:")]
				text = strings.Replace(text, "  prefix: x\n", "  prefix: x\n  names: [prod, dev]\n", 1)
				errs := &LoadErrors{}
				p := testPolicy()
				p.LimitAll = limited
				comp, err := newCompiler(errs)
				if err != nil {
					t.Fatal(err)
				}
				d := parse(Source{"f.yaml", []byte(text)}, errs, true)[0]
				comp.rule(d, true, limited)
				if len(errs.Problems) > 0 {
					t.Fatal(errs)
				}
				e := &Engine{policy: newPolicy(p), rules: []*Rule{d.rule}}
				e.setViews()
				in := Input{Scope: prj, Environment: "prod", Now: t0, Collections: map[access.Kind]access.Collection{
					access.KindCluster: access.NewCollection(prj, access.KindCluster, []access.State{access.Cluster{Cluster: "orders"}}),
				}}
				got := e.Evaluate(in)
				if len(got) != 1 || got[0].Answer != c.want {
					t.Errorf("limited %v: %s: %+v, want %v", limited, c.when, got, c.want)
				}
			}
		})
	}
}

func quote(s string) string { return "\"" + s + "\"" }
