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
	tellEvery        = 2 * time.Second
	settle           = 500 * time.Millisecond
)

// system is server, agent and devices, each a process of its own.
type system struct {
	*fleet
	server *stage.Server
	agent  *stage.Process
}

// spent is processor time.
type spent struct{ server, database, agent time.Duration }

func (s spent) since(o spent) spent {
	return spent{server: s.server - o.server, database: s.database - o.database, agent: s.agent - o.agent}
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
	var cpu spent
	for i, want := range []int{b.devices, 0, 0} {
		e, err := b.limit(ctx, s.targets)
		if err != nil {
			return err
		}
		limit.add(e)
		e, used, err := s.backUp(ctx, want)
		if err != nil {
			return err
		}
		if i == 0 {
			first.add(e)
			continue
		}
		unchanged.add(e)
		cpu = spent{server: cpu.server + used.server, database: cpu.database + used.database, agent: cpu.agent + used.agent}
	}
	b.systemRows(limit, first, unchanged, cpu)
	return b.agentRows(s, idle)
}

func (b *bench) systemRows(limit, first, unchanged effort, cpu spent) {
	what := fmt.Sprintf("end to end, %d devices, ", b.devices)
	b.table.compare("P4", what+"first run", "devices/s", first.perSecond(), limit.perSecond(), ">= 0.50")
	b.table.compare("P4", what+"unchanged run", "devices/s", unchanged.perSecond(), limit.perSecond(), ">= 0.60")
	each := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(unchanged.devices) }
	b.table.absolute("P4", fmt.Sprintf("control plane, unchanged run (server %.2f, PostgreSQL %.2f)", each(cpu.server), each(cpu.database)),
		fmt.Sprintf("%.2f CPU ms/task", each(cpu.server+cpu.database)), "<= 0.60 CPU ms/task")
	b.table.compare("P4", "agent, unchanged run", "CPU ms/device", each(cpu.agent), limit.cpuPerDevice(), "-")
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

// backUp runs one backup of everything and checks how many devices changed.
func (s *system) backUp(ctx context.Context, changed int) (effort, spent, error) {
	before, err := s.cpu()
	if err != nil {
		return effort{}, spent{}, err
	}
	run := &jobv1.Run{}
	if err := s.server.Call(ctx, http.MethodPost, "/runs", &jobv1.CreateRunRequest{Kind: "backup", All: true}, run); err != nil {
		return effort{}, spent{}, err
	}
	if err := s.wait(ctx, run); err != nil {
		return effort{}, spent{}, err
	}
	c := run.GetCounts()
	if run.GetState() != jobv1.Run_SUCCEEDED || int(c.GetChanged()) != changed {
		return effort{}, spent{}, fmt.Errorf("the run is %s with %d succeeded and %d changed; %d were to change", run.GetState(), c.GetSucceeded(), c.GetChanged(), changed)
	}
	e := effort{devices: int(c.GetSucceeded()), elapsed: run.GetFinishedAt().AsTime().Sub(run.GetCreatedAt().AsTime())}
	fmt.Fprintf(os.Stderr, "  %d devices in %s, %d changed\n", e.devices, e.elapsed.Round(time.Millisecond), c.GetChanged())
	time.Sleep(settle) // what is left to do after a run counts too
	after, err := s.cpu()
	return e, after.since(before), err
}

// wait polls the run until it has ended; watching its events would cost the server more.
func (s *system) wait(ctx context.Context, run *jobv1.Run) error {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	tick := time.NewTicker(pollRun)
	defer tick.Stop()
	begin, told := time.Now(), 0
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
		if passed := int(time.Since(begin) / tellEvery); passed > told {
			told = passed
			c := run.GetCounts()
			fmt.Fprintf(os.Stderr, "  after %s: %d of %d done, %d running\n", time.Duration(told)*tellEvery, c.GetSucceeded()+c.GetFailed(), c.GetTotal(), c.GetRunning())
		}
	}
	return nil
}

// cpu is what server, database and agent have used so far.
func (s *system) cpu() (spent, error) {
	all, err := family(s.server.PID())
	if err != nil {
		return spent{}, err
	}
	var out spent
	for i, p := range all {
		if i == 0 {
			out.server = p.cpu
		} else {
			out.database += p.cpu
		}
	}
	agent, err := readStat(s.agent.PID())
	out.agent = agent.cpu
	return out, err
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
