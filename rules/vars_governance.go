package rules

// governanceFamilies are the variables of the rules in builtin/ that this family holds.
func governanceFamilies() []family { return nil }

// governanceMemo is what they derive once from the collections of a world.
type governanceMemo struct{}
