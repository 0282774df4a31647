package corpus

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tool builds the program that serves recordings, once; "" means that it cannot be had.
var tool = sync.OnceValues(func() (string, error) {
	source := filepath.Join(folder(), "..", "tools", "replay")
	if _, err := os.Stat(source); err != nil {
		return "", err
	}
	bin := filepath.Join(built, "replay")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{string(out)}
	}
	return bin, nil
})

type buildError struct{ out string }

func (e *buildError) Error() string { return e.out }

// built is the folder of the built tool.
var built string

func TestMain(m *testing.M) {
	flag.Parse()
	// Nearly all of the time is a device's: far more sessions than processors go on at once.
	if f := flag.Lookup("test.parallel"); f != nil && f.Value.String() == f.DefValue {
		_ = f.Value.Set("24")
	}
	dir, err := os.MkdirTemp("", "netraven-corpus-")
	if err != nil {
		panic(err)
	}
	built = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// replay serves all recordings, or the one that the flags name, and returns the port of each.
func replay(t *testing.T, dir string, flags ...string) map[string]int {
	t.Helper()
	bin, err := tool()
	if err != nil {
		t.Skipf("the replay tool is not here: %v", err)
	}
	list := filepath.Join(t.TempDir(), "ports.csv")
	if !slices.Contains(flags, "-session") {
		flags = append(flags, "-all")
	}
	cmd := exec.Command(bin, append([]string{"-corpus", dir, "-csv", list, "-for", "10m"}, flags...)...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	var rows [][]string
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(list)
		if err != nil || !bytes.HasSuffix(b, []byte("\n")) { // not written to its end yet
			return false
		}
		rows, err = csv.NewReader(bytes.NewReader(b)).ReadAll()
		return err == nil && len(rows) > 1
	}, 30*time.Second, 20*time.Millisecond, "the replay tool did not start")
	ports := map[string]int{}
	for _, row := range rows {
		if port, err := strconv.Atoi(row[2]); err == nil {
			ports[row[0]] = port
		}
	}
	return ports
}
