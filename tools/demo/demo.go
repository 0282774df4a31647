package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/tools/internal/stage"
)

const (
	deviceCount = 50
	// demoLimit bounds everything that is shown; usually it takes half a minute.
	demoLimit = 5 * time.Minute
)

// demo is what has been set up so far.
type demo struct {
	programs stage.Programs
	folder   stage.Folder
	out      io.Writer
	// abort ends the demo early, for a reason.
	abort context.CancelCauseFunc

	server   *stage.Server
	agent    *stage.Process
	lab      *stage.Lab
	password string

	gateway *inventoryv1.Gateway
	devices []*inventoryv1.Device // by name
	changed []change
	first   *jobv1.Run
}

// step is one thing to show. logs names the processes whose logs tell most if it fails.
type step struct {
	title string
	logs  []string
	run   func(*demo, context.Context) error
}

var steps = []step{
	{"Start the server, with a private PostgreSQL", []string{"server"}, (*demo).startServer},
	{"Sign in as admin and choose a password, as the first sign-in asks", []string{"server"}, (*demo).signIn},
	{"Add a gateway and let an agent of its own process join it", []string{"agent", "server"}, (*demo).joinAgent},
	{"Start 50 simulated devices of five platforms, each a real SSH server", []string{"lab"}, (*demo).startLab},
	{"Import the devices and store the credential they share", []string{"server"}, (*demo).importDevices},
	{"Back up everything", []string{"server", "agent"}, (*demo).backUpAll},
	{"Change the configuration of two devices behind NetRaven's back", []string{"lab"}, (*demo).changeTwo},
	{"Back up everything again", []string{"server", "agent"}, (*demo).backUpAgain},
	{"What changed", []string{"server"}, (*demo).showDiffs},
	{"The same history in plain git", []string{"server"}, (*demo).showLog},
	{"And in the command line", []string{"server"}, (*demo).showCommandLine},
	{"Secrets", []string{"server"}, (*demo).showSecrets},
}

// play runs all steps. An error says which step failed and why; it does not say where the logs are.
func (d *demo) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoLimit, fmt.Errorf("it takes longer than %s", demoLimit))
	defer cancel()
	for i, s := range steps {
		fmt.Fprintf(d.out, "\n[%d/%d] %s\n", i+1, len(steps), s.title)
		err := s.run(d, ctx)
		if err == nil {
			continue
		}
		if ctx.Err() != nil { // what failed is a consequence
			err = context.Cause(ctx)
		}
		return &failure{step: s, err: err}
	}
	fmt.Fprintln(d.out, "\nAll that was shown was checked.")
	return nil
}

// guard ends the demo when a process ends that should not.
func (d *demo) guard(p *stage.Process) {
	go func() {
		<-p.Done()
		d.abort(p.Alive())
	}()
}

// say prints a line below the title of a step.
func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, "      "+format+"\n", args...) }

// failure is a step that went wrong.
type failure struct {
	step step
	err  error
}

func (f *failure) Error() string { return fmt.Sprintf("the step %q failed: %v", f.step.title, f.err) }
func (f *failure) Unwrap() error { return f.err }

// end stops everything and removes the folder. After a failure it keeps the logs, and adds to the error where they are.
func (d *demo) end(err error) error {
	fmt.Fprintln(d.out, "\nStopping the agent, the server and the devices ...")
	stopped := d.stop()
	if err == nil && stopped == nil {
		if err := d.folder.Remove(); err != nil {
			return fmt.Errorf("the temporary folder cannot be removed: %w", err)
		}
		fmt.Fprintf(d.out, "Nothing is left running, and %s is removed.\n", d.folder.Path)
		return nil
	}
	if errors.Is(err, context.Canceled) { // whoever stops it knows why
		return errors.Join(errors.New("stopped before it was done"), stopped, d.folder.Remove())
	}
	_ = d.folder.RemoveAllButLogs() // the error that is told is the one to act on
	err = errors.Join(err, stopped)
	if logs := d.logs(err); len(logs) > 0 {
		return fmt.Errorf("%w. To find out more, read %s", err, strings.Join(logs, " and "))
	}
	return errors.Join(err, d.folder.Remove())
}

// logs are the log files that tell most of an error.
func (d *demo) logs(err error) []string {
	names := []string{"server", "agent", "lab"}
	if f := (*failure)(nil); errors.As(err, &f) {
		names = f.step.logs
	}
	if e := (*stage.EndedError)(nil); errors.As(err, &e) {
		names = []string{e.Process.Name}
	}
	var logs []string
	for _, name := range names {
		if _, err := os.Stat(d.folder.Log(name)); err == nil {
			logs = append(logs, d.folder.Log(name))
		}
	}
	return logs
}

// stop ends what runs: first who asks, then who answers.
func (d *demo) stop() error {
	err := d.agent.Stop()
	if d.server != nil {
		err = errors.Join(err, d.server.Stop())
	}
	if d.lab != nil {
		err = errors.Join(err, d.lab.Stop())
	}
	if left := d.folder.Leftovers(); len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("processes are left running: %s", strings.Join(left, ", ")))
	}
	return err
}
