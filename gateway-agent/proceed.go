package agent

import (
	"context"
	"errors"
	"fmt"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
)

var errNoProceed = errors.New("the server does not let the attempt go on")

// proceeding is what a kind asks before it changes the device of an attempt; nil for attempts that must only read.
func (a *Agent) proceeding(w *work) func(context.Context) error {
	if !w.spec.GetMutating() {
		return nil
	}
	return func(ctx context.Context) error { return a.mayProceed(ctx, w) }
}

// mayProceed notes in the journal that the attempt is about to change its device, and asks the hub. It blocks until there is an answer, asking again
// on every new stream: job gives the same answer to the same attempt.
func (a *Agent) mayProceed(ctx context.Context, w *work) error {
	ctx, cancel := context.WithTimeout(ctx, grantPatience)
	defer cancel()
	if err := a.journal.proceed(w.attempt); err != nil {
		return fmt.Errorf("the agent's journal cannot be written: %w", err)
	}
	a.mu.Lock()
	w.waiting = true
	s := a.session
	a.mu.Unlock()
	if s != nil {
		a.askProceed(s, w.attempt)
	}
	select {
	case r := <-w.allowed:
		if !r.GetProceed() {
			return fmt.Errorf("%w (%s)", errNoProceed, valid(r.GetReason()))
		}
		return ctx.Err()
	case <-ctx.Done():
		return fmt.Errorf("there was no leave to go on: %w", ctx.Err())
	}
}

// askProceed sends the request of an attempt that waits for leave.
func (a *Agent) askProceed(s *session, x attempt) {
	a.mu.Lock()
	w := a.running[x]
	waits := w != nil && w.waiting
	a.mu.Unlock()
	if waits {
		s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_ProceedRequest{ProceedRequest: &hubv1.ProceedRequest{Attempt: x.ref()}}})
	}
}

// proceed hands an answer to the attempt that asked; one that nobody waits for is dropped.
func (a *Agent) proceed(r *hubv1.ProceedReply) {
	a.mu.Lock()
	w := a.running[attemptOf(r.GetAttempt())]
	expected := w != nil && w.waiting
	if expected {
		w.waiting = false
	}
	a.mu.Unlock()
	if !expected {
		a.log.Warn("the hub answers an attempt that did not ask to proceed", "task", r.GetAttempt().GetTaskId())
		return
	}
	w.allowed <- r // has room: one answer for one question
}
