package app

import (
	"context"
	"fmt"
	"os"

	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/vault/recovery"
)

// Recover opens originals of a mirror with the offline recovery key in a file: no server, no database, no key of a server. publicKey (hex) is who must have signed the mirror; empty: anybody.
func Recover(ctx context.Context, what gitstore.RecoverConfig, keyFile, publicKey string, each func(gitstore.Recovered) error) error {
	if publicKey != "" {
		var err error
		if what.Trusted, err = trustedMirror(Config{}, publicKey); err != nil {
			return err
		}
	}
	if !what.List {
		text, err := os.ReadFile(keyFile)
		if err != nil {
			return fmt.Errorf("the recovery key: %w", err)
		}
		key, err := recovery.Parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", keyFile, err)
		}
		what.SealKey = func(deviceID string, wrapped []byte) ([]byte, error) {
			data, err := key.Unwrap(deviceID, wrapped)
			if err != nil {
				return nil, err
			}
			return data.SealKey()
		}
	}
	return gitstore.Recover(ctx, what, each)
}
