package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Remote talks to the control API of a lab in another process.
type Remote struct {
	base string
	http *http.Client
}

// NewRemote returns a client of the lab whose control API is at addr
// (host:port). It does not connect.
func NewRemote(addr string) *Remote {
	return &Remote{base: "http://" + addr, http: &http.Client{Timeout: 30 * time.Second}}
}

// Summary adds up all devices.
func (r *Remote) Summary(ctx context.Context) (s Summary, err error) {
	return s, r.call(ctx, http.MethodGet, "/", nil, &s)
}

// Devices lists all devices.
func (r *Remote) Devices(ctx context.Context) (all []Status, err error) {
	return all, r.call(ctx, http.MethodGet, "/devices", nil, &all)
}

// Device returns one device.
func (r *Remote) Device(ctx context.Context, name string) (s Status, err error) {
	return s, r.call(ctx, http.MethodGet, "/devices/"+url.PathEscape(name), nil, &s)
}

// Change edits the configuration of the device name, or of all ("*").
func (r *Remote) Change(ctx context.Context, name string, c Change) error {
	return r.call(ctx, http.MethodPost, "/devices/"+url.PathEscape(name)+"/config", c, nil)
}

// SetFault sets what the device name, or every device ("*"), does wrong.
func (r *Remote) SetFault(ctx context.Context, name string, f Fault) error {
	return r.call(ctx, http.MethodPut, "/devices/"+url.PathEscape(name)+"/fault", f, nil)
}

// SetPassword changes the password of the device name, or of all ("*").
func (r *Remote) SetPassword(ctx context.Context, name, password string) error {
	return r.call(ctx, http.MethodPut, "/devices/"+url.PathEscape(name)+"/password", passwordChange{password}, nil)
}

// RotateHostKey gives the device name, or every device ("*"), another host key.
func (r *Remote) RotateHostKey(ctx context.Context, name string) error {
	return r.call(ctx, http.MethodPost, "/devices/"+url.PathEscape(name)+"/host_key", struct{}{}, nil)
}

func (r *Remote) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return err
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return fmt.Errorf("no lab answers at %s: %w", r.base, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		var e struct{ Message string }
		if json.NewDecoder(resp.Body).Decode(&e) != nil || e.Message == "" {
			e.Message = resp.Status
		}
		return fmt.Errorf("the lab refused: %s", e.Message)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
