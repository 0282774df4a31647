package vault

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/seal"
)

// SealGrant opens the credentials of a spec and seals them, with the device's keys, to the agent of the certificate. Who relays the request is not
// trusted: all that counts is in the signatures.
func (s *Service) SealGrant(ctx context.Context, req *vaultv1.SealGrantRequest) (*vaultv1.SealedGrant, error) {
	if err := s.envelope.usable(); err != nil {
		return nil, err
	}
	if err := s.audit.ready(); err != nil {
		return nil, err
	}
	spec, agent, err := s.verify(ctx, req)
	if err != nil {
		s.auditRefusal(agent, spec, err)
		return nil, err
	}
	rows, err := s.reservedFor(ctx, spec)
	if err != nil {
		return nil, err
	}
	grant, err := s.open(rows)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		s.audit.add(s.openLine(agent, spec, r.ID.String(), r.Name, "OK"))
	}
	hash := sha256.Sum256(req.GetSpec().GetSpec())
	enc, ciphertext, err := seal.SealGrant(agent.SealKey, hash, grant)
	if err != nil {
		return nil, err
	}
	signature, certificate, err := s.signer.SignGrant(ctx, hash, enc, ciphertext)
	if err != nil {
		return nil, err
	}
	return &vaultv1.SealedGrant{EncapsulatedKey: enc, Ciphertext: ciphertext, Signature: signature, Certificate: certificate}, nil
}

// verify answers the spec and the agent, if both are what they say and for each other. What it could read it answers with an error too.
func (s *Service) verify(ctx context.Context, req *vaultv1.SealGrantRequest) (*jobv1.TaskSpec, pki.Agent, error) {
	root, err := s.trust.authority(ctx)
	if err != nil {
		return nil, pki.Agent{}, err
	}
	now := s.now()
	agent, err := s.trust.agent(root, req.GetAgentCertificate())
	if err != nil {
		return nil, pki.Agent{}, errs.New(codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID", "the agent's certificate is not valid").Wrap(err)
	}
	spec, err := pki.VerifySpec(root, req.GetSpec(), now)
	if err != nil {
		return nil, agent, errs.New(codes.PermissionDenied, "SPEC_SIGNATURE_INVALID", "the task was not signed by this installation").Wrap(err)
	}
	if spec.GetAgentId() != agent.AgentID || spec.GetGatewayId() != agent.GatewayID {
		return spec, agent, errs.New(codes.PermissionDenied, "SPEC_NOT_FOR_AGENT", "the task was given to another agent")
	}
	revoked, err := s.trust.isRevoked(ctx, agent.AgentID)
	if err != nil {
		return spec, agent, err
	}
	if revoked {
		return spec, agent, errs.New(codes.PermissionDenied, "AGENT_REVOKED", "the agent was revoked")
	}
	if !spec.GetDeadline().AsTime().After(now) {
		return spec, agent, grantExpired("the task's deadline has passed")
	}
	return spec, agent, nil
}

func grantExpired(why string) *errs.Error {
	return errs.New(codes.FailedPrecondition, "GRANT_EXPIRED", "no credentials for this attempt: %s", why)
}

// reservedFor answers the credentials of a spec that are reserved for it, still exist and may be tried now, in the spec's order.
func (s *Service) reservedFor(ctx context.Context, spec *jobv1.TaskSpec) ([]vaultsql.OpenReservationRow, error) {
	task, err1 := uuid.Parse(spec.GetTaskId())
	device, err2 := uuid.Parse(spec.GetDeviceId())
	if err1 != nil || err2 != nil {
		return nil, grantExpired("nothing is reserved")
	}
	rows, err := s.granted(ctx, attemptKey{task, spec.GetFence()}, device)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r vaultsql.OpenReservationRow) bool {
		return !r.Granted || !slices.Contains(spec.GetCredentialIds(), r.ID.String())
	})
	if len(rows) == 0 {
		return nil, grantExpired("nothing is reserved any more, or its credentials were deleted")
	}
	order := func(r vaultsql.OpenReservationRow) int { return slices.Index(spec.GetCredentialIds(), r.ID.String()) }
	slices.SortFunc(rows, func(a, b vaultsql.OpenReservationRow) int { return order(a) - order(b) })
	return rows, nil
}

// granted answers what an attempt reserved, if its grant may be sealed. Only a credential in probation costs more than one read.
func (s *Service) granted(ctx context.Context, key attemptKey, device uuid.UUID) ([]vaultsql.OpenReservationRow, error) {
	now := s.now()
	rows, err := s.store.openReservation(ctx, key, device, now)
	if err != nil || len(rows) == 0 || rows[0].Granted {
		return rows, err
	}
	waitFor, err := s.store.admitGrant(ctx, key, now)
	if err != nil {
		return nil, err
	}
	if waitFor != "" {
		return nil, inProbation(waitFor)
	}
	return s.store.openReservation(ctx, key, device, now)
}

// open is where secrets become readable; what it answers lives until it is sealed.
func (s *Service) open(rows []vaultsql.OpenReservationRow) (*vaultv1.Grant, error) {
	key, err := s.envelope.openDeviceKey(rows[0].DeviceID, rows[0].DeviceKey)
	if err != nil {
		return nil, err
	}
	grant := &vaultv1.Grant{}
	if grant.SealKey, err = key.SealKey(); err != nil {
		return nil, err
	}
	if grant.DigestKey, err = key.DigestKey(); err != nil {
		return nil, err
	}
	for _, r := range rows {
		opened, err := s.envelope.open(vaultsql.CredentialSecret{
			CredentialID: r.ID, Version: r.Version, DataKey: r.DataKey, Password: r.Password, PrivateKey: r.PrivateKey, Passphrase: r.Passphrase,
			EnableSecret: r.EnableSecret,
		})
		if err != nil {
			return nil, err
		}
		grant.Credentials = append(grant.Credentials, granted(r, opened))
	}
	return grant, nil
}

func (s *Service) openLine(agent pki.Agent, spec *jobv1.TaskSpec, credential, name, outcome string) *authv1.AuditLine {
	actor := "nobody"
	if agent.AgentID != "" {
		actor = "agent:" + agent.AgentID
	}
	l := &authv1.AuditLine{
		Id: newID().String(), At: timestamppb.New(s.now()), Actor: actor, ActorName: actor, Action: "credential.open",
		ObjectKind: "credential", ObjectId: credential, Outcome: outcome, Details: map[string]string{"gateway": agent.GatewayID},
	}
	if name != "" {
		l.Details["credential"] = name
	}
	if spec != nil {
		l.Details["task"], l.Details["run"], l.Details["device"] = spec.GetTaskId(), spec.GetRunId(), spec.GetDeviceId()
	}
	return l
}

// auditRefusal notes that somebody asked for secrets without a right to them.
func (s *Service) auditRefusal(agent pki.Agent, spec *jobv1.TaskSpec, err error) {
	if errs.Code(err) == codes.PermissionDenied {
		s.audit.add(s.openLine(agent, spec, "", "", errs.Reason(err)))
	}
}
