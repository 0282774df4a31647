package pgembed

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

const (
	superuser  = "netraven"
	database   = "netraven"
	socketName = ".s.PGSQL.5432"
)

// cluster is PostgreSQL's data directory and what lies beside it.
type cluster struct {
	home string // Config.DataDir, absolute, without links
	dir  string // home/cluster
	as   account
	log  *slog.Logger
}

func (c cluster) passfile() string { return filepath.Join(c.home, "pgpass") }

// openHome makes the folder of the cluster and gives it to the account that will run the server.
func openHome(dataDir string, log *slog.Logger) (cluster, error) {
	home, err := filepath.Abs(dataDir)
	if err != nil {
		return cluster{}, fmt.Errorf("database folder: %w", err)
	}
	// Folders above must be searchable for the server's user; the one that holds the data is closed to all others.
	if err := os.MkdirAll(filepath.Dir(home), 0o711); err != nil {
		return cluster{}, fmt.Errorf("make database folder: %w", err)
	}
	if err := os.Mkdir(home, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return cluster{}, fmt.Errorf("make database folder: %w", err)
	}
	if home, err = filepath.EvalSymlinks(home); err != nil {
		return cluster{}, fmt.Errorf("database folder: %w", err)
	}
	c := cluster{home: home, dir: filepath.Join(home, "cluster"), log: log}
	if c.as, err = chooseAccount(c.dir); err != nil {
		return cluster{}, err
	}
	if err := c.as.own(home); err != nil {
		return cluster{}, fmt.Errorf("give database folder to user %s: %w", c.as.name, err)
	}
	return c, nil
}

// InUseError says that another process runs the private server of this folder.
type InUseError struct {
	Process string // its id, as it wrote it; for people
	DataDir string
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("another NetRaven (process %s) is using the database in %s", e.Process, e.DataDir)
}

// lock takes the folder for this process; the lock ends with the process, however it ends.
func (c cluster) lock() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(c.home, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.ReadAt(holder, 0) // only for the message
		_ = f.Close()
		return nil, &InUseError{Process: strings.TrimSpace(string(holder[:n])), DataDir: c.home}
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // only for the message of a second process
	}
	return f, nil
}

// major is the PostgreSQL major version that the cluster belongs to, 0 if there is no cluster yet.
func (c cluster) major() (int, error) {
	raw, err := os.ReadFile(filepath.Join(c.dir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(c.dir); err == nil {
			return 0, fmt.Errorf("%s is no PostgreSQL data directory (it has no PG_VERSION): move it away", c.dir)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the database's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION says %q, not a PostgreSQL version", c.dir, firstLine(string(raw)))
	}
	return major, nil
}

// checkReach tries whether the server's user can enter the data directory, and names the folder that stops it.
func (c cluster) checkReach(ctx context.Context, bin Binaries) error {
	if c.as.uid == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.Dir, "postgres"), "--version")
	cmd.Dir = c.home
	cmd.Env = childEnv()
	cmd.SysProcAttr = c.as.attr()
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if blocked := c.as.blockedBy(c.home); blocked != nil {
		return blocked
	}
	return fmt.Errorf("user %s, who runs the database because PostgreSQL refuses root, cannot enter %s: %w", c.as.name, c.home, err)
}

// initialise makes the cluster. A crash leaves initializing/, which the next call makes anew; cluster/ appears whole or not at all.
func (c cluster) initialise(ctx context.Context, bin Binaries, volatile bool) error {
	unfinished := filepath.Join(c.home, "initializing")
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove unfinished database: %w", err)
	}
	pwfile, err := c.writePassword()
	if err != nil {
		return fmt.Errorf("keep the database's password: %w", err)
	}
	defer func() { _ = os.Remove(pwfile) }()

	args := []string{"-D", unfinished, "-U", superuser, "-A", "scram-sha-256", "--pwfile", pwfile, "-E", "UTF8", "--data-checksums"}
	if bin.Major >= 17 {
		args = append(args, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
	} else if runtime.GOOS == "darwin" {
		args = append(args, "--locale=C", "--lc-ctype=en_US.UTF-8")
	} else {
		args = append(args, "--locale=C.UTF-8")
	}
	if volatile {
		args = append(args, "--no-sync")
	}
	if out, err := c.run(ctx, filepath.Join(bin.Dir, "initdb"), args...); err != nil {
		return fmt.Errorf("initialise the database in %s: %w: %s", c.home, err, bytes.TrimSpace(out))
	}
	if err := os.Rename(unfinished, c.dir); err != nil {
		return fmt.Errorf("initialise the database: %w", err)
	}
	return syncDir(c.home)
}

// writePassword keeps the password in the passfile for NetRaven, and returns a file that initdb's user can read. It is a new one, unless
// this folder has one: the cluster of before an upgrade must stay usable.
func (c cluster) writePassword() (pwfile string, err error) {
	password, ok := c.password()
	if !ok {
		raw := make([]byte, 24)
		if _, err := rand.Read(raw); err != nil {
			return "", err
		}
		password = hex.EncodeToString(raw)
	}
	pwfile = filepath.Join(c.home, "initdb-password")
	if err := writePrivate(pwfile, password+"\n"); err != nil {
		return "", err
	}
	if err := c.as.own(pwfile); err != nil {
		return "", err
	}
	if ok {
		return pwfile, nil
	}
	return pwfile, writePrivate(c.passfile(), passfileStart+password+"\n")
}

// passfileStart stands before the password in the passfile.
const passfileStart = "*:*:*:" + superuser + ":"

// password reads the password that this folder has, if it has one of ours.
func (c cluster) password() (string, bool) {
	text, err := os.ReadFile(c.passfile())
	password, ok := strings.CutPrefix(strings.TrimSpace(string(text)), passfileStart)
	_, hexErr := hex.DecodeString(password)
	return password, err == nil && ok && hexErr == nil && len(password) == 48
}

// writePrivate writes a file of mode 0600 durably, replacing an old one (and whatever its mode was).
func writePrivate(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// run runs a program as the cluster's user and returns what it printed. The program dies with us.
func (c cluster) run(ctx context.Context, program string, args ...string) (out []byte, err error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.home
	cmd.Env = childEnv()
	cmd.SysProcAttr = c.as.attr()
	dieWithParent(cmd.SysProcAttr, syscall.SIGTERM)
	onOwnThread(func() { out, err = cmd.CombinedOutput() })
	return out, err
}

// onOwnThread runs f on a thread that stays until f is over: the kernel takes the end of the starting thread for the end of the parent.
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		f()
	}()
	<-done
}
