package app

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"

	agent "github.com/netraven/netraven/gateway-agent"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/jointoken"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/internal/wellknown"
)

// localAgent serves the gateway `local`. It is an agent like any other: it joins with a token and speaks TLS to the agents' door, only that the door is in the
// same process.
type localAgent struct {
	agent  *agent.Agent
	cancel context.CancelFunc
	done   chan struct{}
}

// startAgent starts the local agent where the hub runs. It does not wait for it: /readyz does.
func (h *house) startAgent() error {
	if !h.cfg.local("hub") {
		return nil
	}
	conn, err := h.conns.to("hub", "auth")
	if err != nil {
		return err
	}
	auth := authv1.NewCertificateServiceClient(conn)
	a, err := agent.New(agent.Config{
		DataDir: filepath.Join(h.cfg.Data, "agent"),
		Dial:    func(ctx context.Context) (net.Conn, error) { return h.doors.agentsMem.DialContext(ctx) },
		Join: func(ctx context.Context) (string, error) {
			t, err := auth.CreateJoinToken(ctx, &authv1.CreateJoinTokenRequest{GatewayId: wellknown.LocalGatewayID, CreatedBy: "service:hub"})
			if err != nil {
				return "", err
			}
			return jointoken.Token{Secret: secret.NewString(t.GetToken()), Pin: t.GetAuthorityPin(), GatewayID: t.GetGatewayId()}.Encode(), nil
		},
		Name: "local", Version: h.cfg.Version, MaxSessions: h.cfg.MaxSessions, Policy: agent.Unrestricted(),
	}, agent.Deps{Log: h.log.With("agent", "local")})
	if err != nil {
		return fmt.Errorf("local agent: %w", err)
	}
	run := &localAgent{agent: a, done: make(chan struct{})}
	var ctx context.Context
	ctx, run.cancel = context.WithCancel(context.Background())
	h.agent, h.health.agentReady = run, a.Ready
	go func() {
		defer close(run.done)
		if err := a.Run(ctx); err != nil && ctx.Err() == nil {
			h.fail(fmt.Errorf("local agent: %w", err))
		}
	}()
	return nil
}

func (a *localAgent) stop(deadline time.Time) {
	a.cancel()
	waitUntil(a.done, deadline)
}
