package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/app"
)

// certsCommand makes what services need to trust each other when they run apart.
func certsCommand() *cobra.Command {
	certs := &cobra.Command{Use: "certs", Short: "Certificates between services that run apart"}
	certs.AddCommand(&cobra.Command{
		Use:   "init DIR",
		Short: "Make the internal authority and one certificate for each service",
		Long: "Make the internal authority and one certificate for each service. Give every process the folder with ca.crt and the .crt and .key of\n" +
			"its own services only; keep ca.key away from all of them.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := app.InitCerts(args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s holds ca.crt, ca.key and a certificate for each service; keep ca.key away from the servers\n", args[0])
			return nil
		},
	})
	return certs
}
