package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func TestBarShowsTheCountsAndEndsInOrder(t *testing.T) {
	var screen bytes.Buffer
	run := &jobv1.Run{Id: "r", Kind: "backup\x1b[2J", State: jobv1.Run_PENDING}
	b := newBar(&screen, run)
	b.see(&jobv1.RunEvent{Run: &jobv1.Run{Kind: "backup", State: jobv1.Run_EXPANDING, Counts: &jobv1.Run_Counts{Total: 2}}})
	b.see(&jobv1.RunEvent{Run: &jobv1.Run{Kind: "backup", State: jobv1.Run_PARTIAL, Counts: &jobv1.Run_Counts{Total: 4, Succeeded: 2, Changed: 1, Failed: 1}}})
	b.stop()
	require.Contains(t, screen.String(), "backup PARTIAL 3/4")
	require.Contains(t, screen.String(), "2 ok, 1 changed, 1 failed")
	require.NotContains(t, screen.String(), "\x1b[2J")
}

func TestLinesSayEachEndOnce(t *testing.T) {
	var out bytes.Buffer
	run := &jobv1.Run{Id: "r", Kind: "backup", State: jobv1.Run_RUNNING, Counts: &jobv1.Run_Counts{Total: 2}}
	l := newLines(&out, run)
	task := &jobv1.Task{Id: "1", DeviceName: "core1", State: jobv1.Task_RETRY_WAIT, Failure: &jobv1.Failure{Class: jobv1.Failure_TIMEOUT, Stage: "connect"}}
	for range 2 {
		l.see(&jobv1.RunEvent{Run: run, Tasks: []*jobv1.Task{task}})
	}
	done := &jobv1.Task{Id: "1", DeviceName: "core1", State: jobv1.Task_SUCCEEDED}
	l.see(&jobv1.RunEvent{Run: run, Tasks: []*jobv1.Task{done, {Id: "2", DeviceId: "d2", State: jobv1.Task_RUNNING}}})
	l.see(&jobv1.RunEvent{Run: run, Tasks: []*jobv1.Task{done, {Id: "2", DeviceId: "d2", State: jobv1.Task_CANCELLED}}})
	l.stop()
	require.Equal(t, "Run r (backup) RUNNING\ncore1: TIMEOUT at connect, will be tried again\ncore1: SUCCEEDED\nd2: CANCELLED\n", out.String())
}
