package pgembed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSocketPath is what the smallest of the systems we run on allows (macOS 103 bytes, Linux 107).
const maxSocketPath = 103

// socketDir makes the folder of the server's socket, which only the server's user (and root) may enter: inside the data directory
// where the path is short enough, else a temporary folder, whose name is kept so that the next start can remove it.
func (c cluster) socketDir() (string, error) {
	c.removeSocketDir()
	inside := filepath.Join(c.home, "socket")
	if socketFits(inside) {
		if err := os.Mkdir(inside, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("make socket folder: %w", err)
		}
		return inside, c.as.own(inside)
	}
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		if !socketFits(filepath.Join(parent, "netraven-pg-0000000000")) {
			continue
		}
		dir, err := os.MkdirTemp(parent, "netraven-pg-") // mode 0700, a new folder: nobody else can have prepared it
		if err != nil {
			return "", fmt.Errorf("make socket folder: %w", err)
		}
		if err := os.WriteFile(c.socketNote(), []byte(dir+"\n"), 0o600); err != nil {
			return "", fmt.Errorf("note socket folder: %w", err)
		}
		return dir, c.as.own(dir)
	}
	return "", fmt.Errorf("no folder short enough for the database's socket: %s is longer than %d bytes", filepath.Join(inside, socketName), maxSocketPath)
}

func socketFits(dir string) bool { return len(filepath.Join(dir, socketName)) <= maxSocketPath }

func (c cluster) socketNote() string { return filepath.Join(c.home, "socket.path") }

// removeSocketDir removes the temporary socket folder of this or of a killed earlier process. Only an empty folder of ours goes, apart
// from the server's own two files.
func (c cluster) removeSocketDir() {
	raw, err := os.ReadFile(c.socketNote())
	if err != nil {
		return
	}
	dir := strings.TrimSpace(string(raw))
	if strings.HasPrefix(filepath.Base(dir), "netraven-pg-") {
		_ = os.Remove(filepath.Join(dir, socketName))
		_ = os.Remove(filepath.Join(dir, socketName+".lock"))
		_ = os.Remove(dir) // refuses when anything else is in it
	}
	_ = os.Remove(c.socketNote())
}
