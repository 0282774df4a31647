package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// tokens is what netraven login leaves behind for one server.
type tokens struct {
	Server       string    `json:"server"`
	Username     string    `json:"username"`
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// tokensFile is where they are: one file a server, 0600, in a 0700 directory of the user's configuration.
type tokensFile string

func tokensFileOf(server *url.URL) (tokensFile, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is nowhere to keep tokens: %w", err)
	}
	return tokensFile(filepath.Join(dir, "netraven", "tokens", url.QueryEscape(server.String())+".json")), nil
}

// load answers the tokens; none is no error.
func (f tokensFile) load() (tokens, error) {
	var t tokens
	b, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil {
		return tokens{}, fmt.Errorf("the stored tokens cannot be read; netraven login writes them again: %w", err)
	}
	return t, nil
}

// save replaces the file whole, so that a reader or a power cut sees the old tokens or the new ones.
func (f tokensFile) save(t tokens) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	if err := f.directory(); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(string(f)), ".new-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(append(b, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), string(f))
}

func (f tokensFile) remove() error {
	if err := os.Remove(string(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lock keeps other processes from changing the tokens until unlock. It blocks while one does.
func (f tokensFile) lock() (unlock func(), err error) {
	if err := f.directory(); err != nil {
		return nil, err
	}
	return lockedfile.MutexAt(string(f) + ".lock").Lock()
}

func (f tokensFile) directory() error {
	return os.MkdirAll(filepath.Dir(string(f)), 0o700)
}
