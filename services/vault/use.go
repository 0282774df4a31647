package vault

import (
	"context"
	"time"

	"github.com/google/uuid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
)

// ReportUse takes what worked and what did not, and frees the reservations.
func (s *Service) ReportUse(ctx context.Context, req *vaultv1.ReportUseRequest) (*vaultv1.ReportUseResponse, error) {
	if len(req.GetItems()) > maxBatch {
		return nil, errs.Invalid("items", "TOO_MANY", "at most 1000 attempts a call")
	}
	keys := make([]attemptKey, 0, len(req.GetItems()))
	outcomes := make(map[attemptKey][]*jobv1.CredentialOutcome, len(req.GetItems()))
	for _, item := range req.GetItems() {
		task, err := uuid.Parse(item.GetTaskId())
		if err != nil {
			return nil, errs.Invalid("items.task_id", "INVALID", "a task's id is a UUID")
		}
		key := attemptKey{task, item.GetFence()}
		keys = append(keys, key)
		outcomes[key] = item.GetOutcomes()
	}
	err := s.store.report(ctx, keys, s.now(), func(rows []vaultsql.Reservation, t *tally) {
		for _, r := range rows {
			t.settle(r, outcomes[attemptKey{r.TaskID, r.Fence}])
		}
	})
	return &vaultv1.ReportUseResponse{}, err
}

// tally counts what attempts came to, over the credentials that their reservations list. Not for concurrent use.
type tally struct {
	now  time.Time
	uses map[uuid.UUID]*vaultsql.CredentialUse
	// good is the credential that each device let in; bad are those it refused.
	good map[uuid.UUID]uuid.UUID
	bad  []refusal
}

type refusal struct{ device, credential uuid.UUID }

func newTally(now time.Time, rows []vaultsql.CredentialUse) *tally {
	t := &tally{now: now, uses: make(map[uuid.UUID]*vaultsql.CredentialUse, len(rows)), good: map[uuid.UUID]uuid.UUID{}}
	for i := range rows {
		t.uses[rows[i].CredentialID] = &rows[i]
	}
	return t
}

// settle counts one attempt and frees its reservation.
func (t *tally) settle(r vaultsql.Reservation, outcomes []*jobv1.CredentialOutcome) {
	if r.Counted {
		t.free(r.CredentialIds)
	}
	listed := make(map[uuid.UUID]bool, len(r.CredentialIds))
	for _, id := range r.CredentialIds {
		listed[id] = true
	}
	for _, o := range outcomes {
		id, err := uuid.Parse(o.GetCredentialId())
		u := t.uses[id]
		if err != nil || u == nil || !listed[id] { // an agent can speak only of what it was given
			continue
		}
		listed[id] = false // and once
		t.count(r, u, o.GetResult())
	}
}

func (t *tally) count(r vaultsql.Reservation, u *vaultsql.CredentialUse, result jobv1.CredentialOutcome_Result) {
	since := r.CreatedAt
	if r.SealedAt != nil { // when the secret was read
		since = *r.SealedAt
	}
	stale := since.Before(u.VersionSince) // the secret has changed since; what happened says nothing about the new one
	switch result {
	case jobv1.CredentialOutcome_WORKED:
		u.Successes++
		u.LastUsedAt = &t.now
		t.good[r.DeviceID] = u.CredentialID
		if !stale {
			u.Probation, u.Worked, u.Streak, u.PausedUntil, u.Pauses = false, true, 0, nil, 0
		}
	case jobv1.CredentialOutcome_REFUSED, jobv1.CredentialOutcome_ENABLE_REFUSED:
		u.Failures++
		u.LastUsedAt, u.LastFailedAt = &t.now, &t.now
		if result == jobv1.CredentialOutcome_REFUSED {
			t.bad = append(t.bad, refusal{r.DeviceID, u.CredentialID})
		}
		if !stale {
			u.Probation = true
			u.Streak++
			t.pause(u)
		}
	default: // unused, or something a newer agent says: only freed
	}
}

// pause holds a credential back after refusals in a row, longer each time. Refusals during a pause come from attempts that were out already;
// they do not lengthen it, so that a short outage of the AAA server costs minutes, not the night.
func (t *tally) pause(u *vaultsql.CredentialUse) {
	if u.Streak < pauseAfter || (u.PausedUntil != nil && u.PausedUntil.After(t.now)) {
		return
	}
	until := t.now.Add(min(pauseMost, pauseFirst<<min(u.Pauses, 10)))
	u.Pauses++
	u.PausedUntil = &until
}

func (t *tally) free(ids []uuid.UUID) {
	for _, id := range ids {
		if u := t.uses[id]; u != nil && u.InFlight > 0 {
			u.InFlight--
		}
	}
}
