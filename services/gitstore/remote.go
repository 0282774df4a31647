package gitstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

// pushWait is how long PushRemote waits; a push that takes longer goes on.
const pushWait = time.Minute

// ListRemotes pages through the remotes by name.
func (s *Service) ListRemotes(ctx context.Context, in *gitstorev1.ListRemotesRequest) (*gitstorev1.ListRemotesResponse, error) {
	at, err := page.Parse(in.GetPageToken(), 1)
	if err != nil {
		return nil, err
	}
	after := ""
	if at != nil {
		after = strings.ReplaceAll(at[0], "\x00", "") // a token can be made up
	}
	size := page.Size(in.GetPageSize())
	rows, err := s.store.remotes(ctx, after, size+1)
	if err != nil {
		return nil, err
	}
	out := &gitstorev1.ListRemotesResponse{}
	if len(rows) > int(size) {
		rows = rows[:size]
		out.NextPageToken = page.Token(rows[size-1].Name)
	}
	for _, r := range rows {
		out.Items = append(out.Items, s.remoteOf(r))
	}
	return out, nil
}

// CreateRemote adds a remote. The audit line is durable before.
func (s *Service) CreateRemote(ctx context.Context, in *gitstorev1.CreateRemoteRequest) (*gitstorev1.Remote, error) {
	r, now := in.GetRemote(), s.now()
	row := gitstoresql.Remote{ID: uuid.Must(uuid.NewV7()), Repository: cmp.Or(r.GetRepository(), repository), CreatedAt: now, UpdatedAt: now}
	if _, err := s.repos.get(row.Repository); err != nil {
		return nil, errs.Invalid("repository", "REPOSITORY_NOT_FOUND", "there is no such repository; that of a site is made by its first backup, that of all others is "+repository)
	}
	if err := setRemote(&row, r, remoteFields); err != nil {
		return nil, err
	}
	sec := remoteSecret(r, secretFields)
	row.SecretsSet = secretsSet(sec)
	if err := checkRemote(row, sec); err != nil {
		return nil, err
	}
	if err := s.auditLine(ctx, "remote.create", "remote", row.ID.String(), "OK", map[string]string{"name": row.Name, "url": row.Url}); err != nil {
		return nil, err
	}
	var err error
	if row.SecretID, err = s.keepSecret(ctx, sec); err != nil {
		return nil, err
	}
	if err := s.store.createRemote(ctx, row); err != nil {
		s.dropSecret(ctx, row.SecretID)
		return nil, err
	}
	s.pusher.changed()
	return s.getRemote(ctx, row.ID)
}

// GetRemote answers one remote.
func (s *Service) GetRemote(ctx context.Context, in *gitstorev1.GetRemoteRequest) (*gitstorev1.Remote, error) {
	id, err := remoteID(in.GetId())
	if err != nil {
		return nil, err
	}
	return s.getRemote(ctx, id)
}

// UpdateRemote changes the fields of the mask. The audit line is durable before.
func (s *Service) UpdateRemote(ctx context.Context, in *gitstorev1.UpdateRemoteRequest) (*gitstorev1.Remote, error) {
	id, err := remoteID(in.GetRemote().GetId())
	if err != nil {
		return nil, err
	}
	row, err := s.store.remote(ctx, id)
	if err != nil {
		return nil, err
	}
	old, paths := row, in.GetUpdateMask().GetPaths()
	if err := setRemote(&row, in.GetRemote(), paths); err != nil {
		return nil, err
	}
	sec := remoteSecret(in.GetRemote(), paths)
	if sec != nil {
		row.SecretsSet = secretsSet(sec)
	}
	if err := moveRemote(&row, old, paths, sec != nil); err != nil {
		return nil, err
	}
	if err := checkRemote(row, sec); err != nil {
		return nil, err
	}
	if err := s.auditLine(ctx, "remote.update", "remote", id.String(), "OK", map[string]string{"name": row.Name, "url": row.Url, "fields": strings.Join(paths, " ")}); err != nil {
		return nil, err
	}
	if sec != nil {
		if row.SecretID, err = s.keepSecret(ctx, sec); err != nil {
			return nil, err
		}
	}
	row.UpdatedAt = s.now()
	if err := s.store.updateRemote(ctx, row); err != nil {
		if sec != nil {
			s.dropSecret(ctx, row.SecretID)
		}
		return nil, err
	}
	if sec != nil {
		s.dropSecret(ctx, old.SecretID)
	}
	s.pusher.abandon(id)
	return s.getRemote(ctx, id)
}

// moveRemote is what a changed url means: what is known of the old place says nothing about the new one.
func moveRemote(row *gitstoresql.Remote, old gitstoresql.Remote, paths []string, newSecret bool) error {
	if row.Url == old.Url {
		return nil
	}
	row.Pushed, row.PushedAt, row.BehindSince = "", nil, nil
	if !otherServer(row.Url, old.Url) {
		return nil
	}
	if !slices.Contains(paths, "known_host") {
		row.KnownHost = ""
	}
	if !newSecret {
		return errs.Invalid("url", "OTHER_SERVER", "the url is at another server: give the password or private_key for it too, for the one that is set was not given for that server")
	}
	return nil
}

// DeleteRemote removes a remote. The audit line is durable before; the secret goes first, so that none is left without its remote.
func (s *Service) DeleteRemote(ctx context.Context, in *gitstorev1.DeleteRemoteRequest) (*emptypb.Empty, error) {
	id, err := remoteID(in.GetId())
	if err != nil {
		return nil, err
	}
	row, err := s.store.remote(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.auditLine(ctx, "remote.delete", "remote", id.String(), "OK", map[string]string{"name": row.Name, "url": row.Url}); err != nil {
		return nil, err
	}
	if row.SecretID != nil {
		if _, err := s.secrets.DeleteSecret(ctx, &vaultv1.DeleteSecretRequest{Kind: secretKind, Id: row.SecretID.String()}); err != nil {
			return nil, err
		}
	}
	if err := s.store.deleteRemote(ctx, id); err != nil {
		return nil, err
	}
	s.pusher.abandon(id)
	return &emptypb.Empty{}, nil
}

// PushRemote pushes now.
func (s *Service) PushRemote(ctx context.Context, in *gitstorev1.PushRemoteRequest) (*gitstorev1.Remote, error) {
	id, err := remoteID(in.GetId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.remote(ctx, id); err != nil {
		return nil, err
	}
	enough := time.NewTimer(pushWait)
	defer enough.Stop()
	select {
	case <-s.pusher.start(id):
	case <-enough.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.getRemote(ctx, id)
}

func (s *Service) getRemote(ctx context.Context, id uuid.UUID) (*gitstorev1.Remote, error) {
	row, err := s.store.remote(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.remoteOf(row), nil
}

func (s *Service) remoteOf(r gitstoresql.Remote) *gitstorev1.Remote {
	return &gitstorev1.Remote{Id: r.ID.String(), Name: r.Name, Repository: r.Repository, Url: r.Url, Username: r.Username, SecretsSet: r.SecretsSet, KnownHost: r.KnownHost,
		AcceptFirstHostKey: r.AcceptFirstHostKey, Ca: r.Ca, Enabled: &r.Enabled, CreatedAt: timestamppb.New(r.CreatedAt), UpdatedAt: timestamppb.New(r.UpdatedAt),
		State: &gitstorev1.Remote_State{LastPushedCommit: r.Pushed, LastPushedAt: timestamp(r.PushedAt), BehindSince: timestamp(r.BehindSince), Pushing: s.pusher.isPushing(r.ID),
			Reason: r.Reason, Error: r.Error, FailedAt: timestamp(r.FailedAt), Failures: r.Failures, NextTryAt: timestamp(r.NextTryAt)}}
}

func timestamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

func remoteID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil { // no remote has such an id, whatever its form
		return id, errs.NotFound("remote", text)
	}
	return id, nil
}
