package agent

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/jobkind"
)

// What an attempt found out is on disk like everything else, and travels beside the stream where it is large; also of a failed attempt.
func TestWhatAnAttemptFoundSurvivesARestart(t *testing.T) {
	kind := &fakeKind{work: func(context.Context, jobkind.Env) jobkind.Outcome {
		return jobkind.Outcome{
			Failure: &jobv1.Failure{Class: jobv1.Failure_REJECTED, Stage: "command"},
			Found:   &jobv1.TaskResult{Commands: []*jobv1.CommandResult{{Command: "show version", Output: strings.Repeat("line\n", 40<<10)}}},
		}
	}}
	h := newFakeHub(t)
	away := errs.New(codes.Unavailable, "SERVICE_UNAVAILABLE", "the hub goes away")
	h.onUp = func(*hubv1.Result) (*hubv1.ResultAck, error) { return nil, away }
	dir := t.TempDir()
	a := h.start(dir, kind)
	s := h.stream()
	s.offer(s.spec())
	first := <-h.uploads
	require.Len(t, first.GetFound().GetCommands()[0].GetOutput(), 200<<10)
	s.close()
	a.stop()
	require.Len(t, files(t, dir, "spool"), 1)

	h.start(dir, instant())
	again := <-h.uploads
	require.Equal(t, jobv1.Failure_REJECTED, again.GetFailure().GetClass())
	require.Equal(t, first.GetFound().GetCommands()[0].GetOutput(), again.GetFound().GetCommands()[0].GetOutput())
	require.Nil(t, fail(again, jobv1.Failure_OUTPUT_LIMIT, "too large").GetFound(), "what no hub takes does not come again")
}
