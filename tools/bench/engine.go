package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"github.com/netraven/netraven/lab/bare"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/tools/internal/stage"
)

const (
	defaultSize = 8 << 10
	engineFleet = 200
	turns       = 8
)

// effort is what reading a number of devices took.
type effort struct {
	devices      int
	elapsed, cpu time.Duration
}

func (e *effort) add(o effort) {
	e.devices, e.elapsed, e.cpu = e.devices+o.devices, e.elapsed+o.elapsed, e.cpu+o.cpu
}

func (e effort) perSecond() float64 { return float64(e.devices) / max(e.elapsed.Seconds(), 1e-9) }

// cpuPerDevice is in milliseconds.
func (e effort) cpuPerDevice() float64 { return e.cpu.Seconds() * 1e3 / float64(max(e.devices, 1)) }

// engine measures P1: the agent's engine alone against the bare client.
func (b *bench) engine(ctx context.Context, folder stage.Folder) error {
	f, err := b.startFleet(ctx, folder, engineFleet, defaultSize)
	if err != nil {
		return err
	}
	defer func() { _ = f.Stop() }() // measured already
	page, err := samePage()
	if err != nil {
		return err
	}
	stop, err := b.startProfile()
	if err != nil {
		return err
	}
	ours, limit, err := b.against(ctx, f, page, 500)
	stop()
	if err != nil {
		return err
	}
	what := fmt.Sprintf("engine alone, 8 KB, %d at once", b.sessions)
	b.table.compare("P1", what, "devices/s", ours.perSecond(), limit.perSecond(), ">= 0.90")
	b.table.compare("P1", what, "CPU ms/device", ours.cpuPerDevice(), limit.cpuPerDevice(), "<= 1.25")
	shipped, _ := platforms.Builtin().Lookup("cisco_ios")
	if ours, limit, err = b.against(ctx, f, shipped, 200); err != nil {
		return err
	}
	what = "the same with the page as shipped (more commands)"
	b.table.compare("P1", what, "devices/s", ours.perSecond(), limit.perSecond(), "-")
	b.table.compare("P1", what, "CPU ms/device", ours.cpuPerDevice(), limit.cpuPerDevice(), "-")
	return nil
}

// sizes measures P2: the same with larger configurations.
func (b *bench) sizes(ctx context.Context, folder stage.Folder) error {
	page, err := samePage()
	if err != nil {
		return err
	}
	for _, s := range []struct {
		size, rounds int
		target       string
	}{{64 << 10, 250, ">= 0.85"}, {1 << 20, 50, ">= 0.80"}} {
		f, err := b.startFleet(ctx, folder, b.sessions, s.size)
		if err != nil {
			return err
		}
		ours, limit, err := b.against(ctx, f, page, s.rounds)
		if stopErr := f.Stop(); err == nil {
			err = stopErr
		}
		if err != nil {
			return err
		}
		what := fmt.Sprintf("engine alone, %d KB, %d at once", s.size>>10, b.sessions)
		b.table.compare("P2", what, "devices/s", ours.perSecond(), limit.perSecond(), s.target)
		b.table.compare("P2", what, "CPU ms/device", ours.cpuPerDevice(), limit.cpuPerDevice(), "-")
	}
	return nil
}

// samePage is the built-in page, asking for what the bare client asks for and no more, so that both do the same work on the wire. Its rules for completeness,
// noise, secrets and facts are as shipped.
func samePage() (*platforms.Page, error) {
	shipped, ok := platforms.Builtin().Lookup("cisco_ios")
	if !ok || len(shipped.Login.Setup) == 0 {
		return nil, fmt.Errorf("the page cisco_ios is not what this bench knows")
	}
	page, config := *shipped, *shipped.Main()
	config.Send = []string{"show running-config"}
	page.Backup = []*platforms.Artifact{&config}
	page.Login.Setup = shipped.Login.Setup[:1] // terminal length 0
	return &page, nil
}

// against reads rounds devices with the bare client and with the engine in turn, a few times.
func (b *bench) against(ctx context.Context, f *fleet, page *platforms.Page, rounds int) (ours, limit effort, err error) {
	targets := make([]bare.Target, rounds)
	for i := range targets {
		targets[i] = f.targets[i%len(f.targets)]
	}
	for range turns {
		e, err := b.limit(ctx, targets)
		if err != nil {
			return ours, limit, err
		}
		limit.add(e)
		if e, err = b.ours(ctx, f, page, rounds); err != nil {
			return ours, limit, err
		}
		ours.add(e)
	}
	return ours, limit, nil
}

// limit reads targets with the bare client.
func (b *bench) limit(ctx context.Context, targets []bare.Target) (effort, error) {
	before, err := ownCPU()
	if err != nil {
		return effort{}, err
	}
	r := bare.Run(ctx, targets, b.sessions)
	after, err := ownCPU()
	if err == nil && r.Failed > 0 {
		err = fmt.Errorf("the bare client failed on %d devices: %w", r.Failed, r.FirstErr)
	}
	return effort{devices: r.Devices, elapsed: r.Elapsed, cpu: after - before}, err
}

// startProfile profiles this process until stop, if a profile was asked for.
func (b *bench) startProfile() (stop func(), err error) {
	if b.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(b.profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile cut short tells so itself
	}, nil
}
