package vault

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

func TestSecretsOfServicesAreSealed(t *testing.T) {
	h := newHouse(t)
	gitstore := vaultv1.NewSecretServiceClient(grpctest.Serve(t, "gitstore", nil, h.svc))
	id := newID().String()
	put := func(secret string) {
		t.Helper()
		_, err := gitstore.PutSecret(t.Context(), &vaultv1.PutSecretRequest{Kind: "remote", Id: id, Secret: []byte(secret)})
		require.NoError(t, err)
	}
	open := func(kind, id string) (string, error) {
		out, err := gitstore.OpenSecret(t.Context(), &vaultv1.OpenSecretRequest{Kind: kind, Id: id, Name: "central"})
		return string(out.GetSecret()), err
	}
	put("token-Xy99")
	put("token-Xy100")
	got, err := open("remote", id)
	require.NoError(t, err)
	require.Equal(t, "token-Xy100", got)
	require.Equal(t, []string{"secret.open OK"}, h.audited())
	require.NotContains(t, h.dump()+h.log.String(), "token-Xy")

	// What is sealed opens as nothing else, whoever moves rows.
	other := newID().String()
	_, err = h.pool.Exec(t.Context(), "INSERT INTO secret (owner, kind, id, data_key, sealed) SELECT owner, kind, $1, data_key, sealed FROM secret", other)
	require.NoError(t, err)
	_, err = open("remote", other)
	refused(t, err, codes.Unavailable, "KEY_UNAVAILABLE")
	_, err = open("mirror", id)
	refused(t, err, codes.NotFound, "SECRET_NOT_FOUND")

	for range 2 {
		_, err = gitstore.DeleteSecret(t.Context(), &vaultv1.DeleteSecretRequest{Kind: "remote", Id: id})
		require.NoError(t, err)
	}
	_, err = open("remote", id)
	refused(t, err, codes.NotFound, "SECRET_NOT_FOUND")
}

func TestSecretsOfServicesAreForTheirServiceOnly(t *testing.T) {
	h := newHouse(t)
	in := &vaultv1.PutSecretRequest{Kind: "remote", Id: newID().String(), Secret: []byte("x")}
	for _, caller := range []string{"api", "hub", "job"} {
		_, err := vaultv1.NewSecretServiceClient(grpctest.Serve(t, caller, nil, h.svc)).PutSecret(t.Context(), in)
		refused(t, err, codes.PermissionDenied, "INTERNAL_ONLY")
	}
	admin := vaultv1.NewSecretServiceClient(grpctest.Serve(t, "api", &authn.Principal{UserID: "1", Permissions: []string{"*"}}, h.svc))
	_, err := admin.OpenSecret(t.Context(), &vaultv1.OpenSecretRequest{Kind: "remote", Id: in.GetId()})
	refused(t, err, codes.PermissionDenied, "INTERNAL_ONLY")

	gitstore := vaultv1.NewSecretServiceClient(grpctest.Serve(t, "gitstore", nil, h.svc))
	for _, bad := range []*vaultv1.PutSecretRequest{{Kind: "a|b", Id: in.GetId(), Secret: []byte("x")}, {Kind: "remote", Id: "x", Secret: []byte("x")}, {Kind: "remote", Id: in.GetId()}} {
		_, err := gitstore.PutSecret(t.Context(), bad)
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
	}
	keyless := vaultv1.NewSecretServiceClient(grpctest.Serve(t, "gitstore", nil, h.start(nil)))
	_, err = keyless.PutSecret(t.Context(), in)
	refused(t, err, codes.Unavailable, "KEY_UNAVAILABLE")
}
