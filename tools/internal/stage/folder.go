package stage

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Folder is the temporary folder of a demo or a bench.
type Folder struct{ Path string }

// NewFolder makes a folder whose name begins with prefix, with a folder logs in it. Others may pass through it but not list it: root's PostgreSQL runs as
// another user.
func NewFolder(prefix string) (Folder, error) {
	path, err := os.MkdirTemp("", prefix+"-")
	if err != nil {
		return Folder{}, err
	}
	f := Folder{Path: path}
	if err := os.Chmod(path, 0o711); err != nil {
		return f, err
	}
	return f, os.Mkdir(f.In("logs"), 0o700)
}

// In is a path inside the folder.
func (f Folder) In(names ...string) string {
	return filepath.Join(append([]string{f.Path}, names...)...)
}

// Log is the log file of the process name.
func (f Folder) Log(name string) string { return f.In("logs", name+".log") }

// Remove removes the folder and all in it.
func (f Folder) Remove() error { return os.RemoveAll(f.Path) }

// RemoveAllButLogs removes the rest, for somebody who has to find out what went wrong.
func (f Folder) RemoveAllButLogs() error {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "logs" {
			continue
		}
		if err := os.RemoveAll(f.In(e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// FreeAddresses answers n loopback addresses (127.0.0.1:port) on which nobody listens right now.
func FreeAddresses(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no free loopback port: %w", err)
		}
		defer func() { _ = l.Close() }() // all stay open until n are found, so that they differ
		out = append(out, l.Addr().String())
	}
	return out, nil
}

// Programs is a folder with the built programs.
type Programs string

// Path is the path of a program, or an error that says how to build it.
func (p Programs) Path(name string) (string, error) {
	path, err := filepath.Abs(filepath.Join(string(p), name))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not there: run make build first", filepath.Join(string(p), name))
	}
	return path, nil
}
