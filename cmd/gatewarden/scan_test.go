package main

import (
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/internal/report"
)

func TestTitlesDoNothing(t *testing.T) {
	got := titles([]report.Scope{{Title: "a\n::error::b"}, {Scope: access.ProjectScope("c")}})
	if want := `a :\u003aerror::b, prj.c`; got != want {
		t.Errorf("titles: %q, want %q", got, want)
	}
}
