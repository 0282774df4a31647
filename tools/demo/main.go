// Command demo shows NetRaven's main job on real SSH sessions, and checks what it shows: it is the smoke test of the built programs too. `make demo` runs it.
//
// It starts a server with its private PostgreSQL, an agent and 50 simulated devices, each a process of its own, in a temporary folder; backs the devices up;
// changes two; backs up again. It stays up until Ctrl-C, or ends at once with -once, and leaves nothing behind but, after a failure, the logs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/netraven/netraven/tools/internal/stage"
)

func main() {
	once := flag.Bool("once", false, "end when everything was shown")
	bin := flag.String("bin", "bin", "folder with the built programs")
	flag.Parse()
	stage.EndWithParent()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, stage.Programs(*bin), *once)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, programs stage.Programs, once bool) (err error) {
	folder, err := stage.NewFolder("netraven-demo")
	if err != nil {
		return fmt.Errorf("no temporary folder can be made: %w", err)
	}
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	d := &demo{programs: programs, folder: folder, out: os.Stdout, abort: abort}
	defer func() { err = d.end(err) }()
	if err := d.play(ctx); err != nil || once {
		return err
	}
	d.whereToLook()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
