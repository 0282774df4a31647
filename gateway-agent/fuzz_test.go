package agent

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/pki/pkitest"
)

// FuzzFrames feeds the open session whatever a hub may send: nothing panics, nothing runs. FAILURES 96.
func FuzzFrames(f *testing.F) {
	ref := &jobv1.AttemptRef{TaskId: "0197f000-0000-7000-8000-000000000001", Fence: 1}
	for _, m := range []*hubv1.HubMessage{
		{Message: &hubv1.HubMessage_Welcome{}},
		{Message: &hubv1.HubMessage_ResumeVerdict{ResumeVerdict: &hubv1.ResumeVerdict{Attempt: ref, Verdict: 99}}},
		{Message: &hubv1.HubMessage_Offer{Offer: &hubv1.Offer{Spec: &jobv1.SignedSpec{Spec: []byte("x")}, Page: []byte("y")}}},
		{Message: &hubv1.HubMessage_CredentialGrant{CredentialGrant: &hubv1.CredentialGrant{Attempt: ref}}},
		{Message: &hubv1.HubMessage_ResultAck{ResultAck: &hubv1.ResultAck{Attempt: ref, Outcome: 77, RetryAfterMs: -5}}},
		{Message: &hubv1.HubMessage_DesiredState{DesiredState: &hubv1.DesiredState{Complete: true}}},
		{Message: &hubv1.HubMessage_ConfigUpdate{ConfigUpdate: &hubv1.ConfigUpdate{MaxSessions: -1}}},
		{Message: &hubv1.HubMessage_Drain{Drain: &hubv1.Drain{ReconnectAfterMs: -1}}},
		{},
	} {
		b, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte{0xfa, 0x06, 0x01, 0x00})
	kind := instant()
	a, err := New(Config{DataDir: f.TempDir(), Server: "192.0.2.1:1"}, Deps{Log: slog.New(slog.DiscardHandler), Kinds: kind.lookup})
	require.NoError(f, err)
	ca := pkitest.New(f)
	token, err := ca.CreateJoinToken(context.Background(), &authv1.CreateJoinTokenRequest{GatewayId: "g"})
	require.NoError(f, err)
	enrollWithout(f, a, ca, token.GetToken())
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &hubv1.HubMessage{}
		if proto.Unmarshal(b, m) != nil {
			return
		}
		s := newSession(context.Background(), a)
		defer s.end(nil)
		s.handle(m)
		require.Zero(t, kind.runs.Load())
	})
}

// enrollWithout gives the agent an identity without a hub.
func enrollWithout(t testing.TB, a *Agent, ca *pkitest.Authority, token string) {
	t.Helper()
	req, err := a.enrollRequest(token)
	require.NoError(t, err)
	cert, err := ca.EnrollAgent(context.Background(), &authv1.EnrollAgentRequest{
		Token: token, PublicKey: req.GetPublicKey(), SealKey: req.GetSealKey(), Proof: req.GetProof(),
	})
	require.NoError(t, err)
	require.NoError(t, a.identity.save(cert.GetDer(), cert.GetAuthorityDer()))
}

func FuzzRecord(f *testing.F) {
	b, err := encodeRecord(&hubv1.Result{Attempt: &jobv1.AttemptRef{TaskId: "t", Fence: 1}})
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(recordMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRecord(b); err == nil {
			require.NotNil(t, r)
		}
	})
}

func TestBackoffStaysInItsWindow(t *testing.T) {
	var b backoff
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 64} {
		require.False(t, b.sleep(ended), "ends with its context")
		require.Equal(t, time.Duration(seconds)*time.Second, b.window)
	}
	b.reset()
	require.False(t, b.sleep(ended))
	require.Equal(t, time.Second, b.window)
}
