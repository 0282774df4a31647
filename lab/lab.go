package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
)

// Lab is a set of simulated devices. Its methods may be called at any time
// from any goroutine.
type Lab struct {
	cfg     Config
	devices []*Device
	byName  map[string]*Device
	dir     *directory

	mu       sync.Mutex
	started  bool
	closed   bool
	stop     func() bool
	shared   net.Listener
	peers    map[*peer]struct{}
	sessions sync.WaitGroup
}

// New makes a lab that does not listen yet. Errors are sentences about cfg.
func New(cfg Config) (*Lab, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	specs, err := plan(cfg)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		cfg: cfg, byName: make(map[string]*Device, len(specs)),
		dir:   &directory{after: cfg.LockAfter, refused: map[string]int{}},
		peers: map[*peer]struct{}{},
	}
	for i, s := range specs {
		d := newDevice(l, s, i)
		l.devices = append(l.devices, d)
		l.byName[strings.ToLower(s.Name)] = d
	}
	return l, nil
}

// Start listens and serves until Close, or until ctx ends. It returns once
// every device can be connected to; on an error nothing is left listening.
func (l *Lab) Start(ctx context.Context) error {
	l.mu.Lock()
	if l.started {
		l.mu.Unlock()
		return errors.New("the lab has been started already")
	}
	l.started = true
	l.mu.Unlock()
	if err := l.listen(); err != nil {
		return errors.Join(err, l.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop = context.AfterFunc(ctx, func() { _ = l.Close() })
	return nil
}

func (l *Lab) listen() error {
	if l.cfg.Shared {
		return l.listenShared()
	}
	for _, d := range l.devices {
		if d.Fault().Down {
			continue
		}
		if err := d.listen(); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) listenShared() error {
	ln, err := net.Listen("tcp", net.JoinHostPort(l.cfg.Listen, strconv.Itoa(l.cfg.BasePort)))
	if err != nil {
		return fmt.Errorf("shared listener: %w", err)
	}
	l.mu.Lock()
	l.shared = ln
	l.mu.Unlock()
	for _, d := range l.devices {
		d.setPort(portOf(ln))
	}
	l.acceptLoop(ln, l.devices[0])
	return nil
}

// acceptLoop serves ln in the background until it is closed. d is whose
// algorithms and host key are used.
func (l *Lab) acceptLoop(ln net.Listener, d *Device) {
	l.sessions.Go(func() {
		for {
			c, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // the client is gone, or descriptors are short: the next may do
			}
			p := &peer{Conn: c, done: make(chan struct{})}
			if !l.admit(p) {
				p.reset()
				return
			}
			l.sessions.Go(func() {
				defer l.dismiss(p)
				d.serve(p)
			})
		}
	})
}

func (l *Lab) admit(p *peer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.peers[p] = struct{}{}
	return true
}

func (l *Lab) dismiss(p *peer) {
	_ = p.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.peers, p)
}

// Close ends every session and listener and waits for them. It may be
// repeated.
func (l *Lab) Close() error {
	l.mu.Lock()
	l.closed = true
	if l.stop != nil {
		l.stop()
	}
	if l.shared != nil {
		_ = l.shared.Close()
	}
	l.mu.Unlock()
	for _, d := range l.devices {
		d.unlisten()
	}
	l.mu.Lock()
	for p := range l.peers {
		_ = p.Close()
	}
	l.mu.Unlock()
	l.sessions.Wait()
	return nil
}

// Devices returns the devices in the order of Config.
func (l *Lab) Devices() []*Device { return append([]*Device(nil), l.devices...) }

// Device returns the device of that name, ignoring case.
func (l *Lab) Device(name string) (*Device, error) {
	if d, ok := l.byName[strings.ToLower(name)]; ok {
		return d, nil
	}
	return nil, fmt.Errorf("no device is named %q", name)
}

// RefusedLogins counts refused logins per account over all devices.
func (l *Lab) RefusedLogins() map[string]int { return l.dir.snapshot() }

func portOf(ln net.Listener) int {
	if a, ok := ln.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}
