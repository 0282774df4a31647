package inventory

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

// ListHostKeys answers the keys a device has shown, newest first.
func (s *Service) ListHostKeys(ctx context.Context, in *inventoryv1.ListHostKeysRequest) (*inventoryv1.ListHostKeysResponse, error) {
	id, err := parseID("device", in.GetDeviceId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.getDevice(ctx, id); err != nil {
		return nil, err
	}
	rows, err := s.store.q.ListHostKeys(ctx, id)
	out := &inventoryv1.ListHostKeysResponse{}
	for _, r := range rows {
		out.Items = append(out.Items, hostKeyOf(r))
	}
	return out, err
}

// AcceptHostKey trusts the key that was last observed. The audit line is durable before the key is trusted.
func (s *Service) AcceptHostKey(ctx context.Context, in *inventoryv1.AcceptHostKeyRequest) (*inventoryv1.HostKey, error) {
	id, err := parseID("device", in.GetDeviceId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.getDevice(ctx, id); err != nil {
		return nil, err
	}
	last, err := s.store.q.LastObservedHostKey(ctx, id)
	if err != nil || last != in.GetFingerprint() {
		return nil, errs.New(codes.Aborted, "FINGERPRINT_NOT_LAST_OBSERVED",
			"that is not the fingerprint the device showed last; compare GET /api/v1/devices/%s/host_keys with the device's console", id).Wrap(err)
	}
	who := authn.FromContext(ctx)
	if _, err := s.trust.AppendAudit(ctx, &authv1.AppendAuditRequest{Lines: []*authv1.AuditLine{{
		Id: newID().String(), At: timestamppb.New(s.now()), Actor: who.Actor(), ActorName: who.Name(), Action: "host_key.accept", ObjectKind: "device",
		ObjectId: id.String(), Outcome: "OK", Details: map[string]string{"fingerprint": in.GetFingerprint()},
	}}}); err != nil {
		return nil, err
	}
	r, err := s.store.q.AcceptHostKey(ctx, inventorysql.AcceptHostKeyParams{DeviceID: id, Fingerprint: in.GetFingerprint(), AcceptedBy: who.Name()})
	return hostKeyOf(inventorysql.ListHostKeysRow(r)), typed(err, "host key", in.GetFingerprint())
}

func hostKeyOf(r inventorysql.ListHostKeysRow) *inventoryv1.HostKey {
	return &inventoryv1.HostKey{DeviceId: r.DeviceID.String(), Algorithm: r.Algorithm, Fingerprint: r.Fingerprint,
		State:       inventoryv1.HostKey_State(inventoryv1.HostKey_State_value[r.State]),
		FirstSeenAt: timestamppb.New(r.FirstSeenAt.Truncate(time.Microsecond)), LastSeenAt: timestamppb.New(r.LastSeenAt), AcceptedBy: r.AcceptedBy}
}
