package inventory_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

// observe reports that a device showed a key.
func (h house) observe(t *testing.T, device string, key []byte, pinned bool) {
	t.Helper()
	_, err := h.targets.ReportObservations(context.Background(), &inventoryv1.ReportObservationsRequest{Items: []*inventoryv1.ReportObservationsRequest_Item{{
		DeviceId: device, ObservedAt: timestamppb.Now(), HostKey: key, HostKeyPinned: pinned,
	}}})
	require.NoError(t, err)
}

func (h house) target(t *testing.T, device string) *inventoryv1.Target {
	t.Helper()
	out, err := h.targets.GetTargets(context.Background(), &inventoryv1.GetTargetsRequest{DeviceIds: []string{device}})
	require.NoError(t, err)
	return out.GetItems()[0]
}

// actions are the audit lines so far, oldest first.
func (h house) actions() []string {
	var all []string
	for _, l := range h.trust.lines {
		all = append(all, l.GetAction())
	}
	return all
}

func printOf(t *testing.T, key []byte) string {
	t.Helper()
	k, err := ssh.ParsePublicKey(key)
	require.NoError(t, err)
	return ssh.FingerprintSHA256(k)
}

func TestAChangedHostKeyIsAnEventOnce(t *testing.T) {
	h := open(t)
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios"})
	other := hostKey(t)
	h.observe(t, d.GetId(), hostKey(t), true)
	require.Empty(t, h.actions(), "first contact is none")
	h.observe(t, d.GetId(), other, false)
	h.observe(t, d.GetId(), other, false)
	require.Equal(t, []string{"host_key.changed"}, h.actions())
	require.Equal(t, printOf(t, other), h.trust.lines[0].GetDetails()["fingerprint"])
	require.Equal(t, d.GetId(), h.trust.lines[0].GetObjectId())
}

func TestKeysOfManyDevicesAreAcceptedInOneCall(t *testing.T) {
	h, ctx := open(t), context.Background()
	var items []*inventoryv1.AcceptHostKeyRequest
	for _, name := range []string{"c", "b", "a"} {
		d := h.create(t, &inventoryv1.Device{Name: name, Address: "x", Platform: "cisco_ios"})
		h.observe(t, d.GetId(), hostKey(t), true)
		second := hostKey(t)
		h.observe(t, d.GetId(), second, false)
		items = append(items, &inventoryv1.AcceptHostKeyRequest{DeviceId: d.GetId(), Fingerprint: printOf(t, second)})
	}
	first, err := h.devices.ListWaitingHostKeys(ctx, &inventoryv1.ListWaitingHostKeysRequest{PageSize: 2})
	require.NoError(t, err)
	rest, err := h.devices.ListWaitingHostKeys(ctx, &inventoryv1.ListWaitingHostKeysRequest{PageSize: 2, PageToken: first.GetNextPageToken()})
	require.NoError(t, err)
	var waiting []string
	for _, w := range append(first.GetItems(), rest.GetItems()...) {
		waiting = append(waiting, w.GetDeviceName()+" "+w.GetKey().GetFingerprint())
	}
	require.Equal(t, []string{"a " + items[2].GetFingerprint(), "b " + items[1].GetFingerprint(), "c " + items[0].GetFingerprint()}, waiting)
	require.Empty(t, rest.GetNextPageToken())

	h.trust.lines = nil
	items[1].Fingerprint = items[0].GetFingerprint()
	items = append(items, &inventoryv1.AcceptHostKeyRequest{DeviceId: "nope", Fingerprint: "SHA256:x"})
	out, err := h.devices.AcceptHostKeys(ctx, &inventoryv1.AcceptHostKeysRequest{Items: items})
	require.NoError(t, err)
	require.EqualValues(t, 2, out.GetAccepted())
	require.EqualValues(t, 2, out.GetErrors())
	require.True(t, out.GetItems()[0].GetAccepted())
	require.Contains(t, out.GetItems()[1].GetError(), "FINGERPRINT_NOT_LAST_OBSERVED")
	require.True(t, out.GetItems()[2].GetAccepted(), "one that is refused stops no other")
	require.Contains(t, out.GetItems()[3].GetError(), "DEVICE_NOT_FOUND")
	require.Equal(t, []string{"host_key.accept", "host_key.accept"}, h.actions())
	require.Len(t, h.target(t, items[0].GetDeviceId()).GetHostKeys(), 2)
	require.Len(t, h.target(t, items[1].GetDeviceId()).GetHostKeys(), 1)
	left, err := h.devices.ListWaitingHostKeys(ctx, &inventoryv1.ListWaitingHostKeysRequest{})
	require.NoError(t, err)
	require.Len(t, left.GetItems(), 1)

	_, err = h.devices.AcceptHostKeys(ctx, &inventoryv1.AcceptHostKeysRequest{})
	require.Equal(t, codes.InvalidArgument, errs.Code(err))
}

func TestAReplacementWindowAcceptsOneKeyAndCloses(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios", Ssh: &inventoryv1.Device_Ssh{HostKeyPolicy: inventoryv1.Device_Ssh_STRICT}})
	plan := func(until *timestamppb.Timestamp) (*inventoryv1.Device, error) {
		return h.devices.PlanHostKeyReplacement(ctx, &inventoryv1.PlanHostKeyReplacementRequest{DeviceId: d.GetId(), Until: until})
	}
	for _, bad := range []time.Duration{-time.Minute, 31 * 24 * time.Hour} {
		_, err := plan(timestamppb.New(time.Now().Add(bad)))
		require.Equal(t, "until", errs.From(err).Details()[0].Field)
	}
	old, replacement, third := hostKey(t), hostKey(t), hostKey(t)
	h.observe(t, d.GetId(), old, false)
	_, err := h.devices.AcceptHostKey(ctx, &inventoryv1.AcceptHostKeyRequest{DeviceId: d.GetId(), Fingerprint: printOf(t, old)})
	require.NoError(t, err)
	h.observe(t, d.GetId(), replacement, false) // somebody was quicker than the plan

	until := timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Microsecond))
	opened, err := plan(until)
	require.NoError(t, err)
	require.Equal(t, until.AsTime(), opened.GetHostKeyWindowUntil().AsTime())
	require.Equal(t, until.AsTime(), h.target(t, d.GetId()).GetHostKeyWindowUntil().AsTime())
	h.observe(t, d.GetId(), old, false)
	h.observe(t, d.GetId(), third, false)
	require.NotNil(t, h.target(t, d.GetId()).GetHostKeyWindowUntil(), "what no agent trusted uses nothing up")

	h.trust.lines = nil
	h.observe(t, d.GetId(), replacement, true)
	require.Equal(t, []string{"host_key.replace"}, h.actions())
	require.Equal(t, "ann", h.trust.lines[0].GetDetails()["planned_by"])
	require.Nil(t, h.target(t, d.GetId()).GetHostKeyWindowUntil())
	require.ElementsMatch(t, [][]byte{old, replacement}, h.target(t, d.GetId()).GetHostKeys())
	h.observe(t, d.GetId(), third, true)
	require.Len(t, h.target(t, d.GetId()).GetHostKeys(), 2, "the window is closed, whatever an agent says")

	keys, err := h.devices.ListHostKeys(ctx, &inventoryv1.ListHostKeysRequest{DeviceId: d.GetId()})
	require.NoError(t, err)
	var by []string
	for _, k := range keys.GetItems() {
		by = append(by, k.GetAcceptedBy())
	}
	require.ElementsMatch(t, []string{"ann", "replacement planned by ann", ""}, by)

	forget := func() error {
		_, err := h.devices.ForgetHostKey(ctx, &inventoryv1.ForgetHostKeyRequest{DeviceId: d.GetId(), Fingerprint: printOf(t, old)})
		return err
	}
	require.NoError(t, forget())
	require.Equal(t, "HOST_KEY_NOT_FOUND", errs.Reason(forget()))
	require.Equal(t, [][]byte{replacement}, h.target(t, d.GetId()).GetHostKeys())

	_, err = plan(until)
	require.NoError(t, err)
	closed, err := plan(nil)
	require.NoError(t, err)
	require.Nil(t, closed.GetHostKeyWindowUntil())
	_, err = h.devices.UpdateDevice(ctx, &inventoryv1.UpdateDeviceRequest{
		Device:     &inventoryv1.Device{Id: d.GetId(), Ssh: &inventoryv1.Device_Ssh{HostKeyPolicy: inventoryv1.Device_Ssh_INSECURE}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"ssh.host_key_policy"}},
	})
	require.NoError(t, err)
	_, err = plan(until)
	require.Equal(t, "HOST_KEY_NOT_PINNED", errs.Reason(err))
}

func TestAKeyThatTheRightOneFollowedCannotBeAccepted(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios"})
	right, foreign, now := hostKey(t), hostKey(t), time.Now()
	see := func(key []byte, pinned bool, before time.Duration) {
		_, err := h.targets.ReportObservations(ctx, &inventoryv1.ReportObservationsRequest{Items: []*inventoryv1.ReportObservationsRequest_Item{{
			DeviceId: d.GetId(), ObservedAt: timestamppb.New(now.Add(-before)), HostKey: key, HostKeyPinned: pinned, Seen: true,
		}}})
		require.NoError(t, err)
	}
	see(right, true, 50*time.Minute)
	see(foreign, false, 40*time.Minute)
	waiting, err := h.devices.ListWaitingHostKeys(ctx, &inventoryv1.ListWaitingHostKeysRequest{})
	require.NoError(t, err)
	require.Len(t, waiting.GetItems(), 1)
	see(right, false, 30*time.Minute)
	waiting, err = h.devices.ListWaitingHostKeys(ctx, &inventoryv1.ListWaitingHostKeysRequest{})
	require.NoError(t, err)
	require.Empty(t, waiting.GetItems())
	_, err = h.devices.AcceptHostKey(ctx, &inventoryv1.AcceptHostKeyRequest{DeviceId: d.GetId(), Fingerprint: printOf(t, foreign)})
	require.Equal(t, "FINGERPRINT_NOT_LAST_OBSERVED", errs.Reason(err))
}
