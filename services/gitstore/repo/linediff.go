package repo

import (
	"bytes"
	"slices"
)

// lineEdit says that lines [oldFrom, oldTo) became lines [newFrom, newTo). Between edits the two sides are equal.
type lineEdit struct{ oldFrom, oldTo, newFrom, newTo int }

// splitLines cuts after each line feed; a last line without one stays as it is.
func splitLines(data []byte) [][]byte {
	out := make([][]byte, 0, bytes.Count(data, []byte{'\n'})+1)
	for len(data) > 0 {
		n := bytes.IndexByte(data, '\n') + 1
		if n == 0 {
			n = len(data)
		}
		out = append(out, data[:n])
		data = data[n:]
	}
	return out
}

// diffLines finds a shortest edit script (Myers 1986). Two sides that differ in more than a thousand lines or so are done in pieces,
// each piece shortest: that keeps the time near linear for anything a device may send.
func diffLines(a, b [][]byte) []lineEdit {
	head := 0
	for head < len(a) && head < len(b) && bytes.Equal(a[head], b[head]) {
		head++
	}
	a, b = a[head:], b[head:]
	for len(a) > 0 && len(b) > 0 && bytes.Equal(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	ids := map[string]int32{} // only of what is left: a change is a few lines of thousands
	x, y := number(ids, a), number(ids, b)
	m := &matcher{x: x, y: y, shift: head}
	const steps = 100_000_000
	m.reach = min(max(steps/(len(x)+len(y)+1), 16), 1000)
	m.run()
	return m.edits
}

// number replaces lines by numbers, equal ones by equal numbers.
func number(ids map[string]int32, lines [][]byte) []int32 {
	out := make([]int32, len(lines))
	for i, l := range lines {
		id, ok := ids[string(l)]
		if !ok {
			id = int32(len(ids)) //nolint:gosec // lines fit in memory
			ids[string(l)] = id
		}
		out[i] = id
	}
	return out
}

// matcher walks the grid of both sides from (0,0) to the far corner.
type matcher struct {
	x, y  []int32
	shift int
	reach int // edits a piece may have
	trace [][]int32
	edits []lineEdit
}

func (m *matcher) run() {
	i, j := 0, 0
	for i < len(m.x) || j < len(m.y) {
		i, j = m.piece(i, j)
	}
}

// piece goes from (i,j) as far as `reach` edits lead, records the edits, and says where it ended: at the corner, or at the furthest
// point found, from where the next piece starts. It always gets on.
func (m *matcher) piece(i, j int) (endX, endY int) {
	x, y := m.x[i:], m.y[j:]
	m.trace = m.trace[:0]
	prev := []int32{0}
	for d := 0; ; d++ {
		cur := make([]int32, 2*d+1) // cur[k+d]: how far along x diagonal k got
		bestK, best := 0, -1
		for k := -d; k <= d; k += 2 {
			at := furthest(prev, d, k)
			for at < len(x) && at-k >= 0 && at-k < len(y) && x[at] == y[at-k] {
				at++
			}
			cur[k+d] = int32(at) //nolint:gosec // lines fit in memory
			if at > len(x) || at-k > len(y) {
				continue // outside the grid
			}
			if at == len(x) && at-k == len(y) {
				m.trace = append(m.trace, cur)
				m.record(i, j, d, k)
				return len(m.x), len(m.y)
			}
			if 2*at-k > best {
				best, bestK = 2*at-k, k
			}
		}
		m.trace = append(m.trace, cur)
		if d >= m.reach && best >= 0 {
			m.record(i, j, d, bestK)
			at := int(cur[bestK+d])
			return i + at, j + at - bestK
		}
		prev = cur
	}
}

// furthest continues on diagonal k with one more edit: down (a line of y added) or right (a line of x removed).
func furthest(prev []int32, d, k int) int {
	if d == 0 {
		return 0
	}
	down := k == -d || k != d && prev[k-1+d-1] < prev[k+1+d-1]
	if down {
		return int(prev[k+1+d-1])
	}
	return int(prev[k-1+d-1]) + 1
}

// record follows the trace back from diagonal k at step d and notes the edits, joining neighbours.
func (m *matcher) record(i, j, d, k int) {
	var back []lineEdit
	for ; d > 0; d-- {
		prev := m.trace[d-1]
		if k == -d || k != d && prev[k-1+d-1] < prev[k+1+d-1] {
			k++
			at := int(prev[k+d-1])
			back = append(back, lineEdit{i + at, i + at, j + at - k, j + at - k + 1})
		} else {
			k--
			at := int(prev[k+d-1])
			back = append(back, lineEdit{i + at, i + at + 1, j + at - k, j + at - k})
		}
	}
	for _, e := range slices.Backward(back) {
		e.oldFrom, e.oldTo, e.newFrom, e.newTo = e.oldFrom+m.shift, e.oldTo+m.shift, e.newFrom+m.shift, e.newTo+m.shift
		if last := len(m.edits) - 1; last >= 0 && m.edits[last].oldTo == e.oldFrom && m.edits[last].newTo == e.newFrom {
			m.edits[last].oldTo, m.edits[last].newTo = e.oldTo, e.newTo
			continue
		}
		m.edits = append(m.edits, e)
	}
}
