package device

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func TestAPlannedReplacementTrustsOneNewKey(t *testing.T) {
	p := newPeer(t)
	p.shell = router("", "r1#", simple)
	p.start()
	cfg := p.attempt()
	// The old device had a key of a type that the new one has not.
	cfg.Spec.TrustFirstKey, cfg.Spec.HostKeys = false, [][]byte{newECDSAKey(t).PublicKey().Marshal()}
	cfg.Spec.NewHostKeyUntil = timestamppb.New(time.Now().Add(time.Hour))
	_, report := mustOpen(t, cfg) // on two connections: the login name was not known
	require.Equal(t, p.key.Marshal(), report.HostKey)
	require.False(t, report.HostKeyPinned)

	refused := p.logins.Load() + p.refusals.Load()
	cfg.Spec.NewHostKeyUntil = timestamppb.New(time.Now().Add(-time.Second))
	f, _ := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
	require.Contains(t, f.GetHint(), "accept the new key")
	require.Equal(t, refused, p.logins.Load()+p.refusals.Load(), "the window has closed: no password is sent")
}

// While the old device is still there its accepted key is asked for first, so that another key of its own does not use up the window.
func TestTheOldDeviceDoesNotUseUpTheWindow(t *testing.T) {
	p := newPeer(t) // its ed25519 key would be preferred
	accepted := newECDSAKey(t)
	p.addKey(accepted)
	p.shell = router("", "r1#", simple)
	p.start()
	cfg := p.attempt()
	cfg.Spec.TrustFirstKey, cfg.Spec.HostKeys = false, [][]byte{accepted.PublicKey().Marshal()}
	cfg.Spec.NewHostKeyUntil = timestamppb.New(time.Now().Add(time.Hour))
	_, report := mustOpen(t, cfg)
	require.True(t, report.HostKeyPinned)
	require.Equal(t, accepted.PublicKey().Marshal(), report.HostKey)
}

// A device that answers with one new key and then with another within one attempt is not the one that was planned.
func TestTwoNewKeysInOneAttemptAreOneTooMany(t *testing.T) {
	p, q := newPeer(t), newPeer(t)
	p.start()
	q.start()
	cfg := p.attempt()
	cfg.Spec.TrustFirstKey, cfg.Spec.HostKeys = false, [][]byte{newKey(t).PublicKey().Marshal()}
	cfg.Spec.NewHostKeyUntil = timestamppb.New(time.Now().Add(time.Hour))
	cfg.Dial = inTurn(p, q)
	_, _ = mustFail(t, cfg, jobv1.Failure_HOST_KEY)
	require.Zero(t, q.logins.Load()+q.refusals.Load())
}
