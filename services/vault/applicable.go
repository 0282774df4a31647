package vault

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/google/uuid"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

// ListDeviceCredentials answers the credentials that apply to a device, in the order they will be tried.
func (s *Service) ListDeviceCredentials(ctx context.Context, req *vaultv1.ListDeviceCredentialsRequest) (*vaultv1.ListCredentialsResponse, error) {
	device, err := uuid.Parse(req.GetDeviceId())
	if err != nil {
		return nil, errs.NotFound("device", req.GetDeviceId())
	}
	targets, err := s.inventory.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{device.String()}})
	if err != nil {
		return nil, err
	}
	if len(targets.GetItems()) == 0 {
		return nil, errs.NotFound("device", req.GetDeviceId())
	}
	rows, lastGood, err := s.store.listApplicable(ctx, device, tagKeys(targets.GetItems()[0].GetTags()))
	if err != nil {
		return nil, err
	}
	candidates := make([]*held, len(rows))
	for i := range rows {
		candidates[i] = &rows[i]
	}
	slices.SortFunc(candidates, tryOrder(lastGood))
	resp := &vaultv1.ListCredentialsResponse{}
	for _, c := range candidates {
		resp.Items = append(resp.Items, credentialOf(*c))
	}
	return resp, nil
}

// ListCredentialDevices answers the devices that a credential applies to, by name.
func (s *Service) ListCredentialDevices(ctx context.Context, req *vaultv1.ListCredentialDevicesRequest) (*vaultv1.ListCredentialDevicesResponse, error) {
	id, err := credentialID(req.GetId())
	if err != nil {
		return nil, err
	}
	at, err := page.Parse(req.GetPageToken(), 2)
	if err != nil {
		return nil, err
	}
	row, err := s.store.getCredential(ctx, id)
	if err != nil {
		return nil, err
	}
	items, err := s.devicesOf(ctx, row)
	if err != nil {
		return nil, err
	}
	if at != nil {
		after := &vaultv1.ListCredentialDevicesResponse_Item{DeviceName: at[0], DeviceId: at[1]}
		n, there := slices.BinarySearchFunc(items, after, byName)
		if there {
			n++
		}
		items = items[n:]
	}
	resp := &vaultv1.ListCredentialDevicesResponse{Items: items}
	if size := int(page.Size(req.GetPageSize())); len(items) > size {
		resp.Items = items[:size]
		resp.NextPageToken = page.Token(items[size-1].GetDeviceName(), items[size-1].GetDeviceId())
	}
	return resp, nil
}

// devicesOf asks inventory twice, because the dimensions of a selection intersect and a credential's unite.
func (s *Service) devicesOf(ctx context.Context, row held) ([]*vaultv1.ListCredentialDevicesResponse_Item, error) {
	var items []*vaultv1.ListCredentialDevicesResponse_Item
	var ids []string
	for _, id := range row.Credential.DeviceIds {
		ids = append(ids, id.String())
	}
	for _, selection := range []*inventoryv1.Selection{{Tags: row.Credential.Tags}, {DeviceIds: ids}} {
		if len(selection.GetTags())+len(selection.GetDeviceIds()) == 0 {
			continue // an empty selection would be every device
		}
		stream, err := s.inventory.ResolveSelection(ctx, &inventoryv1.ResolveSelectionRequest{Selection: selection})
		if err != nil {
			return nil, err
		}
		for {
			resp, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			for _, d := range resp.GetItems() {
				items = append(items, &vaultv1.ListCredentialDevicesResponse_Item{DeviceId: d.GetDeviceId(), DeviceName: d.GetDeviceName()})
			}
		}
	}
	slices.SortFunc(items, byName)
	same := func(a, b *vaultv1.ListCredentialDevicesResponse_Item) bool { return a.GetDeviceId() == b.GetDeviceId() }
	return slices.CompactFunc(items, same), nil
}

func byName(a, b *vaultv1.ListCredentialDevicesResponse_Item) int {
	return cmp.Or(cmp.Compare(a.GetDeviceName(), b.GetDeviceName()), cmp.Compare(a.GetDeviceId(), b.GetDeviceId()))
}
