package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/netraven/netraven/tools/internal/stage"
)

// idleTime is how long the server is left alone before its memory is read.
const idleTime = 5 * time.Second

// start measures P14: the first start, a restart, and what everything needs when nothing happens.
func (b *bench) start(ctx context.Context, folder stage.Folder) error {
	first, err := stage.StartServer(ctx, b.programs, folder)
	if err != nil {
		return err
	}
	memory, err := idleMemory(ctx, first)
	begin := time.Now()
	err = errors.Join(err, first.Stop())
	stopped := time.Since(begin)
	if err != nil {
		return err
	}
	again, err := stage.StartServer(ctx, b.programs, folder)
	if err != nil {
		return err
	}
	if err := again.Stop(); err != nil {
		return err
	}
	b.table.absolute("P14", "first start, private PostgreSQL made and local agent joined", seconds(first.StartTime), "<= 5 s")
	b.table.absolute("P14", "restart", seconds(again.StartTime), "<= 2 s")
	b.table.absolute("P14", "stop", seconds(stopped), "-")
	b.table.absolute("P14", "idle memory of everything", megabytes(memory), "<= 250 MB")
	return nil
}

func idleMemory(ctx context.Context, s *stage.Server) (int64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(idleTime):
	}
	return familyMemory(s.PID())
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
