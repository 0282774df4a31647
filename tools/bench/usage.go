package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// clockTick is the unit of /proc/PID/stat; Linux fixes it for programs.
const clockTick = 10 * time.Millisecond

// ownCPU is the processor time that this process has used.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// procStat is what is needed of /proc/PID/stat.
type procStat struct {
	pid, parent int
	// cpu counts children that have ended and were waited for, too.
	cpu time.Duration
}

func readStat(pid int) (procStat, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return procStat{}, err
	}
	// The name, in brackets, may hold anything; after it: state, parent, ... utime, stime, cutime, cstime as fields 14 to 17.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 15 {
		return procStat{}, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	s := procStat{pid: pid}
	if s.parent, err = strconv.Atoi(string(fields[1])); err != nil {
		return s, err
	}
	for _, f := range fields[11:15] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return s, err
		}
		s.cpu += time.Duration(n) * clockTick
	}
	return s, nil
}

// family is a process, first, and all its descendants.
func family(pid int) ([]procStat, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]procStat{}
	for _, dir := range dirs {
		id, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s, err := readStat(id); err == nil { // else it has just ended
			children[s.parent] = append(children[s.parent], s)
		}
	}
	root, err := readStat(pid)
	if err != nil {
		return nil, err
	}
	all := []procStat{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i].pid]...)
	}
	return all, nil
}

// familyMemory is the memory of a process and its descendants in bytes; what they share is counted once (PSS).
func familyMemory(pid int) (int64, error) {
	all, err := family(pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, s := range all {
		n, err := kilobytes(filepath.Join("/proc", strconv.Itoa(s.pid), "smaps_rollup"), "Pss:")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// processMemory is the present and the largest resident memory of one process, in bytes.
func processMemory(pid int) (now, peak int64, err error) {
	status := filepath.Join("/proc", strconv.Itoa(pid), "status")
	if now, err = kilobytes(status, "VmRSS:"); err != nil {
		return 0, 0, err
	}
	peak, err = kilobytes(status, "VmHWM:")
	return now, peak, err
}

// kilobytes reads a line such as "Pss:   123 kB", in bytes.
func kilobytes(path, name string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) >= 2 && string(f[0]) == name {
			n, err := strconv.ParseInt(string(f[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no line %s", path, name)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
