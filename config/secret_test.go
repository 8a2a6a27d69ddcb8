package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v4"
)

const fake = "hunter2-fake"

func TestSecretIsNeverPrinted(t *testing.T) {
	s := NewSecret(fake)
	type hidden struct{ s Secret }
	type shown struct{ S Secret }
	var printed []string
	for _, v := range []any{s, &s, shown{s}, &shown{s}, hidden{s}, &hidden{s}, []Secret{s}, map[string]Secret{"k": s}, fmt.Errorf("with %v", s), []any{hidden{s}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T", "%20v", "%-5s", "%c", "%U"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, fmt.Sprint(v), string(raw))
	}
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	document, err := yaml.Dump(shown{s})
	if err != nil {
		t.Fatal(err)
	}
	var logs bytes.Buffer
	slog.New(slog.NewJSONHandler(&logs, nil)).Info("x", "secret", s, "in", shown{s})
	slog.New(slog.NewTextHandler(&logs, nil)).Info("x", "secret", s, "in", hidden{s})
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&logs), zap.DebugLevel))
	log.Info("x", zap.Any("secret", s), zap.Stringer("string", s), zap.Reflect("in", shown{s}), zap.Any("hidden", hidden{s}))
	for _, p := range append(printed, string(text), string(document), logs.String()) {
		for _, form := range []string{fake, fmt.Sprintf("%x", fake), fmt.Sprintf("%X", fake)} {
			if strings.Contains(p, form) {
				t.Errorf("printed: %s", p)
			}
		}
	}
	if got := fmt.Sprintf("%v %#v %s %d", s, s, s, s); got != strings.TrimSpace(strings.Repeat(redacted+" ", 4)) {
		t.Errorf("prints %q, want %s each time", got, redacted)
	}
	if s.Reveal() != fake {
		t.Errorf("Reveal() = %q", s.Reveal())
	}
}

func TestSecretZero(t *testing.T) {
	var zero Secret
	if !zero.IsZero() || zero.Reveal() != "" || fmt.Sprint(zero) != redacted {
		t.Errorf("the zero Secret: IsZero %v, Reveal %q, prints %v", zero.IsZero(), zero.Reveal(), zero)
	}
	if !NewSecret("a").Equal(NewSecret("a")) || NewSecret("a").Equal(NewSecret("b")) || !zero.Equal(NewSecret("")) {
		t.Error("Equal does not compare values")
	}
}

func TestSourceFollowsRotation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	source := Source{File: file}
	for _, content := range []string{"first", "second\n", "third\r\n", "\ufefffourth\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		want := strings.TrimSpace(strings.TrimPrefix(content, "\ufeff"))
		got, err := source.Resolve()
		if err != nil || got.Reveal() != want {
			t.Errorf("%q: %q, %v, want %q", content, got.Reveal(), err, want)
		}
	}
	t.Setenv("GATEWARDEN_TEST_SECRET", "fifth")
	if got, err := (Source{Env: "GATEWARDEN_TEST_SECRET"}).Resolve(); err != nil || got.Reveal() != "fifth" {
		t.Errorf("from the environment: %q, %v", got.Reveal(), err)
	}
}

func TestSourceErrors(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) Source {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return Source{File: file}
	}
	t.Setenv("GATEWARDEN_TEST_EMPTY", "")
	for name, c := range map[string]struct {
		source Source
		want   string
	}{
		"none":    {Source{}, "name one by env or file"},
		"both":    {Source{Env: "A", File: "/b"}, "keep one"},
		"unset":   {Source{Env: "GATEWARDEN_TEST_UNSET"}, "environment variable GATEWARDEN_TEST_UNSET: it is not set; set it"},
		"empty":   {Source{Env: "GATEWARDEN_TEST_EMPTY"}, "it is empty; put"},
		"missing": {Source{File: filepath.Join(folder, "missing")}, "missing: no such file or directory; mount it"},
		"folder":  {Source{File: folder}, "is a directory; mount it"},
		"blank":   {write("blank", " \n\n"), "it is empty"},
		"lines":   {write("lines", fake+"\n"+fake+"\n"), "more than one line"},
		"space":   {write("space", fake+" \n"), "white space"},
		"long":    {write("long", strings.Repeat("x", maxSecret+1)), "longer than"},
	} {
		got, err := c.source.Resolve()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
			continue
		}
		if !got.IsZero() || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: gives %q, error %v", name, got.Reveal(), err)
		}
	}
	if _, err := (Source{File: filepath.Join(folder, "missing")}).Resolve(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want one that is fs.ErrNotExist", err)
	}
}

func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(fake+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GATEWARDEN_TEST_ID", "id")
	id, secret := Source{Env: "GATEWARDEN_TEST_ID"}, Source{File: file}
	for name, c := range map[string]Credentials{
		"service account": {ClientID: id, ClientSecret: secret},
		"API key":         {PublicKey: id, PrivateKey: secret},
	} {
		gotID, gotSecret, err := c.Resolve()
		if err != nil || gotID != "id" || gotSecret.Reveal() != fake {
			t.Errorf("%s: %q, %q, %v", name, gotID, gotSecret.Reveal(), err)
		}
		if c.IsZero() || c.ServiceAccount() != (name == "service account") {
			t.Errorf("%s: IsZero %v, ServiceAccount %v", name, c.IsZero(), c.ServiceAccount())
		}
	}
	_, _, err := Credentials{PublicKey: Source{Env: "GATEWARDEN_TEST_UNSET"}}.Resolve()
	if err == nil || !strings.Contains(err.Error(), "is not set") || !strings.Contains(err.Error(), "no source") {
		t.Errorf("both halves missing: %v, want both named", err)
	}
}
