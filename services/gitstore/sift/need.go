package sift

// Need is what a text must hold. The zero value needs nothing: every text may do.
type Need struct {
	// Literal must be in a line.
	Literal string
	// All must be in the text.
	All []Need
	// One of Any must be, if there are some.
	Any []Need
}

// minLiteral bytes tell something.
const minLiteral = short

// Useless tells whether the need rules out no text.
func (n Need) Useless() bool {
	if len(n.Literal) >= minLiteral {
		return false
	}
	for _, a := range n.All {
		if !a.Useless() {
			return false
		}
	}
	for _, a := range n.Any {
		if a.Useless() {
			return true
		}
	}
	return len(n.Any) == 0
}

// OneOf are literals, folded, of which a line has at least one if it has all that is needed; none: nothing is known of such a line.
func (n Need) OneOf() []string {
	var best []string
	if len(n.Literal) >= minLiteral {
		best = []string{string(Fold([]byte(n.Literal)))}
	}
	for _, a := range n.All {
		if some := a.OneOf(); shortest(some) > shortest(best) {
			best = some
		}
	}
	var other []string
	for _, a := range n.Any {
		some := a.OneOf()
		if some == nil {
			return best
		}
		other = append(other, some...)
	}
	if shortest(other) > shortest(best) {
		best = other
	}
	return best
}

// shortest is the length of the shortest of some literals, 0 if there are none.
func shortest(literals []string) int {
	n := 0
	for i, l := range literals {
		if i == 0 || len(l) < n {
			n = len(l)
		}
	}
	return n
}

// column is a set of the texts of a block.
type column [2]uint64

var everything = column{^uint64(0), ^uint64(0)}

func (c column) and(o column) column { return column{c[0] & o[0], c[1] & o[1]} }
func (c column) or(o column) column  { return column{c[0] | o[0], c[1] | o[1]} }
func (c column) empty() bool         { return c[0]|c[1] == 0 }
func (c column) has(i int) bool      { return c[i/64]>>(i%64)&1 == 1 }

// question is a Need with its rows.
type question struct {
	rows     []uint32
	all, any []question
}

func (n Need) question() question {
	var q question
	if len(n.Literal) >= minLiteral {
		q.rows = rowsOf(n.Literal)
	}
	for _, a := range n.All {
		q.all = append(q.all, a.question())
	}
	for _, a := range n.Any {
		q.any = append(q.any, a.question())
	}
	return q
}

// answer are the texts of a block that may do; row reads one of its rows.
func (q question) answer(row func(uint32) (column, error)) (column, error) {
	out := everything
	for _, r := range q.rows {
		c, err := row(r)
		if out = out.and(c); err != nil || out.empty() {
			return out, err
		}
	}
	for _, a := range q.all {
		c, err := a.answer(row)
		if out = out.and(c); err != nil || out.empty() {
			return out, err
		}
	}
	if len(q.any) == 0 {
		return out, nil
	}
	var some column
	for _, a := range q.any {
		c, err := a.answer(row)
		if err != nil {
			return out, err
		}
		some = some.or(c)
	}
	return out.and(some), nil
}
