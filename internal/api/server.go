package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

// prefix is where the API is.
const prefix = "/api/v1"

// Options say what is served. Backend and Auth are required.
type Options struct {
	Backend Backend
	Adopter Adopter // nil: adoptions cannot be looked at beforehand
	Auditor Auditor // nil: there is no audit to read
	More    []Route
	Auth    func() *Auth
	Logger  *zap.Logger      // nil: silent
	Now     func() time.Time // nil: time.Now
	Limits  Limits
}

// Route is one more route, of what concerns everything: it answers those who have the role
// without bounds.
type Route struct {
	Method, Path string
	Role         Role
	Handler      http.Handler // an error that it answers with as text becomes a problem
}

// Server answers what is asked under prefix.
type Server struct {
	Options
	mux                          *http.ServeMux
	pending                      pending
	byAddress, byToken, failures *limiter
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// New is the handler of everything under /api/v1.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := o.Limits.orDefault()
	s := &Server{Options: o, mux: http.NewServeMux(), byAddress: newLimiter(l.Address), byToken: newLimiter(l.Token), failures: newLimiter(l.Failure)}
	methods := map[string][]string{}
	for _, r := range s.routes() {
		s.mux.Handle(r.method+" "+prefix+r.path, s.guard(r.role, r.serve))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for _, r := range o.More {
		s.mux.Handle(r.Method+" "+prefix+r.Path, s.Require(r.Role, problems(r.Handler)))
		methods[r.Path] = append(methods[r.Path], r.Method)
	}
	for path, allowed := range methods {
		s.mux.Handle(prefix+path, s.guard(RoleViewer, notAllowed(allowed)))
	}
	s.mux.Handle(prefix+"/", s.guard(RoleViewer, func(r *http.Request, _ identity) (answer, error) {
		return answer{}, problem(http.StatusNotFound, "not-found", "There is no such thing", "see "+prefix+"/openapi.json for what there is", "nothing is at %s", shortened(r.URL.Path))
	}))
	return s
}

// Protect lets a handler of what concerns everything answer those who have the role without
// bounds. While no token is configured it answers whoever reaches it: those are on the machine.
func (s *Server) Protect(least Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Auth().Nobody() {
			next.ServeHTTP(w, r)
			return
		}
		s.Require(least, next).ServeHTTP(w, r)
	})
}

// Require is Protect, also where nobody may do anything yet: then nobody may do this.
func (s *Server) Require(least Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		who, wrong := s.admit(r)
		if wrong == nil && !who.everywhere(least) {
			wrong = forbidden("use a token that has it and is not bounded", "this takes the role %s, without bounds", least)
		}
		if wrong != nil {
			wrong.write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// route is one method of one path.
type route struct {
	method, path string
	role         Role // that it takes somewhere, at least
	serve        handler
}

type handler func(*http.Request, identity) (answer, error)

func (s *Server) routes() []route {
	out := []route{
		{"GET", "/openapi.json", RoleViewer, s.document},
		{"GET", "/whoami", RoleViewer, s.whoami},
		{"GET", "/places", RoleViewer, s.listPlaces},
		{"GET", "/findings", RoleViewer, s.listFindings},
		{"GET", "/findings/{id}", RoleViewer, s.oneFinding},
		{"GET", "/actions", RoleViewer, s.listActions},
		{"GET", "/actions/{id}", RoleViewer, s.oneAction},
		{"POST", "/commands", RoleApprover, s.submit},
		{"GET", "/commands/{id}", RoleViewer, s.commandState},
		{"GET", "/waivers", RoleViewer, s.listWaivers},
		{"GET", "/expectations", RoleViewer, s.listExpectations},
		{"GET", "/acknowledgements", RoleViewer, s.listAcknowledgements},
		{"GET", "/freezes", RoleViewer, s.listFreezes},
		{"GET", "/incidents", RoleViewer, s.listIncidents},
		{"GET", "/adoptions", RoleViewer, s.listAdoptions},
	}
	if s.Adopter != nil {
		out = append(out, route{"GET", "/adoptions/preview", RoleViewer, s.previewAdoption})
	}
	if s.Auditor != nil {
		out = append(out, route{"GET", "/audit", RoleViewer, s.audit}, route{"GET", "/findings/{id}/evidence", RoleViewer, s.evidence})
	}
	return out
}

// answer is what a handler has to say.
type answer struct {
	status   int // 0: 200
	body     any // as JSON
	location string
	retry    time.Duration
	raw      []byte                                                 // in place of body
	kind     string                                                 // the content type of raw and stream
	stream   func(ctx context.Context, w http.ResponseWriter) error // in place of body
}

// guard lets a handler answer those who may ask, and only as often as they may.
func (s *Server) guard(least Role, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		who, wrong := s.admit(r)
		if wrong == nil && !who.somewhere(least) {
			wrong = forbidden("ask somebody who may, or have the role given in the configuration, under auth", "this takes the role %s", least)
		}
		if wrong == nil && r.Method == http.MethodPost {
			wrong = received(w, r)
		}
		if wrong != nil {
			wrong.write(w)
			return
		}
		out, err := h(r, who)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.write(w, r, out)
	})
}

// headers keep an answer from others, and from being taken for something to run.
func headers(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Authorization")
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		s.Logger.Warn("a request could not be answered", zap.String("method", r.Method), zap.String("path", shortened(r.URL.Path)), zap.Error(err))
	}
	p.write(w)
}

// admit is who asks, if they may now.
func (s *Server) admit(r *http.Request) (identity, *Problem) {
	now, from := s.Now(), client(r.RemoteAddr)
	if wait := s.byAddress.take(from, now); wait > 0 {
		return identity{}, tooMany(wait, "too many requests come from this address")
	}
	who, wrong := s.Auth().identify(r.Context(), r.Header)
	if wrong != nil {
		if wait := s.failures.take(from, now); wait > 0 {
			return identity{}, tooMany(wait, "too many requests without a token that is known come from this address")
		}
		s.Logger.Info("a request was refused: who asks is not known", zap.String("from", from), zap.String("path", shortened(r.URL.Path)), zap.String("why", wrong.Detail))
		return identity{}, wrong
	}
	if wait := s.byToken.take(who.key, now); wait > 0 {
		return identity{}, tooMany(wait, "too many requests come with this token")
	}
	return who, nil
}

// write writes an answer; one that whoever asks has already is only said to be the same.
func (s *Server) write(w http.ResponseWriter, r *http.Request, a answer) {
	if a.stream != nil {
		s.stream(w, r, a)
		return
	}
	raw, kind := a.raw, a.kind
	if raw == nil {
		var err error
		if raw, err = json.Marshal(a.body); err != nil {
			s.refuse(w, r, err)
			return
		}
		raw, kind = append(raw, '\n'), "application/json"
	}
	h, status := w.Header(), cmp.Or(a.status, http.StatusOK)
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(a.retry.Seconds())))
	}
	if r.Method != http.MethodPost {
		sum := sha256.Sum256(raw)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		h.Set("ETag", tag)
		if slices.ContainsFunc(strings.Split(r.Header.Get("If-None-Match"), ","), func(t string) bool { return strings.TrimPrefix(strings.TrimSpace(t), "W/") == tag }) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Type", kind)
	w.WriteHeader(status)
	if _, err := w.Write(raw); err != nil {
		return // the client went away; there is nobody to tell
	}
}

// stream writes an answer that is made as it is sent. What goes wrong before anything was sent
// is a problem as any other.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, a answer) {
	w.Header().Set("Content-Type", a.kind)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // however long it takes; a writer without deadlines needs none
	sent := &counting{ResponseWriter: w}
	err := a.stream(r.Context(), sent)
	switch {
	case err == nil:
	case sent.n == 0:
		s.refuse(w, r, err)
	default:
		s.Logger.Warn("an answer was cut short", zap.String("path", shortened(r.URL.Path)), zap.Error(err))
		panic(http.ErrAbortHandler) // what was sent must not look whole
	}
}

// counting counts what was sent.
type counting struct {
	http.ResponseWriter
	n int
}

// Write implements io.Writer.
func (c *counting) Write(raw []byte) (int, error) {
	n, err := c.ResponseWriter.Write(raw)
	c.n += n
	return n, err
}

func notAllowed(methods []string) handler {
	return func(r *http.Request, _ identity) (answer, error) {
		p := problem(http.StatusMethodNotAllowed, "method", "The method is not one that is taken here", "use "+strings.Join(methods, " or "), "%s is not taken here", shortened(r.Method))
		p.allow = strings.Join(methods, ", ")
		return answer{}, p
	}
}

// Whoami is who asks, and what they may do.
type Whoami struct {
	Principal string  `json:"principal"`
	How       string  `json:"how"`
	Grants    []Grant `json:"grants"`
}

func (s *Server) whoami(_ *http.Request, who identity) (answer, error) {
	return answer{body: Whoami{who.principal, who.how, who.grants}}, nil
}
