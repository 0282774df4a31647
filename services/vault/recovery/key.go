package recovery

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/netraven/netraven/internal/secret"
)

// prefix names the format and lets secret scanners find a leaked key.
const prefix = "netraven-recovery-v1:"

const fileText = `# NetRaven offline recovery key.
# With it the original configurations can be opened without this server and its database; nothing else can do that.
# Move this file to a safe place offline (a printed copy will do), make sure you can read it there, and delete it here.
# NetRaven itself never needs it again.
`

// Key is the private part of the recovery key. It prints as ***.
type Key struct{ private secret.Bytes }

// Parse reads the text of a key file; lines that begin with # are for people.
func Parse(text []byte) (Key, error) {
	for line := range bytes.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(string(line)), prefix)
		if !ok {
			continue
		}
		b, err := hex.DecodeString(rest)
		if err != nil {
			break
		}
		if _, err := ecdh.X25519().NewPrivateKey(b); err != nil {
			break
		}
		return Key{private: secret.NewBytes(b)}, nil
	}
	return Key{}, errors.New("this is not a recovery key of NetRaven")
}

// Public is the part that the server keeps, 32 bytes.
func (k Key) Public() ([]byte, error) {
	key, err := ecdh.X25519().NewPrivateKey(k.private.Reveal())
	if err != nil {
		return nil, errors.New("the recovery key is damaged")
	}
	return key.PublicKey().Bytes(), nil
}

// ReadOrCreate reads the key in a file, or makes one and leaves it there, mode 0600. A key that is there is never overwritten: the database may
// be new and the key of an earlier one.
func ReadOrCreate(path string, random func() ([]byte, error)) (key Key, created bool, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		key, err = Parse(text)
		if err != nil {
			return key, false, fmt.Errorf("%s: %w; move it away", path, err)
		}
		return key, false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return key, false, err
	}
	private, err := random()
	if err != nil {
		return key, false, err
	}
	key = Key{private: secret.NewBytes(private)}
	return key, true, write(path, fileText+prefix+hex.EncodeToString(private)+"\n")
}

// write leaves the file whole or not at all, and on the disk.
func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".recovery-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil { // unlike a rename it never replaces a key
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
