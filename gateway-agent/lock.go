package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lock takes the data directory for this agent until release, or until its process ends, however it ends. Two agents of one identity would push each other
// off the hub without end, and each would take the other's spooled results for its own.
func lock(dir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.ReadAt(holder, 0) // only for the message
		_ = f.Close()
		return nil, fmt.Errorf("another agent (process %s) is using %s; give each agent a --data directory of its own", strings.TrimSpace(string(holder[:n])), dir)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // only for the message of a second agent
	}
	return func() { _ = f.Close() }, nil
}
