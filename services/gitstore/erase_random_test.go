package gitstore_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
)

// However devices travelled before texts were erased that make many of theirs the same: the index is that of git, and stays it with what comes after.
func TestTextsThatBecomeTheSameAreErasedAtRandom(t *testing.T) {
	const other = "hunter3-in-clear"
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h, r := open(t), rand.New(rand.NewPCG(seed, 23))
			h.mirrorTo(t.TempDir())
			devices, names := []string{newID(), newID(), newID()}, []string{"r0", "r1", "r2"}
			last, erased := map[int]string{}, false
			step := func(n int) {
				for range n {
					i := r.IntN(len(devices))
					if r.IntN(8) == 0 {
						names[i] = fmt.Sprintf("r%d-%d", i, r.IntN(3))
					}
					texts := []string{leaking(1), plain(1), strings.ReplaceAll(leaking(1), leaked, other), leaking(2)}
					k := r.IntN(len(texts))
					if texts[k] == last[i] && erased { // what was erased and comes again is masked anew, and no revision
						k = (k + 1) % len(texts)
					}
					last[i] = texts[k]
					in := h.result(devices[i], names[i], last[i])
					if r.IntN(3) == 0 {
						in = h.with(in, "facts.txt", fmt.Sprintf("Cisco IOS Software, Version 15.%d(4)\n", r.IntN(2)))
					}
					require.Equal(t, durable, h.put(at(in, "lab", []string{"configs", "attic", "zoo"}[r.IntN(3)]))[0].GetOutcome())
				}
			}
			step(25)
			h.erase(gitstore.EraseConfig{Texts: []string{leaked, other}})
			require.Empty(t, h.verify())
			h.reindexed(t)
			erased = true
			step(8)
			h.erase(gitstore.EraseConfig{Texts: []string{leaked, other}})
			require.Empty(t, h.verify())
			h.reindexed(t)
			before := map[string]memory{}
			for _, d := range devices {
				before[d] = h.memory(d)
			}
			h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
			h.start()
			for _, d := range devices {
				requireRemembered(t, before[d], h.memory(d))
			}
			h.erase(gitstore.EraseConfig{Devices: devices[:1], Whole: true})
			require.Empty(t, h.verify())
			require.Equal(t, before[devices[1]].texts, h.memory(devices[1]).texts)
			h.reindexed(t)
			h.sound("configs")
		})
	}
}
