package gitstore

import (
	"slices"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// A commit with the trailer Earlier has the digest of a text of another repository. Where something is erased from that, the digest must follow: an index that is made again waits for
// that text, and who knows the rest of it could try what was erased against the digest.

// namingCommit is the commit of a number, counted from the first, that names digests of texts before it.
type namingCommit struct {
	number int
	parent repo.Hash
	was    []string
}

// affects notes that a commit must be made again.
func (p *erasedPart) affects(number int, parent repo.Hash) {
	if p.affected == 0 || number < p.first {
		p.first, p.after = number, parent
	}
	p.affected++
}

// remember keeps what the commit read last names.
func (p *erasedPart) remember(c *repo.Commit) {
	if was := earlierDigests(c); len(was) > 0 {
		p.named = append(p.named, namingCommit{p.commits, c.Parent, was})
	}
}

func earlierDigests(c *repo.Commit) (was []string) {
	if o := originOf(c); o != nil {
		for _, a := range o.artifacts {
			if a.was != "" {
				was = append(was, a.was)
			}
		}
	}
	return was
}

// affectedByName finds the commits that name a text which changes, once all repositories are read, and counts them.
func (e *eraser) affectedByName() (n int) {
	e.digests = make(map[string]string, len(e.changed))
	for _, t := range e.changed {
		e.digests[t.was] = t.digest
	}
	for _, p := range e.parts {
		for _, c := range p.named {
			if slices.ContainsFunc(c.was, func(was string) bool { return e.digests[was] != "" }) {
				p.affects(c.number, c.parent)
				n++
			}
		}
	}
	return n
}

// earlier answers the digests that a commit names and that change, old and new in turn.
func (e *eraser) earlier(c *repo.Commit) (out []string) {
	for _, was := range earlierDigests(c) {
		if now := e.digests[was]; now != "" {
			out = append(out, was, now)
		}
	}
	return out
}
