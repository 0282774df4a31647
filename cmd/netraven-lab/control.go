package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/lab"
)

// controlled adds --control to a command that talks to a running lab.
func controlled(c *cobra.Command) (*cobra.Command, func() *lab.Remote) {
	addr := c.Flags().String("control", "", "control address of the running lab (host:port)")
	if err := c.MarkFlagRequired("control"); err != nil {
		panic(err) // only if the flag above did not exist
	}
	return c, func() *lab.Remote { return lab.NewRemote(*addr) }
}

func newList() *cobra.Command {
	c, remote := controlled(&cobra.Command{Use: "list", Short: "List the devices of a running lab", Args: cobra.NoArgs})
	c.RunE = func(c *cobra.Command, _ []string) error {
		all, err := remote().Devices(c.Context())
		if err != nil {
			return err
		}
		say(c.OutOrStdout(), "%-18s %-18s %-22s %6s %7s %4s %8s", "NAME", "PLATFORM", "ADDRESS", "LOGINS", "REFUSED", "MAX", "COMMANDS")
		for _, s := range all {
			refused := 0
			for _, n := range s.Counters.RefusedLogins {
				refused += n
			}
			say(c.OutOrStdout(), "%-18s %-18s %-22s %6d %7d %4d %8d", s.Name, s.Platform, s.Addr(),
				s.Counters.Logins, refused, s.Counters.MaxSessions, s.Counters.Commands)
		}
		return nil
	}
	return c
}

func newChange() *cobra.Command {
	var ch lab.Change
	c, remote := controlled(&cobra.Command{
		Use:   "change NAME [DESCRIPTION]",
		Short: "Change a device's configuration: a description, or any line of any section",
		Example: "  netraven-lab change ams-ios-0001 'desk 14' --control 127.0.0.1:7000\n" +
			"  netraven-lab change ams-ios-0001 --section 'interface Vlan60' --line 'mtu 1400' --control 127.0.0.1:7000",
		Args: cobra.RangeArgs(1, 2),
	})
	c.Flags().StringVar(&ch.Section, "section", "", "the line above (RouterOS: the menu, linux: the file)")
	c.Flags().StringVar(&ch.Line, "line", "", "the line to set or add")
	c.Flags().BoolVar(&ch.Remove, "remove", false, "remove the line instead")
	c.Flags().StringVar(&ch.By, "by", "", "who changes it")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 2 {
			ch.Describe = args[1]
		}
		if err := remote().Change(c.Context(), args[0], ch); err != nil {
			return err
		}
		say(c.OutOrStdout(), "changed    %s", args[0])
		return nil
	}
	return c
}

func newFault() *cobra.Command {
	c, remote := controlled(&cobra.Command{
		Use:   "fault NAME none|FAULT[=VALUE]...",
		Short: "Make a device misbehave (NAME * is every device)",
		Long: "Make a device misbehave. Faults: refuse_login, down, reset, max_sessions=N, mute, silence_after=N,\n" +
			"drop_after=N, truncate=N, shrink=N, no_prompt, endless_pager, flood=N, latency=200ms, legacy, no_exec, no_shell,\n" +
			"look_alikes, line_ends, chunk=N, log_lines. Those not named are taken back.",
		Example: "  netraven-lab fault ams-ios-0001 latency=200ms chunk=7 --control 127.0.0.1:7000",
		Args:    cobra.MinimumNArgs(2),
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		f, err := parseFault(args[1:])
		if err != nil {
			return err
		}
		if err := remote().SetFault(c.Context(), args[0], f); err != nil {
			return err
		}
		say(c.OutOrStdout(), "fault      %s %s", args[0], strings.Join(args[1:], " "))
		return nil
	}
	return c
}

func newPassword() *cobra.Command {
	c, remote := controlled(&cobra.Command{
		Use: "password NAME PASSWORD", Short: "Change the password of a device (NAME * is every device)", Args: cobra.ExactArgs(2),
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := remote().SetPassword(c.Context(), args[0], args[1]); err != nil {
			return err
		}
		say(c.OutOrStdout(), "password   %s", args[0])
		return nil
	}
	return c
}

func newHostKey() *cobra.Command {
	c, remote := controlled(&cobra.Command{
		Use: "hostkey NAME", Short: "Give a device another host key (NAME * is every device)", Args: cobra.ExactArgs(1),
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := remote().RotateHostKey(c.Context(), args[0]); err != nil {
			return err
		}
		say(c.OutOrStdout(), "host key   %s", args[0])
		return nil
	}
	return c
}

// errFault names the word that is no fault.
func errFault(word string, err error) error { return fmt.Errorf("fault %q: %w", word, err) }
