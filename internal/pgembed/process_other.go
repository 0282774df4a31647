//go:build !linux

package pgembed

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing: only Linux has a parent-death signal. The next Start ends a server that was left behind.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

// commandLine returns the words of a process' command line; ok is false if the system does not tell. A data directory with a
// space in its name is not recognised by it, and then the server itself decides whether its lock file is stale.
func commandLine(pid int) (args []string, ok bool) {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil, false
	}
	return strings.Fields(string(out)), true
}
