package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"

	agent "github.com/netraven/netraven/gateway-agent"
	"github.com/netraven/netraven/internal/logx"
)

const maxToken = 8 << 10

// options are the flags.
type options struct {
	join, server, data, policy, name string
	maxSessions                      int
	logLevel, logFormat              string
}

func (o *options) run(ctx context.Context, stdin io.Reader, stderr io.Writer) error {
	if _, _, err := net.SplitHostPort(o.server); err != nil {
		return fmt.Errorf("--server %q is not host:port", o.server)
	}
	if o.maxSessions < 0 {
		return errors.New("--max-sessions must not be negative")
	}
	cfg := agent.Config{DataDir: o.data, Server: o.server, Name: o.name, Version: version, MaxSessions: o.maxSessions}
	if o.policy != "" {
		policy, err := agent.ReadPolicy(o.policy)
		if err != nil {
			return err
		}
		cfg.Policy = policy
	}
	switch o.join {
	case "":
	case "-":
		cfg.Join = onceFrom(stdin)
	default:
		path := o.join
		cfg.Join = func(context.Context) (string, error) { return readToken(path) }
		cfg.Joined = func() error { return removeToken(path) }
	}
	a, err := agent.New(cfg, agent.Deps{Log: logx.New(stderr, o.logLevel, o.logFormat)})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// onceFrom reads the token from standard input when it is asked for, and remembers it for another try.
func onceFrom(stdin io.Reader) func(context.Context) (string, error) {
	read := sync.OnceValues(func() (string, error) {
		b, err := io.ReadAll(io.LimitReader(stdin, maxToken))
		return string(b), err
	})
	return func(context.Context) (string, error) { return read() }
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxToken))
	return string(b), err
}

// removeToken removes a token that is spent; it is worth nothing any more, and lies around all the same.
func removeToken(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("joined, but the token file stays: %w", err)
	}
	return nil
}
