package agent

import (
	"context"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/structpb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/jobkind"
)

// fakeKind stands for the work on a device.
type fakeKind struct {
	runs atomic.Int32
	work func(ctx context.Context, env jobkind.Env) jobkind.Outcome
}

func (k *fakeKind) Describe() *jobv1.JobKind        { return &jobv1.JobKind{Name: "fake"} }
func (k *fakeKind) Validate(*structpb.Struct) error { return nil }
func (k *fakeKind) lookup(name string) (jobkind.Kind, bool) {
	return k, name == "fake"
}

func (k *fakeKind) Run(ctx context.Context, env jobkind.Env) jobkind.Outcome {
	k.runs.Add(1)
	return k.work(ctx, env)
}

// collects is a kind that logs in and brings one artifact of so many bytes.
func collects(original []byte, unchanged bool) *fakeKind {
	return &fakeKind{work: func(ctx context.Context, env jobkind.Env) jobkind.Outcome {
		grant, err := env.Credentials(ctx)
		if err != nil {
			return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_NO_CREDENTIAL, Stage: "login", Hint: err.Error()}}
		}
		return jobkind.Outcome{
			Grant: grant, HostKey: []byte("key"), Facts: map[string]string{"version": "1\xff"},
			Artifacts:   []jobkind.Artifact{{Name: "running.cfg", Label: "l", Digest: "d", Unchanged: unchanged, Main: true, Original: original}},
			Credentials: []*jobv1.CredentialOutcome{{CredentialId: "c", Result: jobv1.CredentialOutcome_WORKED}},
		}
	}}
}

// waits is a kind that runs until it is ended.
func waits() *fakeKind {
	return &fakeKind{work: func(ctx context.Context, _ jobkind.Env) jobkind.Outcome {
		<-ctx.Done()
		return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_CANCELLED, Stage: "command"}}
	}}
}

// instant is a kind that fails at once, without logging in.
func instant() *fakeKind {
	return &fakeKind{work: func(context.Context, jobkind.Env) jobkind.Outcome {
		return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_UNREACHABLE, Stage: "connect", DeviceSaid: "\xff\xfe"}}
	}}
}

func checkLeaks(m *testing.M) int {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		println(err.Error())
		return 1
	}
	return code
}
