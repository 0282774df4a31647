package gitstore_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/services/gitstore"
)

// FAILURES 80: a clone stumbles over a damaged pack that nobody has read from. It is not left until tomorrow: a pass begins, finds it and has it restored.
func Test80WhatACloneStumblesOverIsMended(t *testing.T) {
	h, device := open(t), newID()
	h.mirrorTo(t.TempDir())
	h.put(h.result(device, "r1", config1))
	h.put(h.result(device, "r1", config2))
	require.NoError(t, h.round())
	require.Empty(t, h.verify(), "the next pass is tomorrow's")
	rot(t, h.packs()[0])
	c := gitstorev1.NewCloneServiceClient(grpctest.Serve(t, "api", &authn.Principal{UserID: "2", Username: "bob", Permissions: []string{"gitstore.revision.read"}}, h.service))
	clone := func() string {
		out, _ := fetch(t, c, &gitstorev1.FetchRequest_Start{Repository: "configs", Protocol: "version=2"},
			"0011command=fetch0001000fno-progress", "0032want "+strings.TrimSpace(h.git("rev-parse", "main"))+"\n", "0009done\n0000")
		return out
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	require.False(t, gitstore.VerifyIsDue(h.service))
	require.Contains(t, clone(), "possible repository corruption")
	require.Eventually(t, func() bool { return !strings.Contains(clone(), "corruption") }, time.Minute, 20*time.Millisecond)
	h.git("fsck", "--full", "--strict")
	require.Eventually(t, func() bool { return !gitstore.VerifyIsDue(h.service) }, time.Minute, 20*time.Millisecond, "once")

	// More damage within the hour waits for its time: nobody can have all of it read over and over.
	rot(t, h.packs()[1])
	clone()
	require.False(t, gitstore.VerifyIsDue(h.service))
}
