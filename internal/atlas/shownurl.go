package atlas

import (
	"net/url"
	"strings"
)

// ShownURL is a webhook's URL as Atlas shows it: whole, or with stars for what may be a
// secret, as https://hooks.example.com/****. How much the stars stand for is not
// documented beyond that example.
type ShownURL string

// Shows reports whether this may be the URL. Where there are stars, all before the first
// of them must agree, scheme and host at least: two receivers on one host cannot be told
// apart then. Scheme and host are compared without their case.
func (s ShownURL) Shows(full string) bool {
	head, _, starred := strings.Cut(string(s), "*")
	if !starred {
		return s != "" && lowerHost(string(s)) == lowerHost(full)
	}
	shown, err := url.Parse(head)
	if err != nil || shown.Host == "" || !strings.HasPrefix(shown.Path, "/") {
		return false // not even the host is shown as a whole
	}
	return strings.HasPrefix(lowerHost(full), lowerHost(head))
}

// Starred reports whether a part of it is hidden.
func (s ShownURL) Starred() bool { return strings.Contains(string(s), "*") }

// Host is as much as may be printed: what follows often is a secret.
func (s ShownURL) Host() string { return or(host(string(s)), "an unreadable URL") }

func lowerHost(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Host = strings.ToLower(u.Host)
	return u.String()
}
