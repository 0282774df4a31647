package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/netraven/netraven/tools/internal/stage"
)

const (
	gitstorePackage = "./services/gitstore"
	repoPackage     = "./services/gitstore/repo"
)

// store measures P5: durable commits through the service, the git core alone, and the disk of a year.
func (b *bench) store(ctx context.Context, _ stage.Folder) error {
	const rounds = 5
	whole, err := goBench(ctx, gitstorePackage, "^BenchmarkStore$", rounds)
	if err != nil {
		return err
	}
	core, err := goBench(ctx, repoPackage, "^BenchmarkCommit$", rounds)
	if err != nil {
		return err
	}
	for _, r := range whole {
		b.table.compare("P5", "sealed results stored, "+fleetOf(r), "commits/s", r.metrics["ours/s"], r.metrics["limit/s"], ">= 1.00")
	}
	for _, r := range whole {
		b.table.compare("P5", "disk until packs are folded, "+fleetOf(r), "bytes/commit", r.metrics["ours-B"], r.metrics["limit-B"], "<= 1.30")
	}
	for _, r := range whole {
		if files, ok := strings.CutSuffix(r.name, "/files=50000"); ok {
			small := find(whole, files+"/files=1000")
			// The limit is how much slower fast-import becomes.
			b.table.compare("P5", "1,000 to 50,000 files, "+sitesOf(r)+": times slower", "x", small.metrics["ours/s"]/r.metrics["ours/s"],
				small.metrics["limit/s"]/r.metrics["limit/s"], "ours <= 1.30 x")
		}
	}
	for _, r := range core {
		b.table.compare("P5", "git core alone, "+fleetOf(r), "commits/s", r.metrics["ours/s"], r.metrics["limit/s"], "-")
	}
	return b.year(ctx, stage.Folder{})
}

// year adds the disk of a year; NETRAVEN_BENCH_YEAR says of how many devices.
func (b *bench) year(ctx context.Context, _ stage.Folder) error {
	all, err := goBench(ctx, gitstorePackage, "^BenchmarkYear$", 1)
	if err != nil {
		return err
	}
	for _, r := range all {
		m := r.metrics
		what := fmt.Sprintf("disk after a year, %s, %.0f commits, folded for %.0f s", fleetOf(r), m["commits"], m["folding-s"])
		b.table.compare("P5", what, "MB", m["ours-B"]/1e6, m["limit-B"]/1e6, "<= 1.30")
	}
	return nil
}

// unchanged measures P6.
func (b *bench) unchanged(ctx context.Context, _ stage.Folder) error {
	all, err := goBench(ctx, gitstorePackage, "^BenchmarkUnchanged$", 5)
	if err != nil {
		return err
	}
	b.table.absolute("P6", "unchanged results stored", number(all[0].metrics["ours/s"])+" results/s", ">= 20000 results/s")
	return nil
}

// read measures P7.
func (b *bench) read(ctx context.Context, _ stage.Folder) error {
	all, err := goBench(ctx, gitstorePackage, "^BenchmarkRead$", 10)
	if err != nil {
		return err
	}
	const of = " of 500,000 revisions, p95"
	for _, row := range []struct{ metric, what, target string }{
		{"list", "a device's page of 50" + of, "<= 5 ms"},
		{"list-all", "all devices' page of 50" + of, "<= 5 ms"},
		{"diff", "diff of two 64 KB texts, p95", "<= 20 ms"},
		{"content", "content of 64 KB, p95", "<= 10 ms"},
	} {
		b.table.absolute("P7", row.what, number(all[0].metrics[row.metric+"-p95-ms"])+" ms", row.target)
	}
	return nil
}

// search measures P8; NETRAVEN_SEARCH_CONFIGS says over how many configurations.
func (b *bench) search(ctx context.Context, _ stage.Folder) error {
	all, err := goBench(ctx, gitstorePackage, "^BenchmarkSearch$", 20)
	if err != nil {
		return err
	}
	for _, r := range all {
		_, what, _ := strings.Cut(r.name, "/")
		if p95, ok := r.metrics["p95-ms"]; ok {
			b.table.absolute("P8", "search, "+strings.ReplaceAll(what, "_", " ")+", p95", number(p95)+" ms", "<= 300 ms")
		}
	}
	b.table.compare("P8", "search without a usable literal", "MB/s", find(all, "BenchmarkSearch/scan/ours").metrics["MB/s"],
		find(all, "BenchmarkSearch/scan/bare").metrics["MB/s"], ">= 0.80")
	return nil
}

func find(all []result, name string) result {
	for _, r := range all {
		if r.name == name {
			return r
		}
	}
	return result{}
}

// fleetOf is "1000 files, 300 sites" for "BenchmarkStore/sites=300/files=1000".
func fleetOf(r result) string {
	var out []string
	for part := range strings.SplitSeq(r.name, "/") {
		if what, n, ok := strings.Cut(part, "="); ok {
			if n == "1" {
				what = strings.TrimSuffix(what, "s")
			}
			out = append([]string{n + " " + what}, out...)
		}
	}
	return strings.Join(out, ", ")
}

func sitesOf(r result) string {
	of := strings.Split(fleetOf(r), ", ")
	return of[len(of)-1]
}
