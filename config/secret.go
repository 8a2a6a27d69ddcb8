package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

const redacted = "<redacted>"

// maxSecret bounds a secret's file: a longer one is not a secret but a wrong path.
const maxSecret = 64 << 10

// Secret is a value that prints as <redacted> in every format. Reveal is the one way
// to it. The value lies behind a pointer because fmt calls no methods on unexported
// fields: a Secret inside one then prints an address.
type Secret struct{ value *string }

// NewSecret hides a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal is the value, for the one call that sends it. It is empty for the zero Secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether two secrets hold the same value.
func (s Secret) Equal(t Secret) bool { return s.Reveal() == t.Reveal() }

// String is <redacted>.
func (s Secret) String() string { return redacted }

// GoString is <redacted>.
func (s Secret) GoString() string { return redacted }

// Format prints <redacted> for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText is <redacted>.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON is "<redacted>".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML is <redacted>.
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }

// LogValue is <redacted>.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Source says where a value comes from: an environment variable or a file, one of them.
type Source struct {
	Env  string `json:"env,omitempty" yaml:"env,omitempty"`
	File string `json:"file,omitempty" yaml:"file,omitempty"`
}

// IsZero reports whether the source names nothing.
func (s Source) IsZero() bool { return s == Source{} }

// String says where the value comes from, for messages.
func (s Source) String() string {
	if s.Env != "" {
		return "environment variable " + s.Env
	}
	return "file " + s.File
}

// Resolve reads the value now. Files are read again each time, so that a rotated
// secret is picked up; one line end at the end is cut off.
func (s Source) Resolve() (Secret, error) {
	switch {
	case s.IsZero():
		return Secret{}, errors.New("reading a secret: the configuration gives no source; name one by env or file")
	case s.Env != "" && s.File != "":
		return Secret{}, fmt.Errorf("reading a secret: both environment variable %s and file %s are given; keep one", s.Env, s.File)
	case s.Env != "":
		return s.fromEnv()
	}
	return s.fromFile()
}

func (s Source) fromEnv() (Secret, error) {
	value, ok := os.LookupEnv(s.Env)
	if !ok {
		return Secret{}, fmt.Errorf("reading a secret from %s: it is not set; set it where the process is started", s)
	}
	return s.clean(value)
}

func (s Source) fromFile() (Secret, error) {
	f, err := os.Open(s.File)
	if err != nil {
		return Secret{}, fmt.Errorf("reading a secret from %s: %w; mount it there, readable by this process", s, cause(err))
	}
	defer func() { _ = f.Close() }() // only read from
	value, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return Secret{}, fmt.Errorf("reading a secret from %s: %w; mount it there, readable by this process", s, cause(err))
	}
	if len(value) > maxSecret {
		return Secret{}, fmt.Errorf("reading a secret from %s: it is longer than %d bytes; name the file that holds the secret alone", s, maxSecret)
	}
	return s.clean(string(bytes.TrimPrefix(value, []byte("\ufeff"))))
}

// clean cuts one line end off and refuses what cannot be one secret.
func (s Source) clean(value string) (Secret, error) {
	value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	switch {
	case strings.TrimSpace(value) == "":
		return Secret{}, fmt.Errorf("reading a secret from %s: it is empty; put the secret there", s)
	case strings.ContainsAny(value, "\r\n\x00"):
		return Secret{}, fmt.Errorf("reading a secret from %s: it holds more than one line; put the secret alone there", s)
	case strings.TrimSpace(value) != value:
		return Secret{}, fmt.Errorf("reading a secret from %s: it begins or ends with white space; put the secret alone there", s)
	}
	return NewSecret(value), nil
}

// cause is the reason of a file error without its path, which the caller has said.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
