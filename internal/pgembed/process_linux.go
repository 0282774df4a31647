package pgembed

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// dieWithParent makes the kernel send sig to the child when the thread that started it ends, so the caller must keep that thread
// (see onOwnThread). Go sets it after the change of user, which would clear it.
func dieWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }

// commandLine returns the arguments of a process, none for a zombie; ok is false if the system does not tell.
func commandLine(pid int) (args []string, ok bool) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return nil, false
	}
	for _, arg := range bytes.Split(bytes.TrimRight(raw, "\x00"), []byte{0}) {
		args = append(args, string(arg))
	}
	return args, true
}
