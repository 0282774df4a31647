package gitstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
)

// places is where the newest states lie, and what they are.
func (h *house) places() []string {
	h.t.Helper()
	rows, err := h.pool.Query(context.Background(),
		"SELECT concat_ws(' ', device_id, name, repository, path, number, blob, text_digest) FROM artifact ORDER BY 1")
	require.NoError(h.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(h.t, err)
	return out
}

// However devices travel, the newest tree of each repository holds the devices that are there and no others, and the index of an empty database, or of one restored to an
// older moment, says the same as before.
func TestDevicesTravelAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h, r := open(t), rand.New(rand.NewPCG(seed, 17))
			repositories := []string{"configs", "attic", "zoo"}
			devices := []string{newID(), newID(), newID()}
			for n := range 40 {
				if n == 20 {
					h.dump()
				}
				i := r.IntN(len(devices))
				text := strings.Replace(config1, "description old", fmt.Sprint("description ", r.IntN(3)), 1)
				in := h.result(devices[i], fmt.Sprintf("r%d", i), text)
				if r.IntN(3) == 0 {
					in = h.with(in, "facts.txt", fmt.Sprintf("Cisco IOS Software, Version 15.%d(4)\n", r.IntN(2)))
				}
				require.Equal(t, durable, h.put(at(in, "lab", repositories[r.IntN(len(repositories))]))[0].GetOutcome())
			}
			want := h.places()
			inTrees := 0
			for _, name := range repositories {
				for _, file := range h.files(name) {
					inTrees++
					require.Contains(t, strings.Join(want, "\n"), " "+name+" "+file+" ")
				}
			}
			require.Len(t, want, inTrees)
			h.sound(repositories...)
			before := map[string]memory{}
			for _, d := range devices {
				before[d] = h.memory(d)
			}

			same := func() {
				h.start()
				require.Equal(t, want, h.places())
				for _, d := range devices {
					requireRemembered(t, before[d], h.memory(d))
				}
			}
			h.restore()
			same()
			h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
			same()
		})
	}
}
