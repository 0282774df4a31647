package vault

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

func (h *house) inFlight(id string) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.pool.QueryRow(h.t.Context(), "SELECT in_flight FROM credential_use WHERE credential_id = $1", mustID(h.t, id)).Scan(&n))
	return n
}

// good makes a credential that has worked once.
func (h *house) good(c *vaultv1.Credential) *vaultv1.Credential {
	h.t.Helper()
	out := h.create(c)
	item, got := h.ask(newID().String(), c.GetTags()...)
	require.NotEmpty(h.t, got.GetCredentialIds())
	h.report(item, out.GetId(), jobv1.CredentialOutcome_WORKED)
	return h.get(out.GetId())
}

func batchFor(h *house, n int, tags ...string) *vaultv1.ReserveCredentialsRequest {
	req := &vaultv1.ReserveCredentialsRequest{}
	for range n {
		req.Items = append(req.Items, &vaultv1.ReserveCredentialsRequest_Item{
			TaskId: newID().String(), Fence: 1, DeviceId: newID().String(), Tags: tags, Deadline: timestamppb.New(h.now().Add(10 * time.Minute)),
		})
	}
	return req
}

func admitted(resp *vaultv1.ReserveCredentialsResponse) (n int) {
	for _, item := range resp.GetItems() {
		if len(item.GetCredentialIds()) > 0 {
			n++
		}
	}
	return n
}

func TestReserveIsIdempotentAndReportCountsOnce(t *testing.T) {
	h := newHouse(t)
	job, hub := h.grants("job"), h.grants("hub")
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}})
	req := batchFor(h, 1, "T")
	for range 3 {
		resp, err := job.ReserveCredentials(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, []string{c.GetId()}, resp.GetItems()[0].GetCredentialIds())
	}
	require.Equal(t, 1, h.inFlight(c.GetId()))
	report := &vaultv1.ReportUseRequest{Items: []*vaultv1.ReportUseRequest_Item{{TaskId: req.GetItems()[0].GetTaskId(), Fence: 1, Outcomes: []*jobv1.CredentialOutcome{
		{CredentialId: c.GetId(), Result: jobv1.CredentialOutcome_WORKED}, {CredentialId: c.GetId(), Result: jobv1.CredentialOutcome_WORKED},
		{CredentialId: newID().String(), Result: jobv1.CredentialOutcome_REFUSED}, {CredentialId: "x", Result: jobv1.CredentialOutcome_REFUSED},
	}}}}
	for range 2 {
		_, err := hub.ReportUse(t.Context(), report)
		require.NoError(t, err)
	}
	got := h.get(c.GetId())
	require.Equal(t, int32(1), got.GetSuccesses())
	require.False(t, got.GetProbation())
	require.NotNil(t, got.GetLastUsedAt())
	require.Zero(t, h.inFlight(c.GetId()))

	resp, err := job.ReserveCredentials(t.Context(), batchFor(h, 1, "other"))
	require.NoError(t, err)
	require.True(t, resp.GetItems()[0].GetNoCredential())
	for _, spoil := range []func(*vaultv1.ReserveCredentialsRequest_Item){
		func(i *vaultv1.ReserveCredentialsRequest_Item) { i.TaskId = "x" },
		func(i *vaultv1.ReserveCredentialsRequest_Item) { i.DeviceId = "" },
		func(i *vaultv1.ReserveCredentialsRequest_Item) { i.Deadline = nil },
	} {
		bad := batchFor(h, 1, "t")
		spoil(bad.GetItems()[0])
		_, err := job.ReserveCredentials(t.Context(), bad)
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
	}
}

func TestProbationLetsFewInUntilOneWorks(t *testing.T) {
	h := newHouse(t)
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 1000, MaxInFlight: 80})
	first := batchFor(h, 100, "t")
	resp, err := h.svc.ReserveCredentials(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, 4, admitted(resp))
	require.Equal(t, "a", resp.GetItems()[99].GetWaitingFor())
	require.True(t, resp.GetItems()[4].GetRetryAfter().AsTime().Before(h.now().Add(time.Second)))
	require.True(t, resp.GetItems()[99].GetRetryAfter().AsTime().Before(h.now().Add(10*time.Second)))
	h.report(first.GetItems()[0], c.GetId(), jobv1.CredentialOutcome_WORKED)
	resp, err = h.svc.ReserveCredentials(t.Context(), batchFor(h, 100, "t"))
	require.NoError(t, err)
	require.Equal(t, 77, admitted(resp), "80 less the three that are out")
	require.Equal(t, 80, h.inFlight(c.GetId()))
}

// FAILURES 3: attempts that die with their agent or hub are never reported; without this their places stay taken until the deadline and a whole run waits.
func TestATaskThatAsksAgainGivesBackWhatItsEarlierAttemptsReserved(t *testing.T) {
	h := newHouse(t)
	c := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 1000, MaxInFlight: 10})
	h.pass(time.Second)
	lost := batchFor(h, 10, "t")
	for fence := range int64(3) {
		for _, item := range lost.GetItems() {
			item.Fence = fence + 1
		}
		resp, err := h.svc.ReserveCredentials(t.Context(), lost)
		require.NoError(t, err)
		require.Equal(t, 10, admitted(resp), "attempt %d", fence+1)
		require.Equal(t, 10, h.inFlight(c.GetId()))
		h.pass(time.Second)
	}
	late := lost.GetItems()[0]
	late.Fence = 1
	h.report(late, c.GetId(), jobv1.CredentialOutcome_REFUSED)
	require.Equal(t, int32(1), h.get(c.GetId()).GetFailures(), "a late report still counts what happened")
	require.Equal(t, 10, h.inFlight(c.GetId()), "and frees nothing twice")
}

func TestReservationsExpire(t *testing.T) {
	h := newHouse(t)
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}})
	req := batchFor(h, 3, "t")
	_, err := h.svc.ReserveCredentials(t.Context(), req)
	require.NoError(t, err)
	require.NoError(t, h.svc.tickOnce(t.Context()))
	require.Equal(t, 3, h.inFlight(c.GetId()))
	h.pass(11 * time.Minute)
	for range 2 {
		require.NoError(t, h.svc.tickOnce(t.Context()))
		require.Zero(t, h.inFlight(c.GetId()))
	}
	h.report(req.GetItems()[0], c.GetId(), jobv1.CredentialOutcome_WORKED) // an agent that was cut off
	require.Equal(t, int32(1), h.get(c.GetId()).GetSuccesses())
	require.Zero(t, h.inFlight(c.GetId()))
	h.pass(8 * 24 * time.Hour)
	require.NoError(t, h.svc.tickOnce(t.Context()))
	var left int
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT count(*) FROM reservation").Scan(&left))
	require.Zero(t, left)
}

func TestLastGoodIsPerDeviceAndFollowsTheDevice(t *testing.T) {
	h := newHouse(t)
	a := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, Priority: 1, LoginsPerSecond: 100})
	b := h.create(&vaultv1.Credential{Name: "b", Username: "u", Password: "p", Tags: []string{"t"}, Priority: 2})
	device := newID().String()
	item, got := h.ask(device, "t")
	require.Equal(t, []string{a.GetId(), b.GetId()}, got.GetCredentialIds())
	h.report(item, b.GetId(), jobv1.CredentialOutcome_WORKED)
	item, got = h.ask(device, "t")
	require.Equal(t, []string{b.GetId(), a.GetId()}, got.GetCredentialIds())
	h.report(item, b.GetId(), jobv1.CredentialOutcome_REFUSED)
	_, got = h.ask(device, "t")
	require.Equal(t, []string{a.GetId(), b.GetId()}, got.GetCredentialIds())
	_, err := h.svc.DeleteCredential(t.Context(), &vaultv1.DeleteCredentialRequest{Id: b.GetId()})
	require.NoError(t, err)
	_, got = h.ask(device, "t")
	require.Equal(t, []string{a.GetId()}, got.GetCredentialIds())
}

// FAILURES 85: a shared password is rotated on the AAA server and a large run starts. What was outstanding at the first refusal may fail, then the
// credential's tasks wait and say why; other credentials' tasks go on, and one probe a pause finds out when it is good again.
func TestFailure85RotatedPassword(t *testing.T) {
	h := newHouse(t)
	c := h.good(&vaultv1.Credential{Name: "aaa", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 1000, MaxInFlight: 20})
	other := h.good(&vaultv1.Credential{Name: "lab", Username: "u", Password: "p", Tags: []string{"lab"}})
	refusals := 0
	var outstanding []*vaultv1.ReserveCredentialsRequest_Item
	claim := func() (last *vaultv1.ReserveCredentialsResponse_Item) {
		req := batchFor(h, 100, "t")
		resp, err := h.svc.ReserveCredentials(t.Context(), req)
		require.NoError(t, err)
		for i, item := range resp.GetItems() {
			if len(item.GetCredentialIds()) > 0 {
				outstanding = append(outstanding, req.GetItems()[i])
			}
		}
		return resp.GetItems()[99]
	}
	claim()
	for range 50 { // the hub claims again after each refusal
		if len(outstanding) == 0 {
			break
		}
		h.report(outstanding[0], c.GetId(), jobv1.CredentialOutcome_REFUSED)
		outstanding = outstanding[1:]
		refusals++
		claim()
	}
	require.Equal(t, 20, refusals, "the bound of outstanding grants")
	waiting := claim()
	require.Equal(t, "aaa", waiting.GetWaitingFor())
	require.Equal(t, h.now().Add(time.Minute).Unix(), waiting.GetRetryAfter().AsTime().Unix())
	require.True(t, h.get(c.GetId()).GetProbation())
	_, got := h.ask(newID().String(), "lab")
	require.Equal(t, []string{other.GetId()}, got.GetCredentialIds(), "only its tasks pause")

	for _, pause := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		h.pass(pause - time.Second)
		claim()
		require.Empty(t, outstanding)
		h.pass(2 * time.Second)
		claim()
		require.Len(t, outstanding, 1, "one probe")
		h.report(outstanding[0], c.GetId(), jobv1.CredentialOutcome_REFUSED)
		outstanding = nil
	}

	// The operator enters the new password: at once four may try, and one success opens the gates.
	_, err := h.svc.UpdateCredential(t.Context(), &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Password: "new"}, UpdateMask: mask("password")})
	require.NoError(t, err)
	claim()
	require.Len(t, outstanding, 4)
	h.pass(time.Second)
	h.report(outstanding[0], c.GetId(), jobv1.CredentialOutcome_WORKED)
	outstanding = outstanding[1:]
	claim()
	require.Len(t, outstanding, 20)
	require.Equal(t, int32(23), h.get(c.GetId()).GetFailures())
}

func TestOutcomesOfAnEarlierVersionSayNothingAboutThisOne(t *testing.T) {
	h := newHouse(t)
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}})
	item, _ := h.ask(newID().String(), "t")
	h.pass(time.Second)
	_, err := h.svc.UpdateCredential(t.Context(), &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Password: "typo"}, UpdateMask: mask("password")})
	require.NoError(t, err)
	h.report(item, c.GetId(), jobv1.CredentialOutcome_WORKED)
	require.True(t, h.get(c.GetId()).GetProbation())
	require.Zero(t, h.inFlight(c.GetId()))
}

// Many claims and reports at once keep the caps and the counts.
func TestConcurrentClaimsKeepTheCap(t *testing.T) {
	h := newHouse(t)
	c := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", Tags: []string{"t"}, LoginsPerSecond: 1000, MaxInFlight: 30})
	d := h.good(&vaultv1.Credential{Name: "b", Username: "u", Password: "p", Tags: []string{"s"}, LoginsPerSecond: 1000, MaxInFlight: 30})
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := map[string]int{}
	for range 6 {
		wg.Go(func() {
			for range 5 {
				tag, id := "t", c.GetId()
				req := batchFor(h, 10, tag)
				for i := range req.GetItems() {
					if i%2 == 1 {
						req.GetItems()[i].Tags = []string{"s"}
					}
				}
				resp, err := h.svc.ReserveCredentials(t.Context(), req)
				if err != nil {
					t.Error(err)
					return
				}
				report := &vaultv1.ReportUseRequest{}
				for i, item := range resp.GetItems() {
					for _, got := range item.GetCredentialIds() {
						mu.Lock()
						total[got]++
						mu.Unlock()
						report.Items = append(report.Items, &vaultv1.ReportUseRequest_Item{TaskId: req.GetItems()[i].GetTaskId(), Fence: 1,
							Outcomes: []*jobv1.CredentialOutcome{{CredentialId: got, Result: jobv1.CredentialOutcome_WORKED}}})
					}
				}
				for _, credential := range []string{id, d.GetId()} {
					var n int
					if err := h.pool.QueryRow(t.Context(), "SELECT in_flight FROM credential_use WHERE credential_id = $1", mustID(t, credential)).Scan(&n); err != nil || n > 30 {
						t.Errorf("in flight %d, %v", n, err)
					}
				}
				if _, err := h.svc.ReportUse(t.Context(), report); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, id := range []string{c.GetId(), d.GetId()} {
		require.Zero(t, h.inFlight(id))
		require.Equal(t, int32(total[id]+1), h.get(id).GetSuccesses())
	}
}
