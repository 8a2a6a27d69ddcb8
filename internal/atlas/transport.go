package atlas

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/gatewarden/gatewarden/internal/access"
)

// tokenPath is the one address that a read-only side may POST to.
const tokenPath = "/api/oauth/token"

// gate is the innermost round tripper: what it refuses never leaves the process.
type gate struct {
	base     *url.URL
	readOnly bool
	name     string
	next     http.RoundTripper
}

// RoundTrip refuses every host but the base URL's, and on a read-only side every
// method but GET and HEAD.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != g.base.Scheme || hostPort(req.URL) != hostPort(g.base) || req.Host != "" && req.Host != req.URL.Host {
		return nil, &failure{kind: access.ErrForbidden, why: fmt.Sprintf("refused to send a request to %s: only %s is ever dialled", req.URL.Host, g.base.Host)}
	}
	reading := req.Method == http.MethodGet || req.Method == http.MethodHead
	asking := req.Method == http.MethodPost && req.URL.Path == tokenPath
	if g.readOnly && !reading && !asking {
		return nil, &failure{kind: access.ErrForbidden, why: fmt.Sprintf("refused to send a %s: %s", req.Method, g.reason())}
	}
	return g.next.RoundTrip(req)
}

func (g *gate) reason() string {
	if g.name == "write" {
		return "dry run lets only GET and HEAD pass"
	}
	return "the read side lets only GET and HEAD pass"
}
