package lab

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Device is one simulated device. Its methods may be called at any time from
// any goroutine.
type Device struct {
	lab   *Lab
	spec  DeviceSpec
	index int
	kind  personality
	keys  hostKeys
	tally tally

	mu       sync.Mutex
	port     int
	ln       net.Listener
	password string
	fault    Fault
	conf     *configuration
	born     time.Time
}

// Info says how to reach a device and log in.
type Info struct {
	Name         string   `json:"name"`
	Platform     string   `json:"platform"`
	Address      string   `json:"address"`
	Port         int      `json:"port"`
	Site         string   `json:"site"`
	Tags         []string `json:"tags"`
	Username     string   `json:"username"`
	Password     string   `json:"password"`
	UserMode     bool     `json:"user_mode"`
	EnableSecret string   `json:"enable_secret"`
}

// Addr is "address:port".
func (i Info) Addr() string { return net.JoinHostPort(i.Address, strconv.Itoa(i.Port)) }

func newDevice(l *Lab, s DeviceSpec, index int) *Device {
	return &Device{
		lab: l, spec: s, index: index, kind: personalities[s.Platform], port: s.Port,
		keys:     hostKeys{seed: l.cfg.Seed, name: s.Name},
		password: s.Password, fault: s.Fault, born: time.Now(),
	}
}

// Info describes the device; the port is the real one once the lab listens.
func (d *Device) Info() Info {
	d.mu.Lock()
	defer d.mu.Unlock()
	user := d.spec.Username
	if d.lab.cfg.Shared {
		user += "%" + d.spec.Name
	}
	return Info{
		Name: d.spec.Name, Platform: d.spec.Platform, Address: d.spec.Address, Port: d.port,
		Site: d.spec.Site, Tags: append([]string{}, d.spec.Tags...), Username: user, Password: d.password,
		UserMode: d.spec.UserMode, EnableSecret: d.spec.EnableSecret,
	}
}

// Counters returns what happened to the device so far.
func (d *Device) Counters() Counters { return d.tally.snapshot() }

// Fault returns what is set.
func (d *Device) Fault() Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fault
}

// SetFault replaces what the device does wrong; the zero Fault heals it.
func (d *Device) SetFault(f Fault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	d.mu.Lock()
	d.fault = f
	d.mu.Unlock()
	if f.Down {
		d.unlisten()
		return nil
	}
	return d.listen()
}

// SetPassword changes what the device takes from now on.
func (d *Device) SetPassword(p string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.password = p
}

// RotateHostKey gives the device another host key, from the next connection on.
func (d *Device) RotateHostKey() { d.keys.rotate() }

// HostKey returns the public ed25519 host key.
func (d *Device) HostKey() (ssh.PublicKey, error) {
	s, err := d.keys.ed25519()
	if err != nil {
		return nil, err
	}
	return s.PublicKey(), nil
}

// Config returns the configuration's text without volatile lines, LF ends.
func (d *Device) Config() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.configuration().text()
}

// Change edits the configuration. The error is a sentence about c.
func (d *Device) Change(c Change) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.configuration().change(c, d.kind)
}

// rendered is the configuration as the device shows it now, CR LF line ends.
func (d *Device) rendered() configText {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.configuration()
	c.reads++
	return d.kind.render(newIdentity(d), c)
}

// configuration makes the configuration when it is first needed: two thousand
// devices of which ten are asked cost ten. d.mu is held.
func (d *Device) configuration() *configuration {
	if d.conf == nil {
		text := d.spec.ConfigText
		if text == "" {
			text = d.kind.generate(newIdentity(d))
		}
		d.conf = newConfiguration(text, d.spec.Username)
	}
	return d.conf
}

// listen opens the device's listener unless it is open, or the lab is closed
// or not started.
func (d *Device) listen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lab.mu.Lock() // within d.mu, so that Close finds every listener opened before it
	idle := d.lab.closed || !d.lab.started || d.lab.cfg.Shared
	d.lab.mu.Unlock()
	if idle || d.ln != nil {
		return nil
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(d.spec.Address, strconv.Itoa(d.port)))
	if err != nil {
		return fmt.Errorf("device %s: %w", d.spec.Name, err)
	}
	d.ln, d.port = ln, portOf(ln)
	d.lab.acceptLoop(ln, d)
	return nil
}

func (d *Device) unlisten() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ln != nil {
		_ = d.ln.Close()
		d.ln = nil
	}
}

func (d *Device) setPort(p int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.port = p
}
