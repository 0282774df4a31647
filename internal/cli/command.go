package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes of every client command.
const (
	ExitOK          = 0
	ExitFailure     = 1   // anything that did not work, wrong usage included
	ExitPartial     = 2   // a watched run ended PARTIAL
	ExitInterrupted = 130 // Ctrl-C; a run that was being watched goes on
)

// Commands answers the client's commands, to be added to a root command. Each carries the shared flags (--server, --token, --ca, --output). They
// return errors and print none: pass what Execute answers to Report, or let Run do both.
func Commands() []*cobra.Command {
	a := &app{}
	all := []*cobra.Command{
		a.loginCommand(), a.logoutCommand(), a.whoamiCommand(), a.passwordCommand(),
		a.deviceCommand(), a.siteCommand(), a.tagCommand(), a.credentialCommand(), a.platformCommand(),
		a.backupCommand(), a.commandCommand(), a.runCommand(), a.jobCommand(), a.scheduleCommand(),
		a.configCommand(), a.gatewayCommand(), a.userCommand(), a.retentionCommand(), a.remoteCommand(), versionCommand(),
	}
	for _, c := range all {
		a.attach(c)
		finish(c)
	}
	return all
}

// Run executes root until it is done or a signal ends it, prints the error if there is one, and answers the exit code. It blocks.
func Run(ctx context.Context, root *cobra.Command) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // a second signal ends the program at once
		<-ctx.Done()
		stop()
	}()
	root.SilenceErrors, root.SilenceUsage = true, true
	return Report(root, root.ExecuteContext(ctx))
}

// Report prints err as people should read it on root's standard error and answers the exit code. A nil error prints nothing.
func Report(root *cobra.Command, err error) int {
	var out outcome
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &out):
		return int(out)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(root.ErrOrStderr(), "interrupted")
		return ExitInterrupted
	}
	printError(root.ErrOrStderr(), err)
	return ExitFailure
}

// outcome ends a command with an exit code when everything has been said already.
type outcome int

func (o outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

// attach gives a top-level command the flags that all share.
func (a *app) attach(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&a.server, "server", "", "HTTP address of the server (NETRAVEN_SERVER; default "+defaultServer+")")
	f.StringVar(&a.token, "token", "", "access or API token (better: NETRAVEN_TOKEN; default: what netraven login stored)")
	f.StringVar(&a.ca, "ca", "", "file with the authority that signed the server's certificate (NETRAVEN_CA)")
	f.StringVarP(&a.output, "output", "o", "table", "table or json")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// finish gives a command and all below it what is the same everywhere: checked arguments, quiet errors, a group that refuses unknown words.
func finish(c *cobra.Command) {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError(c, "%v", err) })
	if c.HasSubCommands() {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return usageError(c, "%s has no command %q", c.CommandPath(), args[0])
		}
	} else {
		c.Args = argsOfUse
		if c.ValidArgsFunction == nil {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
	for _, child := range c.Commands() {
		finish(child)
	}
}

// argsOfUse checks the number of arguments against the words of Use: NAME is needed, [NAME] is not, and a word with dots repeats.
func argsOfUse(c *cobra.Command, args []string) error {
	words := strings.Fields(c.Use)[1:]
	least, most := 0, len(words)
	for _, w := range words {
		if !strings.HasPrefix(w, "[") {
			least++
		}
		if strings.Contains(w, "...") {
			most = len(args)
		}
	}
	if len(args) >= least && len(args) <= most {
		return nil
	}
	if len(words) == 0 {
		return usageError(c, "%s takes no arguments", c.CommandPath())
	}
	return usageError(c, "%s takes %s", c.CommandPath(), strings.Join(words, " "))
}

func usageError(c *cobra.Command, format string, args ...any) error {
	return fmt.Errorf(format+"\nSee %s --help", append(args, c.CommandPath())...)
}

// group makes a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short}
	c.AddCommand(children...)
	return c
}
