package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/secret"
)

const firstUser = "admin"

// firstStart makes what must exist: roles, the first user, signing keys, the authority.
func (s *Service) firstStart(ctx context.Context) error {
	if err := s.store.putRoles(ctx, builtinRoles); err != nil {
		return err
	}
	if err := s.firstAccount(ctx); err != nil {
		return err
	}
	if err := s.rotateKeys(ctx); err != nil {
		return err
	}
	a, err := s.openAuthority(ctx)
	s.authority = a
	return err
}

func (s *Service) firstAccount(ctx context.Context) error {
	if n, err := s.store.countAccounts(ctx); err != nil || n > 0 {
		return err
	}
	chosen := !s.cfg.AdminPassword.Empty()
	password := s.cfg.AdminPassword
	switch {
	case !chosen:
		password = secret.NewString(randomText())
	case len(password.Reveal()) > maxPassword:
		return fmt.Errorf("NETRAVEN_ADMIN_PASSWORD has more than %d bytes", maxPassword)
	case checkPassword("", firstUser, password) != nil: // unattended installs get what they asked for, and are told
		s.log.Warn("NETRAVEN_ADMIN_PASSWORD is weaker than any password set later may be; change it soon", "user", firstUser)
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	account := authsql.InsertAccountParams{
		ID: newID(), Username: firstUser, PasswordHash: hash, MustChangePassword: !chosen, FromFirstStart: true, CreatedAt: s.now(),
	}
	made, err := s.store.createFirstAccount(ctx, account, func() error {
		if chosen {
			return nil
		}
		return writePassword(s.cfg.AdminPasswordFile, password)
	})
	if err != nil || !made {
		return err
	}
	if chosen {
		s.log.Info("first start: the user admin has the password of NETRAVEN_ADMIN_PASSWORD", "user", firstUser)
	} else {
		s.log.Warn("first start: sign in as admin with the password in this file and change it; the file goes away then",
			"user", firstUser, "file", s.cfg.AdminPasswordFile)
	}
	return nil
}

// writePassword leaves the file whole or not at all, readable by its owner only.
func writePassword(path string, password secret.String) error {
	if path == "" {
		return errors.New("first start needs AdminPasswordFile or AdminPassword")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".admin-password-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(password.Reveal() + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp.Name(), path)
}

// removePasswordFile takes the first password's file away once the password is another. A file that cannot be removed is only reported: what
// it holds opens nothing any more.
func (s *Service) removePasswordFile() {
	if s.cfg.AdminPasswordFile == "" {
		return
	}
	if err := os.Remove(s.cfg.AdminPasswordFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("the file of the first password could not be removed; it is worthless now", "file", s.cfg.AdminPasswordFile, "err", err)
	}
}
