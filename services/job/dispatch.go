package job

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	maxBatch    = 10_000
	maxSaid     = 4 << 10
	maxLogLine  = 1 << 10
	maxLogLines = 1000
)

// ReportAttempts moves attempts on, in the order of the events.
func (s *Service) ReportAttempts(ctx context.Context, req *jobv1.ReportAttemptsRequest) (*jobv1.ReportAttemptsResponse, error) {
	agent, err := fieldID("agent_id", req.GetAgentId())
	if err != nil {
		return nil, err
	}
	refs := make([]*jobv1.AttemptRef, len(req.GetEvents()))
	for i, e := range req.GetEvents() {
		refs[i] = e.GetAttempt()
	}
	tasks, fences, err := readBatch(refs)
	if err != nil {
		return nil, err
	}
	resp := &jobv1.ReportAttemptsResponse{Applied: make([]bool, len(refs))}
	rest, err := s.holdAll(ctx, agent, req.GetEvents(), tasks, fences, resp.Applied)
	if err != nil || len(rest) == 0 {
		return resp, err
	}
	after, err := s.store.change(ctx, s.now(), pick(tasks, rest), func(b *batch) error {
		for _, i := range rest {
			resp.Applied[i] = report(b, agent, tasks[i], fences[i], req.GetEvents()[i])
		}
		return nil
	})
	s.settle(ctx, after)
	return resp, err
}

// holdAll renews leases without touching tasks, which is nearly always all there is to do, and answers which events are left.
func (s *Service) holdAll(ctx context.Context, agent uuid.UUID, events []*jobv1.ReportAttemptsRequest_Event, tasks []uuid.UUID, fences []int64, applied []bool) ([]int, error) {
	var held, rest []int
	for i, e := range events {
		if e.GetKind() == jobv1.ReportAttemptsRequest_Event_HELD {
			held = append(held, i)
		} else {
			rest = append(rest, i)
		}
	}
	if len(held) == 0 {
		return rest, nil
	}
	renewed, err := s.store.hold(ctx, s.now(), agent, pick(tasks, held), pick(fences, held))
	if err != nil {
		return nil, err
	}
	for _, i := range held {
		if renewed[fences[i]] {
			applied[i] = true
		} else {
			rest = append(rest, i)
		}
	}
	return rest, nil
}

func report(b *batch, agent, task uuid.UUID, fence int64, e *jobv1.ReportAttemptsRequest_Event) bool {
	c := b.tasks[task]
	if c == nil {
		return false
	}
	switch e.GetKind() {
	case jobv1.ReportAttemptsRequest_Event_ACCEPTED, jobv1.ReportAttemptsRequest_Event_HELD:
		return c.lease(agent, fence)
	case jobv1.ReportAttemptsRequest_Event_STARTED:
		return c.start(agent, fence)
	case jobv1.ReportAttemptsRequest_Event_PROCEED:
		return c.proceed(agent, fence)
	case jobv1.ReportAttemptsRequest_Event_DECLINED:
		return c.decline(agent, fence, cut(e.GetReason(), 200))
	}
	return false
}

// FinishAttempts ends attempts.
func (s *Service) FinishAttempts(ctx context.Context, req *jobv1.FinishAttemptsRequest) (*jobv1.FinishAttemptsResponse, error) {
	agent, err := fieldID("agent_id", req.GetAgentId())
	if err != nil {
		return nil, err
	}
	refs := make([]*jobv1.AttemptRef, len(req.GetItems()))
	for i, item := range req.GetItems() {
		refs[i] = item.GetAttempt()
		if f := item.GetFailure(); f != nil {
			f.DeviceSaid, f.Hint = cut(f.GetDeviceSaid(), maxSaid), cut(f.GetHint(), maxSaid)
		}
	}
	tasks, fences, err := readBatch(refs)
	if err != nil {
		return nil, err
	}
	answers, after, err := s.store.finish(ctx, s.now(), agent, tasks, fences, func(c *change, i int) bool {
		c.proves = s.kinds.logsIn(c.now.Kind)
		return c.finish(agent, req.GetItems()[i], s.retry)
	})
	if err != nil {
		return nil, err
	}
	s.settle(ctx, after)
	return &jobv1.FinishAttemptsResponse{Items: answers}, nil
}

// ResumeAgent judges what an agent holds after it (re)connected.
func (s *Service) ResumeAgent(ctx context.Context, req *jobv1.ResumeAgentRequest) (*jobv1.ResumeAgentResponse, error) {
	agent, err := fieldID("agent_id", req.GetAgentId())
	if err != nil {
		return nil, err
	}
	refs := append(append([]*jobv1.AttemptRef{}, req.GetRunning()...), req.GetSpooled()...)
	tasks, fences, err := readBatch(refs)
	if err != nil {
		return nil, err
	}
	verdicts, after, err := s.store.resume(ctx, s.now(), agent, tasks, fences, len(req.GetRunning()), s.retry)
	if err != nil {
		return nil, err
	}
	s.settle(ctx, after)
	resp := &jobv1.ResumeAgentResponse{}
	for i, ref := range refs {
		resp.Items = append(resp.Items, &jobv1.ResumeAgentResponse_Item{Attempt: ref, Verdict: verdicts[i]})
	}
	return resp, nil
}

// AppendTaskLog keeps log lines: at most 1,000 of an attempt, each of at most 1 KiB.
func (s *Service) AppendTaskLog(ctx context.Context, req *jobv1.AppendTaskLogRequest) (*jobv1.AppendTaskLogResponse, error) {
	agent, err := fieldID("agent_id", req.GetAgentId())
	if err != nil {
		return nil, err
	}
	refs := make([]*jobv1.AttemptRef, len(req.GetItems()))
	for i, item := range req.GetItems() {
		refs[i] = item.GetAttempt()
	}
	tasks, fences, err := readBatch(refs)
	if err != nil {
		return nil, err
	}
	return &jobv1.AppendTaskLogResponse{}, s.store.appendLog(ctx, agent, tasks, fences, req.GetItems(), s.now())
}

func readBatch(refs []*jobv1.AttemptRef) ([]uuid.UUID, []int64, error) {
	if len(refs) > maxBatch {
		return nil, nil, errs.Invalid("items", "TOO_MANY", "at most 10000 in one call")
	}
	return readRefs("attempt", refs)
}

// pick answers the elements at the indexes.
func pick[T any](all []T, indexes []int) []T {
	out := make([]T, len(indexes))
	for i, at := range indexes {
		out[i] = all[at]
	}
	return out
}

// cut shortens text to n bytes at most, without halving a character, and drops NUL, which PostgreSQL cannot hold.
func cut(text string, n int) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

// timeOr is the time an agent named, if it is sane: neither before the epoch nor in the future.
func timeOr(t interface{ AsTime() time.Time }, valid bool, now time.Time) time.Time {
	if !valid || t.AsTime().Unix() < 0 || t.AsTime().After(now) {
		return now
	}
	return t.AsTime()
}
