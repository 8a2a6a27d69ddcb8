package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"
)

// date is a date of a request body, in any zone.
type date struct{ time.Time }

var errDate = errors.New("not an ISO 8601 date")

// UnmarshalJSON reads an ISO 8601 date and keeps whole seconds in UTC.
func (d *date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errDate
	}
	t, err := parseDate(s)
	if err != nil {
		return errDate
	}
	d.Time = t.Truncate(time.Second)
	return nil
}

// when is the date as the model keeps it.
func (d *date) when() *time.Time {
	if d == nil {
		return nil
	}
	return &d.Time
}

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// decode reads a body. An attribute that the operation does not know is refused.
func (c *call) decode(into any) *problem {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return bad("INVALID_JSON", "The request body is empty.")
	}
	dec := json.NewDecoder(bytes.NewReader(c.body))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, err := dec.Token(); err != io.EOF {
			return bad("MALFORMED_JSON", "Received JSON is malformed: there is more than one value.")
		}
		return nil
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, errDate):
		return bad("INVALID_DATE_FORMAT", "A date in the request body is not in ISO 8601 format.")
	case errors.As(err, &wrong):
		return bad("INVALID_JSON_ATTRIBUTE", "Received JSON for the %s attribute does not match expected format.", orDefault(wrong.Field, "root"))
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		return bad("INVALID_ATTRIBUTE", "Invalid attribute %s specified.", m[1])
	}
	return bad("MALFORMED_JSON", "Received JSON is malformed: %s.", strings.TrimPrefix(err.Error(), "json: "))
}

// sameGroup checks a groupId that came in a body.
func (c *call) sameGroup(id *string) *problem {
	if id != nil && *id != "" && *id != c.project.id {
		return bad("GROUP_MISMATCH", "The specified group ID %s does not match the URL.", *id)
	}
	return nil
}
