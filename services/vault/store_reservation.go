package vault

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
)

type attemptKey struct {
	task  uuid.UUID
	fence int64
}

// reserve answers a batch, in order, in one transaction of a few statements whatever the batch's size. Attempts that have a reservation get the
// same answer again.
func (s *store) reserve(ctx context.Context, now time.Time, batch []asking) ([]answer, error) {
	answers := make([]answer, len(batch))
	err := s.tx(ctx, func(q *vaultsql.Queries) error {
		locked, err := q.LockApplicable(ctx, applicableTo(batch))
		if err != nil {
			return err
		}
		rows := make([]held, len(locked))
		for i, r := range locked {
			rows[i] = held(r)
		}
		before, err := reserved(ctx, q, batch)
		if err != nil {
			return err
		}
		a := newAdmission(now, rows)
		insert := vaultsql.InsertReservationsParams{Now: now}
		for i, t := range batch {
			key := attemptKey{t.task, t.fence}
			if ids, ok := before[key]; ok {
				answers[i].credentials = ids
				continue
			}
			answers[i] = a.admit(t)
			if ids := answers[i].credentials; len(ids) > 0 {
				before[key] = ids
				addReservation(&insert, t, ids)
			}
		}
		if len(insert.TaskIds) == 0 {
			return nil
		}
		if err := q.InsertReservations(ctx, insert); err != nil {
			return err
		}
		return q.SaveBudgets(ctx, a.budgets())
	})
	return answers, err
}

func applicableTo(batch []asking) vaultsql.LockApplicableParams {
	p := vaultsql.LockApplicableParams{TagKeys: []string{}, DeviceIds: []uuid.UUID{}}
	for _, t := range batch {
		p.TagKeys = append(p.TagKeys, t.tagKeys...)
		p.DeviceIds = append(p.DeviceIds, t.device)
	}
	slices.Sort(p.TagKeys)
	p.TagKeys = slices.Compact(p.TagKeys)
	return p
}

// reserved answers the reservations that attempts of the batch have already.
func reserved(ctx context.Context, q *vaultsql.Queries, batch []asking) (map[attemptKey][]uuid.UUID, error) {
	var p vaultsql.FindReservationsParams
	for _, t := range batch {
		p.TaskIds, p.Fences = append(p.TaskIds, t.task), append(p.Fences, t.fence)
	}
	rows, err := q.FindReservations(ctx, p)
	out := make(map[attemptKey][]uuid.UUID, len(batch))
	for _, r := range rows {
		out[attemptKey{r.TaskID, r.Fence}] = r.CredentialIds
	}
	return out, err
}

func addReservation(p *vaultsql.InsertReservationsParams, t asking, ids []uuid.UUID) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	p.TaskIds = append(p.TaskIds, t.task)
	p.Fences = append(p.Fences, t.fence)
	p.DeviceIds = append(p.DeviceIds, t.device)
	p.CredentialIds = append(p.CredentialIds, strings.Join(texts, " "))
	p.Deadlines = append(p.Deadlines, t.deadline)
}

// report takes the reservations of finished attempts, and lets tally count what they came to. A reservation is taken once.
func (s *store) report(ctx context.Context, keys []attemptKey, now time.Time, tally func([]vaultsql.Reservation, *tally)) error {
	return s.settle(ctx, now, tally, func(q *vaultsql.Queries) ([]vaultsql.Reservation, error) {
		var p vaultsql.TakeReservationsParams
		for _, k := range keys {
			p.TaskIds, p.Fences = append(p.TaskIds, k.task), append(p.Fences, k.fence)
		}
		return q.TakeReservations(ctx, p)
	})
}

// expire stops counting reservations whose deadline has passed.
func (s *store) expire(ctx context.Context, now time.Time) error {
	return s.settle(ctx, now, free, func(q *vaultsql.Queries) ([]vaultsql.Reservation, error) { return q.ExpireReservations(ctx, now) })
}

// supersede stops counting what earlier attempts of the batch's tasks reserved: job gives a task out again only when no attempt of it is at work, and
// an attempt that died with its agent or hub is never reported. It is a transaction of its own, because settle locks reservations before credentials and
// reserve does the opposite.
func (s *store) supersede(ctx context.Context, now time.Time, batch []asking) error {
	return s.settle(ctx, now, free, func(q *vaultsql.Queries) ([]vaultsql.Reservation, error) {
		var p vaultsql.SupersedeReservationsParams
		for _, t := range batch {
			p.TaskIds, p.Fences = append(p.TaskIds, t.task), append(p.Fences, t.fence)
		}
		return q.SupersedeReservations(ctx, p)
	})
}

func free(rows []vaultsql.Reservation, t *tally) {
	for _, r := range rows {
		t.free(r.CredentialIds)
	}
}

// settle takes reservations and then, in the order of ids, the credentials they list.
func (s *store) settle(
	ctx context.Context, now time.Time, count func([]vaultsql.Reservation, *tally), take func(*vaultsql.Queries) ([]vaultsql.Reservation, error),
) error {
	return s.tx(ctx, func(q *vaultsql.Queries) error {
		rows, err := take(q)
		if err != nil || len(rows) == 0 {
			return err
		}
		var ids []uuid.UUID
		for _, r := range rows {
			ids = append(ids, r.CredentialIds...)
		}
		uses, err := q.LockUses(ctx, ids)
		if err != nil {
			return err
		}
		t := newTally(now, uses)
		count(rows, t)
		return t.save(ctx, q)
	})
}

func (t *tally) save(ctx context.Context, q *vaultsql.Queries) error {
	params := make([]vaultsql.SaveUseParams, 0, len(t.uses))
	for _, u := range t.uses {
		params = append(params, vaultsql.SaveUseParams{
			CredentialID: u.CredentialID, Probation: u.Probation, Worked: u.Worked, Streak: u.Streak, PausedUntil: u.PausedUntil,
			Successes: u.Successes, Failures: u.Failures, LastUsedAt: u.LastUsedAt, LastFailedAt: u.LastFailedAt, InFlight: u.InFlight, Pauses: u.Pauses,
		})
	}
	var failed error
	q.SaveUse(ctx, params).Exec(func(_ int, err error) {
		if err != nil && failed == nil {
			failed = err
		}
	})
	if failed != nil {
		return failed
	}
	if len(t.good) > 0 {
		p := vaultsql.PutLastGoodParams{Now: t.now}
		for device, credential := range t.good {
			p.DeviceIds, p.CredentialIds = append(p.DeviceIds, device), append(p.CredentialIds, credential)
		}
		if err := q.PutLastGood(ctx, p); err != nil {
			return err
		}
	}
	if len(t.bad) == 0 {
		return nil
	}
	var p vaultsql.DropLastGoodParams
	for _, b := range t.bad {
		p.DeviceIds, p.CredentialIds = append(p.DeviceIds, b.device), append(p.CredentialIds, b.credential)
	}
	return q.DropLastGood(ctx, p)
}

// forget removes expired reservations whose attempts were never heard of again.
func (s *store) forget(ctx context.Context, before time.Time) error {
	_, err := s.q.DeleteOldReservations(ctx, before)
	return err
}

// openReservation reads all that a grant needs, and notes that it is sealed if no credential is in probation. No rows: there is no reservation for the
// device, its deadline has passed, or all its credentials are gone.
func (s *store) openReservation(ctx context.Context, key attemptKey, device uuid.UUID, now time.Time) ([]vaultsql.OpenReservationRow, error) {
	return s.q.OpenReservation(ctx, vaultsql.OpenReservationParams{TaskID: key.task, Fence: key.fence, DeviceID: device, Now: now})
}
