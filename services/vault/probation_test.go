package vault

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
)

type reservation = vaultv1.ReserveCredentialsRequest_Item

// outstanding reserves for so many new tasks, each on a device of its own.
func (h *house) outstanding(n int, tag string) []*reservation {
	h.t.Helper()
	req := batchFor(h, n, tag)
	resp, err := h.svc.ReserveCredentials(h.t.Context(), req)
	require.NoError(h.t, err)
	require.Equal(h.t, n, admitted(resp))
	return req.GetItems()
}

// seal asks for an attempt's grant.
func (h *house) seal(agent fakeAgent, item *reservation, credentials ...string) error {
	h.t.Helper()
	_, err := h.svc.SealGrant(h.t.Context(), &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, credentials...)), AgentCertificate: agent.certificate})
	return err
}

// sealed asks for the grants of all, and answers those that were given. The others must be told to come back.
func (h *house) sealed(agent fakeAgent, items []*reservation, credential string) (given, left []*reservation) {
	h.t.Helper()
	for _, item := range items {
		if err := h.seal(agent, item, credential); err != nil {
			refused(h.t.(*testing.T), err, codes.FailedPrecondition, "CREDENTIAL_IN_PROBATION")
			left = append(left, item)
			continue
		}
		given = append(given, item)
	}
	return given, left
}

// FAILURES 85, caps raised: what was reserved while the credential was good gets no grant once it is refused, except for the few of probation.
func TestFailure85OutstandingReservationsOfARefusedCredential(t *testing.T) {
	h := newHouse(t)
	agent := h.authority.agent()
	c := h.good(&vaultv1.Credential{Name: "aaa", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 200, MaxInFlight: 60})
	h.pass(time.Second)
	waiting := h.outstanding(60, "t")
	first, waiting := waiting[0], waiting[1:]
	require.NoError(t, h.seal(agent, first, c.GetId()))
	h.report(first, c.GetId(), jobv1.CredentialOutcome_REFUSED)
	require.Equal(t, 59, h.inFlight(c.GetId()))

	grants := 0
	for len(waiting) > 0 { // agents ask in the order they come, and each login that was let through is refused too
		given, left := h.sealed(agent, waiting[:min(10, len(waiting))], c.GetId())
		waiting = waiting[min(10, len(waiting)):]
		grants += len(given)
		for _, item := range left {
			err := h.seal(agent, item, c.GetId())
			refused(t, err, codes.FailedPrecondition, "CREDENTIAL_IN_PROBATION")
			require.Contains(t, err.Error(), "aaa")
			h.report(item, c.GetId(), jobv1.CredentialOutcome_UNUSED)
		}
		for _, item := range given {
			require.NoError(t, h.seal(agent, item, c.GetId()), "a lost answer can be asked for again")
			h.report(item, c.GetId(), jobv1.CredentialOutcome_REFUSED)
		}
	}
	require.LessOrEqual(t, grants, probationInFlight)
	require.Equal(t, 3, grants, "four refusals in all, then the pause")
	require.Equal(t, int32(4), h.get(c.GetId()).GetFailures())
	require.Zero(t, h.inFlight(c.GetId()), "what was refused is free")

	h.pass(time.Minute + time.Second)
	probe := h.outstanding(1, "t")[0]
	require.NoError(t, h.seal(agent, probe, c.GetId()))
	h.report(probe, c.GetId(), jobv1.CredentialOutcome_WORKED)
	given, left := h.sealed(agent, h.outstanding(60, "t"), c.GetId())
	require.Len(t, given, 60, "one success opens the gates")
	require.Empty(t, left)
}

// Grants that were out when the first refusal came count as well: none is added until they are fewer than probation allows.
func TestGrantsThatAreOutCountAgainstProbation(t *testing.T) {
	h := newHouse(t)
	agent := h.authority.agent()
	c := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 200, MaxInFlight: 60})
	h.pass(time.Second)
	items := h.outstanding(20, "t")
	out, left := h.sealed(agent, items[:6], c.GetId())
	require.Empty(t, left)
	h.report(out[0], c.GetId(), jobv1.CredentialOutcome_REFUSED)
	given, _ := h.sealed(agent, items[6:8], c.GetId())
	require.Empty(t, given, "five are out, three may be")
	for _, item := range out[1:4] {
		h.report(item, c.GetId(), jobv1.CredentialOutcome_UNUSED) // the device was not reached
	}
	given, _ = h.sealed(agent, items[8:12], c.GetId())
	require.Len(t, given, 1)
	h.report(given[0], c.GetId(), jobv1.CredentialOutcome_WORKED)
	given, _ = h.sealed(agent, items[12:], c.GetId())
	require.Len(t, given, 8)
}

// A new password that is wrong: attempts that reserved the old one would try it, and what they meet is about the new one.
func TestReservationsOfAnEarlierVersionAreOnProbation(t *testing.T) {
	h := newHouse(t)
	agent := h.authority.agent()
	c := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 200, MaxInFlight: 60})
	h.pass(time.Second)
	items := h.outstanding(60, "t")
	h.pass(time.Second)
	_, err := h.svc.UpdateCredential(t.Context(), &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Password: "typo"}, UpdateMask: mask("password")})
	require.NoError(t, err)
	h.pass(time.Second)
	grants := 0
	for _, item := range items {
		given, _ := h.sealed(agent, []*reservation{item}, c.GetId())
		grants += len(given)
		h.report(item, c.GetId(), map[bool]jobv1.CredentialOutcome_Result{true: jobv1.CredentialOutcome_REFUSED, false: jobv1.CredentialOutcome_UNUSED}[len(given) > 0])
	}
	require.Equal(t, 4, grants)
	require.Equal(t, int32(4), h.get(c.GetId()).GetFailures())
}

// A device whose own credential is good does not wait for another one that it may never need.
func TestAKnownDeviceIsGrantedWithoutTheOneInProbation(t *testing.T) {
	h := newHouse(t)
	agent := h.authority.agent()
	a := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, Priority: 1, LoginsPerSecond: 200, MaxInFlight: 60})
	b := h.good(&vaultv1.Credential{Name: "b", Username: "u", Password: "p", Tags: []string{"b"}, Priority: 2, LoginsPerSecond: 200, MaxInFlight: 60})
	h.pass(time.Second)
	device := newID().String()
	item, _ := h.ask(device, "t")
	h.report(item, a.GetId(), jobv1.CredentialOutcome_WORKED)
	known, got := h.ask(device, "t", "b")
	require.Equal(t, []string{a.GetId(), b.GetId()}, got.GetCredentialIds())
	stranger, _ := h.ask(newID().String(), "t", "b")
	for _, item := range h.outstanding(pauseAfter, "b") {
		h.report(item, b.GetId(), jobv1.CredentialOutcome_REFUSED)
	}
	require.Equal(t, 2, h.inFlight(b.GetId()))
	require.NoError(t, h.seal(agent, known, a.GetId(), b.GetId()))
	require.Equal(t, 1, h.inFlight(b.GetId()), "its place is free")
	require.Equal(t, "CREDENTIAL_IN_PROBATION", errs.Reason(h.seal(agent, stranger, a.GetId(), b.GetId())))
	require.Zero(t, h.inFlight(b.GetId()))
	require.Equal(t, 1, h.inFlight(a.GetId()))
	h.report(known, a.GetId(), jobv1.CredentialOutcome_WORKED)
	require.Zero(t, h.inFlight(a.GetId()))
}

// Many agents that ask at once share the few places.
func TestConcurrentGrantsKeepProbation(t *testing.T) {
	h := newHouse(t)
	agent := h.authority.agent()
	c := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 200, MaxInFlight: 60})
	h.pass(time.Second)
	items := h.outstanding(30, "t")
	h.report(items[0], c.GetId(), jobv1.CredentialOutcome_REFUSED)
	var requests []*vaultv1.SealGrantRequest
	for _, item := range items[1:] {
		requests = append(requests, &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, c.GetId())), AgentCertificate: agent.certificate})
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	grants := 0
	for _, req := range requests {
		wg.Go(func() {
			_, err := h.svc.SealGrant(t.Context(), req)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				grants++
			case errs.Reason(err) != "CREDENTIAL_IN_PROBATION":
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 3, grants)
	require.Equal(t, 3, h.inFlight(c.GetId()))
}
