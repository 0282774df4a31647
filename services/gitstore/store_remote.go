package gitstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
)

func (s *store) remotes(ctx context.Context, after string, size int32) ([]gitstoresql.Remote, error) {
	return s.q.ListRemotes(ctx, gitstoresql.ListRemotesParams{After: after, PageSize: size})
}

// allRemotes are some dozens at most: an admin made each.
func (s *store) allRemotes(ctx context.Context) ([]gitstoresql.Remote, error) {
	return s.remotes(ctx, "", 10_000)
}

func (s *store) remote(ctx context.Context, id uuid.UUID) (gitstoresql.Remote, error) {
	row, err := s.q.GetRemote(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return row, errs.NotFound("remote", id.String())
	}
	return row, err
}

func (s *store) createRemote(ctx context.Context, r gitstoresql.Remote) error {
	err := s.q.CreateRemote(ctx, gitstoresql.CreateRemoteParams{ID: r.ID, Name: r.Name, Repository: r.Repository, Url: r.Url, Username: r.Username, SecretID: r.SecretID,
		SecretsSet: r.SecretsSet, KnownHost: r.KnownHost, AcceptFirstHostKey: r.AcceptFirstHostKey, Ca: r.Ca, Enabled: r.Enabled, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt})
	return remoteError(err, r.Name)
}

// updateRemote stores what a person changed, if nobody else did meanwhile.
func (s *store) updateRemote(ctx context.Context, r gitstoresql.Remote) error {
	n, err := s.q.UpdateRemote(ctx, gitstoresql.UpdateRemoteParams{ID: r.ID, Name: r.Name, Url: r.Url, Username: r.Username, SecretID: r.SecretID, SecretsSet: r.SecretsSet,
		KnownHost: r.KnownHost, AcceptFirstHostKey: r.AcceptFirstHostKey, Ca: r.Ca, Enabled: r.Enabled, UpdatedAt: r.UpdatedAt, Pushed: r.Pushed, PushedAt: r.PushedAt,
		BehindSince: r.BehindSince, Version: r.Version})
	if err == nil && n == 0 {
		return errs.New(codes.Aborted, "REMOTE_CHANGED", "somebody else changed or removed the remote at the same moment; look at it and try again")
	}
	return remoteError(err, r.Name)
}

func remoteError(err error, name string) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.ConstraintName == "remote_name_key" {
		return errs.New(codes.AlreadyExists, "REMOTE_EXISTS", "there is already a remote %q", name)
	}
	return err
}

func (s *store) deleteRemote(ctx context.Context, id uuid.UUID) error {
	n, err := s.q.DeleteRemote(ctx, id)
	if err == nil && n == 0 {
		return errs.NotFound("remote", id.String())
	}
	return err
}

// noteBehind says of all remotes that lack commits since when they do.
func (s *store) noteBehind(ctx context.Context, now time.Time) error {
	return s.q.NoteRemotesBehind(ctx, now)
}

// remotePushed notes a push that worked. r is the remote as it was pushed to: what came of an older version is not noted.
func (s *store) remotePushed(ctx context.Context, r gitstoresql.Remote, began, now time.Time) error {
	return s.q.RemotePushed(ctx, gitstoresql.RemotePushedParams{ID: r.ID, Version: r.Version, Pushed: r.Pushed, KnownHost: r.KnownHost, Began: began, Now: now})
}

// remoteFailed notes a push that did not.
func (s *store) remoteFailed(ctx context.Context, r gitstoresql.Remote, now, next time.Time) error {
	return s.q.RemoteFailed(ctx, gitstoresql.RemoteFailedParams{ID: r.ID, Version: r.Version, Reason: r.Reason, Error: r.Error, KnownHost: r.KnownHost, Now: now, NextTryAt: next})
}
