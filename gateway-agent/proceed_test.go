package agent

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/jobkind"
)

// changes is a kind that asks for leave and counts as having changed the device if it gets it.
func changes(changed chan<- struct{}) *fakeKind {
	return &fakeKind{work: func(ctx context.Context, env jobkind.Env) jobkind.Outcome {
		if env.Proceed == nil {
			return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_POLICY}}
		}
		if err := env.Proceed(ctx); err != nil {
			return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_BUSY, Hint: err.Error()}}
		}
		changed <- struct{}{}
		return jobkind.Outcome{}
	}}
}

func mutating(x *jobv1.TaskSpec) { x.Mutating = true }

func proceedRequest(m *hubv1.AgentMessage) *hubv1.ProceedRequest { return m.GetProceedRequest() }

func (s *fakeStream) answer(r *hubv1.ProceedRequest, yes bool) {
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_ProceedReply{ProceedReply: &hubv1.ProceedReply{Attempt: r.GetAttempt(), Proceed: yes, Reason: "LEASE_LOST"}}})
}

func TestNothingChangesBeforeTheJournalAndTheHubHaveIt(t *testing.T) {
	h := newFakeHub(t)
	dir, changed := t.TempDir(), make(chan struct{}, 1)
	h.start(dir, changes(changed))
	s := h.stream()
	spec := s.spec(mutating)
	s.offer(spec)
	next(s, proceedRequest)
	require.Equal(t, []string{"proceeds " + spec.GetTaskId()}, noted(t, dir), "the journal says what the attempt is about to do")
	require.Empty(t, changed)
	s.close() // the answer is lost
	s = h.stream()
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_ResumeVerdict{ResumeVerdict: &hubv1.ResumeVerdict{
		Attempt: s.hello.GetRunning()[0], Verdict: jobv1.ResumeAgentResponse_CONTINUE,
	}}})
	r := next(s, proceedRequest)
	require.Equal(t, spec.GetTaskId(), r.GetAttempt().GetTaskId())
	require.Empty(t, changed)
	s.answer(r, true)
	s.answer(r, true) // nobody waits for it any more
	require.True(t, next(s, result).GetSucceeded())
	require.Len(t, changed, 1)
}

func TestNoMeansNo(t *testing.T) {
	h := newFakeHub(t)
	changed := make(chan struct{}, 1)
	h.start(t.TempDir(), changes(changed))
	s := h.stream()
	s.offer(s.spec(mutating))
	s.answer(next(s, proceedRequest), false)
	require.Contains(t, next(s, result).GetFailure().GetHint(), "LEASE_LOST")

	s.offer(s.spec()) // job did not sign it as mutating
	require.Equal(t, jobv1.Failure_POLICY, next(s, result).GetFailure().GetClass())

	s.offer(s.spec(mutating))
	ref := next(s, proceedRequest).GetAttempt()
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_Cancel{Cancel: &hubv1.Cancel{Attempt: ref, Reason: "CANCELLED"}}})
	require.Equal(t, jobv1.Failure_CANCELLED, next(s, result).GetFailure().GetClass())
	require.Empty(t, changed)
}

func TestARestartAfterProceedIsReportedAndNotRepeated(t *testing.T) {
	h := newFakeHub(t)
	dir := t.TempDir()
	a, err := New(h.config(dir), Deps{Kinds: instant().lookup})
	require.NoError(t, err)
	x := attempt{task: "0197f000-0000-7000-8000-000000000001", fence: 9}
	require.NoError(t, a.journal.begin(x))
	require.NoError(t, a.journal.proceed(x)) // then the program was killed
	kind := instant()
	again := h.start(dir, kind)
	s := h.stream()
	require.Equal(t, x.task, s.hello.GetAborted()[0].GetTaskId())
	require.Contains(t, again.log.String(), "look at the device")
	require.Zero(t, kind.runs.Load())
}
