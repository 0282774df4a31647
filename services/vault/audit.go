package vault

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

const (
	flushEvery = 200 * time.Millisecond
	flushLines = 1000
	// maxWaiting bounds the lines that wait for auth: ten seconds of the busiest night. Beyond it nothing is opened.
	maxWaiting   = 20_000
	flushTimeout = 5 * time.Second
)

// auditQueue sends lines to auth in batches. A line keeps its id, so a batch can be repeated. Safe for concurrent use.
type auditQueue struct {
	trust authv1.TrustServiceClient
	log   *slog.Logger

	mu      sync.Mutex
	waiting []*authv1.AuditLine
	sending sync.Mutex
}

func newAuditQueue(trust authv1.TrustServiceClient, log *slog.Logger) *auditQueue {
	return &auditQueue{trust: trust, log: log}
}

// ready refuses what must be audited when too many lines wait. Errors: UNAVAILABLE/AUDIT_UNAVAILABLE.
func (q *auditQueue) ready() error {
	if q.len() < maxWaiting {
		return nil
	}
	return errs.New(codes.Unavailable, "AUDIT_UNAVAILABLE", "the audit trail cannot be written right now, so no secret is touched; try again")
}

// add queues lines about what was done or is about to be done; ask ready first. It never blocks and never drops.
func (q *auditQueue) add(lines ...*authv1.AuditLine) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, lines...)
}

func (q *auditQueue) run(ctx context.Context) error {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			if err := q.flush(last); err != nil {
				q.log.Error("vault: audit lines were lost at the end", "lines", q.len(), "err", err)
			}
			return nil
		case <-ticker.C:
		}
		if err := q.flush(ctx); err != nil && ctx.Err() == nil {
			q.log.Warn("vault: audit lines wait for auth", "lines", q.len(), "err", err)
		}
	}
}

// flush sends all lines that wait. What could not be sent goes on waiting.
func (q *auditQueue) flush(ctx context.Context) error {
	q.sending.Lock()
	defer q.sending.Unlock()
	for {
		q.mu.Lock()
		n := min(len(q.waiting), flushLines)
		batch := q.waiting[:n:n]
		q.mu.Unlock()
		if n == 0 {
			return nil
		}
		call, cancel := context.WithTimeout(ctx, flushTimeout)
		_, err := q.trust.AppendAudit(call, &authv1.AppendAuditRequest{Lines: batch})
		cancel()
		if err != nil {
			return err
		}
		q.mu.Lock()
		q.waiting = q.waiting[n:]
		if len(q.waiting) == 0 {
			q.waiting = nil // let the array go
		}
		q.mu.Unlock()
	}
}

func (q *auditQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// line is an audit line about what the caller of ctx does to a credential now.
func (s *Service) line(ctx context.Context, action string, credential uuid.UUID, details map[string]string) *authv1.AuditLine {
	p := authn.FromContext(ctx)
	return &authv1.AuditLine{
		Id: newID().String(), At: timestamppb.New(s.now()), Actor: p.Actor(), ActorName: p.Name(), Action: action,
		ObjectKind: "credential", ObjectId: credential.String(), Outcome: "OK", Details: details,
	}
}
