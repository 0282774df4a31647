package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// row is one line of the table, ready to print.
type row struct{ id, what, ours, limit, ratio, target string }

type table []row

func (t *table) add(id, what, ours, limit, ratio, target string) {
	*t = append(*t, row{id, what, ours, limit, ratio, target})
}

// compare adds a row with the ratio of two numbers.
func (t *table) compare(id, what, unit string, ours, limit float64, target string) {
	ratio := "-"
	if limit > 0 {
		ratio = fmt.Sprintf("%.2f", ours/limit)
	}
	t.add(id, what, number(ours)+" "+unit, number(limit)+" "+unit, ratio, target)
}

// absolute adds a row without a limit.
func (t *table) absolute(id, what, ours, target string) { t.add(id, what, ours, "-", "-", target) }

func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (t table) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range append(table{{"ID", "WHAT", "OURS", "LIMIT", "RATIO", "TARGET"}}, t...) {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.id, r.what, r.ours, r.limit, r.ratio, r.target); err != nil {
			return err
		}
	}
	return w.Flush()
}
