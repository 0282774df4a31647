package agent

import (
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
