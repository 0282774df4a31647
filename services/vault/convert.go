package vault

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
)

func credentialOf(h held) *vaultv1.Credential {
	c, u := h.Credential, h.CredentialUse
	out := &vaultv1.Credential{
		Id: c.ID.String(), Name: c.Name, Username: c.Username, Enable: vaultv1.Credential_Enable(vaultv1.Credential_Enable_value[enableOf(c.Enable, c.SecretsSet)]),
		Tags: c.Tags, Priority: c.Priority, LoginsPerSecond: c.LoginsPerSecond, MaxInFlight: c.MaxInFlight, LocalFallback: c.LocalFallback,
		SecretsSet: c.SecretsSet, Version: c.Version, Probation: u.Probation, LastUsedAt: timestamp(u.LastUsedAt), LastFailedAt: timestamp(u.LastFailedAt),
		Successes: u.Successes, Failures: u.Failures, CreatedAt: timestamppb.New(c.CreatedAt), UpdatedAt: timestamppb.New(c.UpdatedAt),
		PausedUntil: timestamp(u.PausedUntil),
	}
	for _, id := range c.DeviceIds {
		out.DeviceIds = append(out.DeviceIds, id.String())
	}
	return out
}

// enableOf is how privileged mode is reached: as it was set, else by the enable secret where there is one.
func enableOf(set string, secretsSet []string) string {
	if set != vaultv1.Credential_UNSPECIFIED.String() {
		return set
	}
	if slices.Contains(secretsSet, "enable_secret") {
		return vaultv1.Credential_SECRET.String()
	}
	return vaultv1.Credential_NONE.String()
}

// granted is an opened credential as the agent gets it.
func granted(r vaultsql.OpenReservationRow, s secrets) *vaultv1.GrantedCredential {
	return &vaultv1.GrantedCredential{
		Id: r.ID.String(), Name: r.Name, Username: r.Username, Password: s.password.Reveal(), PrivateKey: s.privateKey.Reveal(),
		Passphrase: s.passphrase.Reveal(), EnableSecret: s.enableSecret.Reveal(),
		// As it was set: where it was not, the platform's page has a word too.
		Enable: vaultv1.GrantedCredential_Enable(vaultv1.GrantedCredential_Enable_value[r.Enable]),
	}
}

func timestamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}
