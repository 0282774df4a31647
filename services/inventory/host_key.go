package inventory

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
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
	id, err := s.acceptable(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.audit(ctx, s.keyLine(ctx, "host_key.accept", id, in.GetFingerprint())); err != nil {
		return nil, err
	}
	return s.store.acceptHostKey(ctx, id, in.GetFingerprint(), authn.FromContext(ctx).Name())
}

// AcceptHostKeys does the same for many devices.
func (s *Service) AcceptHostKeys(ctx context.Context, in *inventoryv1.AcceptHostKeysRequest) (*inventoryv1.AcceptHostKeysResponse, error) {
	if n := len(in.GetItems()); n == 0 || n > pageOfDevices {
		return nil, errs.Invalid("items", "OUT_OF_RANGE", "1 to 1000 keys in one call")
	}
	out := &inventoryv1.AcceptHostKeysResponse{}
	ids := make([]uuid.UUID, len(in.GetItems()))
	var lines []*authv1.AuditLine
	for i, item := range in.GetItems() {
		row := &inventoryv1.AcceptHostKeysResponse_Item{DeviceId: item.GetDeviceId(), Fingerprint: item.GetFingerprint()}
		out.Items = append(out.Items, row)
		id, err := s.acceptable(ctx, item)
		switch {
		case err == nil:
			ids[i] = id
			lines = append(lines, s.keyLine(ctx, "host_key.accept", id, item.GetFingerprint()))
		case errs.Code(err) == codes.NotFound || errs.Code(err) == codes.Aborted:
			row.Error = errs.Reason(err) + ": " + errs.From(err).Message()
			out.Errors++
		default:
			return nil, err
		}
	}
	if err := s.audit(ctx, lines...); err != nil {
		return nil, err
	}
	for i, row := range out.GetItems() {
		if row.GetError() != "" {
			continue
		}
		if _, err := s.store.acceptHostKey(ctx, ids[i], row.GetFingerprint(), authn.FromContext(ctx).Name()); err != nil {
			return nil, err
		}
		row.Accepted = true
		out.Accepted++
	}
	return out, nil
}

// acceptable answers the device's id if the key is the one that it showed last.
func (s *Service) acceptable(ctx context.Context, in *inventoryv1.AcceptHostKeyRequest) (uuid.UUID, error) {
	id, err := parseID("device", in.GetDeviceId())
	if err != nil {
		return id, err
	}
	if _, err := s.store.getDevice(ctx, id); err != nil {
		return id, err
	}
	last, err := s.store.q.LastObservedHostKey(ctx, id)
	if err != nil || last != in.GetFingerprint() {
		return id, errs.New(codes.Aborted, "FINGERPRINT_NOT_LAST_OBSERVED",
			"that is not the fingerprint the device showed last; compare GET /api/v1/devices/%s/host_keys with the device's console", id).Wrap(err)
	}
	return id, nil
}

// ListWaitingHostKeys pages through the keys that wait for a person.
func (s *Service) ListWaitingHostKeys(ctx context.Context, in *inventoryv1.ListWaitingHostKeysRequest) (*inventoryv1.ListWaitingHostKeysResponse, error) {
	p := inventorysql.ListWaitingHostKeysParams{PageSize: page.Size(in.GetPageSize())}
	parts, err := page.Parse(in.GetPageToken(), 2)
	if err != nil {
		return nil, err
	}
	if parts != nil {
		p.AfterName = parts[0]
		if p.AfterID, err = uuid.Parse(parts[1]); err != nil {
			return nil, errs.Invalid("page_token", "INVALID", "use next_page_token of the page before")
		}
	}
	items, next, err := s.store.waitingHostKeys(ctx, p)
	return &inventoryv1.ListWaitingHostKeysResponse{Items: items, NextPageToken: next}, err
}

// ForgetHostKey takes a key from a device's list.
func (s *Service) ForgetHostKey(ctx context.Context, in *inventoryv1.ForgetHostKeyRequest) (*emptypb.Empty, error) {
	id, err := parseID("device", in.GetDeviceId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.getDevice(ctx, id); err != nil {
		return nil, err
	}
	if err := s.audit(ctx, s.keyLine(ctx, "host_key.forget", id, in.GetFingerprint())); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.store.forgetHostKey(ctx, id, in.GetFingerprint())
}

// maxWindow is how long before it a replacement may be planned to end.
const maxWindow = 30 * 24 * time.Hour

// PlanHostKeyReplacement opens or closes the window in which one new key is accepted.
func (s *Service) PlanHostKeyReplacement(ctx context.Context, in *inventoryv1.PlanHostKeyReplacementRequest) (*inventoryv1.Device, error) {
	id, err := parseID("device", in.GetDeviceId())
	if err != nil {
		return nil, err
	}
	d, err := s.store.getDevice(ctx, id)
	if err != nil {
		return nil, err
	}
	line := s.keyLine(ctx, "host_key.window_close", id, "")
	var until *time.Time
	if in.GetUntil() != nil {
		at := in.GetUntil().AsTime()
		if !at.After(s.now()) || at.After(s.now().Add(maxWindow)) {
			return nil, errs.Invalid("until", "OUT_OF_RANGE", "must be in the future, and at most 30 days away")
		}
		if p := d.GetSsh().GetHostKeyPolicy(); p == inventoryv1.Device_Ssh_CA || p == inventoryv1.Device_Ssh_INSECURE {
			return nil, errs.New(codes.FailedPrecondition, "HOST_KEY_NOT_PINNED", "with the host key policy %s no key of this device is pinned; there is nothing to replace", p)
		}
		until, line.Action, line.Details["until"] = &at, "host_key.window_open", at.UTC().Format(time.RFC3339)
	}
	if err := s.audit(ctx, line); err != nil {
		return nil, err
	}
	return s.store.setHostKeyWindow(ctx, id, until, authn.FromContext(ctx).Name())
}

// keyLine is an audit line of what somebody did about a device's host keys.
func (s *Service) keyLine(ctx context.Context, action string, device uuid.UUID, fingerprint string) *authv1.AuditLine {
	who := authn.FromContext(ctx)
	l := &authv1.AuditLine{Id: newID().String(), At: timestamppb.New(s.now()), Actor: who.Actor(), ActorName: who.Name(), Action: action, ObjectKind: "device",
		ObjectId: device.String(), Outcome: "OK", Details: map[string]string{}}
	if fingerprint != "" {
		l.Details["fingerprint"] = fingerprint
	}
	return l
}

// audit blocks until the lines are durable.
func (s *Service) audit(ctx context.Context, lines ...*authv1.AuditLine) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := s.trust.AppendAudit(ctx, &authv1.AppendAuditRequest{Lines: lines})
	return err
}

func hostKeyOf(r inventorysql.ListHostKeysRow) *inventoryv1.HostKey {
	return &inventoryv1.HostKey{DeviceId: r.DeviceID.String(), Algorithm: r.Algorithm, Fingerprint: r.Fingerprint,
		State:       inventoryv1.HostKey_State(inventoryv1.HostKey_State_value[r.State]),
		FirstSeenAt: timestamppb.New(r.FirstSeenAt.Truncate(time.Microsecond)), LastSeenAt: timestamppb.New(r.LastSeenAt), AcceptedBy: r.AcceptedBy}
}
