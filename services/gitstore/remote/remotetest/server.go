// Package remotetest runs real git servers for tests: git's own behind TLS and a token, and behind SSH and a key.
package remotetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/cgi" //nolint:gosec // Go's cgi drops the Proxy header
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/gitstore/remote"
)

// Token is what the HTTPS servers take.
const Token = "glpat-token-Xy99"

// Bare makes an empty repository and answers its folder.
func Bare(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "there.git")
	Git(t, "", "init", "-q", "--bare", "-b", "main", dir)
	Git(t, dir, "config", "http.receivepack", "true")
	return dir
}

// Git runs the program, in a repository if one is named.
func Git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	if dir != "" {
		args = append([]string{"-C", dir}, args...)
	}
	cmd := exec.CommandContext(t.Context(), "git", args...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
	return string(out)
}

// ServeHTTPS is git's own server of smart HTTP behind TLS and a token.
func ServeHTTPS(t *testing.T, dir string) remote.Target {
	t.Helper()
	program, err := exec.LookPath("git")
	require.NoError(t, err)
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=x"}, Stderr: io.Discard}
	return Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != Token {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "no, "+password+" is not it", http.StatusUnauthorized)
			return
		}
		r.TransferEncoding = nil // cgi refuses chunks, which long pushes come in
		backend.ServeHTTP(w, r)
	}), "/there.git")
}

// Serve is any HTTPS server, as a target that trusts it.
func Serve(t *testing.T, h http.Handler, path string) remote.Target {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	a, err := remote.ParseAddress(s.URL + path)
	require.NoError(t, err)
	return remote.Target{Address: a, Username: "oauth2", Password: secret.NewString(Token),
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))}
}

// NewKey is a private key as people give it, and its public half.
func NewKey(t *testing.T) (secret.String, ssh.Signer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return secret.NewString(string(pem.EncodeToMemory(block))), signer
}

// SSHServer runs git's receive-pack for who has the key.
type SSHServer struct {
	// Key is the server's own.
	Key ssh.PublicKey
	// Run answers the command of a session.
	Run    func(command string, ch ssh.Channel) (status uint32)
	config *ssh.ServerConfig
}

// ServeSSH lets one key push to a repository.
func ServeSSH(t *testing.T, dir string) (remote.Target, *SSHServer) {
	t.Helper()
	private, user := NewKey(t)
	_, host := NewKey(t)
	s := &SSHServer{Key: host.PublicKey(), config: &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(user.PublicKey().Marshal()) {
			return nil, io.EOF
		}
		return nil, nil
	}}}
	s.config.AddHostKey(host)
	s.Run = func(command string, ch ssh.Channel) uint32 {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command) // as a git account's shell does
		cmd.Dir = filepath.Dir(dir)
		cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
		in, err := cmd.StdinPipe()
		if err != nil || cmd.Start() != nil {
			return 1
		}
		go func() { _, _ = io.Copy(in, ch); _ = in.Close() }()
		if cmd.Wait() != nil {
			return 1
		}
		return 0
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(c) })
		}
	})
	a, err := remote.ParseAddress("ssh://git@" + l.Addr().String() + dir)
	require.NoError(t, err)
	return remote.Target{Address: a, PrivateKey: private, HostKeys: []ssh.PublicKey{s.Key}}, s
}

func (s *SSHServer) serve(c net.Conn) {
	defer c.Close()
	_, chans, reqs, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for n := range chans {
		ch, in, err := n.Accept()
		if err != nil {
			return
		}
		for r := range in {
			_ = r.Reply(r.Type == "exec", nil)
			if r.Type == "exec" {
				var p struct{ Command string }
				_ = ssh.Unmarshal(r.Payload, &p)
				status := s.Run(p.Command, ch)
				_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
				_ = ch.Close()
			}
		}
	}
}
