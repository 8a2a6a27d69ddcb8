package rules

// peopleFamilies are the variables of the rules in builtin/ that this family holds.
func peopleFamilies() []family { return nil }

// peopleMemo is what they derive once from the collections of a world.
type peopleMemo struct{}
