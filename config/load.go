package config

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Load reads a file's bytes. name is what problems call the file, and its folder is
// where relative paths start. The error is Problems: every mistake of the file.
func Load(name string, src []byte) (*File, error) {
	rep := &reporter{name: name}
	doc := rep.parse(src)
	if doc == nil {
		return nil, rep.sorted()
	}
	w := &walker{reporter: rep, places: map[string]place{}}
	top := w.walk(doc, root(), "", false)
	b := &builder{reporter: rep, folder: filepath.Dir(name)}
	f := b.file(top)
	if len(rep.problems) > 0 {
		return nil, rep.sorted()
	}
	f.Name, f.places = name, w.places
	warn := &warner{reporter: &reporter{name: name}, file: f}
	warn.all()
	f.Warnings = warn.sorted()
	return f, nil
}

// parse is the one document of the file, or nil where there is none to walk.
func (r *reporter) parse(src []byte) *yaml.Node {
	if len(bytes.TrimSpace(src)) == 0 {
		r.report(1, 1, "", "the file is empty: it needs atlas.orgs at least")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		r.syntax(err)
		return nil
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		r.report(1, 1, "", "the file is empty: it needs atlas.orgs at least")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	case len(doc.Content) != 1:
		r.report(1, 1, "", "the file holds no mapping: it needs atlas.orgs at least")
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		r.report(second.Line, second.Column, "", "a second document: a configuration is one")
	case !errors.Is(err, io.EOF):
		r.syntax(err)
	}
	return doc.Content[0]
}

// syntax reports what is no YAML, in words that quote nothing of the file: what the
// parser stopped at may be a secret.
func (r *reporter) syntax(err error) {
	var at *yaml.LoadError
	if !errors.As(err, &at) {
		r.report(1, 1, "", "not YAML: the parser gives no reason")
		return
	}
	why := at.Message
	switch {
	case strings.Contains(why, "anchor"):
		why = "an alias of nothing; text that begins with * must be in quotes"
	case strings.Contains(why, "`"):
		why = "a value does not fit the tag before it"
	}
	r.report(at.Mark.Line, at.Mark.Column, "", "not YAML: %s", why)
}
