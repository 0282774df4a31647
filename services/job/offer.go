package job

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/authn"
)

// resolveTimeout bounds the calls between a claim and its offer, well inside the offer window.
const resolveTimeout = 5 * time.Second

// offering turns claimed rows into signed specs. The rows are OFFERED already: whatever goes wrong, even a crash, they lapse after 10 s.
type offering struct {
	s        *Service
	c        *claimer
	deadline time.Time
	targets  map[string]*inventoryv1.Target
	undo     []func(*batch)
	undoIDs  []uuid.UUID
	claims   []*jobv1.ClaimTasksResponse_Claim
	// jumpCredentials are what tasks may try at their jump hosts, by task.
	jumpCredentials map[string][]string
}

// offer resolves claimed tasks: where the device is, what credentials it gets, and job's signature. Tasks that come to nothing go back or end.
func (s *Service) offer(ctx context.Context, c *claimer, rows []jobsql.ClaimReadyRow) ([]*jobv1.ClaimTasksResponse_Claim, error) {
	o := &offering{s: s, c: c, deadline: utc(s.now().Add(s.config.SessionBudget))}
	resolving, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	rest, err := o.locate(resolving, rows)
	if err == nil {
		rest, err = o.admit(resolving, rest)
	}
	if err == nil {
		rest, err = o.sign(resolving, rest)
	}
	if err != nil {
		for _, row := range rest {
			o.giveBack(row, s.now().Add(time.Second), "")
		}
	}
	if undone := o.settle(context.WithoutCancel(ctx)); undone != nil {
		s.log.Warn("claims that came to nothing will lapse", "gateway", c.gateway, "err", undone)
	}
	if err != nil && len(o.claims) == 0 {
		return nil, err
	}
	return o.claims, nil
}

// locate asks inventory. What is gone is skipped, what moved is queued where it is now. On an error all rows are answered.
func (o *offering) locate(ctx context.Context, rows []jobsql.ClaimReadyRow) ([]jobsql.ClaimReadyRow, error) {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.DeviceID.String()
	}
	resp, err := o.s.inventory.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: ids})
	if err != nil {
		return rows, err
	}
	o.targets = make(map[string]*inventoryv1.Target, len(rows))
	for _, t := range resp.GetItems() {
		o.targets[t.GetDeviceId()] = t
	}
	var here []jobsql.ClaimReadyRow
	for _, row := range rows {
		t := o.targets[row.DeviceID.String()]
		switch gateway, err := uuid.Parse(t.GetGatewayId()); {
		case t == nil:
			o.refuse(row, skipped, &jobv1.Failure{Class: jobv1.Failure_CANCELLED, Stage: "queue",
				Hint: "the device was removed or disabled after the run had begun"})
		case err == nil && gateway != o.c.gateway:
			o.undoing(row, func(c *change) { c.moveTo(row.Fence, gateway) })
		case o.jumpLost(row, t):
		default:
			here = append(here, row)
		}
	}
	return here, nil
}

// admit lets tasks in that do not log in, and asks for the credentials of the others. On an error all rows are answered.
func (o *offering) admit(ctx context.Context, rows []jobsql.ClaimReadyRow) ([]jobsql.ClaimReadyRow, error) {
	var admitted, rest []jobsql.ClaimReadyRow
	for _, row := range rows {
		if o.s.kinds.logsIn(row.Kind) {
			rest = append(rest, row)
			continue
		}
		admitted = append(admitted, row)
	}
	reserved, err := o.reserve(ctx, rest)
	if err != nil {
		return rows, err
	}
	for _, row := range admitted {
		o.addClaim(row, nil)
		view := o.claims[len(o.claims)-1].GetView()
		view.HostKeys, view.TrustFirstKey, view.InsecureHostKey = nil, false, false
		view.HostCertificate, view.HostCas, view.NewHostKeyUntil = false, nil, nil // nothing is asked of the device that they would protect
	}
	return append(admitted, reserved...), nil
}

func (o *offering) addClaim(row jobsql.ClaimReadyRow, credentials []string) {
	spec := &jobv1.TaskSpec{
		AgentId: o.c.agent.String(), GatewayId: o.c.gateway.String(), RunId: row.RunID.String(), TaskId: row.ID.String(), Fence: row.Fence,
		Attempt: int32(row.Attempt) + 1, Kind: row.Kind, Params: row.Params, Mutating: row.Mutating,
		DeviceId: row.DeviceID.String(), CredentialIds: credentials, Deadline: timestamppb.New(o.deadline), Trigger: triggerOf(row.CreatedBy),
	}
	aim(spec, o.targets[row.DeviceID.String()])
	o.claims = append(o.claims, &jobv1.ClaimTasksResponse_Claim{View: spec})
}

// scheduler is the actor of runs that a schedule starts.
var scheduler = authn.Principal{Service: "scheduler"}.Actor()

// triggerOf says what started a run, from who created it.
func triggerOf(actor string) string {
	if actor == scheduler {
		return "schedule"
	}
	return "user"
}

// sign signs all claims or none.
func (o *offering) sign(ctx context.Context, rows []jobsql.ClaimReadyRow) ([]jobsql.ClaimReadyRow, error) {
	for _, claim := range o.claims {
		if err := o.sealJump(ctx, claim.GetView()); err != nil {
			o.claims = nil
			return rows, err
		}
		signed, err := o.s.signer.SignSpec(ctx, claim.GetView())
		if err != nil {
			o.claims = nil
			return rows, err
		}
		claim.Spec = signed
	}
	return nil, nil
}

func (o *offering) giveBack(row jobsql.ClaimReadyRow, until time.Time, why string) {
	o.undoing(row, func(c *change) { c.giveBack(row.Fence, until, why) })
}

func (o *offering) refuse(row jobsql.ClaimReadyRow, state string, failure *jobv1.Failure) {
	o.undoing(row, func(c *change) { c.refuse(row.Fence, state, failure) })
}

func (o *offering) undoing(row jobsql.ClaimReadyRow, move func(*change)) {
	o.undoIDs = append(o.undoIDs, row.ID)
	o.undo = append(o.undo, func(b *batch) {
		if c := b.tasks[row.ID]; c != nil {
			move(c)
		}
	})
}

// settle writes what became of the tasks that are not offered, and gives their login tokens back.
func (o *offering) settle(ctx context.Context) error {
	if len(o.undo) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	after, err := o.s.store.change(ctx, o.s.now(), o.undoIDs, func(b *batch) error {
		for _, undo := range o.undo {
			undo(b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.s.settle(ctx, after)
	return o.s.store.refund(ctx, o.c.gateway, len(o.undo))
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
