package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// goBenchTime bounds one `go test -bench`; the whole year of 50,000 devices needs hours.
const goBenchTime = 12 * time.Hour

// result is a line that `go test -bench` printed: the benchmark without the number of processors, and its metrics by unit.
type result struct {
	name    string
	metrics map[string]float64
}

// goBench runs benchmarks of a package for a number of rounds: what is measured inside a service, with a PostgreSQL and neighbours of its own, is measured where its tests
// are. A benchmark sets ours and the limit beside each other in every round.
func goBench(ctx context.Context, pkg, pattern string, rounds int) ([]result, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchtime", strconv.Itoa(rounds)+"x", "-timeout", goBenchTime.String(), pkg)
	cmd.WaitDelay = 10 * time.Second // its test binary may hold the output
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stderr), os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go test -bench %s %s: %w", pattern, pkg, err)
	}
	found := parseBench(out.String())
	if len(found) == 0 {
		return nil, fmt.Errorf("go test -bench %s %s printed no result", pattern, pkg)
	}
	return found, nil
}

// parseBench reads Go's benchmark format: the name, how often it ran, then pairs of number and unit. Other lines are passed over.
func parseBench(out string) []result {
	var all []result
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := f[0]
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			if _, err := strconv.Atoi(name[at+1:]); err == nil {
				name = name[:at]
			}
		}
		r := result{name: name, metrics: map[string]float64{}}
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				r.metrics[f[i+1]] = v
			}
		}
		all = append(all, r)
	}
	return all
}
