// Old switches still present RSA host keys below 1024 bits; Go refuses them unless the main package says otherwise.
//go:debug rsa1024min=0

// Command netraven is the server, all of it or some of its services, and the command line of its users.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules name zones; minimal systems have none

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/internal/cli"
)

// version is set by the build (-ldflags "-X main.version=...").
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:           "netraven",
		Short:         "Back up the configurations of network devices, and run jobs on them",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	root.AddCommand(serveCommand(), certsCommand())
	root.AddCommand(cli.Commands()...)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		os.Exit(coded.ExitCode()) //nolint:gocritic // nothing is left to be deferred
	}
	fmt.Fprintln(os.Stderr, "netraven:", err)
	os.Exit(1)
}
