package repo

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is what a repository should hold: path -> content.
type model map[string]string

// apply does what Prepare promises; false when it must refuse.
func (m model) apply(e Edit) bool {
	switch {
	case e.Removed:
		maps.DeleteFunc(m, func(p, _ string) bool { return p == e.Path || strings.HasPrefix(p, e.Path+"/") })
		return !m.underAFile(e.Path)
	case e.From != "":
		return m.move(e.From, e.Path)
	}
	if m.underAFile(e.Path) || m.isFolder(e.Path) {
		return false
	}
	m[e.Path] = string(e.Content)
	return true
}

func (m model) move(from, to string) bool {
	_, taken := m[to]
	_, file := m[from]
	if taken || m.isFolder(to) || m.underAFile(to) || m.underAFile(from) || (to + "/")[:min(len(to)+1, len(from)+1)] == from+"/" || !file && !m.isFolder(from) {
		return false
	}
	for p, v := range maps.Clone(m) {
		if p == from || strings.HasPrefix(p, from+"/") {
			delete(m, p)
			m[to+strings.TrimPrefix(p, from)] = v
		}
	}
	return true
}

func (m model) isFolder(path string) bool {
	for p := range m {
		if strings.HasPrefix(p, path+"/") {
			return true
		}
	}
	return false
}

func (m model) underAFile(path string) bool {
	for i, c := range path {
		if _, ok := m[path[:i]]; c == '/' && ok {
			return true
		}
	}
	return false
}

// Any sequence of puts, moves and removals, in any groups, with restarts and gc in between, is what the model says after every commit,
// read by us and by git.
func TestAnySequenceEqualsTheModel(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "b", "a.b", "a-b", "a0", "ab"}) // folders sort as "a/": these sit around it
	path := rapid.Custom(func(rt *rapid.T) string {
		return strings.Join(rapid.SliceOfN(name, 1, 3).Draw(rt, "parts"), "/")
	})
	edit := rapid.Custom(func(rt *rapid.T) Edit {
		switch rapid.IntRange(0, 9).Draw(rt, "kind") {
		case 0:
			return Remove(path.Draw(rt, "path"))
		case 1, 2:
			return Move(path.Draw(rt, "from"), path.Draw(rt, "to"))
		}
		return Put(path.Draw(rt, "path"), fmt.Appendf(nil, "%d\n", rapid.IntRange(0, 5).Draw(rt, "content")))
	})
	rapid.Check(t, func(rt *rapid.T) {
		dir := filepath.Join(t.TempDir(), "p.git")
		r, err := Open(dir, Options{FS: newCrashFS(), TreeCacheBytes: 2000})
		require.NoError(rt, err)
		state := model{}
		var head Hash
		history := map[Hash]model{}
		for range rapid.IntRange(1, 6).Draw(rt, "groups") {
			changes, states, refused := drawGroup(rt, edit, state)
			b, err := r.Prepare(t.Context(), head, changes)
			if refused >= 0 {
				var which *ChangeError
				require.ErrorAs(rt, err, &which)
				require.Equal(rt, refused, which.Index)
				require.True(rt, errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound), "%v", err)
				if refused == 0 {
					continue
				}
				changes, states = changes[:refused], states[:refused] // the others go in without it
				b, err = r.Prepare(t.Context(), head, changes)
			}
			require.NoError(rt, err)
			require.NoError(rt, r.SetHead(head, b.Head))
			head, state = b.Head, states[len(states)-1]
			for i, w := range b.Commits {
				if !w.Commit.IsZero() {
					history[w.Commit] = states[i]
				}
			}
			if rapid.IntRange(0, 5).Draw(rt, "restart") == 0 {
				require.NoError(rt, r.Close())
				r, err = Open(dir, Options{FS: newCrashFS()})
				require.NoError(rt, err)
			}
		}
		for h, want := range history {
			require.Equal(rt, want, readModel(rt, r, h))
		}
		if !head.IsZero() {
			require.Equal(rt, state, gitModel(rt, dir, head))
			out, err := tryGit(dir, "fsck", "--full", "--strict", "--no-dangling")
			require.NoError(rt, err, out)
		}
		require.NoError(rt, r.Close())
	})
}

// drawGroup makes some changes, the model after each, and which of them must be refused (-1: none).
func drawGroup(rt *rapid.T, edit *rapid.Generator[Edit], state model) (changes []Change, states []model, refused int) {
	refused = -1
	now := maps.Clone(state)
	for i, edits := range rapid.SliceOfN(rapid.SliceOfN(edit, 1, 3), 1, 5).Draw(rt, "group") {
		for _, e := range edits {
			if refused < 0 && !now.apply(e) {
				refused = i
			}
		}
		changes = append(changes, Change{Edits: edits, Message: "m", When: noon})
		states = append(states, maps.Clone(now))
	}
	return changes, states, refused
}

func readModel(rt *rapid.T, r *Repo, h Hash) model {
	c, err := r.Commit(h)
	require.NoError(rt, err)
	files, err := r.Files(rt.Context(), c)
	require.NoError(rt, err)
	out := model{}
	for _, f := range files {
		data, err := r.Blob(rt.Context(), f.New)
		require.NoError(rt, err)
		out[f.Path] = string(data)
	}
	require.True(rt, slices.IsSortedFunc(files, func(a, b FileChange) int { return strings.Compare(a.Path, b.Path) }))
	return out
}

// gitModel reads a commit with git alone, in one process.
func gitModel(rt *rapid.T, dir string, h Hash) model {
	cmd := exec.Command("git", "archive", "--format=tar", h.String())
	cmd.Dir, cmd.Env = dir, gitEnv()
	data, err := cmd.Output()
	require.NoError(rt, err)
	return untar(rt, bytes.NewReader(data))
}
