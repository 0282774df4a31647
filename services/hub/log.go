package hub

import (
	"context"
	"strings"
	"unicode/utf8"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// What one attempt may write to its task's log.
const (
	maxLogLines = 2000
	maxLogBytes = 256 << 10
	maxLogLine  = 4 << 10
)

// logBatch passes log lines on to job, as far as the attempt's budget goes.
func (c *session) logBatch(b *hubv1.LogBatch) {
	a := attemptOf(b.GetAttempt())
	for i, line := range b.GetLines() {
		line.Message, line.Level = clean(line.GetMessage(), maxLogLine), clean(line.GetLevel(), 8)
		ok, last := c.leases.spend(a, len(line.GetMessage()))
		if last {
			ok, line.Level, line.Message = true, "WARN", "the attempt's log is full; what follows is not kept"
		}
		if ok {
			c.lines.add(&jobv1.AppendTaskLogRequest_Item{Attempt: b.GetAttempt(), Sequence: b.GetSequence() + int32(i), Line: line})
		}
	}
}

func (c *session) sendLines(ctx context.Context, lines []*jobv1.AppendTaskLogRequest_Item) {
	_, err := c.hub.deps.Dispatch.AppendTaskLog(ctx, &jobv1.AppendTaskLogRequest{AgentId: c.agent.AgentID, Items: lines})
	if err != nil {
		c.log.Warn("log lines of attempts are lost", "count", len(lines), "err", err)
	}
}

// clean makes an agent's text fit for a database: at most limit bytes, no NUL, whole characters.
func clean(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if r, n := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && n == 1 {
			s = s[:len(s)-1]
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "")
}
