package slackfake

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// args are a call's arguments, from a form, the query, or a JSON body.
type args map[string]any

const maxBody = 1 << 20

// readArgs reads a request of the Web API. The token may be in the header or, in a
// form, beside the arguments; in the query it does not count, nor in JSON.
func readArgs(w http.ResponseWriter, r *http.Request) (a args, token string, bad *refusal) {
	a = args{}
	maps.Copy(a, fromForm(r.URL.Query()))
	delete(a, "token")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return a, "", refuse("request_too_large") // (a guess)
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case len(body) == 0:
	case kind == "application/json":
		bad = a.addJSON(body)
		delete(a, "token")
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			bad = refuse("invalid_form_data")
		}
		maps.Copy(a, fromForm(form))
	case kind == "":
		bad = refuse("missing_post_type")
	default:
		bad = refuse("invalid_post_type")
	}
	if bearer == "" {
		bearer = "form:" + a.str("token")
	}
	delete(a, "token")
	return a, bearer, bad
}

func jsonBody(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/json"
}

func fromForm(v url.Values) args {
	a := args{}
	for k := range v {
		a[k] = v.Get(k)
	}
	return a
}

func (a args) addJSON(body []byte) *refusal {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return refuse("invalid_json")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return refuse("json_not_object")
	}
	maps.Copy(a, m)
	return nil
}

// recorded are the arguments as Call keeps them: JSON values as JSON.
func (a args) recorded() url.Values {
	out := url.Values{}
	for k, v := range a {
		if text, ok := v.(string); ok {
			out.Set(k, text)
			continue
		}
		raw, _ := json.Marshal(v) // it came as JSON
		out.Set(k, string(raw))
	}
	return out
}

func (a args) str(name string) string {
	switch v := a[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func (a args) flag(name string) bool {
	switch v := a[name].(type) {
	case bool:
		return v
	case string:
		return v == "1" || v == "true"
	}
	return false
}

func (a args) number(name string, otherwise int) int {
	if n, err := strconv.Atoi(a.str(name)); err == nil {
		return n
	}
	return otherwise
}

// object reads an argument that is JSON itself, or a string of JSON as forms have it.
// It answers nil when there is none.
func (a args) object(name string) (any, error) {
	v, ok := a[name]
	text, isText := v.(string)
	if !ok || (isText && strings.TrimSpace(text) == "") {
		return nil, nil
	}
	if !isText {
		return v, nil
	}
	var out any
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&out); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return out, nil
}

// missing refuses a call without an argument that it needs.
func (a args) missing(names ...string) *refusal {
	var problems []string
	for _, n := range names {
		if a.str(n) == "" {
			problems = append(problems, "[ERROR] missing required field: "+n)
		}
	}
	if problems == nil {
		return nil
	}
	return invalid("invalid_arguments", problems...)
}
