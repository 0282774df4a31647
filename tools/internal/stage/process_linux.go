package stage

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
)

// childAttr makes a child that Ctrl-C does not reach, so that the programs can be ended in order, and that the kernel ends with us. The signal comes when the
// thread that started the child ends; Go ends no thread that nobody locked.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// EndWithParent has the kernel end this process when its parent (`go run`) is killed.
func EndWithParent() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0) // at worst nothing is gained
}

// Leftovers are the ids of the processes that work in the folder: those whose command line names it.
func (f Folder) Leftovers() []string {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	var ids []string
	for _, path := range lines {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(f.Path)) {
			ids = append(ids, filepath.Base(filepath.Dir(path)))
		}
	}
	return ids
}
