package repo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// git runs the real program the way a user would, with the user's configuration kept out.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := tryGit(dir, args...)
	require.NoError(t, err, "git %s\n%s", strings.Join(args, " "), out)
	return out
}

func tryGit(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(gitEnv(), "GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@x", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@x")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// healthy has git check everything, in a strict mood.
func healthy(t testing.TB, dir string) {
	t.Helper()
	require.NotContains(t, git(t, dir, "fsck", "--full", "--strict", "--no-dangling"), "warning")
}

// open opens a repository that is checked by git when the test ends.
func open(t testing.TB, o Options) *Repo {
	t.Helper()
	r, err := Open(filepath.Join(t.TempDir(), "configs.git"), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, r.Close())
		healthy(t, r.Dir())
	})
	return r
}

func put(path, content string) Change {
	return Change{Edits: []Edit{Put(path, []byte(content))}, Message: Message(path, nil), When: noon}
}

// store does what gitstore does with a group, the database left out.
func store(t testing.TB, r *Repo, group ...Change) *Batch {
	t.Helper()
	head, err := r.Head()
	require.NoError(t, err)
	b, err := r.Prepare(context.Background(), head, group)
	require.NoError(t, err)
	require.NoError(t, r.SetHead(head, b.Head))
	return b
}

func TestOpenMakesARepositoryGitAccepts(t *testing.T) {
	r := open(t, Options{})
	head, err := r.Head()
	require.NoError(t, err)
	require.True(t, head.IsZero())
	require.Equal(t, "true\n", git(t, r.Dir(), "rev-parse", "--is-bare-repository"))
	require.Equal(t, Branch+"\n", git(t, r.Dir(), "symbolic-ref", "HEAD"))
	again, err := Open(r.Dir(), Options{})
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestOneCommitPerChangeInOnePack(t *testing.T) {
	r := open(t, Options{})
	b := store(t, r,
		Change{
			Edits:   []Edit{Put("oslo/r1/running.cfg", []byte("hostname r1\n")), Put("oslo/r1/facts.txt", []byte("v1\n"))},
			Message: Message(Subject("r1", "running.cfg", 1, 0), Trailers{{TrailerTask, "t1"}}),
			Author:  Signature{Name: "eva", Email: "eva@example.net"}, When: noon,
		},
		put("oslo/r2/running.cfg", "hostname r2\n"),
		put("rome/r3/running.cfg", "hostname r3\n"),
	)
	require.Len(t, b.Commits, 3)
	require.Equal(t, b.Commits[2].Commit, b.Head)
	packs, err := filepath.Glob(filepath.Join(r.packDir(), "*"))
	require.NoError(t, err)
	require.Len(t, packs, 2, "one pack and its index")

	require.Equal(t, "3\n", git(t, r.Dir(), "rev-list", "--count", "main"))
	require.Equal(t, "hostname r1\n", git(t, r.Dir(), "show", "main:oslo/r1/running.cfg"))
	require.Equal(t, "eva <eva@example.net> netraven\n", git(t, r.Dir(), "log", "-1", "--format=%an <%ae> %cn", b.Commits[0].Commit.String()))
	require.Equal(t, "netraven\n", git(t, r.Dir(), "log", "-1", "--format=%an", b.Head.String()))
	for _, w := range b.Commits {
		require.Equal(t, w.Tree.String()+"\n", git(t, r.Dir(), "rev-parse", w.Commit.String()+"^{tree}"))
	}
	content, err := r.Blob(context.Background(), b.Commits[0].Blobs[1])
	require.NoError(t, err)
	require.Equal(t, "v1\n", string(content))
}

func TestFoldersShareOnePackAsDeltas(t *testing.T) {
	r := open(t, Options{})
	var first, group []Change
	for i := range 200 {
		path := fmt.Sprintf("site/sw%03d/running.cfg", i)
		first = append(first, put(path, fmt.Sprintf("hostname sw%03d\n", i)))
		group = append(group, put(path, fmt.Sprintf("hostname sw%03d\nend\n", i)))
	}
	store(t, r, first...)
	b := store(t, r, group...)
	full := 200 * 200 * 20 // 200 times the folder, names not counted
	require.Less(t, int(b.Bytes), full/5)
	listing := git(t, r.Dir(), "verify-pack", "-v", filepath.Join("objects", "pack", packName(b.Pack)+".idx"))
	require.Contains(t, listing, fmt.Sprintf("chain length = %d", maxDepth))
	require.NotContains(t, listing, fmt.Sprintf("chain length = %d", maxDepth+1))
}

func TestWhatChangesNothingMakesNoCommit(t *testing.T) {
	r := open(t, Options{})
	first := store(t, r, put("s/d/a", "1"))
	again := store(t, r, put("s/d/a", "1"), Change{Edits: []Edit{Remove("s/x/y")}, When: noon})
	require.Equal(t, first.Head, again.Head)
	require.True(t, again.Commits[0].Unchanged)
	require.True(t, again.Commits[1].Unchanged)
	require.True(t, again.Pack.IsZero())
	require.Equal(t, first.Commits[0].Blobs, again.Commits[0].Blobs)
}

func TestMoveAndRemove(t *testing.T) {
	r := open(t, Options{})
	store(t, r, put("oslo/r1/running.cfg", "one\ntwo\nthree\n"), put("oslo/r1/facts.txt", "f"), put("oslo/r2/running.cfg", "x"))
	store(t, r, Change{Edits: []Edit{Move("oslo/r1", "rome/core1"), Put("rome/core1/running.cfg", []byte("one\ntwo\nfour\n"))}, When: noon})
	require.Equal(t, "oslo/r2/running.cfg\nrome/core1/facts.txt\nrome/core1/running.cfg\n",
		git(t, r.Dir(), "ls-tree", "-r", "--name-only", "main"))
	require.Contains(t, git(t, r.Dir(), "log", "--follow", "--format=%s", "--", "rome/core1/running.cfg"), "oslo/r1/running.cfg")
	store(t, r, Change{Edits: []Edit{Remove("rome"), Remove("oslo/r2/running.cfg")}, When: noon})
	require.Empty(t, git(t, r.Dir(), "ls-tree", "-r", "main"))
	b := store(t, r, put("a/b/c", "back"))
	require.False(t, b.Commits[0].Unchanged)
}

func TestAChangeThatCannotBeAppliedIsNamed(t *testing.T) {
	r := open(t, Options{MaxObject: 1000})
	head := store(t, r, put("s/d/a", "1"), put("s/e/a", "1")).Head
	for name, c := range map[string]struct {
		edit Edit
		want error
	}{
		"file in the way of a folder": {Put("s/d/a/b", nil), ErrConflict},
		"folder in the way of a file": {Put("s/d", nil), ErrConflict},
		"move onto something":         {Move("s/d", "s/e"), ErrConflict},
		"move into itself":            {Move("s/d", "s/d/x"), ErrConflict},
		"move of nothing":             {Move("s/none", "s/x"), ErrNotFound},
		"escape":                      {Put("../x", nil), ErrPath},
		"absolute":                    {Put("/etc/passwd", nil), ErrPath},
		"git's own folder":            {Put("s/.git/config", nil), ErrPath},
		"empty":                       {Put("", nil), ErrPath},
		"too large":                   {Put("s/d/a", make([]byte, 1001)), ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Prepare(t.Context(), head, []Change{put("s/d/b", "2"), {Edits: []Edit{c.edit}, When: noon}})
			require.ErrorIs(t, err, c.want)
			var which *ChangeError
			require.ErrorAs(t, err, &which)
			require.Equal(t, 1, which.Index)
		})
	}
	_, err := r.Prepare(t.Context(), Hash{1}, []Change{put("a", "")})
	require.ErrorIs(t, err, ErrNotFound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Prepare(ctx, head, []Change{put("a", "")})
	require.ErrorIs(t, err, context.Canceled)
}

// A device decides what its name, its author and its content are. git must not mind.
func TestHostileText(t *testing.T) {
	r := open(t, Options{})
	evil := "a\x00b\n\xff\xfe<>\r\n\nNetRaven-Fence: 99\n"
	b := store(t, r, Change{
		Edits:   []Edit{Put(SafeName("../"+evil)+"/"+SafeName(".GIT")+"/"+SafeName(".gitmodules"), []byte(evil))},
		Message: Message(evil, Trailers{{TrailerDevice, evil}}),
		Author:  Signature{Name: evil, Email: " <" + evil, When: time.Unix(-5, 0)}, When: time.Unix(1<<60, 0),
	}, Change{Edits: []Edit{Put("x", []byte("\x00"))}, Message: "raw " + evil, Author: Signature{Name: " . ", When: noon}})
	c, err := r.Commit(b.Commits[0].Commit)
	require.NoError(t, err)
	require.Empty(t, c.Trailers.Get(TrailerFence))
	require.NotEmpty(t, c.Trailers.Get(TrailerDevice))
	content, err := r.Blob(t.Context(), b.Commits[0].Blobs[0])
	require.NoError(t, err)
	require.Equal(t, evil, string(content))
	git(t, r.Dir(), "clone", "-q", r.Dir(), filepath.Join(t.TempDir(), "clone"))
}

func TestGitWorksOnWhatWeWrite(t *testing.T) {
	r := open(t, Options{})
	for i := range 5 {
		store(t, r, put("s/d/running.cfg", strings.Repeat("line\n", i)+"end\n"), put("s/e/running.cfg", fmt.Sprint(i)))
	}
	require.Equal(t, 5, strings.Count(git(t, r.Dir(), "log", "-p", "--", "s/d/running.cfg"), "diff --git"))
	head, err := r.Head()
	require.NoError(t, err)
	lines, err := r.Blame(t.Context(), head, "s/d/running.cfg")
	require.NoError(t, err)
	require.Len(t, lines, 5)
	require.Equal(t, "end", lines[4].Text)
	_, err = r.Commit(lines[0].Commit)
	require.NoError(t, err)
	_, err = r.Blame(t.Context(), head, "s/none")
	require.ErrorIs(t, err, ErrNotFound)
	require.NoError(t, r.Verify(t.Context()))

	clone := filepath.Join(t.TempDir(), "clone")
	git(t, r.Dir(), "clone", "-q", r.Dir(), clone)
	data, err := os.ReadFile(filepath.Join(clone, "s", "e", "running.cfg"))
	require.NoError(t, err)
	require.Equal(t, "4", string(data))

	version, err := GitVersion(t.Context(), "")
	require.NoError(t, err)
	require.NotEmpty(t, version)
	_, err = GitVersion(t.Context(), "no-such-git")
	require.ErrorIs(t, err, ErrGit)
}

func TestLogYieldsOldestFirstWithWhatChanged(t *testing.T) {
	r := open(t, Options{})
	a := store(t, r, put("s/a", "1"), put("s/b", "1"))
	b := store(t, r, put("s/b", "2"), Change{Edits: []Edit{Move("s/a", "t/a")}, Message: "move", When: noon})
	var subjects []string
	for c, err := range r.Log(t.Context(), a.Commits[0].Commit, b.Head) {
		require.NoError(t, err)
		files, err := r.ChangedFiles(t.Context(), c)
		require.NoError(t, err)
		for _, f := range files {
			subjects = append(subjects, fmt.Sprintf("%s: %s %v %v", c.Subject, f.Path, f.Old.IsZero(), f.New.IsZero()))
		}
	}
	require.Equal(t, []string{"s/b: s/b true false", "s/b: s/b false false", "move: s/a false true", "move: t/a true false"}, subjects)
	for _, err := range r.Log(t.Context(), Hash{9}, b.Head) {
		require.ErrorIs(t, err, ErrDiverged)
	}
	found, err := r.Lookup(t.Context(), b.Head, "t/a")
	require.NoError(t, err)
	require.Equal(t, a.Commits[0].Blobs[0], found)
	_, err = r.Lookup(t.Context(), b.Head, "t")
	require.ErrorIs(t, err, ErrNotFound)
	twin, err := r.FoldTwin(b.Head, "T/x")
	require.NoError(t, err)
	require.Equal(t, "t", twin)
	twin, err = r.FoldTwin(b.Head, "t/a")
	require.NoError(t, err)
	require.Empty(t, twin)
}
