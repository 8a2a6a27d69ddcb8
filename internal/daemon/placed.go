package daemon

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/rules"
)

// configuredRules are the users' rules that the configuration names.
func configuredRules(f *config.File) (out []rules.Source, err error) {
	for i, p := range f.Rules.Paths {
		src, err := userRules([]string{p})
		if err != nil {
			path := fmt.Sprintf("rules.paths[%d]", i)
			line, col := f.Position(path)
			return nil, config.Problems{{File: f.Name, Line: line, Column: col, Path: path, Message: err.Error()}}
		}
		out = append(out, src...)
	}
	return out, nil
}

// placed gives the mistakes in overrides of rules their place in the configuration, which
// package rules does not know.
func placed(f *config.File, err error) error {
	all, ok := errors.AsType[*rules.LoadErrors](err)
	if !ok {
		return err
	}
	for i := range all.Problems {
		p := &all.Problems[i]
		if id, of := strings.CutPrefix(p.File, "override of "); of && p.Line == 0 {
			path := "rules.override." + id
			p.Line, p.Column = f.Position(path)
			p.File, p.Message = f.Name, path+": "+p.Message
		}
	}
	return all
}
