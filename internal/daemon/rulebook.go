package daemon

import (
	"fmt"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/rules"
)

// Rules are the rules of a configuration, built-in and its owner's, with its adjustments;
// without a configuration the built-in ones.
func Rules(f *config.File) ([]rules.Rule, error) {
	if f == nil {
		e, err := rules.Load(rules.Policy{})
		if err != nil {
			return nil, err
		}
		return e.Rules(), nil
	}
	s, err := buildFor(f, access.OwnAccess{}) // what the rules are takes no secret
	if err != nil {
		return nil, configError{err}
	}
	return s.engine.Rules(), nil
}

// Rule is one rule of a configuration; without a configuration, a built-in one.
func Rule(f *config.File, id string) (rules.Rule, error) {
	list, err := Rules(f)
	if err != nil {
		return rules.Rule{}, err
	}
	return ruleOf(list, id)
}

func ruleOf(list []rules.Rule, id string) (rules.Rule, error) {
	for _, r := range list {
		if r.ID == id {
			return r, nil
		}
	}
	return rules.Rule{}, configError{fmt.Errorf("there is no rule %q%s; gatewarden rules list names them all", id, rules.MeantRule(id, list))}
}

// RulesDocs is the reference of the rules, in Markdown.
func RulesDocs(list []rules.Rule) string { return rules.Docs(list) }

// Vocabulary is what rules may say.
func Vocabulary() (rules.Vocabulary, error) { return rules.NewVocabulary() }

// TestRules loads the rules of files and folders beside the built-in ones, which runs
// their tests; without paths it is the built-in ones that are tested.
func TestRules(paths []string) ([]rules.Rule, error) {
	src, err := userRules(paths)
	if err != nil {
		return nil, configError{err}
	}
	e, err := rules.Prove(rules.Policy{}, src...)
	if err != nil {
		return nil, err
	}
	var out []rules.Rule
	for _, r := range e.Rules() {
		if r.BuiltIn == (len(paths) == 0) {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return nil, configError{fmt.Errorf("there is no rule in %v: give .yaml files, or folders that hold them", paths)}
	}
	return out, nil
}
