package gitstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/services/gitstore/remote"
)

// A failure is tried again soon, then ever later; one that needs a person only once in a long while.
const (
	firstRetry = 10 * time.Second
	lastRetry  = time.Hour
)

// once is one push with its bookkeeping.
func (p *pusher) once(ctx context.Context, id uuid.UUID) {
	err := p.push(ctx, id)
	if err != nil && ctx.Err() == nil && errs.Reason(err) != "REMOTE_NOT_FOUND" { // removed meanwhile
		p.s.log.Error("a push to a remote could not be noted", "remote", id, "err", err)
	}
}

// push pushes what is the head now; before there is any, it only looks whether the remote lets us. Its errors are those of the database: a push that fails is noted.
func (p *pusher) push(ctx context.Context, id uuid.UUID) error {
	row, err := p.s.store.remote(ctx, id)
	if err != nil {
		return err
	}
	of, err := p.s.repos.get(row.Repository)
	if err != nil {
		return p.failed(ctx, row, err)
	}
	heads, err := p.s.store.headsOf(ctx, []string{row.Repository})
	if err != nil {
		return err
	}
	head := heads[row.Repository]
	began := p.s.now()
	target, err := p.s.target(ctx, row)
	if err == nil {
		var out remote.Outcome
		out, err = remote.Push(ctx, of.Repo, head, target, p.limits)
		if row.KnownHost == "" && row.AcceptFirstHostKey {
			row.KnownHost = out.HostKey
		}
	}
	if ctx.Err() != nil {
		return ctx.Err() // nobody wants to know
	}
	if err != nil {
		return p.failed(ctx, row, err)
	}
	if !head.IsZero() && (row.Reason != "" || row.Pushed == "") {
		p.s.log.Info("the history is at the remote", "remote", row.Name, "commit", headText(head))
	}
	row.Pushed = headText(head)
	if err := p.s.store.remotePushed(ctx, row, began, p.s.now()); err != nil {
		return err
	}
	_, err = p.look(ctx)
	return err
}

// failed notes why a push did not work, and when it is tried again.
func (p *pusher) failed(ctx context.Context, row gitstoresql.Remote, err error) error {
	wait := min(firstRetry<<min(row.Failures, 16), lastRetry)
	if f, ok := errors.AsType[*remote.Failure](err); ok {
		row.Reason, row.Error = f.Reason, f.Message
		if f.NeedsPerson() {
			wait = lastRetry
		}
	} else {
		e := errs.From(err)
		row.Reason, row.Error = errs.Reason(err), e.Message()
		if errs.Code(err) == codes.NotFound {
			wait = lastRetry
		}
	}
	wait = time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // so that many installations do not come at once
	now := p.s.now()
	p.s.log.Warn("a remote is behind", "remote", row.Name, "reason", row.Reason, "failures", row.Failures+1, "next_try", now.Add(wait).Format(time.RFC3339), "err", err)
	if err := p.s.store.remoteFailed(ctx, row, now, now.Add(wait)); err != nil {
		return err
	}
	_, err = p.look(ctx)
	return err
}
