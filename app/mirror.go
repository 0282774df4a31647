package app

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/services/gitstore"
)

// RestoreHistory rebuilds the history of a data folder from a mirror. publicKey (hex) is that of the installation; empty: what follows from the data folder's key.
// It needs no database. Do not run it beside a serve on the same folder.
//
// Without lost: where only originals are, in the mirror, all else is restored.
func RestoreHistory(ctx context.Context, cfg Config, from, publicKey string, withoutLost bool) (*gitstore.Restored, error) {
	trusted, err := trustedMirror(cfg, publicKey)
	if err != nil {
		return nil, err
	}
	return gitstore.Restore(ctx, gitstore.RestoreConfig{From: from, Dir: filepath.Join(cfg.Data, "gitstore"), Trusted: trusted, WithoutLost: withoutLost})
}

func trustedMirror(cfg Config, publicKey string) (ed25519.PublicKey, error) {
	if publicKey != "" {
		b, err := hex.DecodeString(publicKey)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("--public-key has %d hex digits", 2*ed25519.PublicKeySize)
		}
		return b, nil
	}
	path := filepath.Join(cfg.Data, "keys", "gitstore.key")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) { // a new key would trust nobody
		return nil, fmt.Errorf("%s is not there: put back the keys first, or say the mirror's public key with --public-key, as serve logged it", path)
	}
	key, err := keyfile.Open(path)
	if err != nil {
		return nil, err
	}
	return gitstore.MirrorPublicKey(key)
}
