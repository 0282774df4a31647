package platforms

import "fmt"

// Gap is how a device says, within an answer that ends as it should, that part of it is missing.
type Gap struct {
	// Match finds the line that says so.
	Match *Pattern
	// Except matches such lines as mean nothing: what is missing is nothing the device has. Nil: none.
	Except *Pattern
}

// in returns the reason why out has a gap, or nil.
func (g *Gap) in(out []byte) *Incomplete {
	if g == nil {
		return nil
	}
	for len(out) > 0 {
		line, rest := cutLine(out)
		if g.Match.MatchLine(line) && (g.Except == nil || !g.Except.MatchLine(line)) {
			return &Incomplete{"gap", fmt.Sprintf("the device says that a part is missing, in a line such as %s", g.Match)}
		}
		out = rest
	}
	return nil
}
