package bare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Options say what to send and how. The zero value asks a Cisco-like device.
type Options struct {
	// Setup switches paging off ("terminal length 0" if empty; "-" sends none).
	Setup string
	// Command is what to read ("show running-config" if empty).
	Command string
	// Timeout bounds one collection, 30 s if zero.
	Timeout time.Duration
	// Defaults offers the algorithms of x/crypto/ssh instead of curve25519 and
	// aes128-ctr only.
	Defaults bool
}

// Collect logs in at addr (host:port), reads one configuration through a shell
// and returns how many bytes its answer had, echo and prompt included. It
// blocks until then, or until ctx or the timeout ends. Host keys are not
// checked: it is for simulated devices only.
func Collect(ctx context.Context, addr, user, password string, o Options) (int, error) {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	n, err := collect(conn, addr, user, password, o)
	if ctx.Err() != nil {
		err = fmt.Errorf("%s: %w", addr, context.Cause(ctx))
	}
	return n, err
}

func collect(conn net.Conn, addr, user, password string, o Options) (int, error) {
	cfg := &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.Password(password)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}
	if !o.Defaults {
		cfg.KeyExchanges = []string{ssh.KeyExchangeCurve25519}
		cfg.Ciphers = []string{ssh.CipherAES128CTR}
		cfg.MACs = []string{ssh.HMACSHA256}
	}
	sc, chans, reqs, err := ssh.NewClientConn(conn, addr, cfg)
	if err != nil {
		return 0, err
	}
	client := ssh.NewClient(sc, chans, reqs)
	defer func() { _ = client.Close() }()
	session, err := client.NewSession()
	if err != nil {
		return 0, err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := session.RequestPty("vt100", 24, 200, nil); err != nil {
		return 0, err
	}
	if err := session.Shell(); err != nil {
		return 0, err
	}
	return talk(in, out, o)
}

// talk reads the greeting to the first prompt, which all later reads end at.
func talk(in io.Writer, out io.Reader, o Options) (int, error) {
	setup, command := o.Setup, o.Command
	if setup == "" {
		setup = "terminal length 0"
	}
	if command == "" {
		command = "show running-config"
	}
	r := &reader{from: out, buf: make([]byte, 0, 32<<10)}
	if err := r.greeting(); err != nil {
		return 0, err
	}
	if setup != "-" {
		if _, err := r.ask(in, setup); err != nil {
			return 0, err
		}
	}
	return r.ask(in, command)
}

type reader struct {
	from   io.Reader
	buf    []byte
	prompt []byte
}

func (r *reader) fill() error {
	if len(r.buf) == cap(r.buf) {
		r.buf = append(make([]byte, 0, 2*cap(r.buf)), r.buf...)
	}
	n, err := r.from.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

func (r *reader) greeting() error {
	for {
		if err := r.fill(); err != nil {
			return err
		}
		last := r.buf[bytes.LastIndexByte(r.buf, '\n')+1:]
		if end := bytes.TrimRight(last, " "); len(end) > 1 && strings.IndexByte("#>$", end[len(end)-1]) >= 0 {
			r.prompt = append([]byte("\n"), last...)
			return nil
		}
	}
}

// ask sends a line and reads to the next prompt; it returns the bytes read.
func (r *reader) ask(in io.Writer, line string) (int, error) {
	r.buf = r.buf[:0]
	if _, err := io.WriteString(in, line+"\n"); err != nil {
		return 0, err
	}
	for {
		err := r.fill()
		if errors.Is(err, io.EOF) {
			return len(r.buf), io.ErrUnexpectedEOF
		}
		if err != nil {
			return len(r.buf), err
		}
		if bytes.HasSuffix(r.buf, r.prompt) {
			return len(r.buf), nil
		}
	}
}
