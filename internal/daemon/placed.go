package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// userRules reads every .yaml file of the configured folders and files, in order of name.
func userRules(paths []string) ([]rules.Source, error) {
	var out []rules.Source
	for _, p := range paths {
		files := []string{p}
		if info, err := os.Stat(p); err != nil {
			return nil, fmt.Errorf("rules: %w: create it, or do not name it", err)
		} else if info.IsDir() {
			if files, err = ruleFiles(p); err != nil {
				return nil, fmt.Errorf("rules: %w", err)
			}
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("rules: %w", err)
			}
			out = append(out, rules.Source{Name: name, Text: text})
		}
	}
	return out, nil
}

// ruleFiles are the .yaml files of a folder. One that cannot be listed is an error, and so is
// a .yml: rules that are silently not there protect nobody.
func ruleFiles(dir string) (out []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".yaml":
			out = append(out, filepath.Join(dir, e.Name()))
		case ".yml":
			return nil, fmt.Errorf("%s: a rule file ends in .yaml: rename it", filepath.Join(dir, e.Name()))
		}
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
		if id, key, of := p.InOverride(); of {
			path := strings.TrimSuffix("rules.override."+id+"."+key, ".")
			p.Line, p.Column = f.Position(path)
			p.File, p.Message = f.Name, path+": "+p.Message
		}
	}
	return all
}
