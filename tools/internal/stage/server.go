package stage

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
)

const (
	startLimit = 90 * time.Second // a slow machine's first start; usually two seconds
	tries      = 3
	joinLimit  = 30 * time.Second
)

// Server is `netraven serve` with its private PostgreSQL.
type Server struct {
	*Process
	*Client
	// HTTPAddr, GRPCAddr and AgentsAddr are where it listens.
	HTTPAddr, GRPCAddr, AgentsAddr string
	// Data is its folder.
	Data string
	// StartTime is how long it took from the start of the process to 200 from /readyz.
	StartTime time.Duration
}

// StartServer starts a server with its data in folder/data and waits until it is ready.
func StartServer(ctx context.Context, programs Programs, folder Folder, args ...string) (*Server, error) {
	program, err := programs.Path("netraven")
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := startServer(ctx, program, folder, args)
		// Somebody else may take a port between our choice and the server's start.
		if err == nil || try == tries || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return s, err
		}
	}
}

func startServer(ctx context.Context, program string, folder Folder, args []string) (*Server, error) {
	free, err := FreeAddresses(3)
	if err != nil {
		return nil, err
	}
	s := &Server{HTTPAddr: free[0], GRPCAddr: free[1], AgentsAddr: free[2], Data: folder.In("data"), Client: NewClient(free[0])}
	args = append([]string{"serve", "--data", s.Data, "--http", s.HTTPAddr, "--grpc", s.GRPCAddr, "--agents", s.AgentsAddr}, args...)
	begin := time.Now()
	if s.Process, err = Launch("server", folder.Log("server"), nil, program, args...); err != nil {
		return nil, err
	}
	if err := Until(ctx, s.Process, startLimit, s.Ready); err != nil {
		_ = s.Stop() // the first error is the one to tell
		return nil, err
	}
	s.StartTime = time.Since(begin)
	return s, nil
}

// FirstLogin signs in as admin with the password of the first start, changes it as the server asks, and answers the new one.
func (s *Server) FirstLogin(ctx context.Context) (password string, err error) {
	first, err := os.ReadFile(filepath.Join(s.Data, "admin-password"))
	if err != nil {
		return "", err
	}
	must, err := s.Login(ctx, "admin", strings.TrimSpace(string(first)))
	if err != nil {
		return "", err
	}
	if !must {
		return "", fmt.Errorf("the server does not ask for another password at the first sign-in")
	}
	password = "demo-" + rand.Text()[:16]
	return password, s.ChangePassword(ctx, strings.TrimSpace(string(first)), password)
}

// policy lets the agent connect to the simulated devices. Agents keep away from their own host unless told otherwise.
const policy = "networks: [127.0.0.0/8]\n"

// JoinAgent starts an agent process for a gateway, with a join token made for it, and waits until the server sees it online.
func (s *Server) JoinAgent(ctx context.Context, programs Programs, folder Folder, gateway string) (*Process, error) {
	program, err := programs.Path("netraven-agent")
	if err != nil {
		return nil, err
	}
	var token hubv1.JoinToken
	if err := s.Call(ctx, http.MethodPost, "/gateways/"+gateway+"/join_tokens", &hubv1.CreateJoinTokenRequest{}, &token); err != nil {
		return nil, err
	}
	rules := folder.In("agent-policy.yaml")
	if err := os.WriteFile(rules, []byte(policy), 0o600); err != nil {
		return nil, err
	}
	p, err := Launch("agent", folder.Log("agent"), strings.NewReader(token.GetToken()+"\n"), program,
		"--join", "-", "--server", s.AgentsAddr, "--data", folder.In("agent"), "--name", "agent", "--policy", rules)
	if err != nil {
		return nil, err
	}
	err = Until(ctx, p, joinLimit, func(ctx context.Context) error {
		var agents hubv1.ListAgentsResponse
		if err := s.Call(ctx, http.MethodGet, "/agents?gateway_id="+url.QueryEscape(gateway), nil, &agents); err != nil {
			return err
		}
		for _, a := range agents.GetItems() {
			if a.GetState() == hubv1.Agent_ONLINE {
				return nil
			}
		}
		return fmt.Errorf("the server does not see the agent online")
	})
	if err != nil {
		_ = p.Stop() // as above
		return nil, err
	}
	return p, nil
}
