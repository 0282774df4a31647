package hub_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// What an attempt found out reaches job, cut to what the house records however much an agent sends.
func TestWhatAnAttemptFoundGoesToJob(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	r := backup(p.task(1))
	r.Artifacts = nil
	r.Found = &jobv1.TaskResult{Login: &jobv1.LoginResult{Prompt: strings.Repeat("r", 1000), Stages: make([]*jobv1.LoginResult_Stage, 20)}}
	for i := range r.Found.Login.Stages {
		r.Found.Login.Stages[i] = &jobv1.LoginResult_Stage{Detail: "a\x00b"}
	}
	for range 60 {
		r.Found.Commands = append(r.Found.Commands, &jobv1.CommandResult{Command: "show", Output: strings.Repeat("x", 300<<10)})
	}
	r.Transcript = &jobv1.Transcript{Text: strings.Repeat("é", 200<<10) + "\x00"}
	ack, err := p.upload(r, nil)
	require.NoError(t, err)
	require.Equal(t, hubv1.ResultAck_DURABLE, ack.GetOutcome(), ack)
	require.Empty(t, h.store.items, "nothing of it is a file")
	found := h.job.finished[0].GetResult()
	require.Len(t, found.GetCommands(), 50)
	total := 0
	for _, c := range found.GetCommands() {
		require.True(t, c.GetTruncated())
		require.LessOrEqual(t, len(c.GetOutput()), 256<<10)
		total += len(c.GetOutput())
	}
	require.Equal(t, 1<<20, total)
	require.Len(t, found.GetLogin().GetStages(), 10)
	require.Equal(t, "ab", found.GetLogin().GetStages()[0].GetDetail())
	require.Len(t, found.GetLogin().GetPrompt(), 255)
	said := h.job.finished[0].GetTranscript()
	require.InDelta(t, 256<<10, len(said.GetText()), 4)
	require.LessOrEqual(t, len(said.GetText()), 256<<10)
	require.True(t, said.GetTruncated())
}
