package gitstore_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/services/gitstore"
)

// fetch sends a request of git's and answers all of the answer.
func fetch(t *testing.T, c gitstorev1.CloneServiceClient, start *gitstorev1.FetchRequest_Start, body ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := c.Fetch(ctx)
	require.NoError(t, err)
	send := func(r *gitstorev1.FetchRequest) {
		if err := stream.Send(r); err != nil {
			require.ErrorIs(t, err, io.EOF) // refused already
		}
	}
	if start != nil {
		send(&gitstorev1.FetchRequest{Part: &gitstorev1.FetchRequest_Start_{Start: start}})
	}
	for _, part := range body {
		send(&gitstorev1.FetchRequest{Part: &gitstorev1.FetchRequest_Data{Data: []byte(part)}})
	}
	require.NoError(t, stream.CloseSend())
	var out strings.Builder
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return out.String(), err
		}
		out.Write(part.GetData())
	}
}

func TestFetchAnswersGitAndLeavesALine(t *testing.T) {
	h := open(t)
	device := newID()
	h.put(h.result(device, "r1", config1))
	c := gitstorev1.NewCloneServiceClient(grpctest.Serve(t, "api", &authn.Principal{UserID: "2", Username: "bob", Permissions: []string{"gitstore.revision.read"}}, h.service))
	before := len(h.trust.lines)

	refs, err := fetch(t, c, &gitstorev1.FetchRequest_Start{Repository: "configs", Refs: true})
	require.NoError(t, err)
	head := strings.TrimSpace(h.git("rev-parse", "main"))
	require.Contains(t, refs, head+" refs/heads/main")
	refs, err = fetch(t, c, &gitstorev1.FetchRequest_Start{Repository: "configs", Protocol: "version=2"}, "0014command=ls-", "refs\n0000")
	require.NoError(t, err)
	require.Contains(t, refs, head+" refs/heads/main")
	require.Len(t, h.trust.lines, before, "a list of refs shows no configuration")

	pack, err := fetch(t, c, &gitstorev1.FetchRequest_Start{Repository: "configs", Protocol: "version=2"},
		"0011command=fetch0001000fno-progress", "0032want "+head+"\n", "0009done\n0000")
	require.NoError(t, err)
	require.Contains(t, pack, "PACK")
	require.Len(t, h.trust.lines, before+1)
	line := h.trust.lines[before]
	require.Equal(t, []string{"config.clone", "repository", "configs", "bob", "OK"}, []string{line.GetAction(), line.GetObjectKind(), line.GetObjectId(), line.GetActorName(), line.GetOutcome()})
}

// Six stalled clones of one user are all that this user gets, and in nobody else's way.
func TestNobodyKeepsOthersFromCloning(t *testing.T) {
	h := open(t)
	h.put(h.result(newID(), "r1", config1))
	user := func(id string) gitstorev1.CloneServiceClient {
		return gitstorev1.NewCloneServiceClient(grpctest.Serve(t, "api", &authn.Principal{UserID: id, Permissions: []string{"gitstore.revision.read"}}, h.service))
	}
	refs := &gitstorev1.FetchRequest_Start{Repository: "configs", Refs: true}
	bob, ann := user("2"), user("3")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range gitstore.ClonesOfOne {
		stream, err := bob.Fetch(ctx)
		require.NoError(t, err)
		require.NoError(t, stream.Send(&gitstorev1.FetchRequest{Part: &gitstorev1.FetchRequest_Start_{Start: &gitstorev1.FetchRequest_Start{Repository: "configs", Protocol: "version=2"}}}))
		require.NoError(t, stream.Send(&gitstorev1.FetchRequest{Part: &gitstorev1.FetchRequest_Data{Data: []byte("0011command=fetch0001000fno-progress")}}))
	}
	require.Eventually(t, func() bool { return gitstore.Fetching(h.service, "2") == gitstore.ClonesOfOne }, time.Minute, time.Millisecond)
	_, err := fetch(t, bob, refs)
	require.Equal(t, "TOO_MANY_CLONES", reason(err))
	require.ErrorContains(t, err, "clones of yours")
	_, err = fetch(t, ann, refs)
	require.NoError(t, err)
	cancel()
	require.Eventually(t, func() bool { return gitstore.Fetching(h.service, "2") == 0 }, time.Minute, time.Millisecond)
	_, err = fetch(t, bob, refs)
	require.NoError(t, err)
}

func TestFetchRefuses(t *testing.T) {
	h := open(t)
	h.put(h.result(newID(), "r1", config1))
	user := func(permissions ...string) gitstorev1.CloneServiceClient {
		return gitstorev1.NewCloneServiceClient(grpctest.Serve(t, "api", &authn.Principal{UserID: "2", Username: "bob", Permissions: permissions}, h.service))
	}
	may := user("gitstore.revision.read")
	for name, c := range map[string]struct {
		as     gitstorev1.CloneServiceClient
		start  *gitstorev1.FetchRequest_Start
		body   string
		reason string
	}{
		"no right":        {user("inventory.*"), &gitstorev1.FetchRequest_Start{Repository: "configs", Refs: true}, "", "PERMISSION_DENIED"},
		"nobody":          {gitstorev1.NewCloneServiceClient(grpctest.Serve(t, "api", nil, h.service)), &gitstorev1.FetchRequest_Start{Repository: "configs", Refs: true}, "", "TOKEN_MISSING"},
		"another":         {may, &gitstorev1.FetchRequest_Start{Repository: "../configs", Refs: true}, "", "REPOSITORY_NOT_FOUND"},
		"no start":        {may, nil, "0000", "FIELD_INVALID"},
		"odd protocol":    {may, &gitstorev1.FetchRequest_Start{Repository: "configs", Refs: true, Protocol: "version=2\nGIT_DIR=/"}, "", "FIELD_INVALID"},
		"without content": {may, &gitstorev1.FetchRequest_Start{}, "", "REPOSITORY_NOT_FOUND"},
	} {
		out, err := fetch(t, c.as, c.start, c.body)
		require.Equal(t, c.reason, reason(err), "%s: %v", name, err)
		require.Empty(t, out, name)
	}
}
