package repo

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// keepAll changes nothing but what f says of files.
func keepAll(f func(c *Commit, path string, text string) *Replacement, r *Repo) Rewrite {
	return Rewrite{
		File: func(c *Commit, path string, h Hash) (*Replacement, error) {
			text, err := r.Blob(context.Background(), h)
			return f(c, path, string(text)), err
		},
		Commit: func(*Commit) (bool, error) { return false, nil },
	}
}

// busy makes a history of n commits over devices in some sites: puts, removals and renames, also of folders.
func busy(t testing.TB, r *Repo, n int, text func(i int) string) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	for done := 0; done < n; {
		var group []Change
		for range min(100, n-done) {
			i := done + len(group)
			at := fmt.Sprintf("site%d/dev%d", rnd.IntN(3), rnd.IntN(40))
			c := put(at+"/running.cfg", text(i))
			switch rnd.IntN(12) {
			case 0:
				c.Edits = append(c.Edits, Remove(fmt.Sprintf("site%d/dev%d", rnd.IntN(3), rnd.IntN(40))))
			case 1:
				c.Edits = append(c.Edits, Put(at+"/facts.txt", []byte(text(i)+" facts")))
			case 2:
				c.Edits = append([]Edit{Remove(at)}, c.Edits...)
			}
			c.Message = Message(fmt.Sprintf("change %d", i), Trailers{{TrailerTask, fmt.Sprint(i)}})
			c.Author = Signature{Name: "ann", Email: "ann@" + SafeName(text(i)), When: noon}
			group = append(group, c)
		}
		store(t, r, group...)
		done += len(group)
	}
}

func TestARewriteThatChangesNothingIsTheSameHistory(t *testing.T) {
	r := open(t, Options{})
	busy(t, r, 300, func(i int) string { return fmt.Sprintf("text %d\n", i) })
	head, err := r.Head()
	require.NoError(t, err)
	packs := r.PackCount()
	out, err := r.Rewrite(t.Context(), Hash{}, head, keepAll(func(*Commit, string, string) *Replacement { return nil }, r))
	require.NoError(t, err)
	require.Equal(t, head, out.Head)
	require.Empty(t, out.Commits)
	require.Equal(t, packs, r.PackCount(), "and writes nothing")
}

func TestRewrittenTextIsGoneFromEveryObject(t *testing.T) {
	for name, flush := range map[string]int{"one pack": 0, "many packs": 7} {
		t.Run(name, func(t *testing.T) {
			r := open(t, Options{})
			busy(t, r, 400, func(i int) string {
				if i%5 == 3 && i > 50 {
					return fmt.Sprintf("line %d\npassword hunter2-%d\n", i, i%50)
				}
				return fmt.Sprintf("line %d\n", i)
			})
			head, err := r.Head()
			require.NoError(t, err)
			count := git(t, r.Dir(), "rev-list", "--count", "HEAD")
			before := git(t, r.Dir(), "log", "--reverse", "--name-status", "--format=%an %at %cn %ct %B")
			w := keepAll(func(_ *Commit, _ string, text string) *Replacement {
				if !strings.Contains(text, "hunter2") {
					return nil
				}
				return &Replacement{Content: []byte(strings.ReplaceAll(text, "hunter2", "<erased>"))}
			}, r)
			w.Commit = func(c *Commit) (bool, error) {
				c.Author.Email = strings.ReplaceAll(c.Author.Email, "hunter2", "erased")
				return false, nil
			}
			if flush > 0 {
				w.Done = func(int) {}
				defer func(n int) { rewriteObjects = n }(rewriteObjects)
				rewriteObjects = flush
			}
			out, err := r.Rewrite(t.Context(), Hash{}, head, w)
			require.NoError(t, err)
			require.NotEqual(t, head, out.Head)
			require.NoError(t, r.Connected(t.Context(), out.Head))
			again, err := r.Rewrite(t.Context(), Hash{}, head, w)
			require.NoError(t, err)
			require.Equal(t, out.Head, again.Head, "a repeat makes the same")
			require.NoError(t, r.ReplaceHead(head, out.Head))
			require.NoError(t, r.ReplaceHead(head, out.Head))
			require.NoError(t, r.Purge(t.Context()))

			require.Equal(t, 1, r.PackCount())
			require.NotContains(t, everything(t, r), "hunter2")
			has, err := r.Has(head)
			require.NoError(t, err)
			require.False(t, has)
			require.Equal(t, before, git(t, r.Dir(), "log", "--reverse", "--name-status", "--format=%an %at %cn %ct %B"), "authors, dates, messages and files are as they were")
			require.Equal(t, count, git(t, r.Dir(), "rev-list", "--count", "HEAD"))
			first, err := r.Commit(head)
			require.ErrorIs(t, err, ErrNotFound, first)
			healthy(t, r.Dir())
			store(t, r, put("site0/dev1/running.cfg", "life goes on"))
		})
	}
}

// everything is what every object in the folder holds, reachable or not.
func everything(t testing.TB, r *Repo) string {
	t.Helper()
	return git(t, r.Dir(), "cat-file", "--batch-all-objects", "--batch")
}

// The power fails after every step of a rewriting and of the branch's move. Until the caller's database has the new head the old history is there; after that the new one is.
func TestPowerFailureDuringARewrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "configs.git")
	disk := newCrashFS()
	r, err := Open(dir, Options{FS: disk})
	require.NoError(t, err)
	store(t, r, put("s/a/x", "secret 1"), put("s/b/x", "2"))
	old := store(t, r, put("s/a/x", "secret 3"), put("s/b/x", "4")).Head
	begin := len(disk.steps)
	defer func(n int) { rewriteObjects = n }(rewriteObjects)
	rewriteObjects = 3
	out, err := r.Rewrite(t.Context(), Hash{}, old, keepAll(func(_ *Commit, _ string, text string) *Replacement {
		return map[bool]*Replacement{true: {Content: []byte("-" + strings.TrimPrefix(text, "secret"))}}[strings.HasPrefix(text, "secret")]
	}, r))
	require.NoError(t, err)
	written := len(disk.steps)
	require.NoError(t, r.ReplaceHead(old, out.Head))
	require.NoError(t, r.Close())
	rnd := rand.New(rand.NewPCG(3, 4))
	seen := map[string]bool{}
	for n := begin; n <= len(disk.steps); n++ {
		for _, chance := range []float64{0, 0.5, 1} {
			after := filepath.Join(t.TempDir(), "after.git")
			disk.after(t, n, dir, after, chance, rnd)
			state := fmt.Sprint(n >= written) + contents(t, after)
			if seen[state] {
				continue
			}
			seen[state] = true
			again, err := Open(after, Options{FS: newCrashFS()})
			require.NoError(t, err)
			if n < written {
				require.NoError(t, again.AdvanceTo(t.Context(), old))
				require.Equal(t, "secret 3", git(t, after, "show", "main:s/a/x"))
			} else {
				require.NoError(t, again.ReplaceHead(old, out.Head))
				require.NoError(t, again.Purge(t.Context()))
				require.Equal(t, "- 3", git(t, after, "show", "main:s/a/x"))
				require.NotContains(t, everything(t, again), "secret")
			}
			require.NoError(t, again.Close())
			healthy(t, after)
		}
	}
	require.Greater(t, len(seen), 5)
}

func TestFilesAndCommitsMayGo(t *testing.T) {
	r := open(t, Options{})
	store(t, r, put("s/a/x", "1"), put("s/b/x", "private 1"), put("s/b/y", "private 2"))
	store(t, r, put("s/a/x", "2"), put("s/b/x", "private 3"), Change{Edits: []Edit{Remove("s/b/x"), Put("s/c/x", []byte("private 3"))}, Message: "renamed b", When: noon})
	store(t, r, put("s/b/x", "another device, under the old name"))
	head, err := r.Head()
	require.NoError(t, err)
	w := keepAll(func(_ *Commit, _ string, text string) *Replacement {
		return map[bool]*Replacement{true: {Removed: true}}[strings.HasPrefix(text, "private")]
	}, r)
	w.Commit = func(c *Commit) (bool, error) {
		return strings.Contains(c.Message, "/b/y") || strings.Contains(c.Message, "renamed"), nil
	}
	out, err := r.Rewrite(t.Context(), Hash{}, head, w)
	require.NoError(t, err)
	require.NoError(t, r.ReplaceHead(head, out.Head))
	require.NoError(t, r.Purge(t.Context()))
	require.NotContains(t, everything(t, r), "private")
	require.Equal(t, "s/a/x\ns/b/x\n", git(t, r.Dir(), "ls-tree", "-r", "--name-only", "HEAD"))
	require.Equal(t, "5", strings.TrimSpace(git(t, r.Dir(), "rev-list", "--count", "HEAD")))
	require.Equal(t, out.Commits[head], out.Head)
}

func TestCommitsMadeByHandStayAsTheyWereWritten(t *testing.T) {
	r := open(t, Options{})
	store(t, r, put("s/a/x", "secret"))
	work := filepath.Join(t.TempDir(), "work")
	git(t, r.Dir(), "clone", "--quiet", r.Dir(), work)
	require.NoError(t, os.WriteFile(filepath.Join(work, "README"), []byte("by hand\n"), 0o600))
	git(t, work, "add", "README")
	git(t, work, "commit", "--quiet", "-m", "by hand", "--date", "2026-03-01T12:00:00+0530")
	git(t, work, "push", "--quiet", "origin", "HEAD")
	store(t, r, put("s/a/x", "2"))
	head, err := r.Head()
	require.NoError(t, err)
	w := keepAll(func(_ *Commit, _ string, text string) *Replacement {
		return map[bool]*Replacement{true: {Content: []byte("-")}}[text == "secret"]
	}, r)
	out, err := r.Rewrite(t.Context(), Hash{}, head, w)
	require.NoError(t, err)
	require.NoError(t, r.ReplaceHead(head, out.Head))
	require.Contains(t, git(t, r.Dir(), "log", "--format=%s %ad", "--date=iso"), "by hand 2026-03-01 12:00:00 +0530")
	refs, err := r.OtherRefs(t.Context())
	require.NoError(t, err)
	require.Empty(t, refs)
	git(t, r.Dir(), "tag", "old", head.String())
	refs, err = r.OtherRefs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"refs/tags/old"}, refs)
	git(t, r.Dir(), "tag", "-d", "old")
}

func TestChangedEntriesAreThoseThatDiffer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var a, b []byte
		var err error
		for i := range rnd.IntN(8) {
			h := Hash{byte(rnd.IntN(2)), 19: byte(i)}
			a, err = setEntry(a, fmt.Sprintf("d%d", rnd.IntN(12)), true, h)
			require.NoError(t, err)
		}
		b = bytes.Clone(a)
		for range rnd.IntN(4) {
			h := Hash{byte(rnd.IntN(2)), 19: byte(rnd.IntN(2))}
			b, err = setEntry(b, fmt.Sprintf("d%d", rnd.IntN(12)), true, h)
			require.NoError(t, err)
		}
		olds, news, err := changedEntries(a, b)
		require.NoError(t, err)
		got := a
		for _, e := range olds {
			got, err = setEntry(got, e.name, e.dir, Hash{})
			require.NoError(t, err)
		}
		for _, e := range news {
			got, err = setEntry(got, e.name, e.dir, e.hash)
			require.NoError(t, err)
		}
		require.Equal(t, string(b), string(got))
		if bytes.Equal(a, b) {
			require.Empty(t, olds)
		}
	}
}
