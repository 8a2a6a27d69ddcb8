package slackfake

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// The page is what a person sees of the workspace: plain JavaScript, nothing that is
// fetched from anywhere else. Its address says who looks at what:
//
//	/?user=U0ALICE&channel=C0PROD             a channel
//	/?user=U0ALICE&channel=C0PROD&thread=<ts> a thread of it
//	/?user=U0ALICE&channel=home               the app's Home tab
//
//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load its own parts and nothing else, and keeps text from
// ever being parsed as markup.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// page serves what a person sees in the browser.
func (s *Slack) page() http.Handler { return http.HandlerFunc(servePage) }

// servePage answers GET / with the page and GET /page/… with its parts.
func servePage(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "page/index.html"
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "the page is only read", http.StatusMethodNotAllowed)
		return
	}
	if info, err := fs.Stat(pageFiles, name); err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache") // another build, another page
	http.ServeFileFS(w, r, pageFiles, name)
}
