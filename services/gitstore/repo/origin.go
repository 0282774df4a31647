package repo

// Origins tells with which version each line of newest came: 0 for newest itself, 1 for the version before it, and so on. It is blame for callers
// that know a file's versions from an index, and costs one diff a version instead of a walk through the whole repository's history. older answers the
// version before the last one asked for, or false when there is none; it is not asked once every line is explained. complete is false where
// lines are in the oldest version seen, so that only they cannot be older.
func Origins(newest []byte, older func() (text []byte, ok bool, err error)) (origin []int, complete bool, err error) {
	lines := splitLines(newest)
	origin = make([]int, len(lines))
	// at[i] is where line i of the present version stands in newest, or -1.
	at := make([]int, len(lines))
	for i := range at {
		at[i] = i
	}
	for version, open := 0, len(lines); open > 0; version++ {
		text, ok, err := older()
		if err != nil {
			return nil, false, err
		}
		if !ok {
			return origin, false, nil
		}
		before := splitLines(text)
		next := make([]int, len(before))
		for i := range next {
			next[i] = -1
		}
		open = 0
		from, to := 0, 0
		same := func(until int) {
			for ; to < until; from, to = from+1, to+1 {
				if next[from] = at[to]; at[to] >= 0 {
					origin[at[to]] = version + 1
					open++
				}
			}
		}
		for _, e := range diffLines(before, lines) {
			same(e.newFrom)
			from, to = e.oldTo, e.newTo
		}
		same(len(lines))
		lines, at = before, next
	}
	return origin, true, nil
}
