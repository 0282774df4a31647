package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/netraven/netraven/jobkind"
)

// Policy is what the people at the gateway allow. The hub cannot change it. The zero Policy allows every kind as long as it only reads, and every
// address but those of this host and its link: loopback, link-local (cloud metadata), multicast.
type Policy struct {
	// Networks are the only ones that devices may be in. Empty: all but the special ones above.
	Networks []netip.Prefix
	// Kinds are the only kinds of job. Empty: all.
	Kinds []string
	// Effects are what jobs may do to devices: EffectRead, EffectMutate. Empty: only read.
	Effects []string
	// MaxSessions bounds the sessions with devices; 0: no bound of its own.
	MaxSessions int
}

// Effects of jobs on devices, as the policy file names them.
const (
	EffectRead   = "read_only"
	EffectMutate = "mutating"
)

// Unrestricted allows every address, loopback too, and every effect. It is the policy of the server's own agent.
func Unrestricted() Policy {
	return Policy{Effects: []string{EffectRead, EffectMutate}, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
}

// ReadPolicy reads a policy file. Errors name what is wrong in it.
func ReadPolicy(path string) (Policy, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Policy{}, err
	}
	p, err := parsePolicy(b)
	if err != nil {
		return Policy{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func parsePolicy(b []byte) (Policy, error) {
	var file struct {
		Networks    []string `yaml:"networks"`
		Kinds       []string `yaml:"kinds"`
		Effects     []string `yaml:"effects"`
		MaxSessions int      `yaml:"max_sessions"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true) // a misspelt rule must not be no rule
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Policy{}, err
	}
	p := Policy{Kinds: file.Kinds, Effects: file.Effects, MaxSessions: file.MaxSessions}
	for _, text := range file.Networks {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return Policy{}, fmt.Errorf("networks: %q is not a network such as 10.0.0.0/8", text)
		}
		p.Networks = append(p.Networks, n.Masked())
	}
	if len(p.Effects) > 0 && !slices.Contains(p.Effects, EffectRead) {
		return Policy{}, fmt.Errorf("effects: must name %s", EffectRead)
	}
	for _, e := range p.Effects {
		if e != EffectRead && e != EffectMutate {
			return Policy{}, fmt.Errorf("effects: there is no %q, only %s and %s", e, EffectRead, EffectMutate)
		}
	}
	if p.MaxSessions < 0 {
		return Policy{}, errors.New("max_sessions: must not be negative")
	}
	return p, nil
}

// allowsKind tells whether jobs of the kind may run here.
func (p Policy) allowsKind(kind string) bool {
	return len(p.Kinds) == 0 || slices.Contains(p.Kinds, kind)
}

// allowsMutating tells whether jobs may change devices.
func (p Policy) allowsMutating() bool { return slices.Contains(p.Effects, EffectMutate) }

// allows tells whether a device may be at the address.
func (p Policy) allows(ip netip.Addr) bool {
	ip = ip.Unmap()
	if len(p.Networks) == 0 {
		return ip.IsGlobalUnicast() // neither loopback nor link-local nor multicast nor unspecified
	}
	return slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// dialer opens connections to devices. The rule is applied to the address that is really dialled, so no name can lead around it.
func (p Policy) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: 30 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !p.allows(at.Addr().WithZone("")) {
			return &jobkind.PolicyError{Rule: "this agent's policy does not allow connections to " + at.Addr().String()}
		}
		return nil
	}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if forbidden, ok := errors.AsType[*jobkind.PolicyError](err); ok {
			return nil, forbidden
		}
		return conn, err
	}
}
