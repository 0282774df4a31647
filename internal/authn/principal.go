// Package authn says who calls. Access tokens are JWTs (EdDSA) that every service verifies offline with the keys that auth publishes;
// services that call for themselves are known by their connection (package grpcx).
package authn

import (
	"context"
	"strings"
)

// Principal is who calls: a user, or a service for itself. The zero value is nobody.
type Principal struct {
	// UserID is the user's id; empty for a service.
	UserID string
	// Username is for people.
	Username string
	// SessionID is the sign-in session that the access token belongs to.
	SessionID string
	Roles     []string
	// Permissions are patterns, see Can.
	Permissions []string
	// MustChangePassword: nothing but changing the password is allowed.
	MustChangePassword bool
	// Service is the calling service's name when it calls for itself.
	Service string
}

// Can tells whether a permission such as inventory.device.read is held. Patterns are "*" (everything), "inventory.*" (everything that
// begins so) and "*.read" (everything that ends so). Rights to secrets end in .read_secret, so "*.read" never gives them.
func (p Principal) Can(permission string) bool {
	for _, pattern := range p.Permissions {
		if matches(pattern, permission) {
			return true
		}
	}
	return false
}

func matches(pattern, permission string) bool {
	if pattern == "*" || pattern == permission {
		return true
	}
	if begin, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(permission, begin)
	}
	if end, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(permission, end)
	}
	return false
}

// Actor names the principal for records: the user id, "service:<name>", or "nobody".
func (p Principal) Actor() string {
	switch {
	case p.UserID != "":
		return p.UserID
	case p.Service != "":
		return "service:" + p.Service
	default:
		return "nobody"
	}
}

// Name is the principal's name for people.
func (p Principal) Name() string {
	if p.Username != "" {
		return p.Username
	}
	return p.Actor()
}

type contextKey struct{}

// NewContext returns a context that carries the principal.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the principal of a call, or the zero value.
func FromContext(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}
