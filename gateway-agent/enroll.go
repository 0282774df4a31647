package agent

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/jointoken"
	"github.com/netraven/netraven/internal/pki"
)

const (
	enrollContext  = "netraven enroll v1"
	enrollPatience = 30 * time.Second
)

// enroll spends a join token on the agent's keys, unless that was done before. It tries until it succeeds, ctx ends or the token is
// refused.
func (a *Agent) enroll(ctx context.Context) error {
	if a.identity.enrolled() {
		return nil
	}
	if a.cfg.Join == nil {
		return errors.New("this agent has no identity yet; give it a join token with --join (netraven gateway add NAME prints one)")
	}
	var wait backoff
	for {
		err := a.enrollOnce(ctx)
		if err == nil {
			a.log.Info("joined", "agent", a.identity.agent().AgentID, "gateway", a.identity.agent().GatewayID)
			return nil
		}
		if final(err) {
			return err
		}
		a.log.Warn("cannot join yet", "err", err)
		if !wait.sleep(ctx) {
			return ctx.Err()
		}
	}
}

// errToken is a join text that will never do.
type errToken struct{ error }

func final(err error) bool {
	if _, ok := errors.AsType[errToken](err); ok {
		return true
	}
	switch errs.Code(err) {
	case codes.PermissionDenied, codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented:
		return true
	}
	return false
}

// worded takes a refusal of the hub's out of gRPC's wrapping: who runs the agent by hand reads it.
func worded(err error) error {
	if _, ok := status.FromError(err); ok {
		return errs.New(errs.Code(err), errs.Reason(err), "%s", errs.From(err).Message())
	}
	return err
}

func (a *Agent) enrollOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, enrollPatience)
	defer cancel()
	text, err := a.cfg.Join(ctx)
	if err != nil {
		return err
	}
	token, err := jointoken.Parse(text)
	if err != nil {
		return errToken{err}
	}
	conn, err := a.dial(pinned(token.Pin, a.now))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	req, err := a.enrollRequest(token.Secret.Reveal())
	if err != nil {
		return err
	}
	resp, err := hubv1.NewLinkServiceClient(conn).Enroll(ctx, req)
	if err != nil {
		return err
	}
	return a.joined(resp, token.Pin)
}

// enrollRequest names the agent's keys and proves that it holds them.
func (a *Agent) enrollRequest(secret string) (*hubv1.EnrollRequest, error) {
	public, err := x509.MarshalPKIXPublicKey(a.identity.keys.tls.Public())
	if err != nil {
		return nil, err
	}
	proof := append([]byte(enrollContext+secret), a.identity.keys.sealable...)
	return &hubv1.EnrollRequest{
		Token: secret, PublicKey: public, SealKey: a.identity.keys.sealable, Name: a.cfg.Name,
		Proof: ed25519.Sign(a.identity.keys.tls, proof), Clock: timestamppb.New(a.now()),
	}, nil
}

func (a *Agent) joined(resp *hubv1.EnrollResponse, pin string) error {
	root, err := x509.ParseCertificate(resp.GetAuthority())
	if err != nil || pki.Pin(root) != pin {
		return errToken{errors.New("the authority that answered is not the one the join token names")}
	}
	if err := a.identity.save(resp.GetCertificate(), resp.GetAuthority()); err != nil {
		return err
	}
	if a.cfg.Joined != nil {
		return a.cfg.Joined()
	}
	return nil
}

// renew gets the next certificate over the open connection.
func (a *Agent) renew(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, enrollPatience)
	defer cancel()
	resp, err := hubv1.NewLinkServiceClient(conn).Renew(ctx, &hubv1.RenewRequest{})
	if err != nil {
		return err
	}
	return a.identity.save(resp.GetCertificate(), resp.GetAuthority())
}

// pinned is the TLS configuration of the first connection: of the server's chain, the authority with the pin is trusted and nothing else.
func pinned(pin string, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: pki.HubName,
		InsecureSkipVerify: true, //nolint:gosec // replaced by VerifyConnection
		VerifyConnection: func(state tls.ConnectionState) error {
			for _, cert := range state.PeerCertificates {
				if pki.Pin(cert) != pin {
					continue
				}
				pool := x509.NewCertPool()
				pool.AddCert(cert)
				_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, DNSName: pki.HubName, CurrentTime: now()})
				return err
			}
			return errors.New("the server is not the one the join token names; is a proxy opening TLS on the way?")
		},
	}
}

// dial makes a connection to the hub; the network is touched with its first call.
func (a *Agent) dial(cfg *tls.Config) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///hub",
		grpc.WithTransportCredentials(credentials.NewTLS(cfg)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return a.cfg.Dial(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxFrame)),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0))
}
