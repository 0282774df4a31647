package pgembed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating-system user that runs the server. The zero value is our own.
type account struct {
	name     string
	uid, gid int // 0: no change of user
}

// chooseAccount says who runs the server: ourselves, or as root the cluster's owner, else postgres, else nobody.
func chooseAccount(cluster string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	if info, err := os.Stat(cluster); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			// initdb and postgres look their user up, so an owner without a name is of no use.
			if u, err := user.LookupId(strconv.Itoa(int(st.Uid))); err == nil {
				return accountOf(u)
			}
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and this machine has neither a user postgres nor a user nobody: create one, or start NetRaven as a plain user")
}

func accountOf(u *user.User) (account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user %s has no numeric id: %w", u.Username, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("group of user %s has no numeric id: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uid, gid: gid}, nil
}

// attr starts a child in a session of its own (Ctrl-C is for NetRaven, not for the database) as this account.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.uid != 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// own gives path to the account; nothing happens where the server runs as ourselves.
func (a account) own(path string) error {
	if a.uid == 0 {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// ownAll gives a whole tree to the account.
func (a account) ownAll(root string) error {
	if a.uid == 0 {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return a.own(path)
	})
}

// blockedError names the folder that the server's user may not pass.
type blockedError struct {
	folder, user, want string
}

func (e *blockedError) Error() string {
	return fmt.Sprintf("folder %s may not be searched by user %s, who runs the database because PostgreSQL refuses root, so %s is out of reach: use another place, or run `chmod o+x %s`",
		e.folder, e.user, e.want, e.folder)
}

func isBlocked(err error) bool {
	var blocked *blockedError
	return errors.As(err, &blocked)
}

// blockedBy returns the topmost folder above (or at) path that the account may not search, nil if there is none. It reads the mode
// bits, so ask only after an attempt has failed, or to warn: an access list may say otherwise.
func (a account) blockedBy(path string) error {
	if a.uid == 0 {
		return nil
	}
	for _, folder := range ancestors(path) {
		info, err := os.Stat(folder)
		if err != nil || !info.IsDir() {
			return nil
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return nil
		}
		bit := os.FileMode(0o001)
		switch {
		case int(st.Uid) == a.uid:
			bit = 0o100
		case int(st.Gid) == a.gid:
			bit = 0o010
		}
		if info.Mode()&bit == 0 {
			return &blockedError{folder: folder, user: a.name, want: path}
		}
	}
	return nil
}

// ancestors lists path and the folders above it, from the top.
func ancestors(path string) []string {
	var up []string
	for {
		up = append([]string{path}, up...)
		parent := filepath.Dir(path)
		if parent == path {
			return up
		}
		path = parent
	}
}
