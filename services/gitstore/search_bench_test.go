package gitstore_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

// switchConfig is a configuration of about 64 KB with addresses, names and descriptions of its own.
func switchConfig(n int) (name string, text []byte) {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	words := []string{"uplink", "access", "printer", "camera", "server", "voice", "guest", "lab", "core", "wan", "office", "floor", "rack", "spare"}
	var b bytes.Buffer
	name = fmt.Sprintf("sw-%06d", n)
	fmt.Fprintf(&b, "version 15.2\nhostname %s\nenable secret 9 <secret:%012x>\n", name, r.Uint64()>>16)
	for i := 0; b.Len() < 64<<10; i++ {
		switch r.IntN(6) {
		case 0, 1, 2:
			fmt.Fprintf(&b, "interface GigabitEthernet%d/0/%d\n description %s %s %d port %d\n switchport access vlan %d\n switchport mode access\n!\n",
				i/48, i%48, words[r.IntN(14)], words[r.IntN(14)], r.IntN(1000), r.IntN(100_000), r.IntN(4000))
		case 3:
			fmt.Fprintf(&b, "ip route 10.%d.%d.0 255.255.255.0 10.%d.%d.%d name cust-%d\n", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(100_000))
		case 4:
			fmt.Fprintf(&b, "access-list %d permit tcp host 172.16.%d.%d any eq %d log\n", 100+r.IntN(99), r.IntN(256), r.IntN(256), r.IntN(65536))
		case 5:
			fmt.Fprintf(&b, "username user%d privilege 15 secret 9 <secret:%012x>\n", r.IntN(100_000), r.Uint64()>>16)
		}
	}
	if n%100 == 0 {
		b.WriteString("snmp-server location needle-4711\n")
	}
	b.WriteString("end\n")
	return name, b.Bytes()
}

// fleetToSearch is n configurations in git, the database and the index. It blocks for about 5 ms each.
func fleetToSearch(b *testing.B, n int) *house {
	h := open(b)
	for i := 0; i < n; i += 500 {
		require.NoError(b, h.service.Fill(context.Background(), min(500, n-i), func(k int) (string, []byte) {
			name, text := switchConfig(i + k)
			return fmt.Sprintf("site%03d/%s/running.cfg", (i+k)/1000, name), text
		}))
	}
	for i := range n {
		name, _ := switchConfig(i)
		h.names[gitstore.DeviceID(name).String()] = name
	}
	begin := time.Now()
	h.sift()
	b.Logf("%d configurations of 64 KB put into the index: %v each", n, time.Since(begin)/time.Duration(n))
	_, err := h.pool.Exec(context.Background(), "ANALYZE")
	require.NoError(b, err)
	return h
}

// BenchmarkSearch is P8 over NETRAVEN_SEARCH_CONFIGS configurations of 64 KB (1,000 unless set): pages of 100 hits with 2 lines around each, and a scan of everything beside
// the bare engine over the same texts in memory, with as many goroutines.
func BenchmarkSearch(b *testing.B) {
	n := 1000
	if text := os.Getenv("NETRAVEN_SEARCH_CONFIGS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	h := fleetToSearch(b, n)
	for _, c := range []struct {
		name string
		in   func(i int) *gitstorev1.SearchConfigsRequest
	}{
		{"in 1 of 100", func(int) *gitstorev1.SearchConfigsRequest { return &gitstorev1.SearchConfigsRequest{Q: "needle-4711"} }},
		{"in 1 of 100 without case", func(int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: "NEEDLE-4711", IgnoreCase: true}
		}},
		{"one host name", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf("hostname sw-%06d", i*7919%n)}
		}},
		{"an address", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf("host 172.16.%d.%d ", i*31%256, i*17%256)}
		}},
		{"an expression", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf(`user%05d privilege (1|15) secret`, 10_000+i*7919%90_000), Regex: true}
		}},
		{"nowhere", func(i int) *gitstorev1.SearchConfigsRequest {
			return &gitstorev1.SearchConfigsRequest{Q: fmt.Sprintf("no such text %d", i)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) { h.latency(b, c.in) })
	}
	const pattern = `(\d{1,3}\.){4}\d+`
	b.Run("scan/ours", func(b *testing.B) {
		b.SetBytes(int64(n) * 64 << 10)
		for range b.N {
			_, _, searched := h.search(&gitstorev1.SearchConfigsRequest{Q: pattern, Regex: true})
			require.EqualValues(b, n, searched)
		}
	})
	b.Run("scan/bare", func(b *testing.B) {
		var texts [][]byte
		for i := range n {
			_, text := switchConfig(i)
			texts = append(texts, text)
		}
		re := regexp.MustCompile("(?m)" + pattern)
		b.SetBytes(int64(n) * 64 << 10)
		b.ResetTimer()
		for range b.N {
			var g errgroup.Group
			g.SetLimit(runtime.GOMAXPROCS(0))
			for _, text := range texts {
				g.Go(func() error { re.FindAllIndex(text, -1); return nil })
			}
			require.NoError(b, g.Wait())
		}
	})
}

// latency reports the median and the 95th percentile of a first page, and how many texts it was that were read and that had hits.
func (h *house) latency(b *testing.B, in func(i int) *gitstorev1.SearchConfigsRequest) {
	var took []time.Duration
	hits, searched := 0, 0
	for i := range b.N {
		ask := in(i)
		ask.Context = 2
		begin := time.Now()
		out, err := h.find.SearchConfigs(context.Background(), ask)
		took = append(took, time.Since(begin))
		require.NoError(b, err)
		hits, searched = hits+len(out.GetItems()), searched+int(out.GetSearched())
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, "p95-ms")
	b.ReportMetric(float64(hits)/float64(b.N), "hits")
	b.ReportMetric(float64(searched)/float64(b.N), "files-read")
}
