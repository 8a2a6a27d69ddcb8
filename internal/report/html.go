package report

import "io"

// WriteHTML is next.
func WriteHTML(w io.Writer, r Report, o Options) error { return nil }
