package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshWay is git's protocol in one session of SSH.
type sshWay struct {
	target  Target
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	stderr  *stderr
	ended   func() bool
}

func openSSH(ctx context.Context, t Target, l Limits, w *watch, keys *hostKeys) (*sshWay, error) {
	signer, err := ParseKey(t.PrivateKey, t.Passphrase)
	if err != nil {
		return nil, failed(Auth, "%s; set the key again", err)
	}
	conn, err := w.dial(ctx, l, t.Address.Host)
	if err != nil {
		return nil, err
	}
	s := &sshWay{target: t, stderr: &stderr{}}
	s.ended = context.AfterFunc(ctx, func() { _ = conn.Close() }) // whatever waits then gets an error
	_ = conn.SetDeadline(time.Now().Add(l.Connect))
	c, chans, reqs, err := ssh.NewClientConn(conn, t.Address.Host, &ssh.ClientConfig{
		User: t.user(), Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: keys.check, HostKeyAlgorithms: keys.algorithms(), ClientVersion: "SSH-2.0-netraven",
	})
	if err != nil {
		s.ended()
		_ = conn.Close()
		return nil, s.handshake(err, keys)
	}
	_ = conn.SetDeadline(time.Time{})
	s.client = ssh.NewClient(c, chans, reqs)
	if err := s.start(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// handshake is what an error of the handshake means.
func (s *sshWay) handshake(err error, keys *hostKeys) error {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	host := s.target.Address.Host
	if keys.shown != nil { // the server had its say before the user had
		if strings.Contains(err.Error(), "unable to authenticate") {
			return failed(Auth, "%s does not take the key of %s; its public half must be there as a deploy key that may write", host, s.target.user()).because(err)
		}
		return err
	}
	if _, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok && len(keys.known) > 0 {
		return failed(HostKey, "%s has no host key of the known types (%s); if its keys were changed on purpose, give a new one as known_host", host, strings.Join(keys.algorithms(), ", ")).because(err)
	}
	return err
}

// start asks for receive-pack.
func (s *sshWay) start() error {
	var err error
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	if s.out, err = s.session.StdoutPipe(); err != nil {
		return err
	}
	s.session.Stderr = s.stderr
	return s.session.Start(service + " " + quoted(s.target.Address.Path))
}

// quoted is a path as the server's shell reads it as one word.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

func (s *sshWay) refs() io.Reader { return s.out }

// send delivers the request. A server that is done early says why: what it answers counts more than that it took no more.
func (s *sshWay) send(request io.Reader) (io.Reader, error) {
	_, err := io.Copy(s.in, request)
	if err == nil {
		err = s.in.Close()
	}
	if err != nil {
		if f, ok := errors.AsType[*Failure](err); ok {
			return nil, f
		}
		return &afterError{s.out, fmt.Errorf("the server took no more: %w", err)}, nil
	}
	return s.out, nil
}

// said waits for the server to end the session: its words may come behind its data.
func (s *sshWay) said() string {
	_ = s.session.Wait()
	return s.target.words(s.stderr.String())
}

func (s *sshWay) close() {
	if s.session != nil {
		_ = s.session.Close()
	}
	_ = s.client.Close()
	s.ended()
}

// afterError reads what is there, and then fails as the other direction did.
type afterError struct {
	io.Reader
	err error
}

func (a *afterError) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = a.err
	}
	return n, err
}

// stderr keeps the beginning of what the server says. Safe for concurrent use.
type stderr struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (e *stderr) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept.Write(p[:min(len(p), max(0, 4*maxWords-e.kept.Len()))])
	return len(p), nil
}

func (e *stderr) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.kept.String()
}
