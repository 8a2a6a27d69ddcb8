package config

// meet is a shortest text that two patterns match, in which * stands for anything; false if
// there is none.
func meet(p, q string) (string, bool) {
	type state struct{ i, j int } // what is left of them
	type path struct {
		state
		text string
	}
	seen := map[state]bool{}
	// Breadth first, by the length of the text: what adds nothing to it comes first.
	level := []path{{}}
	for len(level) > 0 {
		var next []path
		for len(level) > 0 {
			at := level[0]
			level = level[1:]
			if seen[at.state] {
				continue
			}
			seen[at.state] = true
			i, j := at.i, at.j
			star, other := i < len(p) && p[i] == '*', j < len(q) && q[j] == '*'
			switch {
			case i == len(p) && j == len(q):
				return at.text, true
			case star && other:
				level = append(level, path{state{i + 1, j}, at.text}, path{state{i, j + 1}, at.text})
			case star:
				level = append(level, path{state{i + 1, j}, at.text})
				if j < len(q) {
					next = append(next, path{state{i, j + 1}, at.text + q[j:j+1]})
				}
			case other:
				level = append(level, path{state{i, j + 1}, at.text})
				if i < len(p) {
					next = append(next, path{state{i + 1, j}, at.text + p[i:i+1]})
				}
			case i < len(p) && j < len(q) && p[i] == q[j]:
				next = append(next, path{state{i + 1, j + 1}, at.text + p[i:i+1]})
			}
		}
		level = next
	}
	return "", false
}
