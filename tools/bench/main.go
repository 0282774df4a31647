// Command bench measures the targets P1 to P8, P14 and P15 against their limits and prints one table: ours, the limit, the ratio, the target. `make bench` runs
// it. It exits 0 whatever the ratios are; only a measurement that could not be made is an error.
//
// A ratio is of two things measured in turn in the same run: P1 to P4 on loopback, against simulated devices in a process of their own; P5 to P8 by benchmarks of gitstore, with
// a PostgreSQL that syncs, beside `git fast-import` and Go's regexp.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/netraven/netraven/tools/internal/stage"
)

// bench is one run of the program.
type bench struct {
	programs stage.Programs
	devices  int
	sessions int
	profile  string
	table    table
}

// measure is one measurement; it adds rows to the table.
type measure struct {
	id  string
	run func(*bench, context.Context, stage.Folder) error
	// asked: too long to be made unless it is asked for.
	asked bool
}

var measures = []measure{
	{id: "P1", run: (*bench).engine},
	{id: "P2", run: (*bench).sizes},
	{id: "P3", run: (*bench).crowd},
	{id: "P4", run: (*bench).system},
	{id: "P5", run: (*bench).store},
	{id: "P6", run: (*bench).unchanged},
	{id: "P7", run: (*bench).read},
	{id: "P8", run: (*bench).search},
	{id: "YEAR", run: (*bench).year, asked: true},
	{id: "P14", run: (*bench).start},
}

func main() {
	b := &bench{}
	only := flag.String("only", "", "measure only these, such as P1,P4 (P15 comes with P4)")
	bin := flag.String("bin", "bin", "folder with the built programs")
	flag.IntVar(&b.devices, "devices", 2000, "devices of P4")
	flag.IntVar(&b.sessions, "sessions", 50, "sessions at once, ours and the limit's")
	flag.StringVar(&b.profile, "cpuprofile", "", "write a CPU profile of our part of P1 to this file")
	flag.Parse()
	b.programs = stage.Programs(*bin)
	stage.EndWithParent()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, only string) error {
	var wanted []string
	if only != "" {
		wanted = strings.Split(strings.ToUpper(only), ",")
	}
	for _, id := range wanted {
		if !slices.ContainsFunc(measures, func(m measure) bool { return m.id == id }) {
			return fmt.Errorf("there is no measurement %q", id)
		}
	}
	begin := time.Now()
	for _, m := range measures {
		if wanted == nil && m.asked || wanted != nil && !slices.Contains(wanted, m.id) {
			continue
		}
		if err := b.measure(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.id, err)
		}
	}
	fmt.Printf("\n%s; %d processors, %s, %s in all\n\n", time.Now().UTC().Format(time.DateTime+" UTC"), runtime.NumCPU(), runtime.Version(),
		time.Since(begin).Round(time.Second))
	return b.table.print(os.Stdout)
}

// measure makes one measurement in a folder of its own. Its logs stay if it fails.
func (b *bench) measure(ctx context.Context, m measure) error {
	folder, err := stage.NewFolder("netraven-bench")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "measuring %s ...\n", m.id)
	if err := m.run(b, ctx, folder); err != nil {
		_ = folder.RemoveAllButLogs() // the error that is told is the one to act on
		return fmt.Errorf("%w. To find out more, read %s", err, folder.In("logs"))
	}
	return folder.Remove()
}
