package agent

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
)

func record1(fence int64) *hubv1.Result {
	return &hubv1.Result{
		Attempt: attempt{task: uuid.NewString(), fence: fence}.ref(), Succeeded: true,
		Artifacts: []*gitstorev1.StoredArtifact{{Name: "running.cfg", Sealed: make([]byte, 1000)}},
	}
}

func newSpool(t *testing.T, dir string, limit int64) *spool {
	t.Helper()
	s, err := openSpool(dir, limit, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return s
}

func TestSpoolSurvivesARestart(t *testing.T) { // FAILURES 12
	dir := t.TempDir()
	s := newSpool(t, dir, 1<<20)
	second, first := record1(2), record1(1)
	s.put(second)
	s.put(first)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "half.tmp"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stranger"), []byte("x"), 0o600))
	damaged := filepath.Join(dir, attempt{task: uuid.NewString(), fence: 3}.file()+recordEnding)
	require.NoError(t, os.WriteFile(damaged, []byte(recordMagic+"torn"), 0o600))

	s = newSpool(t, dir, 1<<20)
	require.Equal(t, []attempt{attemptOf(first.GetAttempt()), attemptOf(second.GetAttempt())}, s.attempts()[:2])
	require.NoFileExists(t, filepath.Join(dir, "half.tmp"))
	a, ok, _ := s.next(time.Now())
	require.True(t, ok)
	r, err := s.load(a)
	require.NoError(t, err)
	require.Len(t, r.GetArtifacts()[0].GetSealed(), 1000)
	_, err = s.load(s.attempts()[2])
	require.Error(t, err, "a torn record is never sent")
}

func TestSpoolThatIsFull(t *testing.T) { // FAILURES 32
	s := newSpool(t, t.TempDir(), 1500)
	one, two := record1(1), record1(2)
	s.put(one)
	require.False(t, s.full())
	s.put(two)
	require.True(t, s.full(), "over the limit: no more work, but nothing is dropped")
	require.Len(t, s.attempts(), 2)
	s.drop(attemptOf(one.GetAttempt()))
	require.False(t, s.full())
}

func TestDiskThatTakesNothing(t *testing.T) { // FAILURES 32
	dir := filepath.Join(t.TempDir(), "spool")
	s := newSpool(t, dir, 1<<20)
	away := dir + ".away"
	require.NoError(t, os.Rename(dir, away))
	r := record1(1)
	s.put(r)
	require.True(t, s.full())
	a, ok, _ := s.next(time.Now())
	require.True(t, ok, "it may be sent from memory")
	got, err := s.load(a)
	require.NoError(t, err)
	require.Equal(t, r.GetAttempt().GetTaskId(), got.GetAttempt().GetTaskId())
	require.NoError(t, os.Rename(away, dir))
	s.retry()
	require.False(t, s.full(), "recovers when the disk does")
	require.Len(t, newSpool(t, dir, 1<<20).attempts(), 1)
}

func TestSpoolWaitsAndSendsAgain(t *testing.T) {
	s := newSpool(t, t.TempDir(), 1<<20)
	now := time.Now()
	s.put(record1(1))
	a, ok, _ := s.next(now)
	require.True(t, ok)
	_, ok, _ = s.next(now)
	require.False(t, ok, "being sent")
	_, ok, _ = s.next(now.Add(ackPatience + time.Second))
	require.True(t, ok, "the answer did not come")
	s.again(a, now.Add(time.Minute))
	_, ok, wait := s.next(now)
	require.False(t, ok)
	require.Equal(t, time.Minute, wait)
	s.reset()
	_, ok, _ = s.next(now.Add(2 * time.Minute))
	require.True(t, ok)
}

func TestPolicy(t *testing.T) {
	ip := netip.MustParseAddr
	var p Policy
	require.True(t, p.allows(ip("10.1.2.3")))
	require.True(t, p.allows(ip("2001:db8::1")))
	for _, special := range []string{"127.0.0.1", "::1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "fe80::1"} {
		require.False(t, p.allows(ip(special)), special)
	}
	require.True(t, Unrestricted().allows(ip("127.0.0.1")))
	p, err := parsePolicy([]byte("networks: [10.1.0.0/16]\nkinds: [backup]\nmax_sessions: 5\n"))
	require.NoError(t, err)
	require.True(t, p.allows(ip("::ffff:10.1.2.3")))
	require.False(t, p.allows(ip("10.2.0.1")))
	require.True(t, p.allowsKind("backup"))
	require.False(t, p.allowsKind("command"))
	for _, bad := range []string{"network: [10.0.0.0/8]", "networks: [ten]", "max_sessions: -1", "kinds: backup: x", "effects: [mutating]", "effects: [read_only, all]"} {
		_, err := parsePolicy([]byte(bad))
		require.Error(t, err, bad)
	}
	require.False(t, p.allowsMutating(), "only what the file says")
	p, err = parsePolicy([]byte("effects: [read_only, mutating]\n"))
	require.NoError(t, err)
	require.True(t, p.allowsMutating() && Unrestricted().allowsMutating())
	_, err = parsePolicy(nil)
	require.NoError(t, err, "an empty file is the default")
}

func TestHelloIsPaged(t *testing.T) {
	many := make([]attempt, 2500)
	for i := range many {
		many[i] = attempt{task: uuid.NewString(), fence: int64(i + 1)}
	}
	hellos := paged(&hubv1.Hello{Version: "t"}, many[:1500], many[1500:2400], many[2400:])
	var running, spooled, aborted int
	for i, h := range hellos {
		require.Equal(t, i < len(hellos)-1, h.GetMore())
		require.LessOrEqual(t, len(h.GetRunning())+len(h.GetSpooled())+len(h.GetAborted()), refsPerMessage)
		running, spooled, aborted = running+len(h.GetRunning()), spooled+len(h.GetSpooled()), aborted+len(h.GetAborted())
	}
	require.Equal(t, []int{1500, 900, 100}, []int{running, spooled, aborted})
}

func TestKeysThatOthersCanRead(t *testing.T) {
	dir := t.TempDir()
	_, err := openIdentity(dir)
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, keyFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.Chmod(filepath.Join(dir, sealFile), 0o644))
	_, err = openIdentity(dir)
	require.ErrorContains(t, err, "can be read by others")
}
