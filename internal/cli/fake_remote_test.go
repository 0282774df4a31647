package cli_test

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

type fakeRemotes struct {
	gitstorev1.UnimplementedRemoteServiceServer
	*house
}

func hideRemote(r *gitstorev1.Remote) {
	for _, s := range []struct {
		name  string
		value *string
	}{{"password", &r.Password}, {"private_key", &r.PrivateKey}, {"passphrase", &r.Passphrase}} {
		if *s.value != "" {
			r.SecretsSet = append(r.SecretsSet, s.name)
			*s.value = ""
		}
	}
}

func (f *fakeRemotes) ListRemotes(_ context.Context, r *gitstorev1.ListRemotesRequest) (*gitstorev1.ListRemotesResponse, error) {
	items, next, err := pageOf[*gitstorev1.Remote](f.remotes, r.PageSize, r.PageToken, nil)
	return &gitstorev1.ListRemotesResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeRemotes) CreateRemote(_ context.Context, r *gitstorev1.CreateRemoteRequest) (*gitstorev1.Remote, error) {
	hideRemote(r.Remote)
	if r.Remote.Enabled == nil {
		r.Remote.Enabled = proto.Bool(true)
	}
	r.Remote.State = &gitstorev1.Remote_State{}
	return create(f.remotes, r.Remote)
}

func (f *fakeRemotes) GetRemote(_ context.Context, r *gitstorev1.GetRemoteRequest) (*gitstorev1.Remote, error) {
	return get[*gitstorev1.Remote](f.remotes, r.Id)
}

func (f *fakeRemotes) UpdateRemote(_ context.Context, r *gitstorev1.UpdateRemoteRequest) (*gitstorev1.Remote, error) {
	hideRemote(r.Remote)
	if len(r.Remote.SecretsSet) > 0 {
		r.UpdateMask.Paths = append(r.UpdateMask.Paths, "secrets_set")
	}
	return update(f.remotes, r.Remote, r.UpdateMask)
}

func (f *fakeRemotes) DeleteRemote(_ context.Context, r *gitstorev1.DeleteRemoteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, remove(f.remotes, r.Id)
}

// PushRemote fails at a host called diverged.
func (f *fakeRemotes) PushRemote(_ context.Context, r *gitstorev1.PushRemoteRequest) (*gitstorev1.Remote, error) {
	out, err := get[*gitstorev1.Remote](f.remotes, r.Id)
	if err != nil {
		return nil, err
	}
	out.State = &gitstorev1.Remote_State{LastPushedCommit: strings.Repeat("a1", 20), LastPushedAt: longAgo}
	if strings.Contains(out.Url, "diverged") {
		out.State = &gitstorev1.Remote_State{Reason: "REMOTE_DIVERGED", Error: "main there has other\x1b[31m commits", Failures: 3, FailedAt: longAgo, BehindSince: longAgo}
	}
	return out, nil
}
