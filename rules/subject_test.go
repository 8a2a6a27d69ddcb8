package rules

import (
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// TestNameMakesNoUserOfAtlas: what Atlas manages nobody makes.
func TestNameMakesNoUserOfAtlas(t *testing.T) {
	e := mustLoad(t, testPolicy())
	for who, want := range map[access.ActorType]access.Answer{
		access.ActorHuman: access.AnswerViolation, access.ActorAPIKey: access.AnswerViolation, access.ActorServiceAccount: access.AnswerViolation,
		access.ActorAtlas: access.AnswerNotApplicable, access.ActorUnknown: access.AnswerNotApplicable,
	} {
		in := waivedWorld(t0)
		c := access.NewCollection(prj, access.KindDatabaseUser, []access.State{user("mms-evil", false, "atlasAdmin")})
		c.Resources[0].Actor = access.Actor{Type: who, Name: "mallory@example.com"}
		in.Collections[access.KindDatabaseUser] = c
		v := e.Judge(in, "dbuser/atlas-admin-app", access.Ref{Scope: prj, Kind: access.KindDatabaseUser, Name: "admin/mms-evil"}, "")
		if v.Answer != want {
			t.Errorf("made by %q: %s, want %s", who, v.Answer, want)
		}
	}
}
