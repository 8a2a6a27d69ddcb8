package rules

// Waits reports whether the changes of a judgement must be judged again with the next one,
// since a kind that they bear on could not be judged on: the stage leaves them where they
// are, and so does whoever replays a history.
func (e *Engine) Waits(in Input) bool { return e.holds(&in) }

// Revision takes the id of a change of a state apart: the revision of the collection that
// it changed, and which change of that it is.
func Revision(id string) (rev, n uint64, ok bool) {
	_, rev, n, ok = splitID(id)
	return rev, n, ok
}

// Suggestion is a hint at the one of these names that a word was meant for, as ": did you
// mean …"; it may be empty.
func Suggestion[V any](word string, names map[string]V) string { return suggestion(word, names) }
