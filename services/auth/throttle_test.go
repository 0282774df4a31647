package auth

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

// One place that tries many names is stopped, whatever it says of itself in front of what our own relay says; other places are not.
func TestASourceIsLimited(t *testing.T) {
	h := withAdmin(t)
	people := h.people()
	try := func(from string, i int) error {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-forwarded-for", fmt.Sprintf("10.9.9.%d, %s", i, from))
		_, err := people.Login(ctx, &authv1.LoginRequest{Username: fmt.Sprintf("user-%d", i), Password: "guess"})
		return err
	}
	for i := range 50 {
		refused(t, try("2001:db8::1", i), codes.Unauthenticated, "WRONG_CREDENTIALS")
	}
	refused(t, try("2001:db8::2", 51), codes.ResourceExhausted, "LOGIN_RATE_LIMITED")
	refused(t, try("2001:db8:1::1", 52), codes.Unauthenticated, "WRONG_CREDENTIALS")
	refused(t, try("192.0.2.1", 53), codes.Unauthenticated, "WRONG_CREDENTIALS")
	var sources int
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT count(*) FROM audit_line WHERE source = '2001:db8::1'").Scan(&sources))
	require.Equal(t, 50, sources)
}

// Who guesses at a name shuts out himself, not its owner.
func TestAGuesserShutsOutHimselfOnly(t *testing.T) {
	h := withAdmin(t)
	people := h.people()
	try := func(from, password string) error {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-forwarded-for", from)
		_, err := people.Login(ctx, &authv1.LoginRequest{Username: "admin", Password: password})
		return err
	}
	for range 10 {
		refused(t, try("192.0.2.66", "guess"), codes.Unauthenticated, "WRONG_CREDENTIALS")
	}
	refused(t, try("192.0.2.66", "guess"), codes.ResourceExhausted, "LOGIN_RATE_LIMITED")
	require.NoError(t, try("192.0.2.7", adminPassword))
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8::7": "2001:db8::/64", "fe80::1%eth0": "fe80::/64", "": "", "bufconn": "bufconn",
	} {
		require.Equal(t, want, network(in), in)
	}
}
