package job

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/wellknown"
)

// reserve asks vault which credentials each task may try now.
func (o *offering) reserve(ctx context.Context, rows []jobsql.ClaimReadyRow) ([]jobsql.ClaimReadyRow, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	req := &vaultv1.ReserveCredentialsRequest{}
	for _, row := range rows {
		req.Items = append(req.Items, &vaultv1.ReserveCredentialsRequest_Item{
			TaskId: row.ID.String(), Fence: row.Fence, DeviceId: row.DeviceID.String(),
			Tags: o.targets[row.DeviceID.String()].GetTags(), Deadline: timestamppb.New(o.deadline),
		})
		if jump := o.jumpItem(row); jump != nil {
			req.Items = append(req.Items, jump)
		}
	}
	answers := map[string]*vaultv1.ReserveCredentialsResponse_Item{}
	for part := range slices.Chunk(req.Items, maxFreed) {
		resp, err := o.s.vault.ReserveCredentials(ctx, &vaultv1.ReserveCredentialsRequest{Items: part})
		if err != nil {
			return rows, err
		}
		for i, item := range resp.GetItems() {
			if i < len(part) {
				answers[part[i].GetTaskId()] = item
			}
		}
	}
	return o.admitted(ctx, rows, answers), nil
}

// admitted makes claims of the tasks that may try their credentials, at the device and at its jump host; the others wait or end.
func (o *offering) admitted(ctx context.Context, rows []jobsql.ClaimReadyRow, answers map[string]*vaultv1.ReserveCredentialsResponse_Item) []jobsql.ClaimReadyRow {
	var admitted []jobsql.ClaimReadyRow
	var half []*jobv1.AttemptRef
	o.jumpCredentials = map[string][]string{}
	for _, row := range rows {
		item, jump := answers[row.ID.String()], answers[jumpTask(row.ID).String()]
		jumps := o.targets[row.DeviceID.String()].GetJumpHost() != nil
		switch {
		case item.GetNoCredential():
			o.refuse(row, failed, &jobv1.Failure{Class: jobv1.Failure_NO_CREDENTIAL, Stage: "credential",
				Hint: "no credential shares a tag with this device or names it; add one, or add the device's tag to one"})
		case jumps && jump.GetNoCredential():
			o.refuse(row, failed, &jobv1.Failure{Class: jobv1.Failure_NO_CREDENTIAL, Stage: wellknown.Jump,
				Hint: "no credential shares a tag with this device's jump host or names it; add one, or add the jump host's tag to one"})
		case len(item.GetCredentialIds()) == 0:
			o.giveBack(row, o.retryAfter(item), "credential "+item.GetWaitingFor())
		case jumps && len(jump.GetCredentialIds()) == 0:
			o.giveBack(row, o.retryAfter(jump), "credential "+jump.GetWaitingFor())
		default:
			admitted = append(admitted, row)
			o.jumpCredentials[row.ID.String()] = jump.GetCredentialIds()
			o.addClaim(row, item.GetCredentialIds())
			continue
		}
		if jumps {
			half = append(half, &jobv1.AttemptRef{TaskId: row.ID.String(), Fence: row.Fence})
		}
	}
	if len(half) > 0 {
		o.unreserve(ctx, half)
	}
	return admitted
}

// retryAfter is vault's advice, within reason.
func (o *offering) retryAfter(item *vaultv1.ReserveCredentialsResponse_Item) time.Time {
	now := o.s.now()
	at := now.Add(time.Second)
	if item.GetRetryAfter().IsValid() {
		at = item.GetRetryAfter().AsTime()
	}
	return minTime(maxTime(at, now.Add(50*time.Millisecond)), now.Add(time.Minute))
}
