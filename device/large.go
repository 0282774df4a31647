package device

import (
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	// largeAnswer is what any session may hold of an answer without asking: few configurations are longer.
	largeAnswer = 1 << 20
	// largeSlots is how many sessions of this process may hold more. Each can then grow to Limits.Bytes,
	// half as much again while its buffer is copied.
	largeSlots = 2
)

// largeAnswers has one entry for each session that holds a slot. It belongs to the process, as the memory
// does that it guards: fifty devices that send without end are no single session's concern.
var largeAnswers = make(chan struct{}, largeSlots)

// grow has the session hold a slot if it holds an answer of size bytes. It blocks while others have them
// all: nothing is read meanwhile, so the SSH window fills and the device waits, and its silence is ours.
// ctx, the deadline and the command's time go on counting. What was handed on may live as long as the
// session, so the slot does too.
func (s *Session) grow(size int) *jobv1.Failure {
	if size <= largeAnswer || s.large {
		return nil
	}
	select {
	case largeAnswers <- struct{}{}:
		s.large = true
		return nil
	default:
	}
	s.cfg.Log("info", "an answer of more than 1 MiB waits until the agent has room for it")
	shut := make(chan struct{})
	s.link.watch.whenShut(func() { close(shut) })
	listen := s.link.watch.rest()
	s.queued = true
	select {
	case <-shut:
		return s.cutOff(s.link.watch.reason())
	case largeAnswers <- struct{}{}:
	}
	s.large, s.queued = true, false
	listen()
	return nil
}

// Hold has the session take part in the bound on large answers for what its caller keeps of it, in bytes. It blocks as reading does.
func (s *Session) Hold(size int) *jobv1.Failure {
	if f := s.grow(size); f != nil {
		return s.finish(f)
	}
	return nil
}

// shrink gives the slot back, if the session has one.
func (s *Session) shrink() {
	if s.large {
		<-largeAnswers
		s.large = false
	}
}

// crowded is what a session fails with whose time was up before it had a slot. Another try may do better.
func crowded() *jobv1.Failure {
	return failure(jobv1.Failure_BUSY, "The device's answer is longer than %d MiB, and the agent was busy with other large answers until the time was up.", largeAnswer>>20)
}

// most is how long a buffer for answers gets: what may still arrive before the next check is made, on top
// of what that check lets pass.
func (s *Session) most() int {
	if s.large {
		return s.limits.Bytes + maxPrompt + largeBuffer
	}
	return min(largeAnswer, s.limits.Bytes+maxPrompt) + largeBuffer
}
