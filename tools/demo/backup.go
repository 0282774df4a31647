package main

import (
	"context"
	"fmt"
	"net/http"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/wellknown"
)

func (d *demo) backUpAll(ctx context.Context) error {
	run, tasks, err := d.backUp(ctx)
	if err != nil {
		return err
	}
	if n := run.GetCounts().GetChanged(); n != deviceCount {
		return fmt.Errorf("%d of %d devices got a first revision", n, deviceCount)
	}
	d.first = run
	if err := d.checkAgents(ctx, tasks); err != nil {
		return err
	}
	d.table(tasks)
	return nil
}

// backUp runs a backup of everything, shows its progress, and checks that every device succeeded.
func (d *demo) backUp(ctx context.Context) (*jobv1.Run, []*jobv1.Task, error) {
	run := &jobv1.Run{}
	if err := d.server.Call(ctx, http.MethodPost, "/runs", &jobv1.CreateRunRequest{Kind: "backup", All: true}, run); err != nil {
		return nil, nil, err
	}
	bar := newBar(d.out)
	err := d.server.Watch(ctx, run.GetId(), func(e *jobv1.RunEvent) { bar.show(e.GetRun().GetCounts()) })
	bar.end()
	if err != nil {
		return nil, nil, err
	}
	if err := d.server.Call(ctx, http.MethodGet, "/runs/"+run.GetId(), nil, run); err != nil {
		return nil, nil, err
	}
	var tasks jobv1.ListTasksResponse
	if err := d.server.Call(ctx, http.MethodGet, "/runs/"+run.GetId()+"/tasks?page_size=1000", nil, &tasks); err != nil {
		return nil, nil, err
	}
	if run.GetState() != jobv1.Run_SUCCEEDED || run.GetCounts().GetSucceeded() != deviceCount || len(tasks.GetItems()) != deviceCount {
		return nil, nil, fmt.Errorf("the run is %s: %d of %d devices succeeded, %d failed%s", run.GetState(), run.GetCounts().GetSucceeded(), deviceCount,
			run.GetCounts().GetFailed(), firstFailure(tasks.GetItems()))
	}
	d.say("%d devices in %.1f s: %d with a new revision, %d unchanged.", deviceCount, run.GetFinishedAt().AsTime().Sub(run.GetCreatedAt().AsTime()).Seconds(),
		run.GetCounts().GetChanged(), run.GetCounts().GetSucceeded()-run.GetCounts().GetChanged())
	return run, tasks.GetItems(), nil
}

func firstFailure(tasks []*jobv1.Task) string {
	for _, t := range tasks {
		if f := t.GetFailure(); f != nil {
			return fmt.Sprintf("; %s: %s at %s: %s", t.GetDeviceName(), f.GetClass(), f.GetStage(), f.GetHint())
		}
	}
	return ""
}

// checkAgents checks that each device was reached by an agent of its own gateway.
func (d *demo) checkAgents(ctx context.Context, tasks []*jobv1.Task) error {
	var agents hubv1.ListAgentsResponse
	if err := d.server.Call(ctx, http.MethodGet, "/agents", nil, &agents); err != nil {
		return err
	}
	gateway := map[string]string{}
	for _, a := range agents.GetItems() {
		gateway[a.GetId()] = a.GetGatewayId()
	}
	want := map[string]string{}
	for _, dev := range d.devices {
		want[dev.GetId()] = d.gateway.GetId()
		if d.local(dev) {
			want[dev.GetId()] = wellknown.LocalGatewayID
		}
	}
	for _, t := range tasks {
		if got := gateway[t.GetAgentId()]; got != want[t.GetDeviceId()] {
			return fmt.Errorf("%s was backed up by an agent of the gateway %q instead of %q", t.GetDeviceName(), got, want[t.GetDeviceId()])
		}
	}
	return nil
}

// table sums up the tasks by platform.
func (d *demo) table(tasks []*jobv1.Task) {
	type row struct{ devices, local, succeeded, changed int }
	rows, order := map[string]*row{}, []string{}
	byID := map[string]*jobv1.Task{}
	for _, t := range tasks {
		byID[t.GetDeviceId()] = t
	}
	for _, dev := range d.devices {
		r := rows[dev.GetPlatform()]
		if r == nil {
			r = &row{}
			rows[dev.GetPlatform()], order = r, append(order, dev.GetPlatform())
		}
		r.devices++
		r.local += one(d.local(dev))
		r.succeeded += one(byID[dev.GetId()].GetState() == jobv1.Task_SUCCEEDED)
		r.changed += one(byID[dev.GetId()].GetChanged())
	}
	d.say("%-20s %8s %10s %12s %10s %14s", "PLATFORM", "DEVICES", "VIA LOCAL", "VIA BRANCH", "SUCCEEDED", "NEW REVISIONS")
	for _, p := range order {
		r := rows[p]
		d.say("%-20s %8d %10d %12d %10d %14d", p, r.devices, r.local, r.devices-r.local, r.succeeded, r.changed)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
