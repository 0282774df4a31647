package corpus

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// table counts what passed, by platform and way.
type table struct {
	mu    sync.Mutex
	ways  []string
	rows  map[string]map[string]*score
	order []string
}

type score struct{ passed, all int }

func newTable(ways ...string) *table {
	return &table{ways: ways, rows: map[string]map[string]*score{}}
}

// count notes one result. It may be called concurrently.
func (tb *table) count(platform, way string, passed bool) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	row := tb.rows[platform]
	if row == nil {
		row = map[string]*score{}
		tb.rows[platform] = row
		tb.order = append(tb.order, platform)
	}
	if row[way] == nil {
		row[way] = &score{}
	}
	row[way].all++
	if passed {
		row[way].passed++
	}
}

// String lays the table out for people.
func (tb *table) String() string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	slices.Sort(tb.order)
	var b strings.Builder
	line := func(name string, cell func(way string) string) {
		fmt.Fprintf(&b, "%-24s", name)
		for _, w := range tb.ways {
			fmt.Fprintf(&b, "%12s", cell(w))
		}
		b.WriteByte('\n')
	}
	line("platform", func(w string) string { return w })
	total := map[string]*score{}
	for _, p := range tb.order {
		line(p, func(w string) string {
			s := tb.rows[p][w]
			if s == nil {
				return "-"
			}
			if total[w] == nil {
				total[w] = &score{}
			}
			total[w].passed += s.passed
			total[w].all += s.all
			return fmt.Sprintf("%d/%d", s.passed, s.all)
		})
	}
	line("all", func(w string) string {
		if total[w] == nil {
			return "-"
		}
		return fmt.Sprintf("%d/%d", total[w].passed, total[w].all)
	})
	return b.String()
}

// track counts the test's result when it ends.
func (tb *table) track(t *testing.T, platform, way string) {
	t.Cleanup(func() { tb.count(platform, way, !t.Failed() && !t.Skipped()) })
}
