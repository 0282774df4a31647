package repo

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore/repo/repotest"
)

// commitsAtOnce is what gitstore is sent in one call at most.
const commitsAtOnce = 200

// BenchmarkCommit is P5 for the git core alone: rounds of 1,000 durable commits, one per changed device, each beside `git fast-import` doing the same changes to a copy (one
// commit per device too, in one process, synced once at its end).
func BenchmarkCommit(b *testing.B) {
	for _, sites := range []int{1, 300} {
		for _, files := range []int{1000, 10_000, 50_000} {
			b.Run(fmt.Sprintf("sites=%d/files=%d", sites, files), func(b *testing.B) { benchCommit(b, repotest.NewFleet(files, sites)) })
		}
	}
}

func benchCommit(b *testing.B, f *repotest.Fleet) {
	const round = 1000
	r, err := Open(filepath.Join(b.TempDir(), "c.git"), Options{})
	require.NoError(b, err)
	defer r.Close() //nolint:errcheck // closing only lets go
	head := firstCommit(b, r, f)
	limit, limitHead := repotest.Copy(b, r.Dir()), head.String()
	ourSize, limitSize := repotest.PackBytes(b, r.Dir()), repotest.PackBytes(b, limit)
	var ours, theirs time.Duration
	n := 0
	for b.Loop() {
		changed := f.Change(round)
		var group []Change
		var files []repotest.File
		begin := time.Now()
		for i, d := range changed {
			group = append(group, changeOf(f, d))
			if len(group) == commitsAtOnce || i == len(changed)-1 {
				head, group = commitAll(b, r, head, group), nil
			}
		}
		ours += time.Since(begin)
		for _, d := range changed {
			files = append(files, repotest.File{Path: f.Path(d), Content: f.Config(d)})
		}
		var took time.Duration
		took, limitHead = repotest.FastImport(b, limit, limitHead, files)
		theirs, n = theirs+took, n+len(changed)
	}
	b.ReportMetric(float64(n)/ours.Seconds(), "ours/s")
	b.ReportMetric(float64(n)/theirs.Seconds(), "limit/s")
	b.ReportMetric(float64(repotest.PackBytes(b, r.Dir())-ourSize)/float64(n), "ours-B")
	b.ReportMetric(float64(repotest.PackBytes(b, limit)-limitSize)/float64(n), "limit-B")
}

func changeOf(f *repotest.Fleet, d int) Change {
	return Change{Edits: []Edit{Put(f.Path(d), f.Config(d))}, Message: "change", When: noon}
}

func commitAll(b *testing.B, r *Repo, head Hash, group []Change) Hash {
	b.Helper()
	batch, err := r.Prepare(context.Background(), head, group)
	require.NoError(b, err)
	require.NoError(b, r.SetHead(head, batch.Head))
	return batch.Head
}

// firstCommit puts all configurations into one commit.
func firstCommit(b *testing.B, r *Repo, f *repotest.Fleet) Hash {
	b.Helper()
	first := Change{Message: "first", When: noon}
	for d := range f.Len() {
		first.Edits = append(first.Edits, Put(f.Path(d), f.Config(d)))
	}
	return commitAll(b, r, Hash{}, []Change{first})
}

// BenchmarkBlob is the content part of P7: random reads over 300 packs.
func BenchmarkBlob(b *testing.B) {
	f := repotest.NewFleet(2000, 4)
	r, err := Open(filepath.Join(b.TempDir(), "c.git"), Options{FS: newCrashFS()})
	require.NoError(b, err)
	head := firstCommit(b, r, f)
	var blobs []Hash
	for range 300 {
		var group []Change
		for _, d := range f.Change(10) {
			group = append(group, changeOf(f, d))
		}
		batch, err := r.Prepare(context.Background(), head, group)
		require.NoError(b, err)
		head = batch.Head
		for _, w := range batch.Commits {
			blobs = append(blobs, w.Blobs...)
		}
	}
	for i := 0; b.Loop(); i++ {
		_, err := r.Blob(context.Background(), blobs[i*7919%len(blobs)])
		require.NoError(b, err)
	}
}

// BenchmarkDiff is the diff part of P7: two 64 KB revisions, and 1 MB ones.
func BenchmarkDiff(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var old bytes.Buffer
			for i := 0; old.Len() < size; i++ {
				fmt.Fprintf(&old, "interface Ethernet%d\n switchport access vlan %d\n!\n", i, i%4000)
			}
			next := bytes.ReplaceAll(old.Bytes(), []byte("vlan 77"), []byte("vlan 99"))
			for b.Loop() {
				_ = Diff("a", "b", old.Bytes(), next, 3)
			}
		})
	}
}
