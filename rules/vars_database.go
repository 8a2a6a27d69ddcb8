package rules

// databaseFamilies are the variables of the rules in builtin/ that this family holds.
func databaseFamilies() []family { return nil }

// databaseMemo is what they derive once from the collections of a world.
type databaseMemo struct{}
