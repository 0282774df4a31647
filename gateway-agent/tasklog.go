package agent

import (
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	logDelay   = 250 * time.Millisecond
	maxLogWait = 200     // lines kept while there is no stream
	maxLogLine = 2 << 10 // bytes
	logBatch   = 20      // lines in one message, which is far below 64 KiB
)

// taskLog is what an attempt says for people. Lines travel a few at a time; what cannot leave in time is lost, and is only words.
type taskLog struct {
	agent *Agent
	work  *work

	mu       sync.Mutex
	lines    []*jobv1.LogLine
	sequence int32 // of the first of lines
	due      bool
}

func (l *taskLog) begin(a *Agent, w *work) { l.agent, l.work = a, w }

// add takes a line; levels below info are for the agent's own log only.
func (l *taskLog) add(level, message string) {
	if level == "debug" {
		l.agent.log.Debug(message, "task", l.work.attempt.task)
		return
	}
	message = valid(message)
	if len(message) > maxLogLine {
		message = valid(message[:maxLogLine])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) >= maxLogWait {
		return
	}
	l.lines = append(l.lines, &jobv1.LogLine{
		At: timestamppb.New(l.agent.now()), Attempt: l.work.spec.GetAttempt(), Level: strings.ToUpper(level), Message: message,
	})
	if !l.due {
		l.due = true
		time.AfterFunc(logDelay, l.flush)
	}
}

// flush sends what waits.
func (l *taskLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = false
	if l.agent.link() == nil {
		return
	}
	for len(l.lines) > 0 {
		n := min(len(l.lines), logBatch)
		l.agent.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_LogBatch{LogBatch: &hubv1.LogBatch{
			Attempt: l.work.attempt.ref(), Sequence: l.sequence, Lines: l.lines[:n:n],
		}}})
		l.sequence += int32(n)
		l.lines = l.lines[n:]
	}
}
