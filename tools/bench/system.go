package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/tools/internal/stage"
)

const (
	benchSite = "bench"
	// The caps are raised as far as they go, so that they are not what is measured.
	gatewayLogins    = 5000
	credentialLogins = 1000
	runLimit         = 3 * time.Minute
	pollRun          = 100 * time.Millisecond
	settle           = 500 * time.Millisecond
)

// system is server, agent and devices, each a process of its own.
type system struct {
	*fleet
	server *stage.Server
	agent  *stage.Process
}

// system measures P4, and P15 on the way.
func (b *bench) system(ctx context.Context, folder stage.Folder) (err error) {
	s, err := b.startSystem(ctx, folder)
	defer func() { err = errors.Join(err, s.stop()) }()
	if err != nil {
		return err
	}
	idle, _, err := processMemory(s.agent.PID())
	if err != nil {
		return err
	}
	var limit, first, unchanged effort
	var control time.Duration
	for i, want := range []int{b.devices, 0, 0} {
		e, err := b.limit(ctx, s.targets)
		if err != nil {
			return err
		}
		limit.add(e)
		e, cpu, err := s.backUp(ctx, want)
		if err != nil {
			return err
		}
		if i == 0 {
			first.add(e)
			continue
		}
		unchanged.add(e)
		control += cpu
	}
	b.systemRows(limit, first, unchanged, control)
	return b.agentRows(s, idle)
}

func (b *bench) systemRows(limit, first, unchanged effort, control time.Duration) {
	what := fmt.Sprintf("end to end, %d devices, ", b.devices)
	b.table.compare("P4", what+"first run", "devices/s", first.perSecond(), limit.perSecond(), ">= 0.50")
	b.table.compare("P4", what+"unchanged run", "devices/s", unchanged.perSecond(), limit.perSecond(), ">= 0.60")
	tasks := float64(unchanged.devices)
	b.table.absolute("P4", "control plane with PostgreSQL, unchanged run", fmt.Sprintf("%.2f CPU ms/task", control.Seconds()*1e3/tasks), "<= 0.60 CPU ms/task")
	b.table.compare("P4", "agent, unchanged run", "CPU ms/device", unchanged.cpuPerDevice(), limit.cpuPerDevice(), "-")
}

// agentRows adds P15. The agent has been busy with the runs of P4.
func (b *bench) agentRows(s *system, idle int64) error {
	_, peak, err := processMemory(s.agent.PID())
	if err != nil {
		return err
	}
	program, err := b.programs.Path("netraven-agent")
	if err != nil {
		return err
	}
	info, err := os.Stat(program)
	if err != nil {
		return err
	}
	b.table.absolute("P15", "agent: the program", megabytes(info.Size()), "<= 20 MB")
	b.table.absolute("P15", "agent: idle memory", megabytes(idle), "<= 25 MB")
	b.table.absolute("P15", fmt.Sprintf("agent: memory with %d busy sessions", b.sessions), megabytes(peak), "<= 60 MB")
	return nil
}

// startSystem starts everything and imports the devices. What it answers must be stopped even after an error.
func (b *bench) startSystem(ctx context.Context, folder stage.Folder) (s *system, err error) {
	s = &system{}
	if s.fleet, err = b.startFleet(ctx, folder, b.devices, defaultSize); err != nil {
		return s, err
	}
	if s.server, err = stage.StartServer(ctx, b.programs, folder, "--log-level", "warn"); err != nil {
		return s, err
	}
	if _, err = s.server.FirstLogin(ctx); err != nil {
		return s, err
	}
	gateway := &inventoryv1.Gateway{}
	if err = s.server.Call(ctx, http.MethodPost, "/gateways", &inventoryv1.Gateway{Name: "bench"}, gateway); err != nil {
		return s, err
	}
	caps := &inventoryv1.Gateway{MaxSessions: int32(b.sessions), LoginsPerSecond: gatewayLogins}
	if err = s.server.Call(ctx, http.MethodPatch, "/gateways/"+gateway.GetId(), caps, nil); err != nil {
		return s, err
	}
	if err = s.server.Call(ctx, http.MethodPost, "/sites", &inventoryv1.Site{Name: benchSite, GatewayId: gateway.GetId()}, nil); err != nil {
		return s, err
	}
	if s.agent, err = s.server.JoinAgent(ctx, b.programs, folder, gateway.GetId()); err != nil {
		return s, err
	}
	return s, s.fill(ctx, b)
}

// fill imports the devices and stores their credential.
func (s *system) fill(ctx context.Context, b *bench) error {
	var got inventoryv1.ImportDevicesResponse
	if err := s.server.Upload(ctx, "/devices:import?format=csv", s.sites, &got); err != nil {
		return err
	}
	if int(got.GetCreated()) != b.devices {
		return fmt.Errorf("%d of %d devices were imported, %d rows have errors", got.GetCreated(), b.devices, got.GetErrors())
	}
	return s.server.Call(ctx, http.MethodPost, "/credentials", &vaultv1.Credential{
		Name: "bench", Username: lab.DefaultUsername, Password: lab.DefaultPassword, Tags: []string{"lab"},
		LoginsPerSecond: credentialLogins, MaxInFlight: int32(4 * b.sessions),
	}, nil)
}

// backUp runs one backup of everything. The effort is the run's, with the agent's processor time; control is that of the server and its PostgreSQL.
func (s *system) backUp(ctx context.Context, changed int) (e effort, control time.Duration, err error) {
	serverBefore, agentBefore, err := s.cpu()
	if err != nil {
		return e, 0, err
	}
	run := &jobv1.Run{}
	begin := time.Now()
	if err := s.server.Call(ctx, http.MethodPost, "/runs", &jobv1.CreateRunRequest{Kind: "backup", All: true}, run); err != nil {
		return e, 0, err
	}
	if err := s.wait(ctx, run); err != nil {
		return e, 0, err
	}
	e.elapsed = run.GetFinishedAt().AsTime().Sub(run.GetCreatedAt().AsTime())
	fmt.Fprintf(os.Stderr, "  run: %d devices, %d changed, %s (%s with the last poll)\n", run.GetCounts().GetSucceeded(), run.GetCounts().GetChanged(),
		e.elapsed.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
	if run.GetState() != jobv1.Run_SUCCEEDED || int(run.GetCounts().GetChanged()) != changed {
		return e, 0, fmt.Errorf("the run is %s with %d succeeded and %d changed; %d were to change", run.GetState(), run.GetCounts().GetSucceeded(),
			run.GetCounts().GetChanged(), changed)
	}
	time.Sleep(settle) // what is left to do after a run counts too
	serverAfter, agentAfter, err := s.cpu()
	e.devices, e.cpu = int(run.GetCounts().GetSucceeded()), agentAfter-agentBefore
	return e, serverAfter - serverBefore, err
}

// wait polls the run until it has ended; watching its events would cost the server more.
func (s *system) wait(ctx context.Context, run *jobv1.Run) error {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	tick := time.NewTicker(pollRun)
	defer tick.Stop()
	for run.GetFinishedAt() == nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the run has not ended after %s: %s, %d of %d succeeded, %d failed", runLimit, run.GetState(), run.GetCounts().GetSucceeded(),
				run.GetCounts().GetTotal(), run.GetCounts().GetFailed())
		case <-tick.C:
		}
		if err := s.server.Call(ctx, http.MethodGet, "/runs/"+run.GetId(), nil, run); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) cpu() (server, agent time.Duration, err error) {
	if server, err = familyCPU(s.server.PID()); err != nil {
		return 0, 0, err
	}
	agent, err = familyCPU(s.agent.PID())
	return server, agent, err
}

func (s *system) stop() error {
	err := s.agent.Stop()
	if s.server != nil {
		err = errors.Join(err, s.server.Stop())
	}
	if s.fleet != nil {
		err = errors.Join(err, s.fleet.Stop())
	}
	return err
}
