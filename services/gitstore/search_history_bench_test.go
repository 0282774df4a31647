package gitstore_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

// months is how many revisions each configuration has, and editsAMonth how many of its lines another one each takes.
const months, editsAMonth = 12, 5

// switchConfigAt is switchConfig after some months.
func switchConfigAt(n, month int) (name string, text []byte) {
	name, text = switchConfig(n)
	all := bytes.Split(text, []byte("\n"))
	for m := range month {
		r := rand.New(rand.NewPCG(uint64(n), uint64(100+m)))
		for range editsAMonth {
			all[3+r.IntN(len(all)-3)] = fmt.Appendf(nil, "ip route 10.%d.%d.0 255.255.255.0 10.0.%d.%d name month-%d-%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), m, n%100)
		}
	}
	return name, bytes.Join(all, []byte("\n"))
}

// BenchmarkSearchHistory is over a year of NETRAVEN_SEARCH_CONFIGS configurations of 64 KB (200 unless set) with a revision each month: pages of 100 hits with 2 lines around each.
func BenchmarkSearchHistory(b *testing.B) {
	n := 200
	if text := os.Getenv("NETRAVEN_SEARCH_CONFIGS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	ctx := context.Background()
	h := open(b)
	for m := range months {
		for i := 0; i < n; i += 500 {
			require.NoError(b, h.service.FillHistory(ctx, i, min(500, n-i), int32(m+1), func(i int) (string, []byte) { return switchConfigAt(i, m) }))
		}
	}
	for i := range n {
		name, _ := switchConfig(i)
		h.names[uuid.NewSHA1(uuid.Nil, []byte(name)).String()] = name
	}
	require.NoError(b, gitstore.SiftAll(h.service, ctx))
	begin := time.Now()
	require.NoError(b, gitstore.CompareAll(h.service, ctx))
	_, err := h.pool.Exec(ctx, "ANALYZE")
	require.NoError(b, err)
	var size float64
	require.NoError(b, h.pool.QueryRow(ctx, "SELECT pg_total_relation_size('gone')::float8").Scan(&size))
	b.Logf("%d revisions compared: %v and %.0f bytes each", months*n, time.Since(begin)/time.Duration(months*n), size/float64(months*n))
	for _, c := range []struct {
		name string
		in   func(i int) *gitstorev1.SearchConfigsRequest
	}{
		{"gone in 1 of 100", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf("name month-3-%d", i%100)}
		}},
		{"one host name", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf("hostname sw-%06d", i*7919%n)}
		}},
		{"an address", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf("host 172.16.%d.%d ", i*31%256, i*17%256)}
		}},
		{"nowhere", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf("no such text %d", i)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			h.latency(b, func(i int) *gitstorev1.SearchConfigsRequest {
				in := c.in(i)
				in.History = true
				return in
			})
		})
	}
	for name, in := range map[string]*gitstorev1.SearchConfigsRequest{
		"scan/expression": {Q: `(\d{1,3}\.){4}\d+`, Regex: true}, "scan/short literal": {Q: "~~"},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(n*months) * 64 << 10)
			for range b.N {
				h.ever(in)
			}
		})
	}
}
