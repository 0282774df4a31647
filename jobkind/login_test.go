package jobkind

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/lab"
)

// story is a login's stages in few words.
func story(r *jobv1.LoginResult) string {
	var all []string
	for _, s := range r.GetStages() {
		word := s.GetName()
		if !s.GetOk() {
			word += " failed"
		}
		all = append(all, word)
	}
	return strings.Join(all, ", ")
}

func TestLoginTellsItsStages(t *testing.T) {
	cases := []struct {
		spec  lab.DeviceSpec
		story string
		class jobv1.Failure_Class
	}{
		{lab.DeviceSpec{Name: "plain", Platform: "cisco_ios"}, "connect, host_key, login, enable, prompt", 0},
		{lab.DeviceSpec{Name: "user", Platform: "cisco_ios", UserMode: true, EnableSecret: "enable-secret"}, "connect, host_key, login, enable, prompt", 0},
		{lab.DeviceSpec{Name: "wrong", Platform: "cisco_ios", UserMode: true, EnableSecret: "another"}, "connect, host_key, login, enable failed", jobv1.Failure_PRIVILEGE},
		{lab.DeviceSpec{Name: "junos", Platform: "juniper_junos"}, "connect, host_key, login, prompt", 0},
		{lab.DeviceSpec{Name: "refused", Platform: "cisco_ios", Fault: lab.Fault{RefuseLogin: true}}, "connect, host_key, login failed", jobv1.Failure_AUTH},
		{lab.DeviceSpec{Name: "mute", Platform: "cisco_ios", Fault: lab.Fault{NoPrompt: true}}, "connect, host_key, login, prompt failed", jobv1.Failure_PROMPT},
		{lab.DeviceSpec{Name: "down", Platform: "cisco_ios", Fault: lab.Fault{Down: true}}, "connect failed", jobv1.Failure_UNREACHABLE},
		{lab.DeviceSpec{Name: "legacy", Platform: "cisco_ios", Fault: lab.Fault{Legacy: true}}, "connect, host_key failed", jobv1.Failure_ALGORITHM},
	}
	var specs []lab.DeviceSpec
	for _, c := range cases {
		specs = append(specs, c.spec)
	}
	devices := serve(t, lab.Config{Devices: specs})
	for i, c := range cases {
		t.Run(c.spec.Name, func(t *testing.T) {
			env := envOf(t, devices[i])
			out := Login{}.Run(context.Background(), env)
			require.Equal(t, c.class, out.Failure.GetClass(), "%v", out.Failure)
			r := out.Found.GetLogin()
			t.Log(r)
			require.Equal(t, c.story, story(r))
			require.NotContains(t, out.Found.String(), lab.DefaultPassword)
			require.NotContains(t, out.Found.String(), "enable-secret")
			last := r.GetStages()[len(r.GetStages())-1]
			if c.class != 0 {
				require.Equal(t, out.Failure.GetHint(), last.GetDetail())
				return
			}
			key, err := ssh.ParsePublicKey(out.HostKey)
			require.NoError(t, err)
			require.Equal(t, ssh.FingerprintSHA256(key), r.GetHostKeyFingerprint())
			require.Equal(t, key.Type(), r.GetHostKeyAlgorithm())
			require.Equal(t, "lab", r.GetCredential())
			require.NotEmpty(t, r.GetAlgorithms())
			require.Equal(t, jobv1.CredentialOutcome_WORKED, out.Credentials[0].GetResult())
			if c.spec.Platform == "juniper_junos" { // its page has commands travel by exec channels
				require.Empty(t, r.GetPrompt())
				return
			}
			require.Contains(t, r.GetPrompt(), c.spec.Name)
			require.Equal(t, r.GetPrompt(), last.GetDetail())
		})
	}
}

func TestLoginShowsAnotherHostKey(t *testing.T) {
	devices := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}, {Name: "r2", Platform: "cisco_ios"}}})
	other := Login{}.Run(context.Background(), envOf(t, devices[1]))
	env := envOf(t, devices[0])
	env.Spec.HostKeys, env.Spec.TrustFirstKey = [][]byte{other.HostKey}, false
	out := Login{}.Run(context.Background(), env)
	require.Equal(t, jobv1.Failure_HOST_KEY, out.Failure.GetClass())
	require.Equal(t, "connect, host_key failed", story(out.Found.GetLogin()))
	require.NotEmpty(t, out.Found.GetLogin().GetHostKeyFingerprint())
	require.NotEqual(t, other.Found.GetLogin().GetHostKeyFingerprint(), out.Found.GetLogin().GetHostKeyFingerprint())
	require.Nil(t, out.Grant, "no credential was asked for")
}

func TestLoginSaysThatASessionStaysUnprivileged(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios", UserMode: true, EnableSecret: "enable-secret"}}})[0]
	env := envOf(t, d)
	env.Credentials = func(context.Context) (*vaultv1.Grant, error) {
		return grant(&vaultv1.GrantedCredential{Id: "c1", Name: "lab", Username: lab.DefaultUsername, Password: lab.DefaultPassword, Enable: vaultv1.GrantedCredential_NONE}), nil
	}
	out := Login{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Contains(t, out.Found.GetLogin().GetStages()[3].GetDetail(), "unprivileged")
}

func TestLoginTakesNoOtherParameters(t *testing.T) {
	require.NoError(t, Login{}.Validate(nil))
	require.Error(t, Login{}.Validate(object(t, map[string]any{"commands": "x"})))
}
