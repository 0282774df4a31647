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
		"SELECT concat_ws(' ', device_id, name, repository, path, number, blob, text_digest, covered) FROM artifact ORDER BY 1")
	require.NoError(h.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(h.t, err)
	return out
}

// However devices travel, and pages change, the newest tree of each repository holds the devices that are there and no others, and the index of an empty database, or of one restored to an
// older moment, says the same as before.
func TestDevicesTravelAndPagesChangeAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h, r := open(t), rand.New(rand.NewPCG(seed, 17))
			repositories := []string{"configs", "attic", "zoo"}
			devices, last := []string{newID(), newID(), newID()}, map[int]string{}
			for n := range 40 {
				if n == 20 {
					h.dump()
				}
				i := r.IntN(len(devices))
				switch r.IntN(6) {
				case 0:
					h.readBy(hidesDescriptions)
				case 1:
					h.readBy("", "^interface ")
				case 2:
					h.builtinPage()
				}
				text := strings.Replace(config1, "description old", fmt.Sprint("description ", r.IntN(3)), 1)
				in := h.result(devices[i], fmt.Sprintf("r%d", i), text)
				withFacts := r.IntN(3) == 0
				if withFacts {
					in = h.with(in, "facts.txt", fmt.Sprintf("Cisco IOS Software, Version 15.%d(4)\n", r.IntN(2)))
				}
				out := h.put(at(in, "lab", repositories[r.IntN(len(repositories))]))[0]
				require.Equal(t, durable, out.GetOutcome())
				if last[i] == text && !withFacts {
					require.False(t, out.GetChanged(), "neither a page nor a site makes a revision")
				}
				last[i] = text
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
				require.Empty(t, h.verify())
				image := h.image()
				h.reindex(false)
				require.Equal(t, image, h.image())
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
