package sim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport returns a round tripper that calls the handler directly, with no socket. It
// gives up when the request's context ends, whatever the handler is doing; the handler
// then finishes by itself, as a server does that cannot know. It is safe inside a
// testing/synctest bubble as long as hooks return.
func (a *Atlas) Transport() http.RoundTripper { return transport{a} }

type transport struct{ atlas *Atlas }

// RoundTrip answers one request.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	inner := r.Clone(ctx)
	inner.RequestURI, inner.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	if inner.Host == "" {
		inner.Host = r.URL.Host
	}
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer inner.Body.Close()
		rec.serve(t.atlas, inner)
	}()
	select {
	case <-done:
		return rec.response(r)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recorder is the ResponseWriter of one round trip.
type recorder struct {
	header  http.Header
	sent    http.Header
	status  int
	body    bytes.Buffer
	aborted bool
}

func (rec *recorder) serve(a *Atlas, r *http.Request) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			rec.aborted = true
		} else if p != nil {
			panic(p)
		}
	}()
	a.ServeHTTP(rec, r)
}

// Header is for http.ResponseWriter.
func (rec *recorder) Header() http.Header { return rec.header }

// WriteHeader is for http.ResponseWriter.
func (rec *recorder) WriteHeader(status int) {
	if rec.sent == nil {
		rec.status, rec.sent = status, rec.header.Clone()
	}
}

// Write is for http.ResponseWriter.
func (rec *recorder) Write(b []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(b)
}

func (rec *recorder) response(r *http.Request) (*http.Response, error) {
	if rec.sent == nil {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s %s: connection closed without an answer: %w", r.Method, r.URL.Path, io.ErrUnexpectedEOF)
	}
	length := int64(rec.body.Len())
	var body io.Reader = &rec.body
	if rec.aborted {
		fmt.Sscan(rec.sent.Get("Content-Length"), &length)
		body = io.MultiReader(body, brokenReader{})
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", rec.status, http.StatusText(rec.status)), StatusCode: rec.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: rec.sent,
		Body: io.NopCloser(body), ContentLength: length, Request: r,
	}, nil
}

// brokenReader ends a body that was cut.
type brokenReader struct{}

// Read says that the connection broke.
func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
