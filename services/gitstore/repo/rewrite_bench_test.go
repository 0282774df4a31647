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

// BenchmarkRewrite makes a history of 50,000 commits again in which one text in twenty holds what goes, from its first commit on, and takes the old one away.
func BenchmarkRewrite(b *testing.B) {
	const commits, groupSize = 50_000, 500
	for _, files := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r, head := leaky(b, files, commits, groupSize)
				b.StartTimer()
				out, err := r.Rewrite(context.Background(), Hash{}, head, keepAll(func(_ *Commit, _ string, text string) *Replacement {
					next := bytes.ReplaceAll([]byte(text), []byte("hunter2"), []byte("<erased>"))
					if len(next) == len(text) {
						return nil
					}
					return &Replacement{Content: next}
				}, r))
				require.NoError(b, err)
				b.ReportMetric(float64(commits)/b.Elapsed().Seconds(), "commits/s")
				b.ReportMetric(float64(out.Bytes)/commits, "disk-B/commit")
				require.NoError(b, r.ReplaceHead(head, out.Head))
				begin := time.Now()
				require.NoError(b, r.Purge(context.Background()))
				b.ReportMetric(time.Since(begin).Seconds(), "purge-s")
				b.StopTimer()
				require.NoError(b, r.Close())
				b.StartTimer()
			}
		})
	}
}

func leaky(b *testing.B, files, commits, groupSize int) (*Repo, Hash) {
	b.Helper()
	f := repotest.NewFleet(files, 1)
	r, err := Open(filepath.Join(b.TempDir(), "c.git"), Options{})
	require.NoError(b, err)
	head := firstCommit(b, r, f)
	for n := files; n < commits; n += groupSize {
		var group []Change
		for i, d := range f.Change(groupSize) {
			data := f.Config(d)
			if i%20 == 0 {
				data = append(bytes.Clone(data), "password hunter2\n"...)
			}
			group = append(group, Change{Edits: []Edit{Put(f.Path(d), data)}, Message: "change", When: noon})
		}
		head = commitAll(b, r, head, group)
	}
	return r, head
}
