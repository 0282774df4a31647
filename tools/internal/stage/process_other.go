//go:build !linux

package stage

import "syscall"

// childAttr makes a child that Ctrl-C does not reach, so that the programs can be ended in order.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// EndWithParent does nothing here: only Linux can.
func EndWithParent() {}

// Leftovers answers nothing here: only Linux tells.
func (Folder) Leftovers() []string { return nil }
