package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/lab/bare"
	"github.com/netraven/netraven/tools/internal/stage"
)

// fleet is a running lab of one platform, with the algorithms of the limit.
type fleet struct {
	*stage.Lab
	names   []string
	targets []bare.Target
	sites   []byte // the inventory, every device in the site "bench"
}

// startFleet starts count devices with configurations of size bytes. Each is read once, because configurations are made when they are first asked for.
// more are further options of the lab.
func (b *bench) startFleet(ctx context.Context, folder stage.Folder, count, size int, more ...string) (*fleet, error) {
	options := append([]string{"--cheap", "--platforms", "cisco_ios", "--count", fmt.Sprint(count), "--config-size", fmt.Sprint(size)}, more...)
	l, err := stage.StartLab(ctx, b.programs, folder, options...)
	if err != nil {
		return nil, err
	}
	f := &fleet{Lab: l}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, l.Stop())
	}
	if r := bare.Run(ctx, f.targets, b.sessions); r.Failed > 0 {
		return nil, errors.Join(fmt.Errorf("%d devices cannot be read: %w", r.Failed, r.FirstErr), l.Stop())
	}
	return f, nil
}

// read takes the devices from the inventory.
func (f *fleet) read() error {
	rows, err := csv.NewReader(bytes.NewReader(f.Inventory)).ReadAll()
	if err != nil || len(rows) < 2 {
		return errors.Join(errors.New("the lab's inventory cannot be read"), err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	name, address, port, site := column("name"), column("address"), column("port"), column("site")
	if min(name, address, port, site) < 0 {
		return fmt.Errorf("the lab's inventory has the columns %v", rows[0])
	}
	for _, row := range rows[1:] {
		row[site] = benchSite
		f.names = append(f.names, row[name])
		f.targets = append(f.targets, bare.Target{Addr: row[address] + ":" + row[port], User: lab.DefaultUsername, Password: lab.DefaultPassword})
	}
	var out bytes.Buffer
	err = csv.NewWriter(&out).WriteAll(rows)
	f.sites = out.Bytes()
	return err
}

// endpoint is where device i listens.
func (f *fleet) endpoint(i int) (netip.AddrPort, error) {
	return netip.ParseAddrPort(f.targets[i].Addr)
}
