package sim

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is one request of an operation with what is expected of it, as it stands in
// testdata/conformance.txt.
type sample struct {
	family, op   string
	line         int
	setup        []preparation
	method, path string // with placeholders
	body         string
	events       []expectedEvent
	quiet        string // why a mutating request writes no event
	absent       absence
	varies       string // the key whose value is another one each time
	in           string // the organisation whose owner asks
}

// preparation is a request before the one of the sample, or time that passes.
type preparation struct {
	advance      time.Duration
	name, field  string // what the answer's field is called from then on
	method, path string
	body         string
	refused      bool // it is to be refused
}

// expectedEvent is an event in the feed of "org" or of the project of that name.
type expectedEvent struct {
	feed, kind string
	fields     map[string]string
	nobody     bool // Atlas does it by itself
}

// absence is what a request for a made-up resource is answered with.
type absence struct {
	path, none string // another path; why there is nothing to ask for
	status     int
	code       string
}

// samples is the whole file.
type samples struct {
	names map[string]string
	list  []sample
}

func readSamples(path string) (*samples, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the samples: %w", err)
	}
	defer f.Close()
	out, family := &samples{names: map[string]string{}}, ""
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(line, " "):
			if len(out.list) == 0 {
				return nil, fmt.Errorf("%s:%d: no operation yet", path, n)
			}
			if err := out.list[len(out.list)-1].read(word, strings.TrimSpace(rest)); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n, err)
			}
		case word == "family":
			family = rest
		case word == "let":
			name, value, _ := strings.Cut(rest, " ")
			out.names[name] = value
		default:
			out.list = append(out.list, sample{family: family, op: word, line: n, in: "ExampleCorp"})
		}
	}
	return out, lines.Err()
}

// read takes one line about the sample.
func (s *sample) read(word, rest string) error {
	reason := strings.TrimPrefix
	switch {
	case word == "+":
		st, err := readStep(rest)
		s.setup = append(s.setup, st)
		return err
	case slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, word):
		s.method = word
		s.path, s.body, _ = strings.Cut(rest, " ")
	case word == "event":
		e, err := readEvent(rest)
		s.events = append(s.events, e)
		return err
	case word == "no" && strings.HasPrefix(rest, "event: "):
		s.quiet = reason(rest, "event: ")
	case word == "varies":
		s.varies = rest
	case word == "in":
		s.in = rest
	case word == "absent":
		return s.absent.read(rest)
	default:
		return fmt.Errorf("%q is nothing that a sample says", word)
	}
	return nil
}

func readStep(rest string) (preparation, error) {
	if d, ok := strings.CutPrefix(rest, "advance "); ok {
		n, err := time.ParseDuration(d)
		return preparation{advance: n}, err
	}
	st := preparation{field: "id"}
	rest, st.refused = strings.CutPrefix(rest, "refused ")
	if name, after, ok := strings.Cut(rest, " = "); ok && !strings.ContainsAny(name, " /") {
		st.name, rest = name, after
		if name, field, ok := strings.Cut(name, ":"); ok {
			st.name, st.field = name, field
		}
	}
	st.method, rest, _ = strings.Cut(rest, " ")
	st.path, st.body, _ = strings.Cut(rest, " ")
	return st, nil
}

func readEvent(rest string) (expectedEvent, error) {
	words := strings.Fields(rest)
	if len(words) < 2 {
		return expectedEvent{}, fmt.Errorf("event %q: want a feed and a type", rest)
	}
	e := expectedEvent{feed: words[0], kind: words[1], fields: map[string]string{}}
	for _, w := range words[2:] {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case ok:
			e.fields[key] = value
		case w == "nobody":
			e.nobody = true
		default:
			return e, fmt.Errorf("event %q: %q is no field=value", rest, w)
		}
	}
	return e, nil
}

// read takes "none: why", or any of "at <path>", a status and a code.
func (x *absence) read(rest string) error {
	if why, ok := strings.CutPrefix(rest, "none: "); ok {
		x.none = why
		return nil
	}
	words := strings.Fields(rest)
	for i := 0; i < len(words); i++ {
		n, err := strconv.Atoi(words[i])
		switch {
		case err == nil:
			x.status = n
		case words[i] == "at" && i+1 < len(words):
			i++
			x.path = words[i]
		default:
			x.code = words[i]
		}
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{[a-zA-Z][a-zA-Z0-9]*\}`)

// bindings are what placeholders stand for.
type bindings map[string]string

// bindingsIn knows the names of the file, {org} and {<project>} as paths and {orgId} and
// {<project>Id} as ids.
func (all *samples) bindingsIn(w *world) bindings {
	n := maps.Clone(all.names)
	n["org"], n["orgId"] = "/orgs/"+w.OrgID("ExampleCorp"), w.OrgID("ExampleCorp")
	n["loneId"], n["otherId"] = w.OrgID("LoneCorp"), w.OrgID("OtherCorp")
	for _, p := range []string{"prod", "dev", "empty"} {
		n[p], n[p+"Id"] = "/groups/"+w.ProjectID(p), w.ProjectID(p)
	}
	return n
}

// expand fails on a name that stands for nothing.
func (n bindings) expand(s string) (string, error) {
	var unknown error
	out := placeholder.ReplaceAllStringFunc(s, func(p string) string {
		v, ok := n[p[1:len(p)-1]]
		if !ok {
			unknown = fmt.Errorf("%s stands for nothing", p)
		}
		return v
	})
	return out, unknown
}

// pick finds a field by a dotted path, in which a number is an index.
func pick(v any, path string) (string, error) {
	for key := range strings.SplitSeq(path, ".") {
		switch have := v.(type) {
		case map[string]any:
			v = have[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(have) {
				return "", fmt.Errorf("no %s in a list of %d", key, len(have))
			}
			v = have[i]
		}
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("%s is neither text nor a number", path)
}
