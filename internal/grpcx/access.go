package grpcx

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optionsv1 "github.com/netraven/netraven/gen/go/netraven/options/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
)

// passwordMethods are what a user who must change the password may still call.
var passwordMethods = []string{"/netraven.auth.v1.AuthService/ChangePassword", "/netraven.auth.v1.AuthService/Logout"}

// rule is who may call one RPC, from its proto options.
type rule struct {
	permission string
	callers    []string
}

var rules sync.Map // full method -> rule

// ruleOf reads an RPC's options. An RPC without a permission gives the zero rule, which admits nobody.
func ruleOf(fullMethod string) rule {
	if r, ok := rules.Load(fullMethod); ok {
		return r.(rule)
	}
	if strings.HasPrefix(fullMethod, "/grpc.") { // gRPC's own health and reflection: they tell what the OpenAPI document tells
		return rule{permission: "public"}
	}
	d := methodOf(fullMethod)
	if d == nil {
		return rule{}
	}
	r := rule{
		permission: proto.GetExtension(d.Options(), optionsv1.E_Permission).(string),
		callers:    proto.GetExtension(d.Options(), optionsv1.E_Callers).([]string),
	}
	rules.Store(fullMethod, r)
	return r
}

// methodOf finds an RPC's descriptor among the linked-in ones; nil: there is none.
func methodOf(fullMethod string) protoreflect.Descriptor {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(fullMethod, "/"), "/", "."))
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil
	}
	return d
}

// admit decides whether a call may go on, and for whom. A call with a token is the user's, whoever relays it; a call without one is the
// calling service's own.
func admit(ctx context.Context, v *authn.Verifier, fullMethod string) (context.Context, error) {
	r := ruleOf(fullMethod)
	service := PeerService(ctx)
	own := authn.Principal{Service: service}
	switch r.permission {
	case "":
		return nil, errs.New(codes.PermissionDenied, "PERMISSION_DENIED", "nobody may call this")
	case "public":
		return authn.NewContext(ctx, own), nil
	case "internal":
		if service == "" || !slices.Contains(r.callers, service) {
			return nil, errs.New(codes.PermissionDenied, "INTERNAL_ONLY", "only services of NetRaven may call this")
		}
		return authn.NewContext(ctx, own), nil
	}
	token := bearer(ctx)
	if token == "" {
		if service != "" && slices.Contains(r.callers, service) {
			return authn.NewContext(ctx, own), nil
		}
		return nil, errs.New(codes.Unauthenticated, "TOKEN_MISSING", "sign in first: send the access token as Authorization: Bearer")
	}
	if v == nil {
		return nil, errs.New(codes.Unauthenticated, "TOKEN_INVALID", "this port takes no users")
	}
	p, err := v.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := allowed(p, r.permission, fullMethod); err != nil {
		return nil, err
	}
	return authn.NewContext(ctx, p), nil
}

func allowed(p authn.Principal, permission, fullMethod string) error {
	if p.MustChangePassword && !slices.Contains(passwordMethods, fullMethod) {
		return errs.New(codes.PermissionDenied, "PASSWORD_CHANGE_REQUIRED", "change the password first: POST /api/v1/auth/password")
	}
	if permission != "authenticated" && !p.Can(permission) {
		return errs.New(codes.PermissionDenied, "PERMISSION_DENIED", "%s lacks the permission %s", p.Name(), permission)
	}
	return nil
}

func bearer(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, v := range md.Get("authorization") {
		if len(v) > 7 && strings.EqualFold(v[:7], "bearer ") {
			return strings.TrimSpace(v[7:])
		}
	}
	return ""
}

// PeerService is the name of the service that called, by its connection: in memory, by its mutual-TLS certificate, "agent" for an agent's
// certificate, or "" for anyone else.
func PeerService(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	if m, ok := p.AuthInfo.(memAuth); ok {
		return m.service
	}
	cert := PeerCertificate(ctx)
	if cert == nil {
		return ""
	}
	if name, ok := pki.ParseService(cert); ok {
		return name
	}
	if _, err := pki.ParseAgent(cert); err == nil {
		return "agent"
	}
	return ""
}

// PeerCertificate is the verified TLS certificate of the caller, or nil.
func PeerCertificate(ctx context.Context) *x509.Certificate {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return nil
	}
	return info.State.VerifiedChains[0][0]
}
