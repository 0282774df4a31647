package vault

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
)

// inProbation is the answer to an attempt that reserved a credential before it was refused elsewhere.
func inProbation(name string) *errs.Error {
	return errs.New(codes.FailedPrecondition, "CREDENTIAL_IN_PROBATION",
		"credential %s was refused or has not worked yet, and as many attempts as may try it now are under way; the task will be tried again", name)
}

// sealing decides about one grant whose reservation lists a credential in probation.
type sealing struct {
	now time.Time
	// listed is what the reservation lists, in the order to try.
	listed []uuid.UUID
	// lastGood is the credential that the device let in last, or Nil.
	lastGood uuid.UUID
	// held are the listed credentials that still exist.
	held []held
	// out counts the grants that are sealed and unreported.
	out map[uuid.UUID]int64
}

// decide answers the credentials that the grant may hold, or the one to wait for. As at admission, a device's last good credential goes without the
// others that have no room; else all may have to be tried.
func (s *sealing) decide() (keep []uuid.UUID, waitFor *held) {
	for i, id := range s.listed {
		c := s.credential(id)
		switch {
		case c == nil: // deleted
		case s.hasRoom(c):
			keep = append(keep, id)
		case i == 0 || s.listed[0] != s.lastGood || len(keep) == 0:
			return nil, c
		}
	}
	return keep, nil
}

func (s *sealing) credential(id uuid.UUID) *held {
	i := slices.IndexFunc(s.held, func(h held) bool { return h.Credential.ID == id })
	if i < 0 {
		return nil
	}
	return &s.held[i]
}

// hasRoom tells whether one more attempt may come to try the credential. A pause lets nobody in, for otherwise each refusal would make room for the
// next.
func (s *sealing) hasRoom(c *held) bool {
	u := &c.CredentialUse
	if !u.Probation {
		return true
	}
	if u.PausedUntil != nil && u.PausedUntil.After(s.now) {
		return false
	}
	return s.out[c.Credential.ID] < int64(inFlightCap(c))
}

// suspect is the credential that a reservation without a place is refused for, or nil if none exists any more.
func (s *sealing) suspect() *held {
	for _, id := range s.listed {
		if c := s.credential(id); c != nil && c.CredentialUse.Probation {
			return c
		}
	}
	if len(s.held) == 0 {
		return nil
	}
	return &s.held[0]
}

// admitGrant decides, with the credentials locked, whether an attempt's grant may be sealed, and notes it. It answers the name of the credential to
// wait for: then the reservation gave its places back, and every repeat is answered alike. May be repeated; a grant sealed once stays admitted.
func (s *store) admitGrant(ctx context.Context, key attemptKey, now time.Time) (waitFor string, err error) {
	err = s.tx(ctx, func(q *vaultsql.Queries) error {
		r, err := q.LockReservation(ctx, vaultsql.LockReservationParams{TaskID: key.task, Fence: key.fence})
		if ok, err := found(err); !ok || err != nil || r.SealedAt != nil {
			return err
		}
		d, err := sealingOf(ctx, q, r, now)
		if err != nil {
			return err
		}
		keep, wait := d.decide()
		if !r.Counted {
			keep, wait = nil, d.suspect()
		}
		if wait != nil {
			waitFor = wait.Credential.Name
			return refuse(ctx, q, r)
		}
		if len(keep) == 0 {
			return nil
		}
		without := slices.DeleteFunc(slices.Clone(r.CredentialIds), func(id uuid.UUID) bool { return slices.Contains(keep, id) })
		if len(without) > 0 {
			if err := q.FreePlaces(ctx, without); err != nil {
				return err
			}
		}
		return q.SealReservation(ctx, vaultsql.SealReservationParams{Now: now, CredentialIds: keep, TaskID: r.TaskID, Fence: r.Fence})
	})
	return waitFor, err
}

// sealingOf locks what a reservation lists, and then counts: nobody else seals one of these in between.
func sealingOf(ctx context.Context, q *vaultsql.Queries, r vaultsql.Reservation, now time.Time) (*sealing, error) {
	d := &sealing{now: now, listed: r.CredentialIds, out: map[uuid.UUID]int64{}}
	rows, err := q.LockListed(ctx, r.CredentialIds)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		d.held = append(d.held, held(row))
	}
	counts, err := q.CountSealed(ctx, vaultsql.CountSealedParams{Now: now, Ids: r.CredentialIds})
	if err != nil {
		return nil, err
	}
	for _, c := range counts {
		d.out[c.CredentialID] = c.Sealed
	}
	devices, err := q.ListDeviceState(ctx, []uuid.UUID{r.DeviceID})
	for _, device := range devices {
		if device.LastGood != nil {
			d.lastGood = *device.LastGood
		}
	}
	return d, err
}

// refuse gives a reservation's places back. It stays, uncounted, for the attempt's report and for a repeat of its request.
func refuse(ctx context.Context, q *vaultsql.Queries, r vaultsql.Reservation) error {
	if !r.Counted {
		return nil
	}
	if err := q.FreePlaces(ctx, r.CredentialIds); err != nil {
		return err
	}
	return q.UncountReservation(ctx, vaultsql.UncountReservationParams{TaskID: r.TaskID, Fence: r.Fence})
}
