package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/lab"
)

// change is one device that somebody changed, and the text that the change put there.
type change struct {
	device *inventoryv1.Device
	text   string
	run    string
}

// changeTwo changes one device behind the server's own agent and one behind the other.
func (d *demo) changeTwo(ctx context.Context) error {
	for _, c := range []struct {
		platform, text string
		local          bool
	}{{"cisco_ios", "meeting room 3", true}, {"arista_eos", "storage rack 12", false}} {
		i := slices.IndexFunc(d.devices, func(dev *inventoryv1.Device) bool { return dev.GetPlatform() == c.platform && d.local(dev) == c.local })
		if i < 0 {
			return fmt.Errorf("no device of the platform %s to change", c.platform)
		}
		if err := d.lab.Change(ctx, d.devices[i].GetName(), lab.Change{Describe: c.text}); err != nil {
			return err
		}
		d.changed = append(d.changed, change{device: d.devices[i], text: c.text})
		d.say("%s: a port is now described as %q.", d.devices[i].GetName(), c.text)
	}
	return nil
}

func (d *demo) backUpAgain(ctx context.Context) error {
	run, tasks, err := d.backUp(ctx)
	if err != nil {
		return err
	}
	for i := range d.changed {
		d.changed[i].run = run.GetId()
	}
	var want, got []string
	for _, c := range d.changed {
		want = append(want, c.device.GetName())
	}
	for _, t := range tasks {
		if t.GetChanged() {
			got = append(got, t.GetDeviceName())
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) || int(run.GetCounts().GetChanged()) != len(want) {
		return fmt.Errorf("%v were changed, but the second backup sees a change (%d) on %v", want, run.GetCounts().GetChanged(), got)
	}
	return nil
}

func (d *demo) showDiffs(ctx context.Context) error {
	for _, c := range d.changed {
		diff, err := d.diff(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.device.GetName(), err)
		}
		d.say("%s:", c.device.GetName())
		for line := range strings.Lines(diff) {
			d.say("  %s", strings.TrimRight(line, "\n"))
		}
		fresh := func(line string) bool { return strings.HasPrefix(line, "+") && strings.Contains(line, c.text) }
		if !slices.ContainsFunc(strings.Split(diff, "\n"), fresh) {
			return fmt.Errorf("the diff of %s does not add %q", c.device.GetName(), c.text)
		}
	}
	return nil
}

// diff is what the second backup changed on a device, against the revision before.
func (d *demo) diff(ctx context.Context, c change) (string, error) {
	var all gitstorev1.ListRevisionsResponse
	if err := d.server.Call(ctx, http.MethodGet, "/devices/"+c.device.GetId()+"/revisions", nil, &all); err != nil {
		return "", err
	}
	after := slices.IndexFunc(all.GetItems(), func(r *gitstorev1.Revision) bool { return r.GetRunId() == c.run })
	if after < 0 {
		return "", fmt.Errorf("the second backup left no revision")
	}
	to := all.GetItems()[after]
	before := slices.IndexFunc(all.GetItems(), func(r *gitstorev1.Revision) bool {
		return r.GetArtifact() == to.GetArtifact() && r.GetNumber() == to.GetNumber()-1
	})
	if before < 0 {
		return "", fmt.Errorf("the revision %d of %s has none before it", to.GetNumber(), to.GetArtifact())
	}
	from := all.GetItems()[before]
	if from.GetRunId() != d.first.GetId() {
		return "", fmt.Errorf("the revision before is not of the first backup")
	}
	return d.server.Text(ctx, "/diff?"+url.Values{"from": {from.GetId()}, "to": {to.GetId()}}.Encode())
}
