package logsink

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

func TestOneLineAMessage(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	m := notify.Render(access.Finding{ID: "f", Rule: "network/open-to-world", Severity: access.Critical, Message: "open"}, access.Action{})
	if err := (Sink{Logger: zap.New(core)}).Deliver(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if logs.Len() != 1 || logs.All()[0].Level != zap.WarnLevel || logs.All()[0].ContextMap()["rule"] != "network/open-to-world" || logs.All()[0].ContextMap()["title"] != m.Title {
		t.Errorf("logged %v", logs.All())
	}
}
