package sift

// MayHold tells of one text what an index with it alone would.
func MayHold(content []byte, n Need) bool {
	s := &signature{}
	s.sign(content)
	c, _ := n.question().answer(func(row uint32) (column, error) { // there is no disk to fail
		if s[row/64]>>(row%64)&1 == 1 {
			return everything, nil
		}
		return column{}, nil
	})
	return !c.empty()
}
