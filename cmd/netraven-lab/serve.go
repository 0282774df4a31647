package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/lab"
)

func newServe() *cobra.Command {
	var (
		cfg                lab.Config
		control, inventory string
		limit              time.Duration
	)
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve devices until Ctrl-C",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			if limit > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
			}
			return serve(ctx, c.OutOrStdout(), cfg, control, inventory)
		},
	}
	f := c.Flags()
	f.IntVar(&cfg.Count, "count", 10, "how many devices")
	f.StringSliceVar(&cfg.Platforms, "platforms", lab.Platforms(), "their platforms, in turn")
	f.Uint64Var(&cfg.Seed, "seed", lab.DefaultSeed, "decides configurations and host keys")
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1", "address of the devices")
	f.BoolVar(&cfg.Open, "open", false, "allow addresses that are not loopback (the passwords are known)")
	f.IntVar(&cfg.BasePort, "base-port", 0, "port of the first device, the next ones follow (0: any free ports)")
	f.BoolVar(&cfg.Spread, "spread", false, "an address per device on one port, from --listen on (Linux)")
	f.BoolVar(&cfg.Shared, "shared", false, "one port for all; log in as USER%DEVICE")
	f.StringVar(&cfg.Username, "username", lab.DefaultUsername, "login name")
	f.StringVar(&cfg.Password, "password", lab.DefaultPassword, "login password")
	f.StringVar(&cfg.EnableSecret, "enable-secret", "", "what enable asks for; asks nothing if empty")
	f.BoolVar(&cfg.UserMode, "user-mode", false, "log in below enable on Cisco-like devices")
	f.IntVar(&cfg.LockAfter, "lock-after", 0, "lock an account after that many refused logins (0: never)")
	f.IntVar(&cfg.ConfigSize, "config-size", lab.DefaultConfigSize, "bytes of a configuration")
	f.DurationVar(&cfg.Latency, "latency", 0, "pause before each answer")
	f.BoolVar(&cfg.Cheap, "cheap", false, "curve25519 and aes128-ctr only")
	f.BoolVar(&cfg.RSA, "rsa", false, "an RSA host key beside the ed25519 one")
	f.StringVar(&control, "control", "", "loopback address of the control API (host:port, port 0: any)")
	f.StringVar(&inventory, "inventory", "", "write the devices to this CSV file")
	f.DurationVar(&limit, "for", 0, "stop after that time (0: at Ctrl-C)")
	return c
}

func serve(ctx context.Context, out io.Writer, cfg lab.Config, control, inventory string) error {
	l, err := lab.New(cfg)
	if err != nil {
		return err
	}
	if err := l.Start(ctx); err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // Close has no error of its own
	if inventory != "" {
		if err := writeFile(l, inventory); err != nil {
			return err
		}
		say(out, "inventory  %s", inventory)
	}
	summarize(out, l)
	if control == "" {
		say(out, "ready")
		<-ctx.Done()
		return nil
	}
	return l.ServeControl(ctx, control, func(a net.Addr) {
		say(out, "control    %s", a)
		say(out, "ready")
	})
}

func writeFile(l *lab.Lab, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := l.WriteInventory(f); err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	return f.Close()
}

// summarize prints how many devices there are and how to log in.
func summarize(out io.Writer, l *lab.Lab) {
	devices := l.Devices()
	per := map[string]int{}
	for _, d := range devices {
		per[d.Info().Platform]++
	}
	var parts []string
	for _, p := range lab.Platforms() {
		if per[p] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", per[p], p))
		}
	}
	first, last := devices[0].Info(), devices[len(devices)-1].Info()
	say(out, "devices    %d: %s", len(devices), strings.Join(parts, ", "))
	say(out, "addresses  %s .. %s", first.Addr(), last.Addr())
	say(out, "login      %s / %s", first.Username, first.Password)
	if first.UserMode {
		say(out, "enable     %q", first.EnableSecret)
	}
}

// say prints a line; nobody can be told when that fails.
func say(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
