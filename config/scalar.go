package config

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/reach"
)

// read parses a scalar's text. The error says what is wrong with the text.
func (s scalar) read(text string) (any, error) {
	head, _, _ := strings.Cut(text, ":") // slack:channel is of the sink slack
	switch {
	case slices.Contains(s.unbuilt, head):
		return nil, fmt.Errorf("%q is not built yet; use %s", text, s.want)
	case s.enum != nil && !slices.Contains(s.enum, text):
		return nil, fmt.Errorf("%q is not %s%s", text, s.want, s.instead(text))
	case s.pattern != nil && !s.pattern.MatchString(text):
		return nil, fmt.Errorf("%q is not %s%s", text, s.want, s.advice)
	case s.parse == nil:
		return text, nil
	}
	return s.parse(text)
}

// instead says what to write in place of a wrong value of an enum.
func (s scalar) instead(text string) string {
	if s.hint != nil && s.hint(text) != "" {
		return s.hint(text)
	}
	if s.long() {
		return meant(text, s.enum)
	}
	return ": use " + orList(s.enum) + meant(text, s.enum)
}

// long reports whether an enum has too many values to list them in a message.
func (s scalar) long() bool { return len(s.enum) > 12 }

func patterned(want, pattern string) scalar {
	return scalar{want: want, json: "string", pattern: regexp.MustCompile(pattern)}
}

func enum(want string, values ...string) scalar {
	return scalar{want: want, json: "string", enum: values}
}

func (s scalar) parsed(parse func(string) (any, error)) scalar { s.parse = parse; return s }

// otherwise says what a wrong value of an enum is, where that is known.
func (s scalar) otherwise(hint func(text string) string) scalar { s.hint = hint; return s }

// explained adds to the message about what does not fit the pattern.
func (s scalar) explained(advice string) scalar { s.advice = ": " + advice; return s }

func (s scalar) without(unbuilt ...string) scalar { s.unbuilt = unbuilt; return s }

const printable = `^[^\x00-\x1f\x7f]+$`

func text(want string) scalar { return patterned(want, printable) }

func boolean() scalar {
	return scalar{want: "true or false", json: "boolean", parse: parseBool}
}

// parseBool reads what YAML takes for true and false without a tag; with one, !!bool
// nonsense arrives here too, and must not turn dry run off.
func parseBool(s string) (any, error) {
	switch s {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return nil, fmt.Errorf("%q is not true or false", s)
}

func count() scalar {
	s := patterned("a whole number from 0", `^(0|[1-9][0-9]{0,8})$`)
	s.json = "integer"
	return s.parsed(func(s string) (any, error) { return strconv.Atoi(s) })
}

func duration() scalar {
	want := "a duration such as 0s, 90s, 4h or 7d"
	return patterned(want, `^([0-9]{1,5}d)?([0-9]{1,9}(\.[0-9]{1,9})?(ns|us|ms|s|m|h))*$`).parsed(func(s string) (any, error) {
		if s == "" {
			return nil, fmt.Errorf("it is empty: give %s", want)
		}
		return parseDuration(s)
	})
}

// interval is a duration that something waits: never zero.
func interval() scalar {
	d := duration()
	return d.parsed(func(s string) (any, error) {
		v, err := duration().parse(s)
		if err == nil && v == time.Duration(0) {
			return nil, fmt.Errorf("%q is no interval: it must be above zero", s)
		}
		return v, err
	})
}

// parseDuration is time.ParseDuration with days.
func parseDuration(s string) (any, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.Atoi(days)
	if err != nil {
		return nil, err
	}
	if rest == "" {
		rest = "0s"
	}
	d, err := time.ParseDuration(rest)
	total := time.Duration(n)*24*time.Hour + d
	if err != nil || total < d { // too long for 64 bits of nanoseconds
		return nil, fmt.Errorf("%q is too long for a duration", s)
	}
	return total, nil
}

func instant() scalar {
	want := "a time such as 2026-03-31T18:00:00Z"
	return patterned(want, `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$`).parsed(func(s string) (any, error) {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return nil, fmt.Errorf("%q is not %s", s, want)
		}
		return t.UTC(), nil
	})
}

// glob is a pattern in which * stands for any run of characters and nothing else is
// special. What is special in the patterns of a shell is refused: it would be compared
// as it stands, and match nothing.
func glob(want string) scalar {
	s := patterned(want, `^[^\x00-\x1f\x7f?\[]+$`)
	return s.explained("only * stands for other characters here, any number of them; ? and [ are not special and not allowed")
}

func ruleGlob() scalar {
	return patterned(`a rule's id such as network/open-to-world, or a pattern such as "dbuser/*"`,
		`^([a-z0-9*-]+/[a-z0-9*-]+|[a-z0-9-]*\*[a-z0-9*-]*)$`)
}

// network is an address or a network, kept in its one canonical spelling.
func network() scalar {
	return text("a network such as 203.0.113.0/24").parsed(func(s string) (any, error) {
		p, err := reach.ParseEntry(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network: write one such as 203.0.113.0/24, or an address such as 203.0.113.10", s)
		}
		if given, err := netip.ParsePrefix(s); err == nil && given.Addr().Unmap() != p.Addr() {
			return nil, fmt.Errorf("%q has bits beyond its length: write %s, or the address alone", s, p)
		}
		return p.String(), nil
	})
}

func email() scalar {
	return patterned("an e-mail address", `^[^@\s<>]+@[^@\s<>]+$`).parsed(func(s string) (any, error) {
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			return nil, fmt.Errorf("%q is not an e-mail address", s)
		}
		return s, nil
	})
}

// grant is a role on a database or one of its collections.
func grant() scalar {
	return patterned("a role such as readWrite@ecommerce or read@ecommerce.orders", `^[^@.\s]+@[^@.\s]+(\.[^\s]+)?$`).parsed(func(s string) (any, error) {
		role, on, _ := strings.Cut(s, "@")
		database, collection, _ := strings.Cut(on, ".")
		return access.RoleGrant{Role: role, Database: database, Collection: collection}, nil
	})
}

func scopeTypes() []string { return []string{"CLUSTER", "DATA_LAKE", "STREAM"} }

// target is a cluster, or with its type before it something else that a user may be limited to.
func target() scalar {
	return patterned(`a cluster's name, or TYPE:name with TYPE CLUSTER, DATA_LAKE or STREAM`, `^((CLUSTER|DATA_LAKE|STREAM):)?[A-Za-z0-9_-]+$`).parsed(func(s string) (any, error) {
		kind, name, ok := strings.Cut(s, ":")
		if !ok {
			kind, name = "CLUSTER", s
		}
		return access.UserScope{Name: name, Type: kind}, nil
	})
}

// baseURL is where Atlas is. Its errors quote nothing: a URL may hold a password.
func baseURL() scalar {
	s := scalar{want: "a URL such as https://cloud.mongodb.com", json: "string"}
	return s.parsed(func(s string) (any, error) {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
			return nil, errors.New("it is not a URL such as https://cloud.mongodb.com")
		case u.User != nil:
			return nil, errors.New("it holds a user or password: give those under orgs, from env or file")
		case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
			return nil, errors.New("it holds a query or fragment: give only scheme and host")
		case u.Scheme == "http" && !loopback(u.Hostname()):
			return nil, errors.New("http would send credentials in the clear: use https; http is for a loopback address only")
		}
		return strings.TrimRight(u.String(), "/"), nil
	})
}

// webhookURL is where Atlas reaches us. Its errors quote nothing, as baseURL's.
func webhookURL() scalar {
	const example = "https://gatewarden.example.com/atlas/webhook"
	s := scalar{want: "a URL such as " + example, json: "string"}
	return s.parsed(func(s string) (any, error) {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
			return nil, errors.New("it is not a URL such as " + example)
		case u.User != nil:
			return nil, errors.New("it holds a user or password: webhooks are known by their signature, from secret")
		case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
			return nil, errors.New("it holds a query or fragment: give only scheme, host and path")
		case u.Scheme == "http" && !loopback(u.Hostname()):
			return nil, errors.New("http would let anyone on the way replay it: use https; http is for a loopback address only")
		}
		return u.String(), nil
	})
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// listener is where an HTTP server listens.
func listener() scalar {
	want := `an address to listen on such as ":8080" or "127.0.0.1:9091"`
	return patterned(want, `^(localhost|[0-9.]*|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$`).parsed(func(s string) (any, error) {
		if _, port, ok := cutPort(s); !ok || port > 65535 {
			return nil, fmt.Errorf("%q is not %s", s, want)
		}
		return s, nil
	})
}

func adminListener() scalar {
	return listener().parsed(func(s string) (any, error) {
		if host, _, ok := cutPort(s); !ok || !loopback(host) {
			return nil, fmt.Errorf("%q can be reached from outside, where tokens would cross the network in the clear: use a loopback address such as 127.0.0.1:9091, and a proxy with TLS before it", s)
		}
		return listener().parse(s)
	})
}

// cutPort splits a listener's address and checks that its host, where given, is one.
func cutPort(s string) (host string, port int, ok bool) {
	at := strings.LastIndexByte(s, ':')
	host = strings.Trim(s[:at], "[]")
	port, err := strconv.Atoi(s[at+1:])
	_, parseErr := netip.ParseAddr(host)
	return host, port, err == nil && (host == "" || host == "localhost" || parseErr == nil)
}
