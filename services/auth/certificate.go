package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
)

// owners says which service may ask for which purpose: a hub that was taken over must not sign work.
var owners = map[authv1.IssueCertificateRequest_Purpose]string{
	authv1.IssueCertificateRequest_SPEC_SIGNER:  "job",
	authv1.IssueCertificateRequest_GRANT_SIGNER: "vault",
	authv1.IssueCertificateRequest_HUB_SERVER:   "hub",
}

// IssueCertificate signs a service's own public key for one purpose, for a day.
func (s *Service) IssueCertificate(ctx context.Context, req *authv1.IssueCertificateRequest) (*authv1.Certificate, error) {
	caller := authn.FromContext(ctx).Service
	if owner := owners[req.GetPurpose()]; owner == "" || owner != caller {
		s.audit(ctx, s.line(ctx, "certificate.issue", "purpose", req.GetPurpose().String(), "PURPOSE_NOT_YOURS"))
		return nil, errs.New(codes.PermissionDenied, "PURPOSE_NOT_YOURS", "%s may not hold a certificate for %s", caller, req.GetPurpose())
	}
	public, err := x509.ParsePKIXPublicKey(req.GetPublicKey())
	if err != nil || !signs(public) {
		const message = "the public key is Ed25519 or ECDSA, PKIX DER"
		return nil, errs.New(codes.InvalidArgument, "PUBLIC_KEY_INVALID", message).Field("public_key", "INVALID", message).Wrap(err)
	}
	der, notAfter, err := s.authority.issuePurpose(req.GetPurpose(), public, s.now())
	if err != nil {
		return nil, err
	}
	return &authv1.Certificate{Der: der, NotAfter: timestamppb.New(notAfter), AuthorityDer: s.authority.cert.Raw}, nil
}

func signs(public any) bool {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return true
	case *ecdsa.PublicKey:
		return k.Params().BitSize >= 256
	default:
		return false
	}
}

// GetAuthority answers the authority's certificate.
func (s *Service) GetAuthority(context.Context, *authv1.GetAuthorityRequest) (*authv1.Authority, error) {
	return &authv1.Authority{Der: s.authority.cert.Raw, Pin: pki.Pin(s.authority.cert)}, nil
}
