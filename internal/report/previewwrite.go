package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// PreviewOptions are how a preview is written.
type PreviewOptions struct {
	Options
	All bool // table: also what stays as it is
}

// PreviewFormats lists the formats that [WritePreview] knows.
func PreviewFormats() []string { return []string{"table", "json", "sarif"} }

// WritePreview writes a preview in a format. It goes out in one piece.
func WritePreview(format string, w io.Writer, p Preview, o PreviewOptions) error {
	var b bytes.Buffer
	var err error
	p, o.Options = p.sorted(), o.on(w)
	switch format {
	case "table":
		err = writePreviewTable(&b, p, o)
	case "json":
		err = writeJSON(&b, p, "  ")
	case "sarif":
		err = writePreviewSARIF(&b, p, o)
	default:
		return fmt.Errorf("format %q: there are %s", format, strings.Join(PreviewFormats(), ", "))
	}
	if err != nil {
		return fmt.Errorf("write the preview as %s: %w", format, err)
	}
	_, err = w.Write(b.Bytes())
	return err
}
