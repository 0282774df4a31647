package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/seal"
)

func mustID(t testing.TB, text string) uuid.UUID {
	t.Helper()
	id, err := uuid.Parse(text)
	require.NoError(t, err)
	return id
}

// ask reserves for one new task on a device.
func (h *house) ask(device string, tags ...string) (*vaultv1.ReserveCredentialsRequest_Item, *vaultv1.ReserveCredentialsResponse_Item) {
	h.t.Helper()
	item := &vaultv1.ReserveCredentialsRequest_Item{TaskId: newID().String(), Fence: 7, DeviceId: device, Tags: tags, Deadline: timestamppb.New(h.now().Add(10 * time.Minute))}
	resp, err := h.svc.ReserveCredentials(h.t.Context(), &vaultv1.ReserveCredentialsRequest{Items: []*vaultv1.ReserveCredentialsRequest_Item{item}})
	require.NoError(h.t, err)
	require.Len(h.t, resp.GetItems(), 1)
	return item, resp.GetItems()[0]
}

func (h *house) report(item *vaultv1.ReserveCredentialsRequest_Item, credential string, result jobv1.CredentialOutcome_Result) {
	h.t.Helper()
	_, err := h.svc.ReportUse(h.t.Context(), &vaultv1.ReportUseRequest{Items: []*vaultv1.ReportUseRequest_Item{{
		TaskId: item.GetTaskId(), Fence: item.GetFence(), DeviceId: item.GetDeviceId(), Outcomes: []*jobv1.CredentialOutcome{{CredentialId: credential, Result: result}},
	}}})
	require.NoError(h.t, err)
}

func (h *house) sign(spec *jobv1.TaskSpec) *jobv1.SignedSpec {
	h.t.Helper()
	signer, err := pki.NewSigner(h.authority, authv1.IssueCertificateRequest_SPEC_SIGNER, h.now)
	require.NoError(h.t, err)
	signed, err := signer.SignSpec(h.t.Context(), spec)
	require.NoError(h.t, err)
	return signed
}

func specFor(agent fakeAgent, item *vaultv1.ReserveCredentialsRequest_Item, credentials ...string) *jobv1.TaskSpec {
	return &jobv1.TaskSpec{AgentId: agent.AgentID, GatewayId: agent.GatewayID, TaskId: item.GetTaskId(), Fence: item.GetFence(), DeviceId: item.GetDeviceId(),
		CredentialIds: credentials, Deadline: item.GetDeadline()}
}

func TestAGrantOpensForItsAgentAndSpecOnly(t *testing.T) {
	h := newHouse(t)
	agent, device := h.authority.agent(), newID().String()
	second := h.create(&vaultv1.Credential{Name: "b", Username: "two", Password: "password two", Tags: []string{"default"}, Priority: 20})
	first := h.create(&vaultv1.Credential{Name: "a", Username: "one", Password: "password one", EnableSecret: "enable one", Tags: []string{"Default"}, Priority: 10})
	item, got := h.ask(device, "default")
	require.Equal(t, []string{first.GetId(), second.GetId()}, got.GetCredentialIds())
	signed := h.sign(specFor(agent, item, got.GetCredentialIds()...))
	hub := h.grants("hub")
	sealed, err := hub.SealGrant(t.Context(), &vaultv1.SealGrantRequest{Spec: signed, AgentCertificate: agent.certificate})
	require.NoError(t, err)

	hash := sha256.Sum256(signed.GetSpec())
	require.NoError(t, pki.VerifyGrant(h.authority.root, hash, sealed, h.now()))
	grant, err := seal.OpenGrant(agent.private, hash, sealed)
	require.NoError(t, err)
	require.Len(t, grant.GetCredentials(), 2)
	require.Equal(t, "password one", grant.GetCredentials()[0].GetPassword())
	require.Equal(t, "enable one", grant.GetCredentials()[0].GetEnableSecret())
	require.Equal(t, vaultv1.GrantedCredential_UNSPECIFIED, grant.GetCredentials()[0].GetEnable(), "as it was set: the page has a word too")
	require.Equal(t, vaultv1.GrantedCredential_UNSPECIFIED, grant.GetCredentials()[1].GetEnable())

	keys, err := h.grants("gitstore").GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: []string{device}})
	require.NoError(t, err)
	require.Equal(t, keys.GetItems()[0].GetSealKey(), grant.GetSealKey())
	require.Equal(t, keys.GetItems()[0].GetDigestKey(), grant.GetDigestKey())

	_, err = seal.OpenGrant(h.authority.agent().private, hash, sealed)
	require.Error(t, err)
	_, err = seal.OpenGrant(agent.private, sha256.Sum256([]byte("another")), sealed)
	require.Error(t, err)
	again, err := hub.SealGrant(t.Context(), &vaultv1.SealGrantRequest{Spec: signed, AgentCertificate: agent.certificate})
	require.NoError(t, err, "a lost answer can be asked for again")
	require.NotEqual(t, sealed.GetCiphertext(), again.GetCiphertext())
	require.Equal(t, []string{"credential.create OK", "credential.create OK", "credential.open OK", "credential.open OK", "credential.open OK", "credential.open OK"}, h.audited())
	require.Equal(t, "agent:"+agent.AgentID, h.trail.lines[2].GetActor())
	require.Equal(t, item.GetTaskId(), h.trail.lines[2].GetDetails()["task"])
}

func TestGrantsAreRefused(t *testing.T) {
	h := newHouse(t)
	agent, device := h.authority.agent(), newID().String()
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", DeviceIds: []string{device}})
	item, _ := h.ask(device)
	good := func() *vaultv1.SealGrantRequest {
		return &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, c.GetId())), AgentCertificate: agent.certificate}
	}
	hub := h.grants("hub")
	_, err := hub.SealGrant(t.Context(), good())
	require.NoError(t, err)
	forged := newFakeAuthority(t, h.now)
	for name, k := range map[string]struct {
		spoil  func(*vaultv1.SealGrantRequest)
		code   codes.Code
		reason string
	}{
		"changed spec":     {func(r *vaultv1.SealGrantRequest) { r.Spec.Spec[4] ^= 1 }, codes.PermissionDenied, "SPEC_SIGNATURE_INVALID"},
		"no spec":          {func(r *vaultv1.SealGrantRequest) { r.Spec = nil }, codes.PermissionDenied, "SPEC_SIGNATURE_INVALID"},
		"agent's own spec": {func(r *vaultv1.SealGrantRequest) { r.Spec.Certificate = agent.certificate }, codes.PermissionDenied, "SPEC_SIGNATURE_INVALID"},
		"no certificate":   {func(r *vaultv1.SealGrantRequest) { r.AgentCertificate = nil }, codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID"},
		"other root":       {func(r *vaultv1.SealGrantRequest) { r.AgentCertificate = forged.agent().certificate }, codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID"},
		"signer as agent":  {func(r *vaultv1.SealGrantRequest) { r.AgentCertificate = r.Spec.Certificate }, codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID"},
		"another agent":    {func(r *vaultv1.SealGrantRequest) { r.AgentCertificate = h.authority.agent().certificate }, codes.PermissionDenied, "SPEC_NOT_FOR_AGENT"},
		"no reservation": {func(r *vaultv1.SealGrantRequest) {
			r.Spec = h.sign(&jobv1.TaskSpec{AgentId: agent.AgentID, GatewayId: agent.GatewayID, TaskId: newID().String(), Deadline: item.GetDeadline()})
		}, codes.FailedPrecondition, "GRANT_EXPIRED"},
		"another device": {func(r *vaultv1.SealGrantRequest) {
			s := specFor(agent, item, c.GetId())
			s.DeviceId = newID().String()
			r.Spec = h.sign(s)
		}, codes.FailedPrecondition, "GRANT_EXPIRED"},
		"other credentials": {func(r *vaultv1.SealGrantRequest) { r.Spec = h.sign(specFor(agent, item, newID().String())) }, codes.FailedPrecondition, "GRANT_EXPIRED"},
		"deadline passed": {func(r *vaultv1.SealGrantRequest) {
			s := specFor(agent, item, c.GetId())
			s.Deadline = timestamppb.New(h.now().Add(-time.Second))
			r.Spec = h.sign(s)
		}, codes.FailedPrecondition, "GRANT_EXPIRED"},
	} {
		t.Run(name, func(t *testing.T) {
			req := good()
			k.spoil(req)
			_, err := hub.SealGrant(t.Context(), req)
			refused(t, err, k.code, k.reason)
		})
	}
	require.Contains(t, h.audited(), "credential.open SPEC_NOT_FOR_AGENT")

	_, err = h.grants("job").SealGrant(t.Context(), good())
	refused(t, err, codes.PermissionDenied, "INTERNAL_ONLY")

	h.authority.mu.Lock()
	h.authority.revoked = []string{agent.AgentID}
	h.authority.mu.Unlock()
	h.pass(6 * time.Second)
	_, err = hub.SealGrant(t.Context(), good())
	refused(t, err, codes.PermissionDenied, "AGENT_REVOKED")

	other := h.authority.agent()
	req := &vaultv1.SealGrantRequest{Spec: h.sign(specFor(other, item, c.GetId())), AgentCertificate: other.certificate}
	h.authority.mu.Lock()
	h.authority.away = true
	h.authority.mu.Unlock()
	h.pass(30 * time.Second)
	_, err = hub.SealGrant(t.Context(), req)
	require.NoError(t, err, "auth may be away for a moment")
	h.pass(31 * time.Second)
	_, err = hub.SealGrant(t.Context(), req)
	refused(t, err, codes.Unavailable, "SERVICE_UNAVAILABLE")
}

func TestNothingIsOpenedWithoutATrail(t *testing.T) {
	h := newHouse(t)
	agent, device := h.authority.agent(), newID().String()
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", DeviceIds: []string{device}})
	item, _ := h.ask(device)
	h.trail.away = true
	require.Error(t, h.svc.audit.flush(t.Context()))
	for range maxWaiting {
		h.svc.audit.add(&authv1.AuditLine{Id: "x"})
	}
	req := &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, c.GetId())), AgentCertificate: agent.certificate}
	_, err := h.grants("hub").SealGrant(t.Context(), req)
	refused(t, err, codes.Unavailable, "AUDIT_UNAVAILABLE")
	h.trail.mu.Lock()
	h.trail.away = false
	h.trail.mu.Unlock()
	require.NoError(t, h.svc.audit.flush(t.Context()))
	require.Len(t, h.trail.lines, maxWaiting+1, "what waited arrived, once")
	_, err = h.grants("hub").SealGrant(t.Context(), req)
	require.NoError(t, err)
}

func TestAKnownCertificateStillExpires(t *testing.T) {
	h := newHouse(t)
	agent, device := h.authority.agent(), newID().String()
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", DeviceIds: []string{device}})
	hub := h.grants("hub")
	for _, pass := range []time.Duration{0, 23 * time.Hour} {
		h.pass(pass)
		item, _ := h.ask(device)
		_, err := hub.SealGrant(t.Context(), &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, c.GetId())), AgentCertificate: agent.certificate})
		require.NoError(t, err)
		h.report(item, c.GetId(), jobv1.CredentialOutcome_WORKED)
	}
	h.pass(2 * time.Hour)
	item, _ := h.ask(device)
	_, err := hub.SealGrant(t.Context(), &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, c.GetId())), AgentCertificate: agent.certificate})
	refused(t, err, codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID")
}

func TestRunWritesWhatWaitsWhenItEnds(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.svc.Run(ctx) }()
	h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p"})
	cancel()
	require.NoError(t, <-ended)
	require.Len(t, h.trail.lines, 1)
}

// FAILURES 77: the key-encryption key is not there; vault starts, says so, opens nothing, and everything else goes on.
func TestFailure77KeyUnavailable(t *testing.T) {
	h := newHouse(t)
	device := newID().String()
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", DeviceIds: []string{device}})
	item, _ := h.ask(device)
	other, err := keyfile.New(bytes.Repeat([]byte{9}, 32))
	require.NoError(t, err)
	for name, key := range map[string]*keyfile.Key{"none": nil, "another": other} {
		t.Run(name, func(t *testing.T) {
			h.svc = h.start(key)
			agent := h.authority.agent()
			_, err := h.grants("hub").SealGrant(t.Context(), &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, c.GetId())), AgentCertificate: agent.certificate})
			refused(t, err, codes.Unavailable, "KEY_UNAVAILABLE")
			_, err = h.grants("gitstore").GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: []string{device}})
			refused(t, err, codes.Unavailable, "KEY_UNAVAILABLE")
			client := h.credentials()
			_, err = client.UpdateCredential(t.Context(), &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Password: "q"}, UpdateMask: mask("password")})
			refused(t, err, codes.Unavailable, "KEY_UNAVAILABLE")
			list, err := client.ListCredentials(t.Context(), &vaultv1.ListCredentialsRequest{})
			require.NoError(t, err)
			require.Len(t, list.GetItems(), 1)
			_, err = client.UpdateCredential(t.Context(), &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Priority: 3}, UpdateMask: mask("priority")})
			require.NoError(t, err)
		})
	}
	require.Contains(t, h.log.String(), "without its key-encryption key")
}
