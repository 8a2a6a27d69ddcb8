package slack

import (
	"context"

	"github.com/gatewarden/gatewarden/internal/access"
	"github.com/gatewarden/gatewarden/notify"
)

// Book is what the slash command and the Home tab look up.
type Book interface {
	// Open are the findings that stand, the worst first, at most some dozens, and how many there
	// are: those that the principal may decide about, of a project by name or id; empty: all.
	Open(ctx context.Context, principal, project string) ([]notify.Story, int, error)
	// Find are the findings whose id begins so.
	Find(ctx context.Context, prefix string) ([]notify.Story, error)
	// Places are the orgs and projects, sorted, with what holds in them.
	Places(ctx context.Context) ([]Place, error)
}

// Place is an org or a project.
type Place struct {
	Scope     access.Scope
	Name      string
	Org       string // name of the org; of an org its own
	Freeze    access.Freeze
	Incidents []access.Incident // that run
}
