package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Request is what somebody asks for: the body of POST /api/v1/commands. Who asks, when, and
// which episode and values are meant the server fills in.
type Request struct {
	Verb     access.Verb `json:"verb"`
	Action   string      `json:"action,omitempty"`   // vote, undo, release: the action's id
	Finding  string      `json:"finding,omitempty"`  // waive, snooze, acknowledge: the finding's id
	PlanHash string      `json:"planHash,omitempty"` // vote, undo, release: of the plan that was seen; adopt: of the list
	Vote     access.Vote `json:"vote,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Ticket   string      `json:"ticket,omitempty"`
	For      string      `json:"for,omitempty"`      // snooze, incident: a duration such as 90m, 4h or 2d
	From     time.Time   `json:"from,omitzero"`      // expect; left out: now
	Until    time.Time   `json:"until,omitzero"`     // waive, expect
	Org      string      `json:"org,omitempty"`      // freeze, unfreeze, incident, end-incident, adopt: the org's id
	Project  string      `json:"project,omitempty"`  // in its place, and of expect: the project's name or id
	Rule     string      `json:"rule,omitempty"`     // adopt; expect: an id or glob
	Incident string      `json:"incident,omitempty"` // its name
	Waiver   string      `json:"waiver,omitempty"`   // unwaive: its id
	Actor    string      `json:"actor,omitempty"`    // expect: a principal's id, or a glob over names in Atlas
	Kind     access.Kind `json:"kind,omitempty"`     // expect
	Name     string      `json:"name,omitempty"`     // expect: a glob over the resource's name
}

// maxBody bounds what is read of a request, in bytes.
const maxBody = 32 << 10

const (
	maxText = 1000 // of a reason, in characters
	maxName = 300  // of anything else
)

// bodyTime is how long a body may take to arrive.
const bodyTime = 10 * time.Second

// received takes in the body of a request, whole. Its deadline is taken back once it is there: it
// would end the request while a command is waited for.
func received(w http.ResponseWriter, r *http.Request) *Problem {
	limit := http.NewResponseController(w)
	_ = limit.SetReadDeadline(time.Now().Add(bodyTime)) // a writer without deadlines has nothing to wait for
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return problem(http.StatusRequestEntityTooLarge, "too-large", "The request is too large", "say it in fewer words", "a command has %d bytes at most", maxBody)
	}
	if err != nil {
		return problem(http.StatusRequestTimeout, "timeout", "The request did not arrive", "send it again, whole and within "+access.Lasts(bodyTime), "the body could not be read to its end")
	}
	_ = limit.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return nil
}

// decode reads the one request that a body holds: no field that nobody knows, none twice or in
// other letters, nothing behind it.
func decode(raw []byte) (Request, *Problem) {
	const next = "see /api/v1/openapi.json for what a command holds"
	if !utf8.Valid(raw) {
		return Request{}, invalid(next, "the body is not UTF-8")
	}
	if err := exactFields(raw); err != nil {
		return Request{}, invalid(next, "the body is not a command: %v", err)
	}
	var out Request
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return Request{}, invalid(next, "the body is not a command: %v", err)
	}
	return out, out.sound()
}

// exactFields refuses what the decoder would take in silence: a field twice, or in other letters.
func exactFields(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("want one JSON object")
	}
	var seen []string
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		switch {
		case err != nil || !ok:
			return errors.New("it is no JSON")
		case slices.Contains(seen, name):
			return fmt.Errorf("field %q is given twice", shortened(name))
		case !slices.Contains(fieldNames(), name):
			return fmt.Errorf("unknown field %q", shortened(name))
		}
		seen = append(seen, name)
		switch t, err := dec.Token(); t.(type) { // every field is text
		case string:
		default:
			if err != nil {
				return errors.New("it is no JSON")
			}
			return fmt.Errorf("field %s is not text", name)
		}
	}
	if _, err := dec.Token(); err != nil {
		return errors.New("it ends too early")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something comes after it")
	}
	return nil
}

func fieldNames() []string {
	var out []string
	t := reflect.TypeFor[Request]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}

// given are the fields that hold something, beside the verb.
func (r Request) given() []string {
	var out []string
	v := reflect.ValueOf(r)
	for i, name := range fieldNames() {
		if name != "verb" && !v.Field(i).IsZero() {
			out = append(out, name)
		}
	}
	return out
}

// form is what a verb needs, and what it may have beside that.
type form struct{ needs, may string }

func forms() map[access.Verb]form {
	return map[access.Verb]form{
		access.VerbVote:        {"action planHash vote", "reason ticket"},
		access.VerbUndo:        {"action planHash reason", "ticket"},
		access.VerbRelease:     {"action planHash reason", "ticket"},
		access.VerbWaive:       {"finding until reason", "ticket"},
		access.VerbSnooze:      {"finding for", "reason ticket"},
		access.VerbAcknowledge: {"finding", "reason ticket"},
		access.VerbFreeze:      {"reason", "org project ticket"},
		access.VerbUnfreeze:    {"reason", "org project ticket"},
		access.VerbExpect:      {"project until reason", "actor name rule kind from ticket"},
		access.VerbAdopt:       {"rule planHash reason", "org project ticket"},
		access.VerbIncident:    {"incident for reason", "org project ticket"},
		access.VerbEndIncident: {"incident reason", "org project ticket"},
		access.VerbUnwaive:     {"waiver reason", "ticket"},
	}
}

// sound says what is wrong with a request by itself.
func (r Request) sound() *Problem {
	f, known := forms()[r.Verb]
	if !known {
		return invalid("use one of the verbs of /api/v1/openapi.json", "verb %q is not one that this version knows", shortened(string(r.Verb)))
	}
	given := r.given()
	for _, name := range strings.Fields(f.needs) {
		if !slices.Contains(given, name) {
			return invalid("give it", "%s needs %s", r.Verb, name)
		}
	}
	for _, name := range given {
		if !slices.Contains(strings.Fields(f.needs+" "+f.may), name) {
			return invalid("leave it out", "%s takes no %s", r.Verb, name)
		}
	}
	v := reflect.ValueOf(r)
	for i, name := range fieldNames() {
		most := maxName
		if name == "reason" {
			most = maxText
		}
		if s := v.Field(i); s.Kind() == reflect.String {
			if why := unfit(s.String(), most); why != "" {
				return invalid("write it as one line of plain text", "%s %s", name, why)
			}
		}
	}
	switch {
	case slices.Contains(given, "reason") && strings.TrimSpace(r.Reason) == "":
		return invalid("say in words why", "reason is blank")
	case r.Vote != "" && r.Vote != access.VoteApprove && r.Vote != access.VoteDeny:
		return invalid("vote approve or deny", "vote %q is neither", shortened(string(r.Vote)))
	case r.Org != "" && r.Project != "":
		return invalid("name one of them", "both an org and a project are given")
	case r.Kind != "" && !r.Kind.Known():
		return invalid("use a kind such as ip_access_entry, or leave it out", "kind %q is not one that is known", shortened(string(r.Kind)))
	}
	return nil
}

// unfit says why a text may not be stored and shown to people; empty: it may.
func unfit(s string, most int) string {
	if n := utf8.RuneCountInString(s); n > most {
		return fmt.Sprintf("has %d characters, at most %d are taken", n, most)
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
	}) {
		return "holds characters that are not shown"
	}
	return ""
}

// span reads a duration for people: time.ParseDuration with days before it.
func span(s string) (time.Duration, *Problem) {
	const longest = 90 * 24 * time.Hour
	var days int
	rest := s
	if head, tail, ok := strings.Cut(s, "d"); ok {
		if n, err := fmt.Sscanf(head+"d", "%dd", &days); err != nil || n != 1 || strings.Trim(head, "0123456789") != "" || days > 90 {
			return 0, invalid("write a duration such as 90m, 4h or 2d", "for %q is no duration", shortened(s))
		}
		rest = tail
	}
	d := time.Duration(days) * 24 * time.Hour
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || more > longest {
			return 0, invalid("write a duration such as 90m, 4h or 2d, of 90 days at most", "for %q is no duration", shortened(s))
		}
		d += more
	}
	if d <= 0 || d > longest {
		return 0, invalid("write a duration such as 90m, 4h or 2d, of 90 days at most", "for %q is none or too long", shortened(s))
	}
	return d, nil
}
