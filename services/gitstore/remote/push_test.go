package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/gitstore/remote"
	"github.com/netraven/netraven/services/gitstore/remote/remotetest"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// short are limits for servers that hang.
var short = remote.Limits{Connect: 500 * time.Millisecond, Idle: 500 * time.Millisecond, Whole: 20 * time.Second}

type here struct {
	*repo.Repo
	t    *testing.T
	head repo.Hash
}

func history(t *testing.T) *here {
	t.Helper()
	r, err := repo.Open(filepath.Join(t.TempDir(), "configs.git"), repo.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return &here{Repo: r, t: t}
}

// commit adds a version of a device.
func (h *here) commit(device, config string) {
	h.t.Helper()
	b, err := h.Prepare(h.t.Context(), h.head, []repo.Change{{Edits: []repo.Edit{repo.Put("default/"+device+"/running.cfg", []byte(config))}, Message: device, When: time.Unix(1_700_000_000, 0)}})
	require.NoError(h.t, err)
	require.NoError(h.t, h.SetHead(h.head, b.Head))
	h.head = b.Head
}

func (h *here) push(target remote.Target) (remote.Outcome, error) {
	return remote.Push(h.t.Context(), h.Repo, h.head, target, remote.Limits{})
}

// failure pushes and answers why it failed.
func (h *here) failure(target remote.Target, l remote.Limits) *remote.Failure {
	h.t.Helper()
	_, err := remote.Push(h.t.Context(), h.Repo, h.head, target, l)
	f, ok := errors.AsType[*remote.Failure](err)
	require.True(h.t, ok, "%v", err)
	require.NotContains(h.t, err.Error(), remotetest.Token)
	return f
}

func TestPushBringsTheHistory(t *testing.T) {
	for _, way := range []string{"https", "ssh"} {
		t.Run(way, func(t *testing.T) {
			h, dir := history(t), remotetest.Bare(t)
			target := remotetest.ServeHTTPS(t, dir)
			if way == "ssh" {
				target, _ = remotetest.ServeSSH(t, dir)
			}
			for i := range 30 { // versions share most of their lines, so that deltas against what the server has are made
				h.commit(fmt.Sprintf("r%d", i%3), strings.Repeat(fmt.Sprintf("interface Gi0/%d\n description same\n", i/3), 50))
				if i%10 == 0 {
					_, err := h.push(target)
					require.NoError(t, err)
					require.Equal(t, h.head.String()+"\n", remotetest.Git(t, dir, "rev-parse", "main"))
				}
			}
			_, err := h.push(target)
			require.NoError(t, err)
			_, err = h.push(target)
			require.NoError(t, err, "a repeat sends nothing")
			remotetest.Git(t, dir, "fsck", "--full", "--strict")
			require.Equal(t, remotetest.Git(t, h.Dir(), "-c", "safe.directory=*", "log", "-p", "main"), remotetest.Git(t, dir, "log", "-p", "main"))
		})
	}
}

// A pack of more than what is sent with its length goes in chunks.
func TestPushSendsMuch(t *testing.T) {
	h, dir := history(t), remotetest.Bare(t)
	noise := make([]byte, 3<<20)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	h.commit("r1", string(noise))
	_, err := h.push(remotetest.ServeHTTPS(t, dir))
	require.NoError(t, err)
	ssh, _ := remotetest.ServeSSH(t, remotetest.Bare(t))
	_, err = h.push(ssh)
	require.NoError(t, err)
	require.Equal(t, h.head.String()+"\n", remotetest.Git(t, dir, "rev-parse", "main"))
}

func TestPushNeverFights(t *testing.T) {
	h, other, dir := history(t), history(t), remotetest.Bare(t)
	h.commit("r1", "mine\n")
	other.commit("r1", "theirs\n")
	target := remotetest.ServeHTTPS(t, dir)
	_, err := other.push(target)
	require.NoError(t, err)
	require.Equal(t, remote.Diverged, h.failure(target, remote.Limits{}).Reason)
	target, _ = remotetest.ServeSSH(t, dir)
	f := h.failure(target, remote.Limits{})
	require.Equal(t, remote.Diverged, f.Reason)
	require.True(t, f.NeedsPerson())
	require.Equal(t, other.head.String()+"\n", remotetest.Git(t, dir, "rev-parse", "main"), "it is left as it is")

	// Nor is a server taken back that is ahead of a history put back to an older moment.
	ahead := remotetest.Bare(t)
	target = remotetest.ServeHTTPS(t, ahead)
	h.commit("r1", "later\n")
	_, err = h.push(target)
	require.NoError(t, err)
	c, err := h.Commit(h.head)
	require.NoError(t, err)
	newest := h.head
	h.head = c.Parent
	require.Equal(t, remote.Diverged, h.failure(target, remote.Limits{}).Reason)
	require.Equal(t, newest.String()+"\n", remotetest.Git(t, ahead, "rev-parse", "main"))
}

func TestPushSaysWhatTheServerSays(t *testing.T) {
	h, dir := history(t), remotetest.Bare(t)
	h.commit("r1", "a\n")
	hook := "#!/bin/sh\necho 'main is protected' >&2\nexit 1\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hooks", "pre-receive"), []byte(hook), 0o755))
	f := h.failure(remotetest.ServeHTTPS(t, dir), remote.Limits{})
	require.Equal(t, remote.Refused, f.Reason)
	require.Contains(t, f.Message, "main is protected")
	target, server := remotetest.ServeSSH(t, dir)
	require.Contains(t, h.failure(target, remote.Limits{}).Message, "main is protected")

	server.Run = func(_ string, ch ssh.Channel) uint32 {
		_, _ = io.WriteString(ch.Stderr(), "ERROR: no such project\x1b[31m\n")
		return 1
	}
	f = h.failure(target, remote.Limits{})
	require.Equal(t, remote.Refused, f.Reason)
	require.Contains(t, f.Message, "It says: ERROR: no such project [31m")
}

func TestPushTellsSecretsThatAreNotTaken(t *testing.T) {
	h, dir := history(t), remotetest.Bare(t)
	h.commit("r1", "a\n")
	target := remotetest.ServeHTTPS(t, dir)
	target.Password = secret.NewString("wrong-" + remotetest.Token)
	f := h.failure(target, remote.Limits{})
	require.Equal(t, remote.Auth, f.Reason)
	require.Contains(t, f.Message, "no, *** is not it", "a server that says the secret back is not quoted with it")
	target.Password = secret.String{}
	require.Equal(t, remote.Auth, h.failure(target, remote.Limits{}).Reason)
	target.CA = ""
	f = h.failure(target, remote.Limits{})
	require.Equal(t, remote.Certificate, f.Reason)
	require.Contains(t, f.Message, "no authority that is known here signed it")

	target, _ = remotetest.ServeSSH(t, dir)
	target.PrivateKey, _ = remotetest.NewKey(t)
	require.Equal(t, remote.Auth, h.failure(target, remote.Limits{}).Reason)
}

func TestPushTrustsTheKnownHostOnly(t *testing.T) {
	h, dir := history(t), remotetest.Bare(t)
	h.commit("r1", "a\n")
	target, server := remotetest.ServeSSH(t, dir)
	server.Run = func(string, ssh.Channel) uint32 { t.Error("a session was opened at an unknown server"); return 1 }
	_, other := remotetest.NewKey(t)
	target.HostKeys = []ssh.PublicKey{other.PublicKey()}
	f := h.failure(target, remote.Limits{})
	require.Equal(t, remote.HostKey, f.Reason)
	require.Contains(t, f.Message, ssh.FingerprintSHA256(server.Key))

	target, server = remotetest.ServeSSH(t, dir)
	target.HostKeys = nil
	out, err := h.push(target)
	require.NoError(t, err)
	keys, err := remote.ParseHostKeys(out.HostKey)
	require.NoError(t, err)
	require.Equal(t, server.Key.Marshal(), keys[0].Marshal())
}

func TestPushAlwaysEnds(t *testing.T) {
	h := history(t)
	h.commit("r1", "a\n")
	hang := make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { close(hang); _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { <-hang; _ = c.Close() }()
		}
	}()
	https := remotetest.ServeHTTPS(t, remotetest.Bare(t))
	https.Address.Host = l.Addr().String()
	sshTarget, _ := remotetest.ServeSSH(t, remotetest.Bare(t))
	sshTarget.Address.Host = l.Addr().String()
	for name, target := range map[string]remote.Target{"tls": https, "ssh": sshTarget} {
		require.Equal(t, remote.Timeout, h.failure(target, short).Reason, name)
	}
	// Also in the middle, over either way.
	target := remotetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-receive-pack-advertisement")
		_, _ = io.WriteString(w, "001f# service=git-receive-pack\n0000")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}), "/there.git")
	require.Equal(t, remote.Timeout, h.failure(target, short).Reason)
	target, server := remotetest.ServeSSH(t, remotetest.Bare(t))
	server.Run = func(_ string, ch ssh.Channel) uint32 { _, _ = io.Copy(io.Discard, ch); return 1 }
	require.Equal(t, remote.Timeout, h.failure(target, short).Reason)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = remote.Push(ctx, h.Repo, h.head, target, remote.Limits{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestPushTellsOtherServers(t *testing.T) {
	h := history(t)
	h.commit("r1", "a\n")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	gone := remotetest.ServeHTTPS(t, remotetest.Bare(t))
	gone.Address.Host = closed.Addr().String()
	f := h.failure(gone, remote.Limits{})
	require.Equal(t, remote.Unreachable, f.Reason)
	require.Contains(t, f.Message, "it refuses connections at this port")

	missing := remotetest.ServeHTTPS(t, remotetest.Bare(t))
	missing.Address.Path = "/other.git"
	require.Equal(t, remote.NotFound, h.failure(missing, remote.Limits{}).Reason)

	answer := func(status int, kind, body string) remote.Target {
		return remotetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://elsewhere.example.net/x.git")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}), "/x.git")
	}
	const refs = "application/x-git-receive-pack-advertisement"
	for name, c := range map[string]struct {
		target remote.Target
		reason string
	}{
		"a page":     {answer(200, "text/html", "<html>"), remote.Refused},
		"moved":      {answer(302, "text/html", ""), remote.Moved},
		"forbidden":  {answer(403, "text/plain", "read only"), remote.Auth},
		"broken":     {answer(502, "text/html", ""), remote.Unreachable},
		"no packets": {answer(200, refs, "hello"), remote.Refused},
		"cut short":  {answer(200, refs, "001f# service=git"), remote.Unreachable},
		"odd refs":   {answer(200, refs, "001f# service=git-receive-pack\n00000009main\n0000"), remote.Refused},
		"too large":  {answer(413, "text/plain", "too large"), remote.Refused},
	} {
		require.Equal(t, c.reason, h.failure(c.target, remote.Limits{}).Reason, name)
	}
}
