package device

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// ending is how one connection's login came out.
type ending uint8

const (
	loggedIn   ending = iota
	wrongName         // the connection was made under another login name than the credential's
	refused           // the device refused the credential
	unsuitable        // the device takes nothing that the credential has
	broken            // anything else
)

// link is one SSH connection.
type link struct {
	conn   *meter
	watch  *watch
	client ssh.Conn
	unhook func() bool
	gone   chan struct{} // closed when the connection is, once there is one
	served sync.WaitGroup
}

// connect makes one connection and authenticates with the present credential.
func (s *Session) connect() (ending, *jobv1.Failure) {
	s.enter("connect")
	offer, f := s.hostKeyOffer()
	if f != nil {
		return broken, f
	}
	conn, f := s.dial()
	if f != nil {
		return broken, f
	}
	s.enter("host_key")
	l := &link{conn: &meter{Conn: conn}, watch: newWatch(conn, s.limits.Login)}
	l.unhook = context.AfterFunc(s.ctx, func() { l.watch.close(cancelled) })
	s.link = l
	return s.handshake(l, offer)
}

func (s *Session) handshake(l *link, offer []string) (ending, *jobv1.Failure) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	l.watch.whenShut(cancel) // ends the wait for credentials, on which the handshake waits
	a := &auth{session: s, ctx: ctx, user: s.username()}
	client, channels, requests, err := ssh.NewClientConn(l.conn, s.address(), &ssh.ClientConfig{
		Config:            transportConfig(s.legacy()),
		User:              a.user,
		HostKeyAlgorithms: offer,
		HostKeyCallback:   func(_ string, _ net.Addr, key ssh.PublicKey) error { return a.checkHostKey(key) },
		AuthCallback:      a.next,
		BannerCallback: func(text string) error {
			s.overheard(text)
			return nil
		},
		ClientVersion: "SSH-2.0-NetRaven",
	})
	cancel()
	a.finish()
	if err == nil {
		l.client = client
		l.serve(channels, requests)
		if every := s.cfg.Spec.GetKeepaliveSeconds(); every > 0 {
			l.keepAlive(time.Duration(every) * time.Second)
		}
		s.noteAlgorithms(client)
		return loggedIn, nil
	}
	if r := l.watch.reason(); r != open && a.end == refused {
		return broken, s.cutOff(r) // we hung up; the device refused nothing
	}
	if a.end != loggedIn {
		return a.end, a.failure
	}
	if l.watch.reason() == open && a.asked() && !errors.As(err, new(*ssh.AlgorithmNegotiationError)) {
		return a.refusal()
	}
	return broken, s.handshakeFailed(l, err)
}

// username returns the login name to connect under: the credential's, once it is known, else the one
// remembered from an earlier session.
func (s *Session) username() string {
	if c := s.credential(); c != nil {
		return c.GetUsername()
	}
	if ids := s.cfg.Spec.GetCredentialIds(); len(ids) > 0 {
		return s.cfg.Usernames.get(ids[0])
	}
	return ""
}

func (s *Session) noteAlgorithms(c ssh.Conn) {
	with, ok := c.(ssh.AlgorithmsConnMetadata)
	if !ok {
		return
	}
	a := with.Algorithms()
	s.report.Algorithms = a.KeyExchange + " " + a.HostKey + " " + a.Read.Cipher
	for _, old := range ssh.InsecureAlgorithms().KeyExchanges {
		if a.KeyExchange == old {
			s.cfg.Log("warn", "the device uses the old key exchange "+old)
		}
	}
}

// serve answers what a device may ask of a client: nothing is granted, keep-alives get their no.
func (l *link) serve(channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	l.gone = make(chan struct{})
	l.served.Go(func() {
		defer close(l.gone)
		for channels != nil || requests != nil {
			select {
			case c, ok := <-channels:
				if !ok {
					channels = nil
					continue
				}
				_ = c.Reject(ssh.Prohibited, "not here")
			case r, ok := <-requests:
				if !ok {
					requests = nil
					continue
				}
				_ = r.Reply(false, nil)
			}
		}
	})
}

// close ends the connection and waits until nothing of it runs.
func (l *link) close() {
	l.unhook()
	l.watch.close(done)
	if l.client != nil {
		_ = l.client.Wait()
	}
	l.served.Wait()
}
