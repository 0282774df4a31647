package job

import (
	"context"
	"time"

	"github.com/google/uuid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// hold renews leases and answers the fences of those that were live.
func (s *store) hold(ctx context.Context, now time.Time, agent uuid.UUID, tasks []uuid.UUID, fences []int64) (map[int64]bool, error) {
	rows, err := s.q.HoldSlots(ctx, jobsql.HoldSlotsParams{TaskIds: tasks, Fences: fences, AgentID: agent, LeaseUntil: utc(now).Add(leaseTime)})
	if err != nil {
		return nil, sqlError(err)
	}
	renewed := make(map[int64]bool, len(rows))
	for _, row := range rows {
		renewed[row.Fence] = true
	}
	return renewed, nil
}

// finish ends attempts by way of move, which says whether item i applied. A repeat gets the answer of the first time.
func (s *store) finish(ctx context.Context, now time.Time, agent uuid.UUID, tasks []uuid.UUID, fences []int64, move func(*change, int) bool) ([]*jobv1.FinishAttemptsResponse_Item, aftermath, error) {
	var answers []*jobv1.FinishAttemptsResponse_Item
	after, err := s.change(ctx, now, tasks, func(b *batch) error {
		answers = make([]*jobv1.FinishAttemptsResponse_Item, len(tasks))
		var stale []int
		for i, id := range tasks {
			answers[i] = &jobv1.FinishAttemptsResponse_Item{}
			c := b.tasks[id]
			if c == nil {
				continue
			}
			if move(c, i) {
				answers[i].Applied = true
			} else {
				stale = append(stale, i)
			}
			answers[i].State = taskState(c.now.State)
		}
		return answerRepeats(ctx, b, agent, tasks, fences, stale, answers)
	})
	return answers, after, err
}

func answerRepeats(ctx context.Context, b *batch, agent uuid.UUID, tasks []uuid.UUID, fences []int64, stale []int, answers []*jobv1.FinishAttemptsResponse_Item) error {
	if len(stale) == 0 {
		return nil
	}
	err := b.q.FreeLostSlots(ctx, jobsql.FreeLostSlotsParams{TaskIds: pick(tasks, stale), Fences: pick(fences, stale), AgentID: agent})
	if err != nil {
		return err
	}
	rows, err := b.q.GetAttempts(ctx, jobsql.GetAttemptsParams{TaskIds: pick(tasks, stale), Fences: pick(fences, stale)})
	if err != nil {
		return err
	}
	first := map[int64]jobsql.GetAttemptsRow{}
	for _, row := range rows {
		first[row.Fence] = row
	}
	for _, i := range stale {
		row, ok := first[fences[i]]
		if ok && !row.Lost && row.AgentID == agent && row.TaskID == tasks[i] {
			answers[i].Applied, answers[i].State = true, taskState(row.TaskState)
		}
	}
	return nil
}

// resume judges the attempts an agent names, the first nRunning of which it runs, and takes back every other one that it should hold.
func (s *store) resume(ctx context.Context, now time.Time, agent uuid.UUID, tasks []uuid.UUID, fences []int64, nRunning int, retry retryPolicy) ([]jobv1.ResumeAgentResponse_Verdict, aftermath, error) {
	slots, err := s.q.AgentSlots(ctx, agent)
	if err != nil {
		return nil, aftermath{}, sqlError(err)
	}
	named := map[int64]bool{}
	for _, f := range fences {
		named[f] = true
	}
	all := append([]uuid.UUID{}, tasks...)
	var gone []jobsql.AgentSlotsRow
	for _, slot := range slots {
		if !named[slot.Fence] {
			gone = append(gone, slot)
			all = append(all, slot.TaskID)
		}
	}
	verdicts := make([]jobv1.ResumeAgentResponse_Verdict, len(tasks))
	after, err := s.change(ctx, now, all, func(b *batch) error {
		for _, slot := range gone {
			b.extraFree = append(b.extraFree, slot.Fence)
			if c := b.tasks[slot.TaskID]; c != nil {
				c.drop(slot.Fence, retry)
			}
		}
		return judge(ctx, b, agent, tasks, fences, nRunning, verdicts)
	})
	return verdicts, after, err
}

// judge says what an agent is to do with each attempt it named. A running one goes on while it may still decide its task; a result is
// wanted from whoever held the attempt, even if only to be kept as an observation.
func judge(ctx context.Context, b *batch, agent uuid.UUID, tasks []uuid.UUID, fences []int64, nRunning int, verdicts []jobv1.ResumeAgentResponse_Verdict) error {
	rows, err := b.q.GetAttempts(ctx, jobsql.GetAttemptsParams{TaskIds: tasks, Fences: fences})
	if err != nil {
		return err
	}
	held := map[int64]bool{}
	for _, row := range rows {
		held[row.Fence] = row.AgentID == agent
	}
	for i, id := range tasks {
		c := b.tasks[id]
		mine := c != nil && c.holds(agent, fences[i])
		switch {
		case i < nRunning && mine && !c.cancelling() && c.start(agent, fences[i]):
			verdicts[i] = jobv1.ResumeAgentResponse_CONTINUE
		case i < nRunning:
			verdicts[i] = jobv1.ResumeAgentResponse_ABORT
		case mine:
			c.lease(agent, fences[i])
			verdicts[i] = jobv1.ResumeAgentResponse_SEND_RESULT
		case held[fences[i]]:
			verdicts[i] = jobv1.ResumeAgentResponse_SEND_RESULT
		default:
			verdicts[i] = jobv1.ResumeAgentResponse_DROP_RESULT
		}
	}
	return nil
}

// appendLog keeps lines of attempts that the agent holds or held.
func (s *store) appendLog(ctx context.Context, agent uuid.UUID, tasks []uuid.UUID, fences []int64, items []*jobv1.AppendTaskLogRequest_Item, now time.Time) error {
	p := jobsql.InsertLogParams{AgentID: agent}
	for i, item := range items {
		if item.GetSequence() < 0 || item.GetSequence() >= maxLogLines {
			continue
		}
		line := item.GetLine()
		p.TaskIds = append(p.TaskIds, tasks[i])
		p.Fences = append(p.Fences, fences[i])
		p.Sequences = append(p.Sequences, item.GetSequence())
		p.At = append(p.At, utc(timeOr(line.GetAt(), line.GetAt().IsValid(), now)))
		p.Attempts = append(p.Attempts, int16(min(max(line.GetAttempt(), 0), 1000)))
		p.Levels = append(p.Levels, logLevel(line.GetLevel()))
		p.Messages = append(p.Messages, cut(line.GetMessage(), maxLogLine))
	}
	if len(p.TaskIds) == 0 {
		return nil
	}
	return sqlError(s.q.InsertLog(ctx, p))
}

func logLevel(level string) string {
	switch level {
	case "WARN", "ERROR":
		return level
	}
	return "INFO"
}
