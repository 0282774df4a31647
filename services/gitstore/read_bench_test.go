package gitstore_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
)

const (
	readDevices   = 5000
	readRevisions = 100 // of each device
	readTexts     = 200 // different ones of 64 KB, in two versions each
)

// revisionsToRead fills the index with 500,000 revisions whose texts are 400 real ones, in as many packs as gather before they are folded.
const revisionsToRead = `
INSERT INTO revision (id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at)
SELECT (lpad(to_hex(1700000000000 + n::bigint * 3600000 + d), 12, '0') || '7' || lpad(to_hex(n), 3, '0') || '8' || lpad(to_hex(d), 15, '0'))::uuid, ($1::uuid[])[d], 'running.cfg', n, 65536, 3, 2,
       false, 'netraven', repeat('0', 40), ($2::text[])[1 + 2 * (d % array_length($2::text[], 1) / 2) + n % 2], repeat('0', 64), ($1::uuid[])[d], ($1::uuid[])[d], n,
       to_timestamp(1700000000 + n * 3600)
FROM generate_series(1, array_length($1::uuid[], 1)) d, generate_series(1, $3::integer) n`

// fillToRead answers the devices and, of each text, the names of its two versions side by side.
func (h *house) fillToRead() (devices, blobs []string) {
	const together = 10
	blobs = make([]string, 2*readTexts)
	for at := 0; at < 2*readTexts; at += together {
		version := at / readTexts
		require.NoError(h.t, h.service.Fill(context.Background(), together, func(k int) (string, []byte) {
			name, text := switchConfig(at%readTexts + k)
			if version == 1 {
				text = bytes.ReplaceAll(text, []byte("printer"), []byte("scanner"))
			}
			return fmt.Sprintf("default/%s/running.cfg", name), text
		}))
		for k := range together {
			name, _ := switchConfig(at%readTexts + k)
			row := h.pool.QueryRow(context.Background(), "SELECT blob FROM artifact WHERE device_id = $1", gitstore.DeviceID(name))
			require.NoError(h.t, row.Scan(&blobs[2*(at%readTexts+k)+version]))
		}
	}
	for range readDevices {
		devices = append(devices, newID())
	}
	return devices, blobs
}

// BenchmarkRead is P7: rounds of 100 pages of 50, diffs and contents of 64 KB, at a service that knows 500,000 revisions.
func BenchmarkRead(b *testing.B) {
	h := openOn(b, pgtest.Durable(b, "gitstore", gitstoredb.Migrations))
	devices, blobs := h.fillToRead()
	_, err := h.pool.Exec(context.Background(), revisionsToRead, devices, blobs, readRevisions)
	require.NoError(b, err)
	_, err = h.pool.Exec(context.Background(), "ANALYZE")
	require.NoError(b, err)
	took := map[string][]time.Duration{}
	timed := func(name string, call func() error) {
		begin := time.Now()
		require.NoError(b, call())
		took[name] = append(took[name], time.Since(begin))
	}
	for round := 0; b.Loop(); round++ {
		for i := range 100 {
			var list *gitstorev1.ListRevisionsResponse
			timed("list", func() (err error) {
				list, err = h.read.ListRevisions(context.Background(), &gitstorev1.ListRevisionsRequest{DeviceId: devices[(round*100+i)*37%readDevices], PageSize: 50})
				return err
			})
			require.Len(b, list.GetItems(), 50)
			timed("list-all", func() error {
				all, err := h.read.ListRevisions(context.Background(), &gitstorev1.ListRevisionsRequest{PageSize: 50, PageToken: page.Token(list.GetItems()[i%50].GetId())})
				require.Len(b, all.GetItems(), 50)
				return err
			})
			timed("content", func() error {
				_, err := h.read.GetContent(context.Background(), &gitstorev1.GetContentRequest{Id: list.GetItems()[i%50].GetId()})
				return err
			})
			timed("diff", func() error {
				d, err := h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: list.GetItems()[1].GetId(), To: list.GetItems()[0].GetId()})
				require.Greater(b, len(d.GetData()), 1000)
				return err
			})
		}
	}
	for name, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)*95/100].Microseconds())/1e3, name+"-p95-ms")
	}
}
