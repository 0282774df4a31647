package agent

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/jobkind"
)

func TestWhichKeysArePinned(t *testing.T) {
	shown := jobkind.Outcome{HostKey: []byte{1}}
	refused := jobkind.Outcome{HostKey: []byte{1}, Failure: &jobv1.Failure{Class: jobv1.Failure_HOST_KEY}}
	until := timestamppb.Now()
	for name, c := range map[string]struct {
		spec *jobv1.TaskSpec
		out  jobkind.Outcome
		want bool
	}{
		"first contact":           {&jobv1.TaskSpec{TrustFirstKey: true}, shown, true},
		"failed login":            {&jobv1.TaskSpec{TrustFirstKey: true}, jobkind.Outcome{HostKey: []byte{1}, Failure: &jobv1.Failure{Class: jobv1.Failure_AUTH}}, true},
		"strict":                  {&jobv1.TaskSpec{}, shown, false},
		"another is pinned":       {&jobv1.TaskSpec{TrustFirstKey: true, HostKeys: [][]byte{{2}}}, shown, false},
		"replacement":             {&jobv1.TaskSpec{NewHostKeyUntil: until, HostKeys: [][]byte{{2}}}, shown, true},
		"replacement, still old":  {&jobv1.TaskSpec{NewHostKeyUntil: until}, jobkind.Outcome{HostKey: []byte{1}, HostKeyPinned: true}, false},
		"replacement, a third":    {&jobv1.TaskSpec{NewHostKeyUntil: until}, refused, false},
		"nothing shown":           {&jobv1.TaskSpec{TrustFirstKey: true}, jobkind.Outcome{}, false},
		"a certificate was shown": {&jobv1.TaskSpec{HostCertificate: true}, shown, false},
	} {
		require.Equal(t, c.want, firstContact(c.spec, c.out), name)
	}
}

func TestWhatBehindAJumpHostMayBeReached(t *testing.T) {
	some := Policy{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for host, want := range map[string]bool{"10.1.2.3": true, "192.0.2.1": false, "127.0.0.1": false, "::1": false, "r1.example.net": false} {
		require.Equal(t, want, some.allowsBehind(host) == nil, host)
	}
	for host, want := range map[string]bool{"192.0.2.1": true, "127.0.0.1": false, "r1.example.net": true} {
		require.Equal(t, want, Policy{}.allowsBehind(host) == nil, host)
	}
	require.NoError(t, Unrestricted().allowsBehind("r1.example.net"))
}

func TestWhatTheHubIsToldOfAJumpHost(t *testing.T) {
	spec := &jobv1.TaskSpec{TrustFirstKey: true}
	there := &jobkind.Jumped{HostKey: []byte{1}}
	at := func(stage string) jobkind.Outcome {
		return jobkind.Outcome{Jump: there, Failure: &jobv1.Failure{Class: jobv1.Failure_HOST_KEY, Stage: stage}}
	}
	require.True(t, jumped(spec, jobkind.Outcome{Jump: there}).GetHostKeyPinned())
	require.True(t, jumped(spec, at("host_key")).GetHostKeyPinned(), "it is the device that was not trusted")
	require.False(t, jumped(spec, at("jump")).GetHostKeyPinned())
	require.Nil(t, jumped(nil, jobkind.Outcome{}))
	require.Nil(t, jumped(spec, jobkind.Outcome{}), "it was not come to")
}
