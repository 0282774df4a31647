package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

var (
	fleetSites = []string{"amsterdam", "berlin", "cork", "dresden"}
	fleetRoles = map[string]string{
		"cisco_ios": "access", "arista_eos": "leaf", "juniper_junos": "edge",
		"mikrotik_routeros": "branch", "linux": "host",
	}
	fleetShort = map[string]string{
		"cisco_ios": "ios", "arista_eos": "eos", "juniper_junos": "junos",
		"mikrotik_routeros": "ros", "linux": "linux",
	}
)

// plan turns c into the full list of devices, with addresses and ports (0:
// the system chooses).
func plan(c Config) ([]DeviceSpec, error) {
	specs := slices.Clone(c.Devices)
	for i := range c.Count {
		p := c.Platforms[i%len(c.Platforms)]
		site := fleetSites[i%len(fleetSites)]
		specs = append(specs, DeviceSpec{
			Name:     fmt.Sprintf("%s-%s-%04d", site[:3], fleetShort[p], i+1),
			Platform: p, Site: site, UserMode: c.UserMode, EnableSecret: c.EnableSecret,
			Tags: []string{"lab", fleetRoles[p]},
		})
	}
	seen := make(map[string]bool, len(specs))
	base, err := netip.ParseAddr(c.Listen)
	if err != nil {
		return nil, err
	}
	for i := range specs {
		s := &specs[i]
		if err := complete(c, s, i, base); err != nil {
			return nil, err
		}
		key := strings.ToLower(s.Name)
		if seen[key] {
			return nil, fmt.Errorf("two devices are named %q", s.Name)
		}
		seen[key] = true
		if c.Spread {
			base = base.Next()
		}
	}
	return specs, nil
}

func complete(c Config, s *DeviceSpec, i int, base netip.Addr) error {
	if s.Name == "" || strings.ContainsAny(s.Name, " \t\r\n/%,\"") {
		return fmt.Errorf("device %d: the name %q is empty or holds a blank, comma, quote, slash or percent sign", i+1, s.Name)
	}
	if _, ok := personalities[s.Platform]; !ok {
		return fmt.Errorf("device %s: unknown platform %q, known are %v", s.Name, s.Platform, Platforms())
	}
	if s.Address == "" {
		s.Address = base.String()
	}
	if err := c.checkAddress(s.Address); err != nil {
		return fmt.Errorf("device %s: %w", s.Name, err)
	}
	if s.Port == 0 && c.BasePort > 0 {
		s.Port = c.BasePort
		if !c.Spread && !c.Shared {
			s.Port += i
		}
	}
	if s.Port < 0 || s.Port > 65535 {
		return fmt.Errorf("device %s: port %d is not in 0..65535", s.Name, s.Port)
	}
	if s.Username == "" {
		s.Username = c.Username
	}
	if s.Password == "" {
		s.Password = c.Password
	}
	if s.ConfigSize == 0 {
		s.ConfigSize = c.ConfigSize
	}
	if s.Site == "" {
		s.Site = "default"
	}
	return s.Fault.Validate()
}
