package lab_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/lab/bare"
)

type netAddr = net.Addr

func TestNewRefuses(t *testing.T) {
	one := func(s lab.DeviceSpec) lab.Config { return lab.Config{Devices: []lab.DeviceSpec{s}} }
	for want, c := range map[string]lab.Config{
		"at least one device":      {},
		"unknown platform \"vax\"": {Count: 1, Platforms: []string{"vax"}},
		"is not loopback":          {Count: 1, Listen: "0.0.0.0"},
		"is not an IP address":     {Count: 1, Listen: "localhost"},
		"base port 70000":          {Count: 1, BasePort: 70000},
		"needs a base port":        {Count: 1, Spread: true},
		"port 65536 is not":        {Count: 2, BasePort: 65535},
		"unknown platform \"\"":    one(lab.DeviceSpec{Name: "a"}),
		"holds a blank":            one(lab.DeviceSpec{Name: "a b", Platform: "linux"}),
		"chunk is negative":        one(lab.DeviceSpec{Name: "a", Platform: "linux", Fault: lab.Fault{Chunk: -1}}),
		"device a: listen":         one(lab.DeviceSpec{Name: "a", Platform: "linux", Address: "192.0.2.1"}),
		"two devices are named": {Devices: []lab.DeviceSpec{
			{Name: "a", Platform: "linux"}, {Name: "A", Platform: "linux"}}},
	} {
		_, err := lab.New(c)
		require.ErrorContains(t, err, want)
	}
}

func TestTwoThousandDevicesInOneProcess(t *testing.T) {
	l := start(t, lab.Config{Count: 2000, Platforms: []string{"cisco_ios", "arista_eos"}, Cheap: true})
	var targets []bare.Target
	for n, d := range l.Devices() {
		if n%50 == 0 {
			i := d.Info()
			targets = append(targets, bare.Target{Addr: i.Addr(), User: i.Username, Password: i.Password})
		}
	}
	res := bare.Run(context.Background(), targets, 20)
	require.NoError(t, res.FirstErr)
	assert.Equal(t, 40, res.Devices)
	assert.Greater(t, res.Bytes, int64(40*7000))
	assert.Equal(t, 1, l.Summary().MaxSessions)
}

func TestSharedListener(t *testing.T) {
	l := start(t, lab.Config{Count: 20, Platforms: []string{"cisco_ios", "linux"}, Shared: true})
	a, b := l.Devices()[0], l.Devices()[18]
	assert.Equal(t, a.Info().Port, b.Info().Port)
	s := openShell(t, b)
	s.until(b.Info().Name + "#")
	assert.Equal(t, 0, a.Counters().Logins)
	assert.Equal(t, 1, b.Counters().Logins)
	i := a.Info()
	i.Username = "netraven"
	_, err := dial(t, i, nil)
	require.Error(t, err, "no device is named")
}

func TestAddressPerDevice(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free now
	require.NoError(t, err)
	port := ln.Addr().(*net.TCPAddr).Port
	require.NoError(t, ln.Close())
	l, err := lab.New(lab.Config{Count: 3, Listen: "127.7.7.254", Spread: true, BasePort: port})
	require.NoError(t, err)
	if err := l.Start(context.Background()); err != nil {
		t.Skipf("no addresses beyond 127.0.0.1 here: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	assert.Equal(t, "127.7.8.0", l.Devices()[2].Info().Address)
	mustDial(t, l.Devices()[2])
}

func TestContextEndsTheLab(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l, err := lab.New(lab.Config{Count: 1})
	require.NoError(t, err)
	require.NoError(t, l.Start(ctx))
	require.Error(t, l.Start(ctx), "once")
	cancel()
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	_, err = tcp(t, l.Devices()[0])
	require.Error(t, err)
}

func TestCountersOfSessions(t *testing.T) {
	d := single(t, lab.DeviceSpec{Platform: "cisco_ios"})
	for range 20 { // one after the other is never two at once
		require.NoError(t, mustDial(t, d).Close())
	}
	assert.Equal(t, 1, d.Counters().MaxSessions)
	mustDial(t, d)
	s := openShell(t, d)
	s.until("dut#")
	assert.Equal(t, 2, d.Counters().MaxSessions)
	for n := range 150 {
		s.ask(fmt.Sprint("show ", n), "dut#")
	}
	c := d.Counters()
	assert.Equal(t, 150, c.Commands)
	assert.Len(t, c.LastCommands, 100)
	assert.Equal(t, "show 50", c.LastCommands[0])
	assert.Equal(t, "show 149", c.LastCommands[99])
}

func TestChange(t *testing.T) {
	for platform, want := range map[string]string{
		"cisco_ios":         "\ninterface GigabitEthernet1/0/1\n description desk 14\n switchport",
		"arista_eos":        "\ninterface Ethernet1\n   description desk 14\n   mtu",
		"juniper_junos":     "\n    ge-0/0/0 {\n        description \"desk 14\";\n        unit 0",
		"mikrotik_routeros": "\n/interface ethernet\nset [ find default-name=ether1 ] comment=\"desk 14\"\nset [ find default-name=ether2 ]",
		"linux":             "\n192.0.2.250 desk-14\n",
	} {
		t.Run(platform, func(t *testing.T) {
			d := single(t, lab.DeviceSpec{Platform: platform})
			before := d.Config()
			require.NoError(t, d.Change(lab.Change{Describe: "desk 14"}))
			assert.Contains(t, d.Config(), want)
			once := d.Config()
			require.NoError(t, d.Change(lab.Change{Describe: "desk 14"}))
			assert.Equal(t, once, d.Config(), "may be repeated")
			if platform != "linux" {
				assert.Equal(t, strings.Count(before, "\n"), strings.Count(once, "\n"), "replaced, not added")
			}
			require.Error(t, d.Change(lab.Change{Section: "no such thing", Line: "x"}))
			require.Error(t, d.Change(lab.Change{Line: "a\nb"}))
			require.Error(t, d.Change(lab.Change{}))
		})
	}
}

func TestChangeOfAnyLine(t *testing.T) {
	d := single(t, lab.DeviceSpec{Platform: "cisco_ios"})
	require.NoError(t, d.Change(lab.Change{Section: "interface Vlan60", Line: "mtu 1400", By: "alice"}))
	assert.Contains(t, d.Config(), "interface Vlan60\n mtu 1400\n ip address")
	require.NoError(t, d.Change(lab.Change{Section: "interface Vlan60", Line: "mtu 1400", Remove: true}))
	assert.NotContains(t, d.Config(), "mtu 1400")
	require.Error(t, d.Change(lab.Change{Section: "interface Vlan60", Line: "mtu 1400", Remove: true}))
	require.NoError(t, d.Change(lab.Change{Line: "hostname other"}))
	assert.Contains(t, d.Config(), "\nhostname other\n")
	assert.Contains(t, ready(t, d).ask("show run | include Last", "\r\ndut#"), " by alice\r\n")
}

func TestInventory(t *testing.T) {
	l := start(t, lab.Config{Count: 7})
	var b bytes.Buffer
	require.NoError(t, l.WriteInventory(&b))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 8)
	assert.Equal(t, []string{"name", "address", "port", "platform", "site", "tags"}, rows[0])
	i := l.Devices()[6].Info()
	assert.Equal(t, []string{i.Name, "127.0.0.1", fmt.Sprint(i.Port), i.Platform, i.Site, strings.Join(i.Tags, ";")}, rows[7])
}

func TestControlAPI(t *testing.T) {
	l := start(t, lab.Config{Count: 3, Platforms: []string{"cisco_ios"}})
	srv := httptest.NewServer(l.Control())
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	r, ctx := lab.NewRemote(strings.TrimPrefix(srv.URL, "http://")), context.Background()
	all, err := r.Devices(ctx)
	require.NoError(t, err)
	require.Len(t, all, 3)
	name, d := all[1].Name, l.Devices()[1]

	require.NoError(t, r.Change(ctx, name, lab.Change{Describe: "from afar"}))
	assert.Contains(t, d.Config(), " description from afar\n")
	key, err := d.HostKey()
	require.NoError(t, err)
	require.NoError(t, r.RotateHostKey(ctx, name))
	other, err := d.HostKey()
	require.NoError(t, err)
	assert.NotEqual(t, key.Marshal(), other.Marshal())
	require.NoError(t, r.SetPassword(ctx, "*", "rotated"))
	require.NoError(t, r.SetFault(ctx, "*", lab.Fault{RefuseLogin: true, Latency: lab.Duration(1500)}))
	s, err := r.Device(ctx, name)
	require.NoError(t, err)
	assert.Equal(t, lab.Fault{RefuseLogin: true, Latency: 1500}, s.Fault)
	assert.Equal(t, "rotated", s.Password)
	_, err = dial(t, s.Info, nil)
	require.Error(t, err)
	sum, err := r.Summary(ctx)
	require.NoError(t, err)
	assert.Equal(t, 1, sum.RefusedLogins["netraven"])

	require.ErrorContains(t, r.Change(ctx, "nobody", lab.Change{Describe: "x"}), `no device is named "nobody"`)
	require.ErrorContains(t, r.SetFault(ctx, name, lab.Fault{Chunk: -1}), "chunk is negative")
	require.ErrorContains(t, l.ServeControl(ctx, "0.0.0.0:0", nil), "not a loopback")
}
