package gitstore_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/db"
	gitstoredb "github.com/netraven/netraven/db/gitstore"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/services/gitstore"
)

const (
	// chaosCommits says how many commits the test below is to acknowledge, chaosSeed when it kills; chaosWork is for its child alone.
	chaosCommits, chaosSeed, chaosWork = "NETRAVEN_CHAOS_COMMITS", "NETRAVEN_CHAOS_SEED", "NETRAVEN_TEST_CHAOS_WORK"
	chaosDevices                       = 40
)

// planned is a result that an agent holds until it is acknowledged. Its fence decides its text, so each changes its device.
type planned struct {
	Device    int
	Task, Run string
	Fence     int64
	revision  string
}

func chaosDevice(i int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(strconv.Itoa(i))).String()
}

func (p planned) text() string {
	return strings.Replace(config1, "description old", fmt.Sprintf("description %d of %d", p.Fence, p.Device), 1)
}

// work is what a child begins with: what was sent and not acknowledged, and where fences go on.
type work struct {
	URL, Dir string
	Open     []planned
	Fence    int64
}

// chaosHouse is a house on a database that outlives the process.
func chaosHouse(t *testing.T, w work) *house {
	t.Helper()
	page, ok := platforms.Builtin().Lookup("cisco_ios")
	require.True(t, ok)
	h := &house{t: t, dir: w.Dir, pool: pgtest.Open(t, w.URL, db.Options{Schema: "gitstore"}), page: page, pages: map[string][]byte{page.Digest(): page.Source()}, trust: &trust{}, vault: &vault{}, names: map[string]string{}}
	h.start()
	return h
}

// TestAgentsOfAStoreToBeKilled is the child of Test09To11KillingTheStoreLosesNothing: the store, and agents that send results again until they are acknowledged. It tells what it sends and what came of it.
func TestAgentsOfAStoreToBeKilled(t *testing.T) {
	file := os.Getenv(chaosWork)
	if file == "" {
		t.Skip("started by Test09To11KillingTheStoreLosesNothing")
	}
	var w work
	text, err := os.ReadFile(file) //nolint:gosec // the parent's
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &w))
	h := chaosHouse(t, w)
	var tell, making sync.Mutex
	say := func(format string, args ...any) {
		tell.Lock()
		defer tell.Unlock()
		fmt.Printf(format, args...)
	}
	send := func(group []planned) {
		var items []*gitstorev1.StoreResultsRequest_Item
		making.Lock()
		for _, p := range group {
			say("plan %d %s %s %d\n", p.Device, p.Task, p.Run, p.Fence)
			in := h.result(chaosDevice(p.Device), fmt.Sprintf("d%02d", p.Device), p.text())
			items = append(items, h.sealedAs(in, p))
		}
		making.Unlock()
		for {
			out, err := h.store.StoreResults(context.Background(), &gitstorev1.StoreResultsRequest{Items: items})
			if err != nil { // the writer that was killed may still be at work in the database
				continue
			}
			for i, o := range out.GetItems() {
				if o.GetOutcome() != durable {
					t.Errorf("%v: %v", group[i], o)
				}
				say("ack %d %s\n", group[i].Fence, strings.Join(o.GetRevisionIds(), ","))
			}
			return
		}
	}
	for _, p := range w.Open {
		send([]planned{p})
	}
	var fences sync.Mutex
	var agents sync.WaitGroup
	for agent := range 2 {
		agents.Go(func() {
			for call := 0; ; call++ {
				var group []planned
				fences.Lock()
				for i := range 1 + call%7 {
					w.Fence++
					group = append(group, planned{Device: agent*chaosDevices/2 + (call+i)%(chaosDevices/2), Task: newID(), Run: newID(), Fence: w.Fence})
				}
				fences.Unlock()
				send(group)
				if call%30 == 29 { // git folds packs in the midst of it
					if err := gitstore.FoldOnce(h.service, context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	agents.Wait()
}

// FAILURES 9-11 at the store, with real kills: kill -9 at random moments, from the first result until all commits are acknowledged, loses no acknowledged revision, stores none twice, and leaves a
// repository that git accepts. The default is a short run; `make chaos` makes it 10,000 commits.
func Test09To11KillingTheStoreLosesNothing(t *testing.T) {
	want, seed := 600, uint64(1)
	if s := os.Getenv(chaosCommits); s != "" {
		var err error
		want, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	if s := os.Getenv(chaosSeed); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	w := work{URL: pgtest.URL(t), Dir: t.TempDir()}
	pool := pgtest.Open(t, w.URL, db.Options{Schema: "gitstore"})
	require.NoError(t, db.Migrate(t.Context(), pool, "gitstore", gitstoredb.Migrations))

	acked, kills := map[int64]planned{}, 0
	for len(acked) < want {
		before := len(acked)
		killedStore(t, &w, acked, rnd)
		kills++
		t.Logf("kill %d: %d acknowledged, %d open", kills, len(acked), len(w.Open))
		require.NotZero(t, len(acked)-before+len(w.Open), "it did not work")
	}
	require.Greater(t, kills, 3)

	h := chaosHouse(t, w)
	for _, p := range w.Open { // what the last kill cut off is sent a last time
		in := h.sealedAs(h.result(chaosDevice(p.Device), fmt.Sprintf("d%02d", p.Device), p.text()), p)
		p.revision = h.put(in)[0].GetRevisionIds()[0]
		acked[p.Fence] = p
	}
	checkChaos(t, h, acked)
	t.Logf("%d commits, %d kills, seed %d: nothing lost, nothing twice", len(acked), kills, seed)
}

func checkChaos(t *testing.T, h *house, acked map[int64]planned) {
	t.Helper()
	h.git("fsck", "--full", "--strict")
	require.Equal(t, strconv.Itoa(len(acked)), h.commits(), "each result is one commit")
	require.Equal(t, len(acked), h.count())
	for _, p := range acked {
		r, err := h.read.GetRevision(context.Background(), &gitstorev1.GetRevisionRequest{Id: p.revision})
		require.NoError(t, err, "acknowledged and lost: %v", p)
		require.Equal(t, chaosDevice(p.Device), r.GetDeviceId())
		masked, err := h.content(h.read, p.revision, "masked")
		require.NoError(t, err)
		require.Contains(t, masked, fmt.Sprintf("description %d of %d\n", p.Fence, p.Device))
		sum := sha256.Sum256([]byte(masked))
		require.Equal(t, hex.EncodeToString(sum[:]), r.GetDigest())
		original, err := h.content(h.read, p.revision, "restorable")
		require.NoError(t, err)
		require.Equal(t, p.text(), original)
	}
	var gaps int
	require.NoError(t, h.pool.QueryRow(context.Background(),
		"SELECT count(*) FROM (SELECT 1 FROM revision GROUP BY device_id, artifact HAVING count(*) <> max(number) OR min(number) <> 1) g").Scan(&gaps))
	require.Zero(t, gaps, "numbers go up by one")
	h.git("clone", "-q", h.repo(), t.TempDir())
}

// sealedAs gives a result the names of a planned one, and seals it for them.
func (h *house) sealedAs(in *gitstorev1.StoreResultsRequest_Item, p planned) *gitstorev1.StoreResultsRequest_Item {
	h.t.Helper()
	in.TaskId, in.RunId, in.Fence = p.Task, p.Run, p.Fence
	in.Artifacts[0].Sealed = h.seal(in, in.GetArtifacts()[0].GetName(), p.text())
	return in
}

// killedStore runs the child, kills it at a random moment, and takes down what it said.
func killedStore(t *testing.T, w *work, acked map[int64]planned, rnd *rand.Rand) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "work.json")
	text, err := json.Marshal(w)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	cmd := exec.Command(os.Args[0], "-test.run=^TestAgentsOfAStoreToBeKilled$") //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), chaosWork+"="+file)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	open := map[int64]planned{}
	for _, p := range w.Open {
		open[p.Fence] = p
	}
	last := 1 + rnd.IntN(250)
	var said []string
	for lines, n := bufio.NewScanner(out), 0; lines.Scan(); {
		var p planned
		var revision string
		if _, err := fmt.Sscanf(lines.Text(), "plan %d %s %s %d", &p.Device, &p.Task, &p.Run, &p.Fence); err == nil {
			open[p.Fence] = p
			w.Fence = max(w.Fence, p.Fence)
		} else if _, err := fmt.Sscanf(lines.Text(), "ack %d %s", &p.Fence, &revision); err == nil {
			p = open[p.Fence]
			p.revision = revision
			acked[p.Fence] = p
			delete(open, p.Fence)
		} else {
			said = append(said, lines.Text())
		}
		if n++; n == last {
			time.AfterFunc(time.Duration(rnd.IntN(20_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	require.ErrorContains(t, cmd.Wait(), "killed", "it ended by itself: %v", said)
	require.Empty(t, said, "it complained")
	w.Open = nil
	for _, p := range open {
		w.Open = append(w.Open, p)
	}
}
