package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/tools/internal/stage"
)

const (
	branch = "branch"
	// loginsPerSecond keeps the show short. The default, 5, is what spares real login servers.
	loginsPerSecond = 50
)

func (d *demo) startServer(ctx context.Context) (err error) {
	d.say("Everything is in the temporary folder %s.", d.folder.Path)
	if d.server, err = stage.StartServer(ctx, d.programs, d.folder); err != nil {
		return err
	}
	d.guard(d.server.Process)
	d.say("Ready after %.1f s at http://%s.", d.server.StartTime.Seconds(), d.server.HTTPAddr)
	return nil
}

func (d *demo) signIn(ctx context.Context) (err error) {
	if d.password, err = d.server.FirstLogin(ctx); err != nil {
		return err
	}
	d.say("The first password was in a file that only the server's user can read; it is replaced.")
	return nil
}

func (d *demo) joinAgent(ctx context.Context) (err error) {
	d.gateway = &inventoryv1.Gateway{}
	if err := d.server.Call(ctx, http.MethodPost, "/gateways", &inventoryv1.Gateway{Name: branch}, d.gateway); err != nil {
		return err
	}
	site := &inventoryv1.Site{Name: branch, GatewayId: d.gateway.GetId()}
	if err := d.server.Call(ctx, http.MethodPost, "/sites", site, nil); err != nil {
		return err
	}
	if d.agent, err = d.server.JoinAgent(ctx, d.programs, d.folder, d.gateway.GetId()); err != nil {
		return err
	}
	d.guard(d.agent)
	d.say("The agent (process %d) took a one-time token from standard input and is online at the gateway %q.", d.agent.PID(), branch)
	return nil
}

func (d *demo) startLab(ctx context.Context) (err error) {
	if d.lab, err = stage.StartLab(ctx, d.programs, d.folder, "--count", fmt.Sprint(deviceCount)); err != nil {
		return err
	}
	d.guard(d.lab.Process)
	d.say("%d of each: %s.", deviceCount/len(lab.Platforms()), strings.Join(lab.Platforms(), ", "))
	return nil
}

func (d *demo) importDevices(ctx context.Context) error {
	file, err := placed(d.lab.Inventory)
	if err != nil {
		return err
	}
	var got inventoryv1.ImportDevicesResponse
	if err := d.server.Upload(ctx, "/devices:import?format=csv", file, &got); err != nil {
		return err
	}
	if got.GetCreated() != deviceCount || got.GetErrors() != 0 {
		return fmt.Errorf("%d of %d devices were created, %d rows have errors%s", got.GetCreated(), deviceCount, got.GetErrors(), firstRowError(&got))
	}
	credential := &vaultv1.Credential{Name: "lab", Username: lab.DefaultUsername, Password: lab.DefaultPassword, Tags: []string{"lab"}, LoginsPerSecond: loginsPerSecond}
	if err := d.server.Call(ctx, http.MethodPost, "/credentials", credential, nil); err != nil {
		return err
	}
	var all inventoryv1.ListDevicesResponse
	if err := d.server.Call(ctx, http.MethodGet, "/devices?page_size=1000", nil, &all); err != nil {
		return err
	}
	d.devices = all.GetItems()
	if len(d.devices) != deviceCount {
		return fmt.Errorf("%d devices are listed, %d were imported", len(d.devices), deviceCount)
	}
	away := len(slices.DeleteFunc(slices.Clone(d.devices), func(dev *inventoryv1.Device) bool { return d.local(dev) }))
	d.say("%d devices: %d are reached by the server's own agent, %d by the agent of the gateway %q.", len(d.devices), len(d.devices)-away, away, branch)
	d.say("The credential may be used for %d logins a second here (5 unless set), once its first login has worked.", loginsPerSecond)
	return nil
}

// local says whether the server's own agent reaches the device.
func (d *demo) local(dev *inventoryv1.Device) bool { return dev.GetSiteId() == wellknown.DefaultSiteID }

// placed puts every other five devices, one of each platform, behind the agent, the others behind the server.
func placed(inventory []byte) ([]byte, error) {
	rows, err := csv.NewReader(bytes.NewReader(inventory)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(errors.New("the lab's inventory cannot be read"), err)
	}
	site := slices.Index(rows[0], "site")
	if site < 0 {
		return nil, errors.New("the lab's inventory has no column site")
	}
	platforms := len(lab.Platforms())
	for i, row := range rows[1:] {
		row[site] = "default"
		if i/platforms%2 == 1 {
			row[site] = branch
		}
	}
	var out bytes.Buffer
	err = csv.NewWriter(&out).WriteAll(rows)
	return out.Bytes(), err
}

func firstRowError(got *inventoryv1.ImportDevicesResponse) string {
	for _, row := range got.GetRows() {
		if row.GetError() != "" {
			return fmt.Sprintf("; line %d: %s", row.GetLine(), row.GetError())
		}
	}
	return ""
}
