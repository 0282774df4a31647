package gitstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
	"github.com/netraven/netraven/services/gitstore/repo/repotest"
)

// A year of a fleet: every day 3 % of the devices change, and the results of as many come in one call.
const (
	yearDays    = 365
	yearChanges = 3 // in a hundred devices, a day
	yearAtOnce  = 20
	yearSites   = 300
)

// BenchmarkYear is how much disk a year takes, folded as the service does it by itself and never by hand, beside `git fast-import` making the same commits, a process a month.
// NETRAVEN_BENCH_YEAR=50000 is the whole of the target (hours); 2,000 devices unless set.
func BenchmarkYear(b *testing.B) {
	devices := 2000
	if text := os.Getenv("NETRAVEN_BENCH_YEAR"); text != "" {
		var err error
		devices, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
		for b.Loop() {
			benchYear(b, devices)
		}
	})
}

func benchYear(b *testing.B, devices int) {
	const month = 30
	f := repotest.NewFleet(devices, yearSites)
	r, err := repo.Open(filepath.Join(b.TempDir(), "c.git"), repo.Options{})
	require.NoError(b, err)
	defer r.Close() //nolint:errcheck // closing only lets go
	var all []int
	for i := range devices {
		all = append(all, i)
	}
	head := store(b, r, repo.Hash{}, yearChange(f, all...))
	limit, limitHead := repotest.Copy(b, r.Dir()), head.String()
	var same []repotest.File
	var folding, most time.Duration
	commits, peak := 0, int64(0)
	for day := range yearDays {
		changed := f.Change(max(devices*yearChanges/100, 1))
		for at := 0; at < len(changed); at += yearAtOnce {
			var group []repo.Change
			for _, i := range changed[at:min(at+yearAtOnce, len(changed))] {
				group = append(group, yearChange(f, i))
				same = append(same, repotest.File{Path: f.Path(i), Content: f.Config(i)})
			}
			head = store(b, r, head, group...)
			commits += len(group)
			if r.PackCount() < gitstore.MaxPacks {
				continue
			}
			peak = max(peak, repotest.PackBytes(b, r.Dir()))
			begin := time.Now()
			_, err := r.Repack(context.Background())
			require.NoError(b, err)
			folding, most = folding+time.Since(begin), max(most, time.Since(begin))
		}
		if day%month == month-1 || day == yearDays-1 {
			_, limitHead = repotest.FastImport(b, limit, limitHead, same)
			same = nil
			fmt.Fprintf(os.Stderr, "day %d: %d commits, ours %d bytes, fast-import %d; folded for %s, at most %s\n", day+1, commits, repotest.PackBytes(b, r.Dir()),
				repotest.PackBytes(b, limit), folding.Round(time.Second), most.Round(time.Millisecond))
		}
	}
	b.ReportMetric(float64(commits), "commits")
	b.ReportMetric(float64(repotest.PackBytes(b, r.Dir())), "ours-B")
	b.ReportMetric(float64(peak), "ours-peak-B")
	b.ReportMetric(float64(repotest.PackBytes(b, limit)), "limit-B")
	b.ReportMetric(folding.Seconds(), "folding-s")
	b.ReportMetric(float64(r.PackCount()), "packs")
}

func yearChange(f *repotest.Fleet, devices ...int) repo.Change {
	c := repo.Change{Message: "change", When: time.Unix(1_700_000_000, 0)}
	for _, i := range devices {
		c.Edits = append(c.Edits, repo.Put(f.Path(i), f.Config(i)))
	}
	return c
}

func store(b *testing.B, r *repo.Repo, head repo.Hash, group ...repo.Change) repo.Hash {
	b.Helper()
	batch, err := r.Prepare(context.Background(), head, group)
	require.NoError(b, err)
	require.NoError(b, r.SetHead(head, batch.Head))
	return batch.Head
}
