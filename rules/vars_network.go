package rules

// networkFamilies are the variables of the rules in builtin/ that this family holds.
func networkFamilies() []family { return nil }

// networkMemo is what they derive once from the collections of a world.
type networkMemo struct{}
