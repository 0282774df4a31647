package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"
)

// Defaults of Config and DeviceSpec fields left at zero.
const (
	DefaultUsername   = "netraven"
	DefaultPassword   = "netraven"
	DefaultConfigSize = 8 << 10
	DefaultSeed       = 1
)

// Config describes a lab. The zero value of every field is usable; a lab needs
// Devices, or a Count.
type Config struct {
	// Devices are served as given. Count more are made up after them.
	Devices []DeviceSpec
	// Count is how many devices to make up, over Platforms in turn.
	Count     int
	Platforms []string
	// Seed decides configurations and host keys.
	Seed uint64

	// Listen is the address of all devices, 127.0.0.1 if empty.
	Listen string
	// Open allows an address that is not loopback.
	Open bool
	// BasePort gives device i the port BasePort+i; 0 lets the system choose.
	BasePort int
	// Spread gives device i an address of its own in 127.0.0.0/8 (after
	// Listen) on the one port BasePort, which must then be set. Linux only.
	Spread bool
	// Shared serves all devices on one listener: the login name chooses the
	// device, as USER%DEVICE. Host key and algorithms are then the first
	// device's, and the faults Down, Mute, Reset and Legacy have no effect.
	Shared bool

	// Username, Password and EnableSecret are those of devices that name none.
	Username, Password, EnableSecret string
	// UserMode starts made-up Cisco-like devices below enable.
	UserMode bool
	// AuthorizedKey may log in as any user, beside the password.
	AuthorizedKey ssh.PublicKey
	// LockAfter locks an account, over all devices, after that many refused
	// logins, as a central directory would. 0 never locks.
	LockAfter int

	// ConfigSize is the size in bytes that generated configurations reach.
	ConfigSize int
	// Latency is the pause before each answer of every device.
	Latency time.Duration
	// Cheap offers curve25519 and aes128-ctr only, the least work per login.
	Cheap bool
	// RSA gives devices an RSA host key beside the ed25519 one.
	RSA bool
}

// DeviceSpec describes one device. Name and Platform are required.
type DeviceSpec struct {
	Name, Platform string
	// Address and Port override Config's choice.
	Address string
	Port    int
	// Site and Tags only go into the inventory.
	Site string
	Tags []string

	Username, Password string
	// UserMode logs in below enable. EnableSecret is what enable then asks
	// for; empty, enable asks nothing.
	UserMode     bool
	EnableSecret string
	ConfigSize   int
	// ConfigText replaces the generated configuration (LF line ends).
	ConfigText string
	Fault      Fault
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1"
	}
	if c.Username == "" {
		c.Username = DefaultUsername
	}
	if c.Password == "" {
		c.Password = DefaultPassword
	}
	if c.ConfigSize == 0 {
		c.ConfigSize = DefaultConfigSize
	}
	if c.Seed == 0 {
		c.Seed = DefaultSeed
	}
	if len(c.Platforms) == 0 {
		c.Platforms = Platforms()
	}
	return c
}

// Validate says what New would refuse.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.Count < 0 || c.Count+len(c.Devices) == 0 {
		return errors.New("a lab needs at least one device")
	}
	for _, p := range c.Platforms {
		if _, ok := personalities[p]; !ok {
			return fmt.Errorf("unknown platform %q, known are %v", p, Platforms())
		}
	}
	if c.BasePort < 0 || c.BasePort > 65535 {
		return fmt.Errorf("base port %d is not in 0..65535", c.BasePort)
	}
	if c.Spread && c.BasePort == 0 {
		return errors.New("an address per device needs a base port: all devices listen on it")
	}
	if c.Spread && c.Shared {
		return errors.New("a shared listener has one address: choose it or an address per device")
	}
	return c.checkAddress(c.Listen)
}

func (c Config) checkAddress(host string) error {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return fmt.Errorf("listen address %q is not an IP address", host)
	}
	if !a.IsLoopback() && !c.Open {
		return fmt.Errorf("listen address %s is not loopback; simulated devices have known passwords, so this has to be allowed", host)
	}
	return nil
}
