package vault

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	maxBatch = 1000
	// maxReservation bounds a deadline: no attempt lives longer.
	maxReservation = 24 * time.Hour
)

// ReserveCredentials decides for a batch of tasks which credentials each will try, and counts them against the caps, in one transaction.
func (s *Service) ReserveCredentials(ctx context.Context, req *vaultv1.ReserveCredentialsRequest) (*vaultv1.ReserveCredentialsResponse, error) {
	if err := s.envelope.usable(); err != nil {
		return nil, err
	}
	now := s.now()
	batch, err := s.batchOf(req, now)
	if err != nil {
		return nil, err
	}
	if err := s.lookUp(ctx, batch); err != nil {
		return nil, err
	}
	if err := s.store.supersede(ctx, now, batch); err != nil {
		return nil, err
	}
	answers, err := s.store.reserve(ctx, now, batch)
	if err != nil {
		return nil, err
	}
	resp := &vaultv1.ReserveCredentialsResponse{}
	for i, a := range answers {
		item := &vaultv1.ReserveCredentialsResponse_Item{TaskId: batch[i].task.String(), NoCredential: a.noCredential, WaitingFor: a.waitingFor}
		for _, id := range a.credentials {
			item.CredentialIds = append(item.CredentialIds, id.String())
		}
		if !a.retryAfter.IsZero() {
			item.RetryAfter = timestamppb.New(a.retryAfter)
		}
		resp.Items = append(resp.Items, item)
	}
	return resp, nil
}

func (s *Service) batchOf(req *vaultv1.ReserveCredentialsRequest, now time.Time) ([]asking, error) {
	if len(req.GetItems()) > maxBatch {
		return nil, errs.Invalid("items", "TOO_MANY", "at most 1000 tasks a call")
	}
	batch := make([]asking, 0, len(req.GetItems()))
	for _, item := range req.GetItems() {
		task, err1 := uuid.Parse(item.GetTaskId())
		device, err2 := uuid.Parse(item.GetDeviceId())
		if err1 != nil || err2 != nil {
			return nil, errs.Invalid("items", "INVALID", "tasks and devices have UUIDs")
		}
		deadline := item.GetDeadline().AsTime()
		if !deadline.After(now) || deadline.After(now.Add(maxReservation)) {
			return nil, errs.Invalid("items.deadline", "OUT_OF_RANGE", "a deadline lies within the next 24 hours")
		}
		beside, _ := uuid.Parse(item.GetBesideTaskId())
		batch = append(batch, asking{beside: beside, task: task, device: device, fence: item.GetFence(), tagKeys: tagKeys(item.GetTags()), deadline: deadline})
	}
	return batch, nil
}

// lookUp reads which credential each device let in last, and makes the data keys that the grants will need.
func (s *Service) lookUp(ctx context.Context, batch []asking) error {
	ids := make([]uuid.UUID, len(batch))
	for i, t := range batch {
		ids[i] = t.device
	}
	lastGood, keyless, err := s.store.deviceState(ctx, ids)
	if err != nil {
		return err
	}
	for i, t := range batch {
		batch[i].lastGood = lastGood[t.device]
	}
	if len(keyless) == 0 {
		return nil
	}
	_, err = s.deviceKeys(ctx, keyless)
	return err
}
