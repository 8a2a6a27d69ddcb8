package reach

import (
	"slices"
	"testing"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Each profile covers what the narrower ones cover, and the owner's everything.
func TestProfiles(t *testing.T) {
	all := slices.Concat(access.OrgKinds(), access.ProjectKinds())
	var before []access.Kind
	for _, p := range Profiles() {
		for _, k := range before {
			if !p.Covers(k) {
				t.Errorf("%s does not cover %s, which a narrower one does", p.Name, k)
			}
		}
		before = p.Covered()
		if len(p.Read)+len(p.ReadProjects) == 0 {
			t.Errorf("%s needs no role", p.Name)
		}
		for _, k := range p.Covered() {
			if !slices.Contains(all, k) {
				t.Errorf("%s covers %s, which is no kind", p.Name, k)
			}
		}
		org, project := p.Kinds(access.OrgScope("o")), p.Kinds(access.ProjectScope("p"))
		if len(org)+len(project) != len(p.Covered()) || slices.Contains(org, access.KindProject) || !slices.Contains(project, access.KindProject) {
			t.Errorf("%s: %v and %v", p.Name, org, project)
		}
	}
	if len(before) != len(all) {
		t.Errorf("owner covers %d of %d kinds", len(before), len(all))
	}
	if p, ok := ProfileNamed(ProfileScan); !ok || p.Covers(access.KindAccessHistory) || !p.Covers(access.KindDatabaseUser) {
		t.Errorf("scan: %v %v", ok, p.Covered())
	}
	if _, ok := ProfileNamed("everything"); ok {
		t.Error("an unknown profile is found")
	}
}
