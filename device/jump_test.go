package device

import (
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// forwardTo serves one direct-tcpip channel as sshd does.
func (p *peer) forwardTo(c ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	_ = ssh.Unmarshal(c.ExtraData(), &to)
	address := net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))
	if p.forward == nil {
		_ = c.Reject(ssh.Prohibited, "administratively prohibited")
		return
	}
	if why := p.forward(address); why != 0 {
		_ = c.Reject(why, "open failed")
		return
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, "Connection refused")
		return
	}
	ch, in, err := c.Accept()
	if err != nil {
		_ = conn.Close()
		return
	}
	p.wg.Go(func() { ssh.DiscardRequests(in) })
	p.wg.Go(func() {
		_, _ = io.Copy(conn, ch)
		_ = conn.Close()
	})
	_, _ = io.Copy(ch, conn)
	_ = ch.Close()
}

// begin counts a forwarded connection, unless the host has hung up on conn: as sshd it decides on both in one place.
func (p *peer) begin(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.open, conn) {
		return false
	}
	p.forwards++
	return true
}

func (p *peer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.forwards--; p.forwards == 0 && p.hangUp {
		p.cutAll()
	}
}

func anywhere(string) ssh.RejectionReason { return 0 }

const jumpPassWord = "jump-horse"

// jumped is a device behind a jump host. The jump host takes another password than the device, and the device is dialled only by it.
func jumped(t *testing.T) (host, behind *peer, cfg Config) {
	host, behind = newPeer(t), newPeer(t)
	host.forward = anywhere
	host.config.PasswordCallback = func(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if c.User() == "hop" && string(given) == jumpPassWord {
			return nil, nil
		}
		host.refusals.Add(1)
		return nil, io.ErrUnexpectedEOF
	}
	behind.shell = router("", "r1#", simple)
	host.start()
	behind.start()
	cfg = behind.attempt()
	at := host.listen.Addr().(*net.TCPAddr)
	cfg.Jump = &Jump{
		Spec: &jobv1.TaskSpec{DeviceName: "bastion", Address: at.IP.String(), Port: int32(at.Port), TrustFirstKey: true, CredentialIds: []string{"hop"},
			Deadline: timestamppb.New(time.Now().Add(30 * time.Second))},
		Credentials: func(context.Context) (*vaultv1.Grant, error) {
			return &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{{Id: "hop", Name: "hop one", Username: "hop", Password: jumpPassWord}}}, nil
		},
	}
	direct := host.listen.Addr().String()
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		require.Equal(t, direct, address, "only the jump host is dialled from here")
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return host, behind, cfg
}

func TestADeviceBehindAJumpHost(t *testing.T) {
	host, behind, cfg := jumped(t)
	s, report := mustOpen(t, cfg)
	require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text))
	require.Equal(t, behind.key.Marshal(), report.HostKey)
	require.Equal(t, host.key.Marshal(), report.Jump.HostKey)
	require.Equal(t, jobv1.CredentialOutcome_WORKED, report.Credentials[0].GetResult())
	require.Equal(t, "hop", report.Jump.Credentials[0].GetCredentialId())
	require.Equal(t, jobv1.CredentialOutcome_WORKED, report.Jump.Credentials[0].GetResult())
	require.EqualValues(t, 1, host.logins.Load(), "two connections to the device, one login at its jump host")
	require.EqualValues(t, 2, behind.connections.Load())
	require.Zero(t, host.refusals.Load()+behind.refusals.Load(), "neither sees the other's password")
}

// A host that hangs up with its last forwarded connection is logged in to again.
func TestAJumpHostThatHangsUpInBetween(t *testing.T) {
	host, behind, cfg := jumped(t)
	var asked atomic.Int32
	give := cfg.Jump.Credentials
	cfg.Jump.Credentials = func(ctx context.Context) (*vaultv1.Grant, error) { asked.Add(1); return give(ctx) }
	host.hangUp = true
	s, _ := mustOpen(t, cfg)
	require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text))
	require.EqualValues(t, 2, behind.connections.Load())
	require.EqualValues(t, 1, asked.Load(), "with the grant that was there")
}

func TestFailuresSayAtWhichHop(t *testing.T) {
	t.Run("jump host's key", func(t *testing.T) {
		host, behind, cfg := jumped(t)
		cfg.Jump.Spec.HostKeys, cfg.Jump.Spec.TrustFirstKey = [][]byte{newKey(t).PublicKey().Marshal()}, false
		f, report := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
		atJump(t, f)
		require.Contains(t, f.GetHint(), ssh.FingerprintSHA256(host.key))
		require.Equal(t, host.key.Marshal(), report.Jump.HostKey)
		require.Empty(t, report.HostKey)
		require.Nil(t, report.Grant, "the device's credentials were not asked for")
		require.Zero(t, host.logins.Load()+host.refusals.Load()+behind.connections.Load())
	})
	t.Run("jump host's password", func(t *testing.T) {
		host, behind, cfg := jumped(t)
		cfg.Jump.Credentials = func(context.Context) (*vaultv1.Grant, error) {
			return &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{{Id: "hop", Name: "hop one", Username: "hop", Password: "wrong-password"}}}, nil
		}
		f, report := mustFail(t, cfg, jobv1.Failure_AUTH)
		atJump(t, f)
		require.Equal(t, "hop one", f.GetCredential())
		require.Equal(t, jobv1.CredentialOutcome_REFUSED, report.Jump.Credentials[0].GetResult())
		require.EqualValues(t, 1, host.refusals.Load())
		require.Zero(t, behind.connections.Load())
	})
	t.Run("jump host away", func(t *testing.T) {
		host, _, cfg := jumped(t)
		_ = host.listen.Close()
		f, _ := mustFail(t, cfg, jobv1.Failure_UNREACHABLE)
		atJump(t, f)
	})
	t.Run("forwarding prohibited", func(t *testing.T) {
		host, _, cfg := jumped(t)
		host.forward = nil
		f, _ := mustFail(t, cfg, jobv1.Failure_FORBIDDEN)
		atJump(t, f)
		require.Contains(t, f.GetHint(), "AllowTcpForwarding")
	})
	t.Run("device away", func(t *testing.T) {
		_, behind, cfg := jumped(t)
		_ = behind.listen.Close()
		f, _ := mustFail(t, cfg, jobv1.Failure_UNREACHABLE)
		require.Equal(t, "connect", f.GetStage())
		require.Contains(t, f.GetHint(), "The jump host bastion (127.0.0.1) cannot connect to 127.0.0.1:")
	})
	t.Run("device's key", func(t *testing.T) {
		_, behind, cfg := jumped(t)
		cfg.Spec.HostKeys = [][]byte{newKey(t).PublicKey().Marshal()}
		f, report := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
		require.Equal(t, "host_key", f.GetStage())
		require.NotContains(t, f.GetHint(), "bastion")
		require.Nil(t, report.Grant)
		require.Equal(t, behind.key.Marshal(), report.HostKey)
		require.Zero(t, behind.logins.Load())
	})
	t.Run("device's password", func(t *testing.T) {
		host, behind, cfg := jumped(t)
		cfg.Credentials = func(context.Context) (*vaultv1.Grant, error) {
			return &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{bad()}}, nil
		}
		f, report := mustFail(t, cfg, jobv1.Failure_AUTH)
		require.Equal(t, "login", f.GetStage())
		require.Equal(t, "bad one", f.GetCredential())
		require.Equal(t, jobv1.CredentialOutcome_WORKED, report.Jump.Credentials[0].GetResult(), "the jump host's was not at fault")
		require.EqualValues(t, 1, behind.refusals.Load())
		require.Zero(t, host.refusals.Load())
	})
	t.Run("agent's policy", func(t *testing.T) {
		host, _, cfg := jumped(t)
		cfg.Jump.Allow = func(string) error { return &PolicyError{Rule: "10.0.0.0/8 only"} }
		f, _ := mustFail(t, cfg, jobv1.Failure_POLICY)
		require.Contains(t, f.GetHint(), "10.0.0.0/8 only")
		require.Zero(t, host.connections.Load())
	})
	t.Run("no login", func(t *testing.T) {
		host, _, cfg := jumped(t)
		_, f := Probe(context.Background(), cfg, true)
		require.Equal(t, jobv1.Failure_POLICY, f.GetClass())
		require.Contains(t, f.GetHint(), "bastion")
		require.Zero(t, host.connections.Load())
	})
}

func atJump(t *testing.T, f *jobv1.Failure) {
	t.Helper()
	require.Equal(t, "jump", f.GetStage())
	require.Contains(t, f.GetHint(), "At the jump host bastion (127.0.0.1): ")
}

// A jump host that never answers, and one that dies in the middle of an answer, end within the session's bounds and leave nothing behind.
func TestAJumpHostThatStalls(t *testing.T) {
	host, _, cfg := jumped(t)
	release := make(chan struct{})
	defer close(release)
	host.forward = func(string) ssh.RejectionReason { <-release; return ssh.Prohibited }
	cfg.Limits.Connect = 200 * time.Millisecond
	f, _ := mustFail(t, cfg, jobv1.Failure_UNREACHABLE)
	require.Contains(t, f.GetHint(), "got no answer from")

	host, behind, cfg := jumped(t)
	behind.shell = func(c *console) {
		c.say("r1#")
		for {
			line, ok := c.line()
			if !ok {
				return
			}
			c.say(line + "\r\n")
			if line == "show run" {
				c.say("hostname r1\r\n")
				host.cut()
				continue
			}
			c.say("r1#")
		}
	}
	s, _ := mustOpen(t, cfg)
	_, f = s.Run(Command{Send: "show run"})
	require.Equal(t, jobv1.Failure_INCOMPLETE, f.GetClass(), "%v", f)
}

// cut closes every connection that the peer has.
func (p *peer) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAll()
}

func (p *peer) cutAll() {
	for _, c := range p.open {
		_ = c.Close()
	}
	p.open = nil
}
