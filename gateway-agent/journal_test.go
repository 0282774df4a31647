package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// noted is what the journal in an agent's folder says on disk: state and task of each attempt, oldest first.
func noted(t *testing.T, dir string) []string {
	t.Helper()
	j, err := openJournal(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	defer func() { require.NoError(t, j.file.Close()) }()
	var out []string
	for _, a := range j.begun() {
		out = append(out, j.lines[a].state+" "+a.task)
	}
	return out
}

func TestTheJournalKeepsWhatWasBegun(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	j, err := openJournal(path)
	require.NoError(t, err)
	var all []attempt
	for i := range 5 {
		all = append(all, attempt{task: uuid.NewString(), fence: int64(i + 1)})
		require.NoError(t, j.begin(all[i]))
	}
	require.NoError(t, j.proceed(all[3]))
	require.True(t, j.proceeds(all[3]))
	require.False(t, j.proceeds(all[2]))
	require.NoError(t, j.end(all[1], all[4], attempt{task: uuid.NewString(), fence: 9}))
	require.NoError(t, j.begin(all[0]), "a repeat takes no second line")
	want := []string{"begun " + all[0].task, "begun " + all[2].task, "proceeds " + all[3].task}
	require.Equal(t, want, noted(t, dir))

	// Lines of what ended are used again, so the file is as long as the agent was ever busy.
	for i := range 1000 {
		a := attempt{task: uuid.NewString(), fence: int64(100 + i)}
		require.NoError(t, j.begin(a))
		require.NoError(t, j.proceed(a))
		require.NoError(t, j.end(a))
	}
	require.Equal(t, want, noted(t, dir))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, text, 5*lineSize)
	require.Equal(t, 5, strings.Count(string(text), "\n"))
}

// What a power cut leaves of a line, or of the file's end, was not synced: it counts for nothing, and its place is used again.
func TestPiecesInTheJournalAreNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	whole := attempt{task: uuid.NewString(), fence: 7}
	j, err := openJournal(path)
	require.NoError(t, err)
	require.NoError(t, j.begin(attempt{task: uuid.NewString(), fence: 6}))
	require.NoError(t, j.begin(whole))
	require.NoError(t, j.file.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, pieces := range []string{"begun 0197f000", strings.Repeat("\x00", lineSize), "begun ../../x 6", "proceeds " + whole.task + " -1", "changed " + whole.task + " 6"} {
		broken := append([]byte((pieces + strings.Repeat(" ", lineSize))[:lineSize]), text[lineSize:]...)
		require.NoError(t, os.WriteFile(path, append(broken, "begun 0197"...), 0o600))
		require.Equal(t, []string{"begun " + whole.task}, noted(t, dir), pieces)
		j, err := openJournal(path)
		require.NoError(t, err)
		next := attempt{task: uuid.NewString(), fence: 8}
		require.NoError(t, j.begin(next))
		require.NoError(t, j.begin(attempt{task: uuid.NewString(), fence: 9}))
		require.NoError(t, j.file.Close())
		require.Len(t, noted(t, dir), 3)
	}
}
