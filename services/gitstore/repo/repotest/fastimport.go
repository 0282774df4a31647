package repotest

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// File is a file's new content. Message is that of its commit; empty: a word.
type File struct {
	Path    string
	Content []byte
	Message string
}

// FastImport has one `git fast-import` make a commit for each file on top of the branch main, and answers how long it took and the commit it came to. head is the branch's
// commit now. git syncs once, at its end.
func FastImport(t testing.TB, gitDir, head string, files []File) (took time.Duration, next string) {
	t.Helper()
	var in bytes.Buffer
	for n, f := range files {
		message := cmp.Or(f.Message, "change\n")
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter netraven <netraven@localhost> 1772366400 +0000\ndata %d\n%s", len(message), message)
		if n == 0 {
			fmt.Fprintf(&in, "from %s\n", head)
		}
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", f.Path, len(f.Content), f.Content)
	}
	in.WriteString("done\n")
	cmd := git(gitDir, "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--done")
	cmd.Stdin = &in
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	took = time.Since(begin)
	require.NoError(t, err, string(out))
	out, err = git(gitDir, "rev-parse", "refs/heads/main").Output()
	require.NoError(t, err)
	return took, string(bytes.TrimSpace(out))
}

func git(gitDir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", append([]string{"-c", "safe.directory=*"}, args...)...) //nolint:gosec,noctx // it ends by itself
	cmd.Dir = gitDir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_DIR=" + gitDir}
	return cmd
}

// Copy is another repository with the same content.
func Copy(t testing.TB, gitDir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "limit.git")
	require.NoError(t, os.CopyFS(to, os.DirFS(gitDir)))
	return to
}

// PackBytes is what packs and their indexes take on disk.
func PackBytes(t testing.TB, gitDir string) (sum int64) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(gitDir, "objects", "pack"))
	require.NoError(t, err)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		sum += info.Size()
	}
	return sum
}
