package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/recording"
)

func recordCommand() *cobra.Command {
	var t recording.Target
	var page, file string
	unmasked := false
	cmd := &cobra.Command{
		Use: "record HOST", Short: "Log in to a device, run a page's commands and keep the dialog in a file",
		Long: "Log in to a device from this machine, run the commands of a page and keep the dialog, byte for byte, for netraven platform test. What answers\n" +
			"a password question is never kept; secrets in what the device says are masked unless --unmasked is given. The password is asked for, or\n" +
			"read from NETRAVEN_DEVICE_PASSWORD; an enable secret from NETRAVEN_ENABLE_SECRET.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := loadPage(page)
			if err != nil {
				return err
			}
			t.Address, t.Page = args[0], p
			if t.Password, err = devicePassword(cmd); err != nil {
				return err
			}
			t.Enable = secret.NewString(os.Getenv("NETRAVEN_ENABLE_SECRET"))
			t.Log = func(level, message string) { fmt.Fprintln(cmd.ErrOrStderr(), level+": "+message) }
			r := recording.NewRecorder(args[0], p)
			t.Traffic = r.Take
			out := recording.BackUp(cmd.Context(), t)
			mask := p
			if unmasked {
				mask = nil
			}
			if err := r.Session(mask).Save(file); err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "The dialog is in "+file+".")
			return report(cmd, p, out, true, false)
		},
	}
	f := cmd.Flags()
	f.StringVar(&page, "platform", "", "platform, alias, or file with a page (needed)")
	f.StringVar(&t.Username, "user", "", "login name (needed)")
	f.IntVar(&t.Port, "port", 22, "SSH port")
	f.BoolVar(&t.Legacy, "legacy", false, "also offer algorithms that are no longer safe")
	f.BoolVar(&unmasked, "unmasked", false, "keep what the device says as it is, secrets too")
	f.StringVarP(&file, "file", "f", "session.json", "where to keep the dialog; must not exist yet")
	_ = cmd.MarkFlagRequired("platform")
	_ = cmd.MarkFlagRequired("user")
	return cmd
}

// devicePassword reads the device's password from the environment or the terminal.
func devicePassword(cmd *cobra.Command) (secret.String, error) {
	if p := os.Getenv("NETRAVEN_DEVICE_PASSWORD"); p != "" {
		return secret.NewString(p), nil
	}
	if !term.IsTerminal(os.Stdin.Fd()) {
		return secret.String{}, errors.New("no password: run this on a terminal, or set NETRAVEN_DEVICE_PASSWORD")
	}
	fmt.Fprint(cmd.ErrOrStderr(), "Password: ")
	b, err := term.ReadPassword(os.Stdin.Fd())
	fmt.Fprintln(cmd.ErrOrStderr())
	return secret.NewString(string(b)), err
}
