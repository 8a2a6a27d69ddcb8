package audit

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stretch is a part of a stored message that names a person.
type stretch struct {
	at, end int
	name    string // as it reads, without JSON's escapes
}

// text is one string of a JSON message, a member's name included.
type text struct {
	at, end int    // between the quotes
	read    string // without escapes
	offs    []int  // for each byte of read, and its end: the byte of the message, from at; nil: they agree
	member  bool   // it is a member's name
	key     string // of the member that it is the value of, or an element of
	in      string // key of the object around it
	object  int    // which object it is in
}

// most is how many stretches a message may have. Of one with more, all is one stretch that
// names nobody in particular, so that no message fills an entry or the table of persons.
const (
	most         = 128
	mostUnmerged = 8 * most
	crowd        = "\x00many"
)

// personal are the members, in lower case, whose value names a person.
var personal = []string{
	"actor", "address", "addresses", "approved", "approver", "approvers", "by", "cn", "email", "emailaddress", "escalate", "extended", "failing",
	"firstname", "fullname", "how", "inviterusername", "lastname", "mobilenumber", "onbehalfof", "operationscontact", "opener", "owner",
	"principal", "remoteaddress", "requester", "securitycontact", "slack", "targetusername", "dbuserusername", "user", "userid", "username",
	"usernames", "voter",
}

// persons are the kinds of a Ref whose name ends, after a slash if there is one, with a user's.
var persons = []string{"access_history", "database_user", "invitation", "org_member", "project_member", "team_member", "x509_config"}

// machines are the types of an actor that is no person.
var machines = []string{"api_key", "service_account", "atlas"}

var email = regexp.MustCompile(`[\p{L}\p{N}._%+\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)+`)

// find finds the persons that a message names, in order and without overlap; false: it is no
// JSON. Persons are: the values of members that name one; e-mail addresses, wherever they are;
// and what was found so, wherever else in the message it stands.
func find(raw []byte, machine func(string) bool) ([]stretch, bool) {
	if !json.Valid(raw) || !utf8.Valid(raw) {
		return nil, false
	}
	s := scanner{raw: raw}
	s.value("", "", 0)
	names := named(s.texts, machine)
	out := personalSeal(s.texts, machine)
	for _, t := range s.texts {
		if out = append(out, t.stretches(names)...); len(out) > mostUnmerged {
			return []stretch{{at: 0, end: len(raw), name: crowd}}, true
		}
	}
	if out = merged(raw, out); len(out) > most {
		out = []stretch{{at: 0, end: len(raw), name: crowd}}
	}
	return out, true
}

// named are the names of persons that the message holds, in lower case, the longest first.
func named(texts []text, machine func(string) bool) []string {
	var out []string
	types, kinds := map[int]string{}, map[int]string{}
	for _, t := range texts {
		if !t.member && t.key == "type" {
			types[t.object] = t.read
		}
		if !t.member && t.key == "kind" {
			kinds[t.object] = t.read
		}
	}
	for _, t := range texts {
		for _, m := range email.FindAllString(t.read, -1) {
			out = append(out, low(m))
		}
		if name := t.names(types[t.object], kinds[t.object]); name != "" && !machine(name) {
			out = append(out, low(name))
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(out)
}

// names is the name of a person that the text is by its place; typ and kind are those of the
// object that it is in.
func (t text) names(typ, kind string) string {
	switch key := low(t.key); {
	case t.member && t.in == "lastFrom": // addresses of logins
		return t.read
	case t.member:
		return ""
	case t.in == "actor" && slices.Contains(machines, typ):
		return ""
	case t.in == "actor" && (key == "name" || key == "id"):
		return t.read
	case key == "name" && slices.Contains(persons, kind):
		_, user, cut := strings.Cut(t.read, "/")
		if !cut {
			return t.read
		}
		return user
	case slices.Contains(personal, key):
		return t.read
	}
	return ""
}

// stretches finds the names within a text.
func (t text) stretches(names []string) (out []stretch) {
	have := low(t.read)
	for _, name := range names {
		for from := 0; len(out) <= mostUnmerged; {
			i := strings.Index(have[from:], name)
			if i < 0 {
				break
			}
			at, end := from+i, from+i+len(name)
			from = end
			if whole(t.read, at, end) {
				out = append(out, stretch{at: t.place(at), end: t.place(end), name: t.read[at:end]})
			}
		}
	}
	return out
}

// whole reports whether a name stands there by itself, and not as a part of a word. A name
// that is all of the text always does; a name of one or two letters only so.
func whole(s string, at, end int) bool {
	if at == 0 && end == len(s) {
		return true
	}
	if utf8.RuneCountInString(s[at:end]) < 3 {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[end:])
	return (at == 0 || !wordly(before)) && (end == len(s) || !wordly(after))
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }

// place is the byte of the message at which byte i of the read text begins.
func (t text) place(i int) int {
	if t.offs == nil {
		return t.at + i
	}
	return t.at + t.offs[i]
}

// merged sorts stretches and makes one of those that overlap.
func merged(raw []byte, in []stretch) []stretch {
	slices.SortFunc(in, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.end, a.end)) })
	var out []stretch
	for _, s := range in {
		last := len(out) - 1
		switch {
		case s.at == s.end:
		case last < 0 || s.at >= out[last].end:
			out = append(out, s)
		case s.end > out[last].end:
			out[last].end = s.end
			out[last].name = string(raw[out[last].at:s.end])
		}
	}
	return out
}

// low is a text in lower case as far as ASCII goes: its length never changes.
func low(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// scanner walks a valid JSON message.
type scanner struct {
	raw     []byte
	i       int
	objects int
	texts   []text
}

// space skips what separates the parts.
func (s *scanner) space() {
	for s.i < len(s.raw) && strings.IndexByte(" \t\r\n,:", s.raw[s.i]) >= 0 {
		s.i++
	}
}

// value walks one value: of the member key, of an object that is itself the value of in.
func (s *scanner) value(key, in string, object int) {
	s.space()
	switch s.raw[s.i] {
	case '{':
		s.objects++
		mine := s.objects
		s.i++
		for s.space(); s.raw[s.i] != '}'; s.space() {
			s.texts = append(s.texts, s.text(text{member: true, in: key, object: mine}))
			s.value(s.texts[len(s.texts)-1].read, key, mine)
		}
		s.i++
	case '[':
		s.i++
		for s.space(); s.raw[s.i] != ']'; s.space() {
			s.value(key, in, object)
		}
		s.i++
	case '"':
		s.texts = append(s.texts, s.text(text{key: key, in: in, object: object}))
	default:
		for s.i < len(s.raw) && strings.IndexByte(" \t\r\n,:]}", s.raw[s.i]) < 0 {
			s.i++
		}
	}
}

// text reads the string that begins here.
func (s *scanner) text(t text) text {
	s.i++
	t.at = s.i
	escaped := false
	for s.raw[s.i] != '"' {
		if s.raw[s.i] == '\\' {
			escaped = true
			s.i++
		}
		s.i++
	}
	t.end = s.i
	s.i++
	spelled := s.raw[t.at:t.end]
	t.read = string(spelled)
	if escaped {
		t.read, t.offs = unescape(spelled)
	}
	return t
}

// unescape reads a JSON string, and says where each byte of what it reads comes from. What an
// escape stands for comes from the escape's begin; halves of a pair are read one by one, as no
// name is made of them.
func unescape(spelled []byte) (string, []int) {
	var out []byte
	var offs []int
	for i := 0; i < len(spelled); {
		n, read := 1, spelled[i:i+1]
		if spelled[i] == '\\' {
			n, read = 2, []byte(short(spelled[i+1]))
		}
		if n == 2 && spelled[i+1] == 'u' {
			code, _ := strconv.ParseUint(string(spelled[i+2:i+6]), 16, 32) // valid JSON
			n, read = 6, utf8.AppendRune(nil, rune(code))
		}
		for range read {
			offs = append(offs, i)
		}
		out = append(out, read...)
		i += n
	}
	return string(out), append(offs, len(spelled))
}

// short is what the escape of one letter stands for.
func short(letter byte) string {
	if i := strings.IndexByte("bfnrt", letter); i >= 0 {
		return "\b\f\n\r\t"[i : i+1]
	}
	return string(letter)
}
