package inventory

import (
	"context"
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/errs"
)

// ReportObservations takes what attempts found.
func (s *Service) ReportObservations(ctx context.Context, in *inventoryv1.ReportObservationsRequest) (*inventoryv1.ReportObservationsResponse, error) {
	newest := map[string]*inventoryv1.ReportObservationsRequest_Item{}
	for _, o := range in.GetItems() { // one statement can change a row once: keep a device's newest
		if _, err := uuid.Parse(o.GetDeviceId()); err != nil {
			return nil, errs.Invalid("device_id", "NOT_AN_ID", "must be an id")
		}
		if old := newest[o.GetDeviceId()]; old == nil || !o.GetObservedAt().AsTime().Before(old.GetObservedAt().AsTime()) {
			newest[o.GetDeviceId()] = o
		}
	}
	all := observationsOf(newest)
	news, err := s.store.news(ctx, all)
	if err != nil {
		return nil, err
	}
	replaced, err := s.announce(ctx, newest, news)
	if err != nil {
		return nil, err
	}
	return &inventoryv1.ReportObservationsResponse{}, s.store.record(ctx, all, replaced)
}

// announce writes audit lines of devices that were replaced as planned, which it answers, and of others that show another key than before. They are
// durable before a key is trusted; a repeated report may repeat them.
func (s *Service) announce(
	ctx context.Context, newest map[string]*inventoryv1.ReportObservationsRequest_Item, news []inventorysql.HostKeyNewsRow,
) (replaced []uuid.UUID, err error) {
	var lines []*authv1.AuditLine
	for _, n := range news {
		details := map[string]string{"fingerprint": n.Fingerprint}
		line := &authv1.AuditLine{Id: newID().String(), At: timestamppb.New(s.now()), Actor: "inventory", ActorName: "inventory", ObjectKind: "device",
			ObjectId: n.DeviceID.String(), Details: details}
		switch {
		case n.Planned && newest[n.DeviceID.String()].GetHostKeyPinned():
			replaced = append(replaced, n.DeviceID)
			line.Action, line.Outcome, details["planned_by"] = "host_key.replace", "OK", n.PlannedBy
		case n.Pinned && n.Unknown && !n.Certified:
			s.log.Warn("a device shows another host key than the accepted one", "device", n.DeviceID, "fingerprint", n.Fingerprint)
			line.Action, line.Outcome = "host_key.changed", "NOT_ACCEPTED"
		default:
			continue
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil, nil
	}
	_, err = s.trust.AppendAudit(ctx, &authv1.AppendAuditRequest{Lines: lines})
	return replaced, err
}

// fingerprint is a host key's as ssh-keygen prints it.
func fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
