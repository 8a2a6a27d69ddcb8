package rules

// Waits reports whether the changes of a judgement must be judged again with the next one,
// since a kind that they bear on could not be judged on: the stage leaves them where they
// are, and so does whoever replays a history.
func (e *Engine) Waits(in Input) bool { return e.holds(&in) }
