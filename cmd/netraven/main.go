// Old switches still present RSA host keys below 1024 bits; Go refuses them unless the main package says otherwise.
//go:debug rsa1024min=0

// Command netraven is the server, all of it or some of its services, and the command line of its users.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // schedules name zones; minimal systems have none

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/internal/cli"
)

// version is set by the build (-ldflags "-X main.version=...").
var version = "dev"

func main() {
	root := &cobra.Command{
		Use:     "netraven",
		Short:   "Back up the configurations of network devices, and run jobs on them",
		Version: version,
	}
	root.AddCommand(serveCommand(), certsCommand(), dbCommand(), gitstoreCommand(), recoverCommand())
	for _, c := range cli.Commands() {
		if c.Name() == "platform" {
			c.AddCommand(platformTools()...)
		}
		root.AddCommand(c)
	}
	os.Exit(cli.Run(context.Background(), root))
}
