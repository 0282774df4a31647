package job

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

// said ends an attempt with what was said.
func (a *agent) said(ref *jobv1.AttemptRef, class jobv1.Failure_Class, text string) {
	a.h.t.Helper()
	item := &jobv1.FinishAttemptsRequest_Item{Attempt: ref, Succeeded: class == ok, Transcript: &jobv1.Transcript{TaskId: "forged", Text: text, Truncated: true}}
	if class != ok {
		item.Failure = &jobv1.Failure{Class: class, Stage: "command"}
	}
	_, err := a.h.hub.FinishAttempts(a.h.ctx, &jobv1.FinishAttemptsRequest{AgentId: a.id, Items: []*jobv1.FinishAttemptsRequest_Item{item}})
	require.NoError(a.h.t, err)
}

// A transcript is kept with its task, of the newest attempt, however that ended, and needs a right of its own.
func TestATranscriptIsKeptWithItsTask(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	id := &jobv1.GetTranscriptRequest{Id: h.tasks(run.GetId())[0].GetId()}
	_, err := h.runs.GetTranscript(h.ctx, id)
	require.Equal(t, "TRANSCRIPT_NOT_FOUND", errs.Reason(err))
	_, err = h.runs.GetTranscript(h.ctx, &jobv1.GetTranscriptRequest{Id: uuid.NewString()})
	require.Equal(t, "TASK_NOT_FOUND", errs.Reason(err))

	a := h.agent()
	first := a.claim(1)[0]
	a.begin(first)
	a.said(first, jobv1.Failure_TIMEOUT, "r1>\n")
	out, err := h.runs.GetTranscript(h.ctx, id)
	require.NoError(t, err)
	require.Equal(t, []any{id.GetId(), run.GetId(), "backup", int32(1), "r1>\n", true},
		[]any{out.GetTaskId(), out.GetRunId(), out.GetKind(), out.GetAttempt(), out.GetText(), out.GetTruncated()}, "also of a failed attempt; job says whose it is")
	h.clock.add(1e12)
	h.reap()
	second := a.claim(1)[0]
	a.begin(second)
	a.said(second, ok, "r1#\n")
	a.said(first, ok, "late\n")
	out, err = h.runs.GetTranscript(h.ctx, id)
	require.NoError(t, err)
	require.EqualValues(t, 2, out.GetAttempt())
	require.Equal(t, "r1#\n", out.GetText())

	less := &authn.Principal{UserID: uuid.NewString(), Username: "guest", Permissions: []string{"job.run.read"}}
	_, err = jobv1.NewRunServiceClient(grpctest.Serve(t, "api", less, h.s)).GetTranscript(h.ctx, id)
	require.Equal(t, "PERMISSION_DENIED", errs.Reason(err))
}

func TestATranscriptThatCannotBeKeptEndsItsAttempt(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("x", maxTranscript+1), "a\x00b"} {
		require.Nil(t, keptTranscript(&jobv1.Transcript{Text: text}))
	}
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	ref := a.claim(1)[0]
	a.begin(ref)
	a.said(ref, ok, strings.Repeat("x", maxTranscript+1))
	require.Equal(t, jobv1.Task_SUCCEEDED, h.tasks(run.GetId())[0].GetState())
}

func TestADeviceIsTestedWithATranscript(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	device := h.tasks(h.run("backup").GetId())[0].GetDeviceId()
	run, err := h.runs.TestDevice(h.ctx, &jobv1.TestDeviceRequest{Id: device, Transcript: true})
	require.NoError(t, err)
	require.True(t, run.GetParams().GetFields()["transcript"].GetBoolValue())
}
