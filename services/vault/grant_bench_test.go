package vault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// What one attempt costs vault: its share of a claim of a hundred, one grant, its share of a report of a hundred; PostgreSQL included.
func BenchmarkAttempt(b *testing.B) {
	h := newHouse(b)
	c := h.good(&vaultv1.Credential{Name: "a", Username: "u", Password: "p", EnableSecret: "e", Tags: []string{"t"}, LoginsPerSecond: 1000, MaxInFlight: 1000})
	agent := h.authority.agent()
	const batch = 100
	for done := 0; done < b.N; done += batch {
		b.StopTimer()
		h.pass(time.Second)
		req := batchFor(h, batch, "t")
		b.StartTimer()
		resp, err := h.svc.ReserveCredentials(b.Context(), req)
		require.NoError(b, err)
		require.Equal(b, batch, admitted(resp))
		report := &vaultv1.ReportUseRequest{}
		for _, item := range req.GetItems() {
			b.StopTimer()
			signed := h.sign(specFor(agent, item, c.GetId()))
			b.StartTimer()
			_, err := h.svc.SealGrant(b.Context(), &vaultv1.SealGrantRequest{Spec: signed, AgentCertificate: agent.certificate})
			require.NoError(b, err)
			report.Items = append(report.Items, &vaultv1.ReportUseRequest_Item{TaskId: item.GetTaskId(), Fence: item.GetFence(),
				Outcomes: []*jobv1.CredentialOutcome{{CredentialId: c.GetId(), Result: jobv1.CredentialOutcome_WORKED}}})
		}
		_, err = h.svc.ReportUse(b.Context(), report)
		require.NoError(b, err)
		require.NoError(b, h.svc.audit.flush(b.Context()))
	}
}
