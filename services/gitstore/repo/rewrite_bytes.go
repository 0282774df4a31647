package repo

import (
	"bytes"
	"strings"
)

// changedEntries answers the entries of two folders between the first and the last that differ, both in their order. It looks at names only where something may differ: a folder of
// thousands of devices is compared at every commit.
func changedEntries(a, b []byte) (olds, news []treeEntry, err error) {
	limit := min(len(a), len(b))
	same := 0
	for same < limit && a[same] == b[same] {
		same++
	}
	start := 0 // of the entry in which they begin to differ
	for start < len(a) {
		zero := bytes.IndexByte(a[start:], 0)
		if zero < 0 || start+zero+21 > same {
			break
		}
		start += zero + 21
	}
	tail := 0
	for tail < limit-start && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	atA, atB := start, start
	for restA, restB := len(a)-atA, len(b)-atB; restA != restB || restA > tail; restA, restB = len(a)-atA, len(b)-atB {
		var e treeEntry
		if restA >= restB {
			if e, atA, err = entryAt(a, atA); err != nil {
				return nil, nil, err
			}
			olds = append(olds, e)
		}
		if restB >= restA {
			if e, atB, err = entryAt(b, atB); err != nil {
				return nil, nil, err
			}
			news = append(news, e)
		}
	}
	return olds, news, nil
}

func find(in []treeEntry, e treeEntry) *treeEntry {
	for i := range in {
		if in[i].name == e.name && in[i].dir == e.dir {
			return &in[i]
		}
	}
	return nil
}

// spliceCommit is a commit with another tree and parent, and with the message and author of next where they differ. All else stays as it was written, but for a signature, which
// would be wrong.
func spliceCommit(raw []byte, old, next *Commit, tree, parent Hash) ([]byte, error) {
	head, message, _ := bytes.Cut(raw, []byte("\n\n"))
	var b bytes.Buffer
	parents, skipping := 0, false
	for line := range strings.SplitSeq(string(head), "\n") {
		key, _, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, " ") && skipping:
			continue
		case key == "parent":
			if parents++; parents > 1 {
				return nil, ErrMerge
			}
			continue
		case key == "tree":
			line = "tree " + tree.String()
			if !parent.IsZero() {
				line += "\nparent " + parent.String()
			}
		case key == "author" && (next.Author.Name != old.Author.Name || next.Author.Email != old.Author.Email):
			line = "author " + encodeSignature(next.Author)
		}
		skipping = strings.HasPrefix(key, "gpgsig")
		if !skipping {
			b.WriteString(line + "\n")
		}
	}
	b.WriteByte('\n')
	if next.Message != old.Message {
		message = []byte(cleanMessage(next.Message))
	}
	b.Write(message)
	return b.Bytes(), nil
}

// neverEmpty leaves a commit without files where all commits went: a branch that has had one always has one.
func (x *rewriter) neverEmpty() {
	if x.last == nil || !x.out.Head.IsZero() {
		return
	}
	data := encodeCommit(emptyTree, Hash{}, x.last.Committer, x.last.Committer, "Nothing is left of what was here")
	x.out.Head = objectHash(kindCommit, data)
	x.add(&packObject{hash: x.out.Head, kind: kindCommit, size: len(data)}, data)
}

// bytes of a new folder.
func (x *rewriter) bytes(path string, h Hash) ([]byte, error) {
	if f, ok := x.folders[path]; ok && f.hash == h {
		return f.data, nil
	}
	return x.r.tree(h)
}
