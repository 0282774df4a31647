package cli_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
)

var longAgo = timestamppb.New(time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC))

type fakeGateways struct {
	inventoryv1.UnimplementedGatewayServiceServer
	*house
}

func (f *fakeGateways) ListGateways(_ context.Context, r *inventoryv1.ListGatewaysRequest) (*inventoryv1.ListGatewaysResponse, error) {
	items, next, err := pageOf[*inventoryv1.Gateway](f.gateways, r.PageSize, r.PageToken, nil)
	return &inventoryv1.ListGatewaysResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeGateways) CreateGateway(_ context.Context, r *inventoryv1.CreateGatewayRequest) (*inventoryv1.Gateway, error) {
	if r.Gateway.MaxSessions == 0 {
		r.Gateway.MaxSessions = 50
	}
	g, err := create(f.gateways, r.Gateway)
	if err == nil {
		_, err = create(f.agents, &hubv1.Agent{Name: "agent-at-" + g.Name, GatewayId: g.Id, State: hubv1.Agent_ONLINE, LastSeenAt: longAgo})
	}
	return g, err
}

func (f *fakeGateways) GetGateway(_ context.Context, r *inventoryv1.GetGatewayRequest) (*inventoryv1.Gateway, error) {
	return get[*inventoryv1.Gateway](f.gateways, r.Id)
}

func (f *fakeGateways) UpdateGateway(_ context.Context, r *inventoryv1.UpdateGatewayRequest) (*inventoryv1.Gateway, error) {
	return update(f.gateways, r.Gateway, r.UpdateMask)
}

func (f *fakeGateways) DeleteGateway(_ context.Context, r *inventoryv1.DeleteGatewayRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, remove(f.gateways, r.Id)
}

type fakeAgents struct {
	hubv1.UnimplementedAgentServiceServer
	*house
}

func (f *fakeAgents) ListAgents(_ context.Context, r *hubv1.ListAgentsRequest) (*hubv1.ListAgentsResponse, error) {
	items, next, err := pageOf(f.agents, r.PageSize, r.PageToken, func(a *hubv1.Agent) bool { return r.GatewayId == "" || a.GatewayId == r.GatewayId })
	return &hubv1.ListAgentsResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeAgents) RevokeAgent(_ context.Context, r *hubv1.RevokeAgentRequest) (*hubv1.Agent, error) {
	a, err := get[*hubv1.Agent](f.agents, r.Id)
	if err == nil {
		a.State = hubv1.Agent_REVOKED
	}
	return a, err
}

func (f *fakeAgents) CreateJoinToken(_ context.Context, r *hubv1.CreateJoinTokenRequest) (*hubv1.JoinToken, error) {
	if _, err := get[*inventoryv1.Gateway](f.gateways, r.GatewayId); err != nil {
		return nil, err
	}
	return &hubv1.JoinToken{GatewayId: r.GatewayId, Token: "nrjoin-1", ExpiresAt: longAgo,
		Command: "netraven-agent --join - --server hub.example.net:9443 --data /var/lib/netraven-agent <<'END'\nnrjoin-1\nEND"}, nil
}

type fakeCredentials struct {
	vaultv1.UnimplementedCredentialServiceServer
	*house
}

// hide answers which secrets are set, as the vault does; the fake tells how long each was, to show that it came whole.
func hide(c *vaultv1.Credential) {
	for _, s := range []struct {
		name  string
		value *string
	}{{"password", &c.Password}, {"private_key", &c.PrivateKey}, {"passphrase", &c.Passphrase}, {"enable_secret", &c.EnableSecret}} {
		if *s.value != "" {
			c.SecretsSet = append(c.SecretsSet, s.name)
			c.Version = int32(len(*s.value))
			*s.value = ""
		}
	}
}

func (f *fakeCredentials) ListCredentials(_ context.Context, r *vaultv1.ListCredentialsRequest) (*vaultv1.ListCredentialsResponse, error) {
	items, next, err := pageOf[*vaultv1.Credential](f.credentials, r.PageSize, r.PageToken, nil)
	return &vaultv1.ListCredentialsResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeCredentials) CreateCredential(_ context.Context, r *vaultv1.CreateCredentialRequest) (*vaultv1.Credential, error) {
	if r.Credential.Password == "" && r.Credential.PrivateKey == "" {
		return nil, errs.Invalid("password", "REQUIRED", "a password or a private key must be given")
	}
	hide(r.Credential)
	return create(f.credentials, r.Credential)
}

func (f *fakeCredentials) GetCredential(_ context.Context, r *vaultv1.GetCredentialRequest) (*vaultv1.Credential, error) {
	return get[*vaultv1.Credential](f.credentials, r.Id)
}

func (f *fakeCredentials) UpdateCredential(_ context.Context, r *vaultv1.UpdateCredentialRequest) (*vaultv1.Credential, error) {
	hide(r.Credential)
	if len(r.Credential.SecretsSet) > 0 {
		r.UpdateMask.Paths = append(r.UpdateMask.Paths, "secrets_set", "version")
	}
	return update(f.credentials, r.Credential, r.UpdateMask)
}

func (f *fakeCredentials) DeleteCredential(_ context.Context, r *vaultv1.DeleteCredentialRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, remove(f.credentials, r.Id)
}

func (f *fakeCredentials) ListDeviceCredentials(_ context.Context, r *vaultv1.ListDeviceCredentialsRequest) (*vaultv1.ListCredentialsResponse, error) {
	if _, err := get[*inventoryv1.Device](f.devices, r.DeviceId); err != nil {
		return nil, err
	}
	items, _, err := pageOf[*vaultv1.Credential](f.credentials, 0, "", nil)
	return &vaultv1.ListCredentialsResponse{Items: items}, err
}

func (f *fakeCredentials) ListCredentialDevices(context.Context, *vaultv1.ListCredentialDevicesRequest) (*vaultv1.ListCredentialDevicesResponse, error) {
	items, _, err := pageOf[*inventoryv1.Device](f.devices, 0, "", nil)
	out := &vaultv1.ListCredentialDevicesResponse{}
	for _, d := range items {
		out.Items = append(out.Items, &vaultv1.ListCredentialDevicesResponse_Item{DeviceId: d.Id, DeviceName: d.Name})
	}
	return out, err
}

type fakeSchedules struct {
	schedulerv1.UnimplementedScheduleServiceServer
	*house
}

func (f *fakeSchedules) ListSchedules(_ context.Context, r *schedulerv1.ListSchedulesRequest) (*schedulerv1.ListSchedulesResponse, error) {
	items, next, err := pageOf[*schedulerv1.Schedule](f.schedules, r.PageSize, r.PageToken, nil)
	return &schedulerv1.ListSchedulesResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeSchedules) CreateSchedule(_ context.Context, r *schedulerv1.CreateScheduleRequest) (*schedulerv1.Schedule, error) {
	return create(f.schedules, r.Schedule)
}

func (f *fakeSchedules) GetSchedule(_ context.Context, r *schedulerv1.GetScheduleRequest) (*schedulerv1.Schedule, error) {
	return get[*schedulerv1.Schedule](f.schedules, r.Id)
}

func (f *fakeSchedules) UpdateSchedule(_ context.Context, r *schedulerv1.UpdateScheduleRequest) (*schedulerv1.Schedule, error) {
	return update(f.schedules, r.Schedule, r.UpdateMask)
}

func (f *fakeSchedules) DeleteSchedule(_ context.Context, r *schedulerv1.DeleteScheduleRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, remove(f.schedules, r.Id)
}

func (f *fakeSchedules) ListFires(context.Context, *schedulerv1.ListFiresRequest) (*schedulerv1.ListFiresResponse, error) {
	return &schedulerv1.ListFiresResponse{Items: []*schedulerv1.Fire{{DueAt: longAgo, FiredAt: longAgo, Error: "the job is gone"}}}, nil
}

// fakeRevisions gives every device but one called bare three revisions of running.cfg and one of facts.txt.
type fakeRevisions struct {
	gitstorev1.UnimplementedRevisionServiceServer
	*house
}

// revisionID is a number of a device as an id: its first characters are the device's own.
func revisionID(deviceID string, number int32) string {
	return fmt.Sprintf("%s%012d", deviceID[:24], number)
}

func fakeRevision(deviceID string, number int32) *gitstorev1.Revision {
	r := &gitstorev1.Revision{Id: revisionID(deviceID, number), DeviceId: deviceID, Artifact: "running.cfg", Number: number, Size: 40, LinesAdded: number,
		Author: "netraven", CreatedAt: longAgo}
	if number == suspectNumber {
		r.Suspect, r.Number, r.LinesAdded, r.LinesRemoved = true, 0, 0, 170
	}
	return r
}

// suspectNumber is the number in the id of the suspect that a device called shrunk has.
const suspectNumber = 7

// AcceptRevision answers what there would be; the fake forgets it at once.
func (f *fakeRevisions) AcceptRevision(ctx context.Context, r *gitstorev1.AcceptRevisionRequest) (*gitstorev1.Revision, error) {
	out, err := f.GetRevision(ctx, &gitstorev1.GetRevisionRequest{Id: r.Id})
	if err == nil && out.Suspect {
		out.Suspect, out.Number = false, 4
	}
	return out, err
}

// suspects are those of the devices called shrunk, of one device or of all.
func (f *fakeRevisions) suspects(deviceID string) ([]*gitstorev1.Revision, error) {
	devices, _, err := pageOf(f.devices, 0, "", func(d *inventoryv1.Device) bool { return d.Name == "shrunk" && (deviceID == "" || deviceID == d.Id) })
	var out []*gitstorev1.Revision
	for _, d := range devices {
		out = append(out, fakeRevision(d.Id, suspectNumber))
	}
	return out, err
}

func (f *fakeRevisions) ListRevisions(_ context.Context, r *gitstorev1.ListRevisionsRequest) (*gitstorev1.ListRevisionsResponse, error) {
	out := &gitstorev1.ListRevisionsResponse{}
	if d, err := get[*inventoryv1.Device](f.devices, r.DeviceId); err == nil && d.Name == "bare" {
		return out, nil
	}
	if r.State != gitstorev1.Revision_ACCEPTED {
		var err error
		if out.Items, err = f.suspects(r.DeviceId); err != nil || r.State == gitstorev1.Revision_SUSPECT {
			return out, err
		}
	}
	facts := &gitstorev1.Revision{Id: revisionID(r.DeviceId, 9), DeviceId: r.DeviceId, Artifact: "facts.txt", Number: 1, CreatedAt: longAgo}
	for _, rev := range []*gitstorev1.Revision{facts, fakeRevision(r.DeviceId, 3), fakeRevision(r.DeviceId, 2), fakeRevision(r.DeviceId, 1)} {
		if r.Artifact == "" || r.Artifact == rev.Artifact {
			out.Items = append(out.Items, rev)
		}
	}
	return out, nil
}

func (f *fakeRevisions) GetRevision(_ context.Context, r *gitstorev1.GetRevisionRequest) (*gitstorev1.Revision, error) {
	if !strings.Contains(r.Id, "-0000000000") {
		return nil, errs.NotFound("revision", r.Id)
	}
	out := fakeRevision(r.Id, int32(r.Id[len(r.Id)-1]-'0'))
	devices, _, err := pageOf(f.devices, 0, "", func(d *inventoryv1.Device) bool { return d.Id[:24] == r.Id[:24] })
	if len(devices) == 1 {
		out.DeviceId = devices[0].Id
	}
	return out, err
}

func (f *fakeRevisions) GetContent(_ context.Context, r *gitstorev1.GetContentRequest) (*httpbody.HttpBody, error) {
	word := "<secret:9c1f>"
	if r.View == "restorable" {
		word = "hunter2"
	}
	n := r.Id[len(r.Id)-1:]
	return &httpbody.HttpBody{ContentType: "text/plain", Data: []byte("hostname core1\nrevision " + n + "\nenable secret " + word + "\x1b[31m\nend\n")}, nil
}

func (f *fakeRevisions) GetBlame(ctx context.Context, r *gitstorev1.GetBlameRequest) (*gitstorev1.Blame, error) {
	of, err := f.GetRevision(ctx, &gitstorev1.GetRevisionRequest{Id: r.Id})
	if err != nil {
		return nil, err
	}
	return &gitstorev1.Blame{Complete: true, Sections: []*gitstorev1.Blame_Section{
		{FirstLine: 1, Lines: 1, Revision: fakeRevision(r.Id, 1)}, {FirstLine: 2, Lines: 1, Revision: of}, {FirstLine: 3, Lines: 2, Revision: fakeRevision(r.Id, 1)},
	}}, nil
}

func (f *fakeRevisions) GetDiff(_ context.Context, r *gitstorev1.GetDiffRequest) (*httpbody.HttpBody, error) {
	from, to := r.From[len(r.From)-1:], r.To[len(r.To)-1:]
	d := &gitstorev1.Diff{From: r.From, To: r.To, Unified: "--- a\n+++ b\n@@ -2 +2 @@\n-revision " + from + "\n+revision " + to + "\n", LinesAdded: 1, LinesRemoved: 1}
	d.Hunks = []*gitstorev1.Diff_Hunk{{OldStart: 1, OldLines: 3, NewStart: 1, NewLines: 4, Lines: []*gitstorev1.Diff_Line{
		{Side: gitstorev1.Diff_Line_BOTH, Text: "hostname core1"}, {Side: gitstorev1.Diff_Line_OLD, Text: "revision " + from}, {Side: gitstorev1.Diff_Line_NEW, Text: "revision " + to},
		{Side: gitstorev1.Diff_Line_NEW, Text: "\tbanner \x1b[31m"}, {Side: gitstorev1.Diff_Line_BOTH, Text: fmt.Sprint("context ", r.GetContext())},
	}}}
	if from == to {
		d.Unified, d.Hunks = "", nil
	}
	if r.Format != "json" {
		return &httpbody.HttpBody{ContentType: "text/x-diff", Data: []byte(d.Unified)}, nil
	}
	b, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(d)
	if err != nil {
		return nil, errs.New(codes.Internal, "INTERNAL", "cannot").Wrap(err)
	}
	return &httpbody.HttpBody{ContentType: "application/json", Data: b}, nil
}
