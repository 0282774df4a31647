package repo

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const killDir, killHead = "NETRAVEN_TEST_KILL_DIR", "NETRAVEN_TEST_KILL_HEAD"

// TestWriterToBeKilled is the child process of Test09To11KillAtRandomMoments: it writes until it is killed and prints every head at the
// moment a database would have recorded it.
func TestWriterToBeKilled(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("started by Test09To11KillAtRandomMoments")
	}
	head, err := ParseHash(os.Getenv(killHead))
	require.NoError(t, err)
	r, err := Open(dir, Options{})
	require.NoError(t, err)
	require.NoError(t, r.AdvanceTo(t.Context(), head))
	for i := range 100_000 {
		var group []Change
		for j := range 1 + i%5 {
			group = append(group, put(fmt.Sprintf("s%d/d/running.cfg", j), fmt.Sprintf("%s %d", head, i)))
		}
		b, err := r.Prepare(context.Background(), head, group)
		require.NoError(t, err)
		fmt.Printf("head %s\n", b.Head)
		require.NoError(t, r.SetHead(head, b.Head))
		head = b.Head
	}
}

// FAILURES 9-11 with real kills: whatever the moment, no recorded head is lost and git accepts what is left.
func Test09To11KillAtRandomMoments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "k.git")
	rnd := rand.New(rand.NewPCG(3, 4))
	r, err := Open(dir, Options{})
	require.NoError(t, err)
	told := []Hash{store(t, r, put("a", "1")).Head}
	require.NoError(t, r.Close())
	for range 8 {
		told = append(told, killedWriter(t, dir, told[len(told)-1], 1+rnd.IntN(25))...)
		last := told[len(told)-1]
		r, err := Open(dir, Options{})
		require.NoError(t, err)
		require.Empty(t, r.Damaged())
		require.NoError(t, r.AdvanceTo(t.Context(), last))
		require.NoError(t, r.Close())
		healthy(t, dir)
	}
	history := git(t, dir, "rev-list", "main")
	for _, h := range told {
		require.Contains(t, history, h.String())
	}
}

// killedWriter runs the child, kills it some time after its n-th head, and gives every head it told.
func killedWriter(t *testing.T, dir string, head Hash, n int) (told []Hash) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWriterToBeKilled$")
	cmd.Env = append(os.Environ(), killDir+"="+dir, killHead+"="+head.String())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		text, ok := strings.CutPrefix(lines.Text(), "head ")
		if !ok {
			continue
		}
		h, err := ParseHash(text)
		require.NoError(t, err)
		if told = append(told, h); len(told) == n {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.GreaterOrEqual(t, len(told), n, "it was not killed, it failed")
	return told
}
