package job

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

const (
	// reapRounds bounds how much one tick does of each chore, so that no chore starves the others.
	reapRounds  = 20
	cancelBatch = 5000
)

// reapOnce does everything that time brings about: offers lapse, leases are lost, waits end, cancellations reach every task, tasks without an
// agent expire, or follow their device to another gateway, old runs go. Each chore works in bounded batches; what fails does not keep the others from their turn.
func (s *Service) reapOnce(ctx context.Context) error {
	return errors.Join(
		s.rounds(ctx, s.reapSlots),
		s.rounds(ctx, s.reapWaits),
		s.reapCancelled(ctx),
		s.rounds(ctx, s.reapUnattended),
		s.reapMoved(ctx),
		s.store.forget(ctx, s.now()),
		s.rounds(ctx, s.reapOld),
	)
}

// rounds repeats a chore while it finds a full batch.
func (s *Service) rounds(ctx context.Context, chore func(context.Context) (more bool, err error)) error {
	for range reapRounds {
		if more, err := chore(ctx); err != nil || !more {
			return err
		}
	}
	return nil
}

func (s *Service) reapSlots(ctx context.Context) (bool, error) {
	ids, err := s.store.lateSlots(ctx, s.now())
	if err != nil || len(ids) == 0 {
		return false, err
	}
	after, err := s.store.change(ctx, s.now(), ids, func(b *batch) error {
		late, err := b.q.LoseSlots(ctx, b.loseParams(ids))
		if err != nil {
			return err
		}
		for _, row := range late {
			c := b.tasks[row.TaskID]
			switch {
			case c == nil || c.now.Fence != row.Fence:
				b.extraFree = append(b.extraFree, row.Fence) // a slot that belongs to no attempt: cannot be, and must not stay
			case row.Offered:
				c.lapse()
			default:
				c.lose(s.retry)
			}
		}
		return nil
	})
	s.settle(ctx, after)
	return len(ids) == 500, err
}

func (s *Service) reapWaits(ctx context.Context) (bool, error) {
	ids, err := s.store.dueTasks(ctx, s.now())
	if err != nil || len(ids) == 0 {
		return false, err
	}
	err = s.each(ctx, ids, (*change).due)
	return len(ids) == 1000, err
}

func (s *Service) reapUnattended(ctx context.Context) (bool, error) {
	ids, err := s.store.unattended(ctx, s.now())
	if err != nil || len(ids) == 0 {
		return false, err
	}
	err = s.each(ctx, ids, (*change).expire)
	return len(ids) == 1000, err
}

// reapCancelled goes on with cancellations that a crash, or a race with a task on its way back into the queue, left unfinished.
func (s *Service) reapCancelled(ctx context.Context) error {
	ids, err := s.store.cancelledRuns(ctx)
	for _, id := range ids {
		err = errors.Join(err, s.cancelTasks(ctx, id))
	}
	return err
}

// cancelTasks cancels what waits of a cancelled run, in batches, and then its offers.
func (s *Service) cancelTasks(ctx context.Context, run uuid.UUID) error {
	for {
		n, err := s.store.cancelWaiting(ctx, run, s.now(), cancelBatch)
		if err != nil {
			return err
		}
		if n > 0 {
			s.ring(foldKey, runKey(run.String()))
		}
		if n < cancelBatch {
			break
		}
	}
	ids, err := s.store.offeredTasks(ctx, run, cancelBatch)
	if err != nil || len(ids) == 0 {
		return err
	}
	return s.each(ctx, ids, (*change).cancel)
}

// each moves tasks one way.
func (s *Service) each(ctx context.Context, ids []uuid.UUID, move func(*change)) error {
	after, err := s.store.change(ctx, s.now(), ids, func(b *batch) error {
		for _, id := range b.order {
			move(b.tasks[id])
		}
		return nil
	})
	s.settle(ctx, after)
	return err
}

// settle rings the bells of a change and frees what vault reserved for attempts that are over. The latter is for courtesy only: a reservation
// ends by itself.
func (s *Service) settle(ctx context.Context, after aftermath) {
	s.ring(after.keys...)
	if len(after.unused) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
	defer cancel()
	if err := s.freeCredentials(ctx, after.unused); err != nil {
		s.log.Warn("credentials reserved for attempts that are over stay reserved until their deadline", "attempts", len(after.unused), "err", err)
	}
}
