package repo

import (
	"context"
	"strings"
)

// BlameLine is one line of a file with the commit that brought it.
type BlameLine struct {
	Commit Hash
	Text   string // without its line feed
}

// Blame has git say which commit each line of a file comes from, as of a commit. git walks the whole history for it, hundreds of
// milliseconds in a repository of 50,000 commits: it is what Origins is held against.
func (r *Repo) Blame(ctx context.Context, commit Hash, path string) ([]BlameLine, error) {
	if _, err := r.Lookup(ctx, commit, path); err != nil {
		return nil, err
	}
	out, err := r.git(ctx, r.opts.MaxObject, "blame", "--porcelain", commit.String(), "--", path)
	if err != nil {
		return nil, err
	}
	var lines []BlameLine
	var at Hash
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n"), "\n") {
		if text, ok := strings.CutPrefix(line, "\t"); ok {
			lines = append(lines, BlameLine{at, text})
			continue
		}
		if h, err := ParseHash(line[:min(len(line), 40)]); err == nil {
			at = h
		}
	}
	return lines, nil
}
