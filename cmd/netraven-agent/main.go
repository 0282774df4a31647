// Old switches still present RSA host keys below 1024 bits; Go refuses them unless the main package says otherwise.
//go:debug rsa1024min=0

// Command netraven-agent is the program that runs where the devices are: it dials the server, takes work and talks SSH to devices.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the build (-ldflags "-X main.version=...").
var version = "dev"

func main() {
	boundMemory()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() { // a second signal ends the program at once
		<-ctx.Done()
		stop()
	}()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "netraven-agent:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be deferred
	}
}

// softMemory is below the 300 MB that the agent may take while devices flood it. Fifty that do so have
// about this much in use, so that less would cost time and save nothing.
const softMemory = 224 << 20

// boundMemory has the garbage collector work harder as the heap comes near softMemory. What is in use is
// bounded (package device), but by default as much garbage again may lie around before it is collected,
// and gateways are small machines. The limit is soft; GOMEMLIMIT sets another.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}

func command() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "netraven-agent --server HOST:PORT --data DIR [--join FILE|-]",
		Short: "Back up and operate the devices of one gateway",
		Long: "netraven-agent runs inside the network of the devices. It connects out to a NetRaven server and listens on nothing.\n" +
			"The first start needs a join token (netraven gateway add NAME prints one) in a file or on standard input; it is never\n" +
			"given in the command line or the environment, where others could read it.",
		Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr())
		},
	}
	f := root.Flags()
	f.StringVar(&o.join, "join", "", "file with the join token, removed once it is spent; - reads standard input")
	f.StringVar(&o.server, "server", "", "address of the server's agent port, host:port")
	f.StringVar(&o.data, "data", "", "directory for keys, journal and results that wait to be sent")
	f.StringVar(&o.policy, "policy", "", "file that says which networks and kinds of job are allowed here")
	f.StringVar(&o.name, "name", "", "name for people (default: the host's name)")
	f.IntVar(&o.maxSessions, "max-sessions", 0, "most sessions with devices at once (default 256)")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	for _, name := range []string{"server", "data"} {
		_ = root.MarkFlagRequired(name) // the flag exists
	}
	root.AddCommand(&cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "netraven-agent", version) },
	})
	return root
}
