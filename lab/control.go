package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// maxRequest bounds a control request's body.
const maxRequest = 1 << 20

// Status is one device as the control API shows it.
type Status struct {
	Info
	Fault    Fault    `json:"fault"`
	Counters Counters `json:"counters"`
}

// Summary is the whole lab as the control API shows it. MaxSessions is the
// largest over the devices: 1 means that no device ever had two sessions.
type Summary struct {
	Devices       int            `json:"devices"`
	Logins        int            `json:"logins"`
	Commands      int            `json:"commands"`
	MaxSessions   int            `json:"max_sessions"`
	RefusedLogins map[string]int `json:"refused_logins"`
}

// Status returns the device as it is now.
func (d *Device) Status() Status {
	return Status{Info: d.Info(), Fault: d.Fault(), Counters: d.Counters()}
}

// Summary adds up all devices.
func (l *Lab) Summary() Summary {
	s := Summary{Devices: len(l.devices), RefusedLogins: l.RefusedLogins()}
	for _, d := range l.devices {
		c := d.Counters()
		s.Logins += c.Logins
		s.Commands += c.Commands
		s.MaxSessions = max(s.MaxSessions, c.MaxSessions)
	}
	return s
}

// Control answers the control API:
//
//	GET  /                          Summary
//	GET  /devices                   [Status]
//	GET  /devices/{name}            Status
//	GET  /devices/{name}/config     text, without volatile lines
//	POST /devices/{name}/config     Change
//	PUT  /devices/{name}/fault      Fault ({} heals)
//	PUT  /devices/{name}/password   {"password": "..."}
//	POST /devices/{name}/host_key   another host key
//
// The name * in a PUT or POST means every device. Errors are {"message"}.
func (l *Lab) Control() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { reply(w, l.Summary()) })
	m.HandleFunc("GET /devices", func(w http.ResponseWriter, _ *http.Request) {
		all := make([]Status, 0, len(l.devices))
		for _, d := range l.devices {
			all = append(all, d.Status())
		}
		reply(w, all)
	})
	m.HandleFunc("GET /devices/{name}", l.one(func(w http.ResponseWriter, d *Device) { reply(w, d.Status()) }))
	m.HandleFunc("GET /devices/{name}/config", l.one(func(w http.ResponseWriter, d *Device) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(d.Config())) // fails only if the client has gone
	}))
	m.HandleFunc("POST /devices/{name}/config", edit(l, func(d *Device, c Change) error { return d.Change(c) }))
	m.HandleFunc("PUT /devices/{name}/fault", edit(l, func(d *Device, f Fault) error { return d.SetFault(f) }))
	m.HandleFunc("PUT /devices/{name}/password", edit(l, func(d *Device, p passwordChange) error {
		d.SetPassword(p.Password)
		return nil
	}))
	m.HandleFunc("POST /devices/{name}/host_key", edit(l, func(d *Device, _ struct{}) error {
		d.RotateHostKey()
		return nil
	}))
	return m
}

type passwordChange struct {
	Password string `json:"password"`
}

func (l *Lab) one(answer func(http.ResponseWriter, *Device)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d, err := l.Device(r.PathValue("name"))
		if err != nil {
			refuse(w, http.StatusNotFound, err)
			return
		}
		answer(w, d)
	}
}

// edit decodes a T and applies it to the named device, or to all, and answers
// with their Status.
func edit[T any](l *Lab, apply func(*Device, T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil && r.ContentLength != 0 {
			refuse(w, http.StatusBadRequest, fmt.Errorf("cannot read the request: %w", err))
			return
		}
		devices := l.devices
		if name := r.PathValue("name"); name != "*" {
			d, err := l.Device(name)
			if err != nil {
				refuse(w, http.StatusNotFound, err)
				return
			}
			devices = []*Device{d}
		}
		changed := make([]Status, 0, len(devices))
		for _, d := range devices {
			if err := apply(d, in); err != nil {
				refuse(w, http.StatusBadRequest, fmt.Errorf("%s: %w", d.spec.Name, err))
				return
			}
			changed = append(changed, d.Status())
		}
		reply(w, changed)
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails only if the client has gone
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": err.Error()}) // as above
}

// ServeControl serves the control API on a loopback address until ctx ends.
// ready is called with the address once it listens.
func (l *Lab) ServeControl(ctx context.Context, addr string, ready func(net.Addr)) error {
	a, err := netip.ParseAddrPort(addr)
	if err != nil || !a.Addr().IsLoopback() && !l.cfg.Open {
		return fmt.Errorf("control address %q is not a loopback IP address with a port", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: l.Control(), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if ready != nil {
		ready(ln.Addr())
	}
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
