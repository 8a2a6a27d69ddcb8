package rules

import "github.com/gatewarden/gatewarden/internal/access"

// machineFamilies are the variables of the rules in builtin/ that this family holds.
func machineFamilies() []family { return nil }

// machineMemo is what they derive once from the collections of a world.
type machineMemo struct{}

// machineNames are the names by which configuration may know a machine credential; nil: the
// subject is none.
func (s *subject) machineNames() []string {
	switch m := s.res.Box.State.(type) {
	case access.APIKey:
		return []string{m.PublicKey, m.Description}
	case access.ServiceAccount:
		return []string{m.ClientID, m.Title}
	case access.ProjectKey:
		return []string{m.PublicKey, m.Description}
	case access.ProjectServiceAccount:
		return []string{m.ClientID, m.Title}
	}
	return nil
}
