package main

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/platforms"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	var all table
	all.compare("P1", "engine", "devices/s", 900, 1000, ">= 0.90")
	all.absolute("P14", "restart", seconds(1500*time.Millisecond), "<= 2 s")
	require.NoError(t, all.print(&out))
	require.Equal(t, "ID   WHAT     OURS           LIMIT           RATIO  TARGET\n"+
		"P1   engine   900 devices/s  1000 devices/s  0.90   >= 0.90\n"+
		"P14  restart  1.50 s         -               -      <= 2 s\n", out.String())
}

func TestUsageOfThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has /proc")
	}
	all, err := family(os.Getpid())
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), all[0].pid)
	require.Equal(t, os.Getppid(), all[0].parent)
	now, peak, err := processMemory(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, now)
	require.GreaterOrEqual(t, peak, now)
	cpu, err := ownCPU()
	require.NoError(t, err)
	require.Positive(t, cpu)
}

func TestSamePageLeavesTheShippedOneAlone(t *testing.T) {
	page, err := samePage()
	require.NoError(t, err)
	require.Equal(t, []string{"show running-config"}, page.Main().Send)
	shipped, _ := platforms.Builtin().Lookup("cisco_ios")
	require.NotEqual(t, page.Main().Send, shipped.Main().Send)
	require.Greater(t, len(shipped.Backup), len(page.Backup))
}

func TestOnlyKnownMeasurements(t *testing.T) {
	require.ErrorContains(t, (&bench{}).run(t.Context(), "P4,P99"), `no measurement "P99"`)
}

func TestParseBench(t *testing.T) {
	all := parseBench("goos: linux\nBenchmarkStore/sites=1/files=50000-2 \t 5\t 812 ns/op\t 1045 limit/s\t 5385 ours/s\n--- BENCH: BenchmarkStore/sites=1\n    day 30: 2 x\nBenchmarkPlain 1 7 ns/op\nPASS\n")
	require.Equal(t, []result{
		{"BenchmarkStore/sites=1/files=50000", map[string]float64{"ns/op": 812, "limit/s": 1045, "ours/s": 5385}},
		{"BenchmarkPlain", map[string]float64{"ns/op": 7}},
	}, all)
	require.Equal(t, "50000 files, 1 site", fleetOf(all[0]))
	require.Equal(t, "1 site", sitesOf(all[0]))
	require.Equal(t, all[1], find(all, "BenchmarkPlain"))
}
